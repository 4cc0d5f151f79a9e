//! How log entries and key tokens lie in a store: one byte string for one value, and back.
//!
//! The bytes are made for a database behind a server, so they outlive the build that wrote them: what
//! the wire spells is written as the wire spells it, variants have numbers that never change, and a
//! field that is added is a compile error here. Reading is strict: bytes that are cut, or longer than
//! they should be, or name nothing known are no record. A log entry leaves only sealed under the root
//! key, because the credentials of custom key stores are in it; its position is sealed with it, so
//! that no entry can stand in another one's place.

mod bytes;
mod entry;
mod fields;
mod key;
mod key_store;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use bytes::{Reader, Record, Writer, list, lists, record, shared};

use crate::crypto::{CryptoBackend, CryptoFailure};
use crate::env::{Random, Timestamp};
use crate::hsm::RootKey;
use crate::name::RegionName;
use crate::state::{Change, LogEntry};
use crate::token::KeyToken;

const ENTRY: &[u8] = b"keyquake log entry 1";
const TOKEN: &[u8] = b"keyquake stored key token 1";
const TAG: usize = 16;

/// Why stored bytes are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// They are not what was written, or not for this place, or under another root key.
    Altered,
    /// They are genuine and name something that this build does not know.
    Unknown,
}

impl From<CryptoFailure> for Damage {
    fn from(_: CryptoFailure) -> Damage {
        Damage::Altered
    }
}

/// Who seals and opens the records of a Region.
#[derive(Clone, Copy)]
pub struct Scribe<'s> {
    /// Whose records.
    pub region: RegionName,
    /// What they are sealed under.
    pub root: &'s RootKey,
    /// What they are sealed with.
    pub backend: &'s dyn CryptoBackend,
}

impl Scribe<'_> {
    /// A log entry, sealed.
    pub fn seal_entry(&self, entry: &LogEntry, random: &mut dyn Random) -> Vec<u8> {
        let mut out = Writer::default();
        entry.id.write(&mut out);
        entry.committed.write(&mut out);
        entry.changes.write(&mut out);
        self.seal(entry.position, out.bytes(), random)
    }

    /// Bytes, sealed as the log entry of a position, whatever they are.
    pub fn seal(&self, position: u64, bytes: &[u8], random: &mut dyn Random) -> Vec<u8> {
        self.root.seal(ENTRY, &self.place(position), bytes, self.backend, random)
    }

    /// The log entry that was sealed for a position.
    ///
    /// # Errors
    /// When it was not, or holds what this build does not know.
    pub fn open_entry(&self, position: u64, sealed: &[u8]) -> Result<LogEntry, Damage> {
        let bytes = self.root.open(ENTRY, &self.place(position), sealed, self.backend)?;
        let (id, committed, changes): (u128, Timestamp, Vec<Change>) =
            read(bytes.as_bytes()).ok_or(Damage::Unknown)?;
        Ok(LogEntry { position, id, committed, changes })
    }

    /// A key token, authenticated. It is sealed under a domain key already.
    pub fn write_token(&self, token: &KeyToken) -> Vec<u8> {
        let mut out = Writer::default();
        token.write(&mut out);
        self.authenticate(out.bytes())
    }

    /// Bytes, authenticated as a key token, whatever they are.
    pub fn authenticate(&self, bytes: &[u8]) -> Vec<u8> {
        [bytes, &self.token_tag(bytes)].concat()
    }

    /// The key token that was written so.
    ///
    /// # Errors
    /// When it was not, or holds what this build does not know.
    pub fn read_token(&self, stored: &[u8]) -> Result<KeyToken, Damage> {
        let (bytes, tag) = stored.split_last_chunk::<TAG>().ok_or(Damage::Altered)?;
        if self.token_tag(bytes) != *tag {
            return Err(Damage::Altered);
        }
        read(bytes).ok_or(Damage::Unknown)
    }

    fn token_tag(&self, bytes: &[u8]) -> [u8; TAG] {
        self.root.tag(TOKEN, &[self.region.as_str().as_bytes(), bytes], self.backend)
    }

    fn place(&self, position: u64) -> Vec<u8> {
        [&position.to_be_bytes(), self.region.as_str().as_bytes()].concat()
    }
}

/// The value that all of these bytes are.
fn read<T: Record>(bytes: &[u8]) -> Option<T> {
    let mut input = Reader::new(bytes);
    let value = T::read(&mut input)?;
    input.is_empty().then_some(value)
}
