//! Why a store cannot be opened or written, in one sentence that says what would help.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why a store cannot be opened or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Another process has it open.
    InUse(PathBuf),
    /// The file is something else.
    Foreign(PathBuf),
    /// The file has a schema that this build does not know.
    Schema {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: i64,
        /// The version this build knows.
        known: i64,
    },
    /// The root key is not the one the store was made with.
    WrongRootKey(PathBuf),
    /// There is a store but no root key.
    NoRootKey(PathBuf),
    /// Others can read the root key.
    OpenRootKey {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What should be a root key is none; where it is.
    MalformedRootKey(String),
    /// The store has other Regions than those that were named.
    OtherRegions {
        /// The file.
        path: PathBuf,
        /// The Regions in it.
        found: String,
    },
    /// What was written cannot be read any more.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What and where.
        what: String,
    },
    /// The folder of the store, or the database in it, cannot be made or written.
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        why: String,
    },
    /// The database or the operating system says no.
    Failed {
        /// The file or folder.
        path: PathBuf,
        /// What it says.
        why: String,
    },
}

impl StoreError {
    /// What the database says of a file.
    pub(super) fn of(path: &Path, error: &rusqlite::Error) -> StoreError {
        use rusqlite::ErrorCode as Code;
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => StoreError::InUse(path),
            Some(Code::NotADatabase) => StoreError::Foreign(path),
            Some(Code::DatabaseCorrupt) => StoreError::Damaged { path, what: error.to_string() },
            _ => StoreError::Failed { path, why: error.to_string() },
        }
    }

    /// What the operating system says of a file.
    pub(super) fn file(path: &Path, error: &std::io::Error) -> StoreError {
        StoreError::Failed { path: path.to_owned(), why: error.to_string() }
    }

    /// What the operating system says when a store is to be made or written there.
    pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> StoreError {
        StoreError::Unwritable { path: path.to_owned(), why: error.to_string() }
    }

    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { path: path.to_owned(), what: what.into() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::InUse(path) => write!(
                f,
                "{} is in use by another server; stop that one, or take another folder",
                path.display()
            ),
            StoreError::Foreign(path) => {
                write!(f, "{} is no keyquake store; take another folder", path.display())
            }
            StoreError::Schema { path, found, known } => write!(
                f,
                "{} has schema {found}, and this build knows schema {known}; use the build that \
                 wrote it",
                path.display()
            ),
            StoreError::WrongRootKey(path) => write!(
                f,
                "{} was made with another root key; name the right one with --root-key",
                path.display()
            ),
            StoreError::NoRootKey(path) => write!(
                f,
                "{} is missing, without which the store beside it cannot be read; put it back, or \
                 name the root key with --root-key",
                path.display()
            ),
            StoreError::OpenRootKey { path, mode } => write!(
                f,
                "others can read the root key {0} (mode {mode:04o}); chmod 600 {0}",
                path.display()
            ),
            StoreError::MalformedRootKey(place) => {
                write!(f, "{place} holds no root key, which is 64 hexadecimal digits")
            }
            StoreError::OtherRegions { path, found } => write!(
                f,
                "{} has the Regions {found}; --regions names the same ones or is left out",
                path.display()
            ),
            StoreError::Damaged { path, what } => {
                write!(f, "{} is damaged: {what}; restore it from a backup", path.display())
            }
            StoreError::Unwritable { path, why } => write!(
                f,
                "cannot make or write {}: {why}; --data names a folder that can be made and written",
                path.display()
            ),
            StoreError::Failed { path, why } => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for StoreError {}
