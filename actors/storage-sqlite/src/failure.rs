//! Which error of SQLite means what.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use playhouse_journal::{CodecError, ReadError};
use playhouse_storage::StoreError;
use playhouse_types::RunId;
use rusqlite::ErrorCode;

/// Why nothing is written any more; kept for all later callers.
#[derive(Clone, Debug)]
pub(crate) enum WriteFailure {
    /// No room on the disk.
    Full,
    /// Another process has held the lock for this long.
    Busy(Duration),
    /// A newer version has changed the format.
    TooNew {
        /// Its format.
        found: u32,
        /// The newest one that this build knows.
        known: u32,
    },
    /// A write or sync failed.
    Failed(Arc<rusqlite::Error>),
    /// The store was opened for reading only.
    ReadOnly,
    /// The writer thread is gone, which only a panic in it can cause.
    Stopped,
}

impl From<rusqlite::Error> for WriteFailure {
    fn from(error: rusqlite::Error) -> Self {
        if is_full(&error) { Self::Full } else { Self::Failed(Arc::new(error)) }
    }
}

impl WriteFailure {
    pub(crate) fn into_store_error(self, dir: &Path) -> StoreError {
        let path = dir.to_owned();
        match self {
            Self::Full => StoreError::Full { path },
            Self::Busy(waited) => StoreError::Busy { path, waited },
            Self::TooNew { found, known } => StoreError::TooNew { path, found, known },
            Self::Failed(error) => StoreError::Failed { path, source: Box::new(error) },
            Self::ReadOnly => StoreError::Unusable { path, source: "it was opened for reading only".into() },
            Self::Stopped => StoreError::Failed { path, source: "the writer thread ended".into() },
        }
    }
}

/// Why something was not read.
#[derive(Debug)]
pub(crate) enum ReadFailure {
    /// No such run.
    Unknown(RunId),
    /// What is stored is damaged.
    Damaged(RunId, CodecError),
    /// SQLite could not read.
    Sql(rusqlite::Error),
    /// The reading task ended before its time, as when the runtime shuts down.
    Stopped(tokio::task::JoinError),
}

impl From<rusqlite::Error> for ReadFailure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl ReadFailure {
    pub(crate) fn into_read_error(self, dir: &Path) -> ReadError {
        let path = dir.to_owned();
        match self {
            Self::Unknown(run) => ReadError::UnknownRun { run },
            Self::Damaged(run, source) => ReadError::Corrupt { run, source },
            Self::Sql(error) => ReadError::Unavailable { path, source: Box::new(error) },
            Self::Stopped(error) => ReadError::Unavailable { path, source: Box::new(error) },
        }
    }
}

/// Tells whether another process holds a lock that we need: no failure, it is waited for.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Tells whether the system could not read or write: not a matter of rights or paths.
pub(crate) fn is_io(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// Tells whether the place refuses what a reader needs: a file beside the database, or the rights to one.
pub(crate) fn is_refused(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
        )
    )
}

/// Tells whether what is stored is damaged, as opposed to not reachable.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    let damaged = Some(ErrorCode::DatabaseCorrupt) == error.sqlite_error_code();
    damaged
        || matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..))
}
