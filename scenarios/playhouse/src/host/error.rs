//! Why a runtime does not open or a run does not go on, and the exit code that says so.

use playhouse_journal::ReadError;
use playhouse_messages::JournalError;
use playhouse_storage::{ClaimError, StoreError};
use playhouse_types::{ExitCode, RunId};

/// Why a runtime does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An option makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// An actor of the system did not start.
    #[error("the runtime could not start: {0}")]
    NotStarted(String),
}

impl OpenError {
    /// Returns the exit code for a command that meets this error.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Store(StoreError::Failed { .. } | StoreError::Full { .. } | StoreError::Busy { .. }) => {
                ExitCode::StoreFailed
            }
            Self::Store(_) | Self::Invalid(_) => ExitCode::Usage,
            Self::NotStarted(_) => ExitCode::Failed,
        }
    }
}

/// Why a run does not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The scenario, its input or the choice of a model makes no sense: nothing was written.
    #[error("{0}")]
    Invalid(String),
    /// The run cannot be ours.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal takes nothing.
    #[error("run `{run}`: {source}")]
    Journal {
        /// The run.
        run: RunId,
        /// Why.
        source: JournalError,
    },
    /// The store failed; what is on record is safe.
    #[error("{0}; what is on record is safe: once the cause is mended, go on with `playhouse resume --all`")]
    StoreFailed(String),
    /// A set of tools cannot be opened.
    #[error("the tools of scenario `{scenario}` cannot be opened: {reason}")]
    Tools {
        /// The scenario.
        scenario: String,
        /// Why.
        reason: String,
    },
    /// The runtime is closing.
    #[error("the runtime is closing")]
    Closing,
}

impl RunError {
    /// Returns the exit code for a command that meets this error.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Invalid(_) | Self::Read(ReadError::UnknownRun { .. }) => ExitCode::Usage,
            Self::Claim(ClaimError::UnknownRun { .. }) => ExitCode::Usage,
            Self::StoreFailed(_)
            | Self::Claim(ClaimError::Store(_))
            | Self::Journal { source: JournalError::StoreFailed, .. } => ExitCode::StoreFailed,
            Self::Closing => ExitCode::Interrupted,
            _ => ExitCode::Failed,
        }
    }
}
