//! Opening the file: settings, format, migrations.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use playhouse_storage::{RESERVE_BYTES, StoreError};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, ffi};

use crate::checksum::{COMMAND, RUN, SNAPSHOT};
use crate::failure::{is_busy, is_full, is_io};
use crate::{SqliteOptions, checkpoint, owner, reserve};

/// What leads from one format to the next.
struct Step {
    sql: &'static str,
    /// What SQL cannot do.
    then: fn(&Connection) -> rusqlite::Result<()>,
}

const STEPS: &[Step] = &[
    Step { sql: include_str!("schema/step_1.sql"), then: |_| Ok(()) },
    Step { sql: include_str!("schema/step_2.sql"), then: seal_all },
    Step { sql: include_str!("schema/step_3.sql"), then: |_| Ok(()) },
];

/// Gives the rows of format 1 their checksums. What was damaged before cannot be told; records verify all the same.
fn seal_all(conn: &Connection) -> rusqlite::Result<()> {
    [RUN, SNAPSHOT, COMMAND].iter().try_for_each(|sealed| sealed.seal_all(conn))
}

/// Marks the file as ours (`PLAY`), for `file` and for the check below.
const APPLICATION_ID: i64 = 0x504c_4159;

/// A small page makes a small commit cheap: the log takes whole pages.
const PAGE_BYTES: u64 = 4096;

/// How long a reader waits for a lock; locks are held for milliseconds.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How often another process may open a new file at the same moment before we give up.
const N_WAL_TRIES: u32 = 20;

/// More statements than a connection ever prepares.
const N_STATEMENTS: usize = 48;

pub(crate) fn file(dir: &Path) -> PathBuf {
    dir.join("playhouse.db")
}

/// Opens the connection that writes, and brings the file to the format of this build.
pub(crate) fn open_writer(dir: &Path, options: &SqliteOptions) -> Result<Connection, StoreError> {
    let failed = |error| failed(dir, error);
    refuse_cut_off(dir)?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file(dir), flags).map_err(failed)?;
    checkpoint::forbid(&conn).map_err(failed)?;
    conn.busy_timeout(BUSY_TIMEOUT.min(options.lock_timeout)).map_err(failed)?;
    // Before anything is changed: the file may belong to a newer version or to another program.
    {
        // In one transaction: another process may be making the file this very moment.
        let tx = conn.unchecked_transaction().map_err(failed)?;
        format(&tx, dir)?;
    }
    configure(&conn, options).map_err(failed)?;
    migrate(&conn, dir)?;
    Ok(conn)
}

/// Refuses a file that was cut off to nothing, which SQLite would take for a new one.
pub(crate) fn refuse_cut_off(dir: &Path) -> Result<(), StoreError> {
    if fs::metadata(file(dir)).is_ok_and(|found| found.len() == 0) && reserve::exists(dir) {
        let text = format!("`{}` was cut off to nothing: put back a copy", file(dir).display());
        return Err(unusable(dir, io::Error::other(text)));
    }
    Ok(())
}

/// Opens the bytes of a file, in memory and for reading only, as far as a file with these bytes would be opened.
pub(crate) fn open_bytes(bytes: &[u8], dir: &Path) -> Result<Connection, StoreError> {
    let failed = |error| failed(dir, error);
    let mut bytes = bytes.to_vec();
    // Bytes in memory cannot have a log; the marks that ask for one are replaced (the format's version numbers).
    for mark in bytes.iter_mut().skip(18).take(2).filter(|mark| **mark == 2) {
        *mark = 1;
    }
    let mut conn = Connection::open_in_memory().map_err(failed)?;
    conn.deserialize_read_exact("main", &*bytes, bytes.len(), true).map_err(failed)?;
    configure_reader(&conn).map_err(failed)?;
    if format(&conn, dir)? == STEPS.len() {
        Ok(conn)
    } else {
        Err(unusable(dir, "it has no tables, or those of an older format"))
    }
}

pub(crate) fn configure_reader(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("PRAGMA query_only = ON; PRAGMA cell_size_check = ON")?;
    conn.set_prepared_statement_cache_capacity(N_STATEMENTS);
    Ok(())
}

pub(crate) fn failed(dir: &Path, error: rusqlite::Error) -> StoreError {
    let path = dir.to_owned();
    match error {
        error if is_full(&error) => StoreError::Full { path },
        error if is_io(&error) => StoreError::Failed { path, source: Box::new(error) },
        error if is_busy(&error) => StoreError::Busy { path, waited: BUSY_TIMEOUT },
        error => unusable(dir, error),
    }
}

pub(crate) fn unusable(dir: &Path, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Unusable { path: dir.to_owned(), source: source.into() }
}

fn configure(conn: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    conn.execute_batch(&format!("PRAGMA page_size = {PAGE_BYTES}"))?;
    enter_wal(conn)?;
    // A run's last page should be in the cache (16 MiB) when its next record comes, and an idle store
    // keeps 64 MiB of log at most.
    // `fullfsync` matters on macOS only, where `fsync` leaves data in the drive's cache.
    conn.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA cache_size = -16384;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    if let Some(bytes) = options.max_size_bytes {
        conn.execute_batch(&format!("PRAGMA max_page_count = {}", (bytes / PAGE_BYTES).max(1)))?;
    }
    conn.set_prepared_statement_cache_capacity(N_STATEMENTS);
    Ok(())
}

/// Lets a file with a limit grow by what is held back for the last commit.
pub(crate) fn raise_limit(conn: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    let Some(bytes) = options.max_size_bytes else { return Ok(()) };
    let n_pages = (bytes + RESERVE_BYTES) / PAGE_BYTES;
    conn.execute_batch(&format!("PRAGMA max_page_count = {n_pages}"))
}

/// Returns the format of an open file.
pub(crate) fn version(conn: &Connection) -> rusqlite::Result<u32> {
    conn.prepare_cached("PRAGMA user_version")?.query_row((), |row| row.get(0))
}

/// Switches to the write-ahead log. SQLite does not wait for a lock here, so we wait by a transaction of our own.
fn enter_wal(conn: &Connection) -> rusqlite::Result<()> {
    for _ in 0..N_WAL_TRIES {
        match ask_for_wal(conn) {
            Err(error) if is_busy(&error) => conn.execute_batch("BEGIN IMMEDIATE; COMMIT")?,
            outcome => return outcome,
        }
    }
    ask_for_wal(conn)
}

/// SQLite answers with the mode it stays in instead of an error, also after a sync that failed.
fn ask_for_wal(conn: &Connection) -> rusqlite::Result<()> {
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode == "wal" {
        return Ok(());
    }
    let text = format!("the write-ahead log could not be begun, the mode stays `{mode}`");
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR), Some(text)))
}

/// Brings the file to the format of this build, all at once: nobody who reads meanwhile meets a format in between.
fn migrate(conn: &Connection, dir: &Path) -> Result<(), StoreError> {
    let failed = |error| failed(dir, error);
    let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate).map_err(failed)?;
    let version = format(&tx, dir)?;
    if version == STEPS.len() {
        return Ok(());
    }
    refuse_in_use(dir, version)?;
    for step in STEPS.iter().skip(version) {
        tx.execute_batch(step.sql).and_then(|()| (step.then)(&tx)).map_err(failed)?;
    }
    tx.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}", known()))
        .map_err(failed)?;
    tx.commit().map_err(failed)
}

/// Another process would go on writing in the older format. The caller holds the write lock, so that none enters.
fn refuse_in_use(dir: &Path, version: usize) -> Result<(), StoreError> {
    let living = owner::living(dir).map_err(|error| unusable(dir, error))?;
    if living.is_empty() {
        return Ok(());
    }
    let owners = living.iter().map(|boot| format!("`{boot}`")).collect::<Vec<_>>().join(", ");
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    Err(StoreError::InUse { path: dir.to_owned(), found, known: known(), owners })
}

/// Returns the newest format that this build knows.
pub(crate) fn known() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

/// Returns the format of an open file if another process has made it one that this build must not write.
pub(crate) fn newer(conn: &Connection) -> rusqlite::Result<Option<(u32, u32)>> {
    let found = version(conn)?;
    Ok((found > known()).then(|| (found, known())))
}

/// Returns how many steps the file has behind it, if this build may use it.
pub(crate) fn format(conn: &Connection, dir: &Path) -> Result<usize, StoreError> {
    let number =
        |sql| conn.query_row(sql, (), |row| row.get::<_, i64>(0)).map_err(|error| failed(dir, error));
    let application_id = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let is_empty = number("SELECT count(*) FROM sqlite_schema")? == 0;
    let is_new = is_empty && application_id == 0 && version == 0;
    if application_id != APPLICATION_ID && !is_new {
        let text = format!("`{}` belongs to another program", file(dir).display());
        return Err(unusable(dir, io::Error::other(text)));
    }
    let known = known();
    match u32::try_from(version) {
        Ok(found) if found > known => Err(StoreError::TooNew { path: dir.to_owned(), found, known }),
        Ok(found) => Ok(found as usize),
        Err(error) => Err(unusable(dir, error)),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_that_cannot_have_a_log_is_refused() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        super::enter_wal(&conn).unwrap_err();
    }
}
