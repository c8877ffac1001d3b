//! The index of effects that several runs may mean.

use playhouse_journal::CodecError;
use playhouse_types::{CallId, RunId, Seq};

/// What is known of an effect that a call means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntentState {
    /// It may happen at any time.
    Open,
    /// It has happened; the record has the answer.
    Done,
    /// It has surely not happened and will not.
    Failed,
    /// Nobody knows.
    InDoubt,
}

/// One call that means an effect, as an index over all runs keeps it; committed with the record that says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IntentRow {
    /// The intent key: calls with the same key mean the same effect.
    pub key: String,
    /// The run of the append that holds the row.
    pub run: RunId,
    /// The call; it has one row.
    pub call: CallId,
    /// The newest record about its effect.
    pub seq: Seq,
    /// What that record says.
    pub state: IntentState,
}

impl IntentRow {
    /// The name of such rows in errors.
    pub const PART: &str = "intent";

    /// Tells whether `run` must not do the same again without knowing more.
    #[must_use]
    pub fn stands_in_the_way_of(&self, run: RunId) -> bool {
        // Of its own calls a run knows more than what is committed.
        self.run != run && self.state != IntentState::Failed
    }

    /// Returns the error of a store that does not find an intent that must be there.
    #[must_use]
    pub const fn lost() -> CodecError {
        CodecError::Damaged { part: Self::PART }
    }
}
