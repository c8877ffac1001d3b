//! Moving the log into the database file. SQLite would do it by itself after a commit and when the last connection is
//! closed, but then it keeps to itself what fails, tries it again and deletes the log once the second sync "succeeds".

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::failure::is_busy;

/// From how many pages on the log is moved: 16 MiB.
const LONG_LOG_PAGES: i64 = 4096;

/// Lets SQLite never checkpoint by itself on this connection.
pub(crate) fn forbid(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.execute_batch("PRAGMA wal_autocheckpoint = 0")
}

/// Moves the log if it is long, as far as nobody reads it. After an error nothing may be written or moved any more.
pub(crate) fn move_long_log(conn: &Connection) -> rusqlite::Result<()> {
    let log = look(conn, "NOOP")?;
    if log.n_pages > LONG_LOG_PAGES && log.n_moved < log.n_pages {
        look(conn, "PASSIVE")?;
    }
    Ok(())
}

/// Moves the whole log and tells whether it is empty now. While another process reads, the log stays. After an error
/// nothing may be written or moved any more.
pub(crate) fn empty_log(conn: &Connection) -> rusqlite::Result<bool> {
    match look(conn, "TRUNCATE") {
        Ok(log) => Ok(!log.is_busy),
        Err(error) if is_busy(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Lets SQLite delete the log with the last connection; to be called when it is empty.
pub(crate) fn allow_deletion(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
}

/// What a checkpoint says of the log.
struct Log {
    /// Whether another process was in the way: harmless, a later checkpoint moves the rest.
    is_busy: bool,
    n_pages: i64,
    n_moved: i64,
}

fn look(conn: &Connection, mode: &str) -> rusqlite::Result<Log> {
    conn.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?.query_row((), |row| {
        Ok(Log { is_busy: row.get::<_, i64>(0)? != 0, n_pages: row.get(1)?, n_moved: row.get(2)? })
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use super::{allow_deletion, empty_log, forbid, look, move_long_log};
    use rusqlite::Connection;

    fn written(file: &Path) -> Connection {
        let conn = Connection::open(file).unwrap();
        forbid(&conn).unwrap();
        conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)")
            .unwrap();
        conn
    }

    #[test]
    fn closing_moves_nothing_unless_the_log_was_emptied_before() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("db-wal");
        let conn = written(&dir.path().join("db"));
        drop(conn);
        assert_ne!(std::fs::metadata(&log).unwrap().len(), 0);
        let conn = written(&dir.path().join("other"));
        assert!(empty_log(&conn).unwrap());
        allow_deletion(&conn).unwrap();
        drop(conn);
        assert!(!dir.path().join("other-wal").exists());
    }

    #[test]
    fn a_log_that_is_read_stays_and_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let (file, log) = (dir.path().join("db"), dir.path().join("db-wal"));
        let conn = written(&file);
        let reader = Connection::open(&file).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        conn.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        conn.busy_timeout(Duration::ZERO).unwrap();
        move_long_log(&conn).unwrap();
        assert!(!empty_log(&conn).unwrap());
        forbid(&reader).unwrap();
        drop((reader, conn));
        assert_ne!(fs::metadata(&log).unwrap().len(), 0);
    }

    #[test]
    fn an_error_is_told_and_closing_does_not_try_again() {
        let dir = tempfile::tempdir().unwrap();
        let (file, log) = (dir.path().join("db"), dir.path().join("db-wal"));
        let conn = written(&file);
        conn.execute("INSERT INTO t VALUES (randomblob(1000000))", ()).unwrap();
        look(&conn, "PASSIVE").unwrap();
        conn.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        // SQLite refuses to move a log into a file that is too short for it.
        let whole = fs::read(&file).unwrap();
        let cut = fs::OpenOptions::new().write(true).open(&file).unwrap();
        cut.set_len(4096).unwrap();
        empty_log(&conn).unwrap_err();
        // The cause is gone, but nobody knows what the file holds.
        fs::write(&file, whole).unwrap();
        drop(conn);
        assert_ne!(fs::metadata(&log).unwrap().len(), 0);
    }
}
