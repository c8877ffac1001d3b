//! Reading a file that this process may not write, or that is on a full disk.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use playhouse_storage::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::failure::is_refused;
use crate::{checkpoint, schema};

/// How a connection that reads finds its way past the write-ahead log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Beside processes that write; needs a file for the index of the log, which SQLite makes if it is not there.
    Shared,
    /// The file alone, which nobody is taken to change. Only without a log.
    Alone,
}

/// Opens a connection that only reads.
pub(crate) fn connect(dir: &Path, access: Access) -> rusqlite::Result<Connection> {
    let conn = match access {
        Access::Shared => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(schema::file(dir), flags)?
        }
        Access::Alone => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            let uri = format!("file:{}?immutable=1", encoded(&schema::file(dir)));
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?
        }
    };
    conn.busy_timeout(schema::BUSY_TIMEOUT)?;
    // Whether the log may be moved into the file is the writer's decision.
    checkpoint::forbid(&conn)?;
    schema::configure_reader(&conn)?;
    Ok(conn)
}

/// Closes a connection that reads. An empty log and its index, made for reading, go with the last connection; a log that
/// holds something stays, as moving it is the matter of a writer.
pub(crate) fn close(dir: &Path, conn: Connection) {
    if !has_log(dir) {
        // Otherwise they stay, which harms nobody.
        let _ = checkpoint::allow_deletion(&conn);
    }
    drop(conn);
}

/// Writes a path as part of a URI (RFC 3986, section 2.1).
fn encoded(path: &Path) -> String {
    let encode = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    path.as_os_str().as_bytes().iter().map(encode).collect()
}

/// Finds out how the file in `dir` can be read; `None` if there is no store yet.
///
/// # Errors
/// [`StoreError::TooOld`], [`StoreError::TooNew`]; [`StoreError::Unusable`] if it is something else, may not be read, or has a
/// log that cannot be read here.
pub(crate) fn access(dir: &Path) -> Result<Option<Access>, StoreError> {
    match fs::metadata(schema::file(dir)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(schema::unusable(dir, error)),
        Ok(_) => schema::refuse_cut_off(dir)?,
    }
    let (conn, access) = match reach(dir, Access::Shared) {
        Ok(conn) => (conn, Access::Shared),
        Err(error) if is_refused(&error) && !has_log(dir) => {
            let conn = reach(dir, Access::Alone).map_err(|error| schema::failed(dir, error))?;
            (conn, Access::Alone)
        }
        Err(error) if is_refused(&error) => {
            let text = format!(
                "`{}` holds what was written last, and to read it a file has to be made beside it ({error}): make the directory writable, or name a copy of it that is",
                log(dir).display()
            );
            return Err(schema::unusable(dir, text));
        }
        Err(error) => return Err(schema::failed(dir, error)),
    };
    let format = format(&conn, dir);
    close(dir, conn);
    match (format?, schema::known()) {
        // The process that made it was not done.
        (0, _) => Ok(None),
        (found, known) if found < known as usize => {
            let found = u32::try_from(found).unwrap_or(0);
            Err(StoreError::TooOld { path: dir.to_owned(), found, known })
        }
        _ => Ok(Some(access)),
    }
}

/// Reads the format in one transaction: another process may be making the file this very moment.
fn format(conn: &Connection, dir: &Path) -> Result<usize, StoreError> {
    let tx = conn.unchecked_transaction().map_err(|error| schema::failed(dir, error))?;
    schema::format(&tx, dir)
}

/// Opens a connection as far as it reads the file: only then does SQLite look for the log.
fn reach(dir: &Path, access: Access) -> rusqlite::Result<Connection> {
    let conn = connect(dir, access)?;
    conn.query_row("PRAGMA schema_version", (), |_| Ok(()))?;
    Ok(conn)
}

fn log(dir: &Path) -> PathBuf {
    dir.join("playhouse.db-wal")
}

/// Tells whether there is a log that holds something. One that cannot be looked at counts as one.
fn has_log(dir: &Path) -> bool {
    match fs::metadata(log(dir)) {
        Ok(found) => found.len() > 0,
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::encoded;
    use std::path::Path;

    #[test]
    fn a_path_of_any_characters_is_part_of_a_uri() {
        assert_eq!(encoded(Path::new("/a b/c%?d#\u{fc}.db")), "/a%20b/c%25%3Fd%23%C3%BC.db");
    }
}
