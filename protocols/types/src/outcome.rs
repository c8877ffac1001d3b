//! How turns and runs end.

use serde::{Deserialize, Serialize};

use crate::AgentName;

/// How an agent's go ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnOutcome {
    /// The agent said something.
    Replied,
    /// A bound of the turn was reached; `limit` names it.
    Limited {
        /// Which bound.
        limit: String,
    },
    /// A model call failed for good.
    ModelFailed {
        /// What happened.
        detail: String,
    },
    /// The run was cancelled.
    Cancelled,
    /// The agent could not take it, and the crew goes on without it.
    Skipped {
        /// Why.
        reason: String,
    },
    /// The agent handed over to another one.
    HandedOff {
        /// To whom.
        to: AgentName,
    },
}

/// What a run is doing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Admitted and not ended; possibly its process is gone and it can be resumed.
    Running,
    /// Waits for a person.
    Waiting,
    /// Paused by a person.
    Paused,
    /// Ended as planned.
    Concluded,
    /// Ended by an error.
    Failed,
    /// Ended by a limit; what was done is kept.
    Limited,
    /// Ended by a person.
    Cancelled,
    /// Set aside after crashing without progress.
    Quarantined,
}

impl RunStatus {
    /// Tells whether the run can go on by itself once resumed.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Waiting | Self::Paused)
    }

    /// Returns the name that output and JSON show.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Concluded => "concluded",
            Self::Failed => "failed",
            Self::Limited => "limited",
            Self::Cancelled => "cancelled",
            Self::Quarantined => "quarantined",
        }
    }
}

/// In which way a run ended or came to rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// Its planned end was reached.
    Concluded,
    /// It waits for a person.
    Waiting,
    /// A limit ended it.
    Limited,
    /// An error ended it.
    Failed,
    /// A person ended it.
    Cancelled,
    /// It crashed repeatedly without progress.
    Quarantined,
}

impl OutcomeKind {
    /// Returns the status of a run with this outcome.
    #[must_use]
    pub const fn status(self) -> RunStatus {
        match self {
            Self::Concluded => RunStatus::Concluded,
            Self::Waiting => RunStatus::Waiting,
            Self::Limited => RunStatus::Limited,
            Self::Failed => RunStatus::Failed,
            Self::Cancelled => RunStatus::Cancelled,
            Self::Quarantined => RunStatus::Quarantined,
        }
    }
}

/// How a run ended, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunOutcome {
    /// In which way.
    pub kind: OutcomeKind,
    /// Which condition, limit, call or error; a sentence for a person.
    pub detail: String,
}

/// The exit code of a command; a batch exits with the worst of its children.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExitCode {
    /// 0: concluded.
    Concluded,
    /// 1: failed, cancelled, or a check found a fault.
    Failed,
    /// 2: usage, or an invalid scenario.
    Usage,
    /// 3: waiting for a person, or paused.
    Waiting,
    /// 4: a limit ended it.
    Limited,
    /// 5: quarantined.
    Quarantined,
    /// 6: the store failed.
    StoreFailed,
    /// 130: interrupted; resumable.
    Interrupted,
}

impl ExitCode {
    /// Returns the number that the process ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Concluded => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Waiting => 3,
            Self::Limited => 4,
            Self::Quarantined => 5,
            Self::StoreFailed => 6,
            Self::Interrupted => 130,
        }
    }

    /// Returns the worse of two, in the order 130, 6, 5, 2, 1, 3, 4, 0.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Concluded => 0,
            Self::Limited => 1,
            Self::Waiting => 2,
            Self::Failed => 3,
            Self::Usage => 4,
            Self::Quarantined => 5,
            Self::StoreFailed => 6,
            Self::Interrupted => 7,
        }
    }
}

impl From<RunStatus> for ExitCode {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Running => Self::Interrupted,
            RunStatus::Waiting | RunStatus::Paused => Self::Waiting,
            RunStatus::Concluded => Self::Concluded,
            RunStatus::Failed | RunStatus::Cancelled => Self::Failed,
            RunStatus::Limited => Self::Limited,
            RunStatus::Quarantined => Self::Quarantined,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode::{Concluded, Failed, Limited, Quarantined, StoreFailed, Waiting};

    #[test]
    fn a_batch_exits_with_the_worst_of_its_children() {
        let worst_first = [StoreFailed, Quarantined, Failed, Waiting, Limited, Concluded];
        for pair in worst_first.windows(2) {
            assert_eq!((pair[0].worse(pair[1]), pair[1].worse(pair[0])), (pair[0], pair[0]));
        }
    }
}
