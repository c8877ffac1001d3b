//! Reading a journal, whoever keeps it.

use std::path::PathBuf;

use futures::future::{BoxFuture, ready};
use playhouse_types::{RunId, Seq};

use crate::{CodecError, Record, RunRow};

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No run has this id.
    #[error("there is no run `{run}`; `playhouse runs` lists those there are")]
    UnknownRun {
        /// The id.
        run: RunId,
    },
    /// A record is damaged or of a newer version: the run is refused, others are not affected.
    #[error("run `{run}`: {source}")]
    Corrupt {
        /// The run.
        run: RunId,
        /// Which record, and what is wrong with it.
        source: CodecError,
    },
    /// The store does not answer; safe to retry.
    #[error("the store at `{path}` cannot be read")]
    Unavailable {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A run whose row cannot be read, so that it is in no listing.
///
/// The row is a projection: records that still verify tell all of it but its key, without which large bodies cannot be
/// checked. A person restores the store from a copy, or goes on without the run; nothing is guessed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("run `{run}`: {source}")]
pub struct DamagedRun {
    /// The run, as far as it can be told.
    pub run: RunId,
    /// What is wrong with its row.
    pub source: CodecError,
}

/// Read access to runs and their records, for everybody: fold, command line, trace, audit.
pub trait JournalRead: Send + Sync {
    /// Returns the row of one run.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`] if the row is damaged; [`ReadError::Unavailable`], safe to retry.
    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<RunRow>, ReadError>>;

    /// Returns the rows of all runs that can be read, oldest first; [`damaged_runs`](JournalRead::damaged_runs) names
    /// the others, which must not keep these from being served.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`], safe to retry.
    fn runs(&self) -> BoxFuture<'_, Result<Vec<RunRow>, ReadError>>;

    /// Returns the runs that [`runs`](JournalRead::runs) leaves out because their rows are damaged. A store that keeps
    /// rows where nothing can damage them has none.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`], safe to retry.
    fn damaged_runs(&self) -> BoxFuture<'_, Result<Vec<DamagedRun>, ReadError>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    /// Returns at most `limit` records of a run that follow `after` (`Seq(0)` for the first), oldest first, each checked
    /// against its hash, its predecessor and its body's address.
    ///
    /// # Errors
    /// [`ReadError::UnknownRun`]; [`ReadError::Corrupt`] names the record; [`ReadError::Unavailable`], safe to retry.
    fn records(&self, run: RunId, after: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>>;
}
