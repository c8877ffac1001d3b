//! The key of a record: its place in the conversation, unique in its run.

use std::fmt;

use playhouse_types::{ReviewId, Step, TurnId};
use serde::{Deserialize, Serialize};

/// What a record says happened. The order is part of the stored form: append, never reorder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Kind {
    /// A run began.
    RunAdmitted,
    /// A batch began.
    BatchAdmitted,
    /// An agent got the floor.
    TurnAssigned,
    /// An agent's go ended.
    TurnEnded,
    /// A model is about to be asked.
    ModelIntent,
    /// A model replied.
    ModelResult,
    /// A model call failed for good.
    ModelFailed,
    /// A tool is about to be called.
    ToolIntent,
    /// A tool answered.
    ToolResult,
    /// A tool call failed without effect.
    ToolFailed,
    /// A tool call was refused by policy.
    ToolDenied,
    /// Nobody knows whether a tool call had its effect.
    ToolInDoubt,
    /// A participant said something.
    MessagePosted,
    /// A command from outside was taken.
    CommandAccepted,
    /// An actor ended abnormally.
    ActorFailed,
    /// An actor started again.
    ActorRestarted,
    /// The run came to rest until a person acts.
    Suspended,
    /// The run goes on in another process.
    Resumed,
    /// A person ended the run.
    Cancelled,
    /// The run was set aside.
    Quarantined,
    /// The run ended.
    RunConcluded,
    /// A command from outside was refused.
    CommandRefused,
    /// A person is asked.
    ReviewOpened,
    /// A review was answered.
    ReviewDecided,
    /// An actor failed too often.
    ActorGivenUp,
    /// An agent takes no further part.
    AgentDropped,
    /// An agent asks another model from now on.
    ModelReplaced,
    /// The scenario changed.
    DefinitionChanged,
    /// The records before this one are those of another run.
    Forked,
    /// A speaker is told what to do.
    Briefed,
    /// A reply does not fit what was asked for.
    ReplyRejected,
    /// A tool call may be sent for some time longer.
    ToolIntentRenewed,
    /// An agent calls a colleague.
    Consulted,
}

impl Kind {
    /// Returns the kind that this one excludes: the four ends of a tool call share a slot, as do the two of a model call
    /// and the two of a command.
    const fn slot(self) -> Self {
        match self {
            Self::ToolFailed | Self::ToolDenied | Self::ToolInDoubt => Self::ToolResult,
            Self::ModelFailed => Self::ModelResult,
            Self::CommandRefused => Self::CommandAccepted,
            kind => kind,
        }
    }

    /// Tells whether the record is about the machinery rather than the conversation: not part of the canonical journal.
    #[must_use]
    pub const fn is_operational(self) -> bool {
        matches!(
            self,
            Self::ActorFailed
                | Self::ActorRestarted
                | Self::Suspended
                | Self::Resumed
                | Self::CommandAccepted
                | Self::CommandRefused
                | Self::ActorGivenUp
                | Self::DefinitionChanged
                | Self::Forked
                | Self::ToolIntentRenewed
        )
    }

    /// Tells whether the record is the outcome of a model or tool call, which may be used only once it is durable.
    #[must_use]
    pub const fn is_result(self) -> bool {
        matches!(self.slot(), Self::ToolResult | Self::ModelResult)
    }

    /// Tells whether the record shows that the run gets somewhere: it resets the crash-loop counter.
    #[must_use]
    pub const fn is_progress(self) -> bool {
        matches!(self, Self::ModelResult | Self::ToolResult | Self::MessagePosted | Self::ReviewDecided)
    }
}

/// A record's key, unique in its run: appending it again returns the stored record.
///
/// Kinds that exclude each other (the ends of one call) compare as equal.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RecordKey {
    /// The turn it belongs to; 0 for none.
    pub turn: TurnId,
    /// The step it belongs to; 0 for none. For `ActorRestarted`, `Resumed` and the like: the incarnation or epoch.
    pub step: Step,
    /// Its place in the step: call, attempt, message or actor; 0 for none.
    pub ordinal: u32,
    /// What happened.
    pub kind: Kind,
}

impl RecordKey {
    /// Makes a key.
    #[must_use]
    pub const fn new(turn: TurnId, step: Step, ordinal: u32, kind: Kind) -> Self {
        Self { turn, step, ordinal, kind }
    }

    /// Makes the key of something that belongs to the run as a whole and happens once.
    #[must_use]
    pub const fn of_run(kind: Kind) -> Self {
        Self::new(TurnId(0), Step(0), 0, kind)
    }

    /// Makes the key of a record of `kind` about a review: one of each kind for each review.
    #[must_use]
    pub fn of_review(kind: Kind, review: ReviewId) -> Self {
        let (class, call) = match review {
            ReviewId::Approval(call) => (0, call),
            ReviewId::Question(call) => (1, call),
            ReviewId::Doubt(call) => (2, call),
            ReviewId::Quarantine(epoch) => {
                let epoch = u32::try_from(epoch).unwrap_or(u32::MAX);
                return Self::new(TurnId(0), Step(epoch), 3, kind);
            }
        };
        Self::new(call.turn, call.step, call.ordinal.saturating_mul(4).saturating_add(class), kind)
    }

    const fn identity(self) -> (TurnId, Step, u32, Kind) {
        (self.turn, self.step, self.ordinal, self.kind.slot())
    }
}

impl PartialEq for RecordKey {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for RecordKey {}

impl std::hash::Hash for RecordKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{:?}", self.turn, self.step, self.ordinal, self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, RecordKey};
    use playhouse_types::{Step, TurnId};

    #[test]
    fn the_ends_of_one_call_exclude_each_other() {
        let key = |kind| RecordKey::new(TurnId(1), Step(1), 0, kind);
        assert_eq!(key(Kind::ToolResult), key(Kind::ToolInDoubt));
        assert_eq!(key(Kind::ModelResult), key(Kind::ModelFailed));
        assert_ne!(key(Kind::ToolIntent), key(Kind::ToolResult));
        assert_ne!(key(Kind::ToolResult), key(Kind::ModelResult));
    }
}
