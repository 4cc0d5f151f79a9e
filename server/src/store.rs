//! The store: one SQLite database with the log, the key tokens and the sealed secrets of every Region.
//!
//! ```text
//! region   name, what its HSM and its operators are (sealed), when it began
//! log      region, position → log entry (sealed)         gap-free, written once
//! token    region, id → key token (authenticated)        re-encrypted and erased in place
//! ```
//! Nothing is answered before it is durable: the write-ahead log is synchronised at every commit, and
//! what is asked for at the same time is committed at once. The database is locked as long as it is
//! open. All that is secret in it is sealed under a root key that lies outside.
//!
//! Deletion is erasure. SQLite's `secure_delete` overwrites what is deleted, but copies that moved when
//! pages were balanced stay in the gaps of pages that are still in use. So whoever erases a key token
//! has all the others copied to a new table, the old one's pages zeroed, and the write-ahead log cut.

mod database;
mod error;
mod journal;
mod load;
mod root_key;
#[cfg(test)]
mod tests;

pub use error::StoreError;
pub(crate) use journal::{Journal, Write};
pub(crate) use load::Loaded;
pub use root_key::RootKeySource;

use kms_core::crypto::{CryptoBackend, SecretKey};
use kms_core::env::{Random, Timestamp};
use kms_core::hsm::{Custody, RootKey};
use kms_core::name::RegionName;
use kms_core::record::Scribe;
use kms_core::state::LogEntry;
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file of the database in its folder.
pub const DATABASE: &str = "keyquake.db";
/// The file of the root key in the same folder, unless another one is named.
pub const ROOT_KEY: &str = "root.key";

const GRANT_TOKEN_KEY: &str = "grant token key of ";

/// An open store. Nobody else can open it meanwhile.
pub struct Store {
    connection: Connection,
    path: PathBuf,
    root: RootKey,
    backend: Arc<dyn CryptoBackend>,
    regions: Vec<RegionName>,
}

/// What a Region begins with and keeps for ever.
#[derive(Clone, Debug)]
pub(crate) struct Founding {
    pub(crate) region: RegionName,
    pub(crate) custody: Custody,
    /// What its grant tokens are recognised by.
    pub(crate) grant_token_key: SecretKey,
    /// Since when its log has uses of keys.
    pub(crate) began: Timestamp,
}

impl Store {
    /// Opens the store in a folder, or makes the folder ready for one.
    ///
    /// # Errors
    /// See [`StoreError`]; whatever was there is as it was.
    pub fn open(
        folder: &Path,
        root_key: &RootKeySource,
        backend: Arc<dyn CryptoBackend>,
    ) -> Result<Store, StoreError> {
        let path = folder.join(DATABASE);
        database::make_folder(folder)?;
        let connection = database::open(&path)?;
        let known = database::check(&connection, &path)?;
        let root = match &known {
            Some(fingerprint) => {
                root_key.read(folder)?.is(*fingerprint, backend.as_ref(), &path)?
            }
            None => root_key.read_or_make(folder)?,
        };
        if known.is_none() {
            database::create(&connection, &root.fingerprint(backend.as_ref()))
                .map_err(|error| StoreError::of(&path, &error))?;
        }
        database::begin(&connection).map_err(|error| StoreError::of(&path, &error))?;
        let regions = load::regions(&connection, &path)?;
        Ok(Store { connection, path, root, backend, regions })
    }

    /// The Regions in it; none, if it is new.
    pub fn regions(&self) -> &[RegionName] {
        &self.regions
    }

    /// The file of the database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down that these Regions begin, each with its first entry: all or none.
    pub(crate) fn found(
        &mut self,
        foundings: &[(Founding, LogEntry)],
        random: &mut dyn Random,
    ) -> Result<(), StoreError> {
        self.regions = foundings.iter().map(|(founding, _)| founding.region).collect();
        let transaction = self.connection.unchecked_transaction();
        let written = transaction.and_then(|transaction| {
            for (number, (founding, entry)) in foundings.iter().enumerate() {
                self.insert_region(number, founding, random)?;
                let sealed = self.scribe(founding.region).seal_entry(entry, random);
                database::insert_entry(&self.connection, number, entry.position, &sealed)?;
            }
            transaction.commit()
        });
        written.map_err(|error| StoreError::of(&self.path, &error))
    }

    fn insert_region(
        &self,
        number: usize,
        founding: &Founding,
        random: &mut dyn Random,
    ) -> rusqlite::Result<()> {
        let (region, backend) = (founding.region, self.backend.as_ref());
        let custody = founding.custody.seal(region, &self.root, backend, random);
        let purpose = format!("{GRANT_TOKEN_KEY}{region}");
        let key = self.root.wrap(&founding.grant_token_key, &purpose, backend, random);
        let began = i64::try_from(founding.began.as_micros()).unwrap_or(i64::MAX);
        let insert = "INSERT INTO region VALUES (?, ?, ?, ?, ?)";
        let number = database::integer(number as u64);
        self.connection
            .execute(insert, params![number, region.as_str(), custody, key, began])
            .map(drop)
    }

    fn scribe(&self, region: RegionName) -> Scribe<'_> {
        Scribe { region, root: &self.root, backend: self.backend.as_ref() }
    }

    /// From here on the store is written by a journal.
    pub(crate) fn into_journal(self) -> Arc<Journal> {
        Journal::start(self)
    }
}
