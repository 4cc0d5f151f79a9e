//! Reading a store back: every entry in its place, every key token that a key needs.

use super::{Founding, GRANT_TOKEN_KEY, Store, StoreError, database};
use kms_core::Kms;
use kms_core::env::Timestamp;
use kms_core::hsm::Custody;
use kms_core::kms::Settings;
use kms_core::name::RegionName;
use kms_core::record::Damage;
use kms_core::token::TokenChange;
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::Arc;

/// A Region as the store has it.
pub(crate) struct Loaded {
    pub(crate) founding: Founding,
    pub(crate) kms: Kms,
}

/// The Regions of a database, in the order they were founded in.
pub(super) fn regions(connection: &Connection, path: &Path) -> Result<Vec<RegionName>, StoreError> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut select = connection.prepare("SELECT name FROM region ORDER BY number")?;
        select.query_map([], |row| row.get(0))?.collect()
    };
    let names = read().map_err(|error| StoreError::of(path, &error))?;
    let parse = |name: &String| {
        let unknown = || StoreError::damaged(path, format!("there is no Region {name:?}"));
        RegionName::parse(name).ok_or_else(unknown)
    };
    names.iter().map(parse).collect()
}

impl Store {
    /// How many entries there are to read.
    pub fn entries(&self) -> Result<u64, StoreError> {
        let count = "SELECT coalesce(sum(last), 0)
                     FROM (SELECT max(position) AS last FROM log GROUP BY region)";
        let count = self.connection.query_row(count, [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs).map_err(|error| self.error(&error))
    }

    /// Reads a Region: how it began, and its KMS at the end of its log. `progress` is called for
    /// every entry.
    pub(crate) fn load(
        &self,
        number: usize,
        settings: &Settings,
        progress: &mut dyn FnMut(),
    ) -> Result<Loaded, StoreError> {
        let region = self.regions[number];
        let founding = self.founding(number, region)?;
        let grant_token_key = founding.grant_token_key.clone();
        let uses_tracked_since = founding.began;
        let settings = Settings { grant_token_key, uses_tracked_since, ..settings.clone() };
        let mut kms = Kms::new(region, settings);
        self.load_log(number, &mut kms, progress)?;
        self.load_tokens(number, &mut kms)?;
        self.must_be_whole(&kms)?;
        Ok(Loaded { founding, kms })
    }

    fn founding(&self, number: usize, region: RegionName) -> Result<Founding, StoreError> {
        let select = "SELECT custody, grant_token_key, began FROM region WHERE number = ?";
        let number = database::integer(number as u64);
        let row = self.connection.query_row(select, params![number], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, i64>(2)?))
        });
        let (custody, key, began) = row.map_err(|error| self.error(&error))?;
        let backend = self.backend.as_ref();
        let altered = |_| self.damaged(format!("the secrets of {region} do not open"));
        let custody = Custody::open(&custody, region, &self.root, backend).map_err(altered)?;
        let purpose = format!("{GRANT_TOKEN_KEY}{region}");
        let grant_token_key = self.root.unwrap(&key, &purpose, backend).map_err(altered)?;
        let began = Timestamp::from_micros(began.unsigned_abs());
        Ok(Founding { region, custody, grant_token_key, began })
    }

    fn load_log(
        &self,
        number: usize,
        kms: &mut Kms,
        progress: &mut dyn FnMut(),
    ) -> Result<(), StoreError> {
        let (region, scribe) = (self.regions[number], self.scribe(self.regions[number]));
        let select = "SELECT position, entry FROM log WHERE region = ? ORDER BY position";
        self.each(select, number, |row| {
            let position = row.get::<_, i64>(0).map_err(|error| self.error(&error))?;
            let expected = kms.state().position() + 1;
            if position != database::integer(expected) {
                return Err(self.damaged(format!("entry {expected} of {region} is missing")));
            }
            let sealed = row.get_ref(1).and_then(|value| Ok(value.as_blob()?));
            let sealed = sealed.map_err(|error| self.error(&error))?;
            let what = format!("entry {expected} of {region}");
            let entry = scribe.open_entry(expected, sealed);
            kms.apply(&entry.map_err(|damage| self.unreadable(&what, damage))?);
            progress();
            Ok(())
        })
    }

    fn load_tokens(&self, number: usize, kms: &mut Kms) -> Result<(), StoreError> {
        let (region, scribe) = (self.regions[number], self.scribe(self.regions[number]));
        self.each("SELECT token FROM token WHERE region = ? ORDER BY id", number, |row| {
            let stored = row.get_ref(0).and_then(|value| Ok(value.as_blob()?));
            let stored = stored.map_err(|error| self.error(&error))?;
            let what = format!("a key token of {region}");
            let token = scribe.read_token(stored);
            let token = token.map_err(|damage| self.unreadable(&what, damage))?;
            kms.apply_token(&TokenChange::Put(Arc::new(token)));
            Ok(())
        })
    }

    /// Runs a query about a Region and goes through its rows.
    fn each(
        &self,
        sql: &str,
        number: usize,
        mut take: impl FnMut(&rusqlite::Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.connection.prepare(sql);
        let mut statement = statement.map_err(|error| self.error(&error))?;
        let rows = statement.query(params![database::integer(number as u64)]);
        let mut rows = rows.map_err(|error| self.error(&error))?;
        while let Some(row) = rows.next().map_err(|error| self.error(&error))? {
            take(row)?;
        }
        Ok(())
    }

    /// Whether there is a domain, and every key token that a key names is there.
    fn must_be_whole(&self, kms: &Kms) -> Result<(), StoreError> {
        let region = kms.state().region();
        if kms.state().domain().is_none() {
            return Err(self.damaged(format!("the log of {region} is empty")));
        }
        let lacking = kms.state().keys_after(None).find_map(|key| {
            let lost = key.tokens().find(|token| kms.tokens().get(key.id(), *token).is_none());
            lost.map(|token| (key.arn, token))
        });
        match lacking {
            Some((key, token)) => Err(self.damaged(format!("{key} has lost key token {token}"))),
            None => Ok(()),
        }
    }

    fn unreadable(&self, what: &str, damage: Damage) -> StoreError {
        self.damaged(match damage {
            Damage::Altered => format!("{what} is not what was written"),
            Damage::Unknown => format!("{what} holds what this build does not know"),
        })
    }

    fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::damaged(&self.path, what)
    }

    fn error(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::of(&self.path, error)
    }
}
