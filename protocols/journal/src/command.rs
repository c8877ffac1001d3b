//! Commands from outside: any process may ask, only the owner of the run acts.

use futures::future::BoxFuture;
use playhouse_types::{ReviewId, RunId, Verdict};
use serde::{Deserialize, Serialize};

use crate::ReadError;

/// Names a command for ever: submitting it twice has one effect.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub String);

/// What can be asked of a run. Append, never reorder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// End the run now.
    Cancel {
        /// Why, for the record.
        reason: String,
    },
    /// Answer a review.
    Decide {
        /// Which one.
        review: ReviewId,
        /// The answer.
        verdict: Verdict,
        /// Who gives it.
        by: String,
        /// The subject that was looked at; an answer to another subject is refused. `None` to take it as it is.
        subject_hash: Option<[u8; 32]>,
    },
    /// Give no further turns until the run is told to go on.
    Pause,
    /// Go on after a pause.
    Unpause,
    /// Say something in the conversation: agents see it from their next turn on.
    Inject {
        /// What is said, in full; not empty.
        text: String,
        /// Who says it.
        by: String,
    },
    /// Give no further turns: what is under way ends, and then the run, with what was done so far.
    ///
    /// It ends as `limited`, not as `cancelled`: nothing was cut short, so what was done is as good as at any other
    /// bound, and a batch counts it so. A planned end that the last turn reaches comes first.
    Stop {
        /// Why, for the record.
        reason: String,
    },
    /// Meets the conditions that wait for this signal.
    Signal {
        /// Its name.
        name: String,
    },
}

/// A command that waits for the run's owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingCommand {
    /// Its id.
    pub id: CommandId,
    /// What is asked.
    pub command: Command,
}

/// Where any process leaves commands for a run that it does not own.
///
/// The owner journals a command and acknowledges it in one transaction.
pub trait CommandInbox: Send + Sync {
    /// Leaves a command; a second time under one id changes nothing.
    ///
    /// # Errors
    /// [`ReadError`] if the run is unknown or the store cannot be used; safe to retry with the same id.
    fn submit(&self, run: RunId, id: CommandId, command: Command) -> BoxFuture<'_, Result<(), ReadError>>;

    /// Returns the commands that wait for `run`, oldest first.
    ///
    /// # Errors
    /// [`ReadError`] if the store cannot be read; safe to retry.
    fn pending(&self, run: RunId) -> BoxFuture<'_, Result<Vec<PendingCommand>, ReadError>>;
}
