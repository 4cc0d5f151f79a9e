//! The database file: how it is opened, locked, recognised and laid out.

use super::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a database of keyquake is recognised by, in the header of the file.
const APPLICATION: i64 = 0x6b71_6b73;
/// The schema that this build reads and writes.
pub(super) const SCHEMA: i64 = 1;

const TABLES: &str = "
CREATE TABLE root_key (fingerprint BLOB NOT NULL) STRICT;
CREATE TABLE region (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    custody BLOB NOT NULL,
    grant_token_key BLOB NOT NULL,
    began INTEGER NOT NULL
) STRICT;
CREATE TABLE log (
    region INTEGER NOT NULL,
    position INTEGER NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (region, position)
) STRICT, WITHOUT ROWID;
";

/// The table of key tokens, by the name it has at the time.
fn token_table(name: &str) -> String {
    format!(
        "CREATE TABLE {name} (
            region INTEGER NOT NULL,
            id BLOB NOT NULL,
            epoch INTEGER NOT NULL,
            token BLOB NOT NULL,
            PRIMARY KEY (region, id)
        ) STRICT, WITHOUT ROWID;"
    )
}

/// A number as SQLite has it; nothing here counts beyond.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Makes the folder, if it is not there, for its owner alone.
pub(super) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| StoreError::unwritable(folder, &error))
}

/// Makes sure that a new file is found again after a loss of power.
pub(super) fn synchronise_folder(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        return std::fs::File::open(folder)?.sync_all();
    }
    Ok(())
}

/// Opens and locks a database; a file that is not there is made. One whose last session was not closed
/// keeps its write-ahead log if this one ends before [`begin`].
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path).map_err(|error| StoreError::unwritable(path, &error))?);
    let unfinished = std::fs::metadata(write_ahead_log(path)).is_ok_and(|log| log.len() > 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(Duration::ZERO)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, unfinished)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
        Ok(connection)
    });
    opened.map_err(|error| StoreError::of(path, &error))
}

/// The file that SQLite keeps beside a database.
fn write_ahead_log(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// Whether it is a database of ours: the fingerprint of its root key, or nothing if it is empty.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<Option<[u8; 16]>, StoreError> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let read = || -> rusqlite::Result<_> {
        let tables = number("SELECT count(*) FROM sqlite_schema")?;
        Ok((tables, number("PRAGMA application_id")?, number("PRAGMA user_version")?))
    };
    match read().map_err(|error| StoreError::of(path, &error))? {
        (0, 0, 0) => Ok(None),
        (_, APPLICATION, SCHEMA) => {
            let fingerprint = connection
                .query_row("SELECT fingerprint FROM root_key", [], |row| row.get(0))
                .map_err(|error| StoreError::of(path, &error))?;
            Ok(Some(fingerprint))
        }
        (_, APPLICATION, found) => {
            Err(StoreError::Schema { path: path.to_owned(), found, known: SCHEMA })
        }
        _ => Err(StoreError::Foreign(path.to_owned())),
    }
}

/// Lays an empty database out.
pub(super) fn create(connection: &Connection, fingerprint: &[u8; 16]) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let transaction = connection.unchecked_transaction()?;
    connection.execute_batch(TABLES)?;
    connection.execute_batch(&token_table("token"))?;
    connection.execute("INSERT INTO root_key VALUES (?)", params![fingerprint])?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()
}

/// Sets what every session has, and finishes what the last one may have begun.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(32);
    truncate(connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
}

/// Moves everything from the write-ahead log into the database, and empties the file.
pub(super) fn truncate(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Leaves the database in one file, as somebody who copies it expects it.
pub(super) fn close(connection: Connection) -> rusqlite::Result<()> {
    truncate(&connection)?;
    connection.close().map_err(|(_, error)| error)
}

/// Copies the key tokens that are left to a new table, so that nothing of the others is anywhere.
pub(super) fn rewrite_tokens(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&token_table("kept"))?;
    connection.execute_batch(
        "INSERT INTO kept SELECT * FROM token ORDER BY region, id;
         DROP TABLE token;
         ALTER TABLE kept RENAME TO token;",
    )
}

/// Writes a log entry.
pub(super) fn insert_entry(
    connection: &Connection,
    region: usize,
    position: u64,
    sealed: &[u8],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("INSERT INTO log VALUES (?, ?, ?)")?;
    insert.execute(params![integer(region as u64), integer(position), sealed]).map(drop)
}
