//! What a person is asked, and what a person answers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AgentName, CallId, Effect, ModelName, Timestamp};

/// Names a review by what it is about: stable in every incarnation and process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ReviewId {
    /// Whether a tool call may run.
    Approval(CallId),
    /// A question of an agent.
    Question(CallId),
    /// What became of a call that nobody knows the end of.
    Doubt(CallId),
    /// What to do about a run that was set aside by the owner of this epoch.
    Quarantine(u64),
}

impl ReviewId {
    /// Returns the call that it is about, if it is about one.
    #[must_use]
    pub const fn call(self) -> Option<CallId> {
        match self {
            Self::Approval(call) | Self::Question(call) | Self::Doubt(call) => Some(call),
            Self::Quarantine(_) => None,
        }
    }
}

impl fmt::Display for ReviewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, CallId { turn, step, ordinal }) = match self {
            Self::Approval(call) => ("approval", call),
            Self::Question(call) => ("question", call),
            Self::Doubt(call) => ("doubt", call),
            Self::Quarantine(epoch) => return write!(f, "quarantine-{epoch}"),
        };
        write!(f, "{word}-{turn}.{step}.{ordinal}")
    }
}

impl FromStr for ReviewId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("`{text}` is not a review id such as `approval-3.1.0` or `quarantine-2`");
        let (word, place) = text.split_once('-').ok_or_else(invalid)?;
        if word == "quarantine" {
            return Ok(Self::Quarantine(place.parse().map_err(|_| invalid())?));
        }
        let call: CallId =
            format!("call_{}", place.replace('.', "_")).parse().map_err(|_: String| invalid())?;
        match word {
            "approval" => Ok(Self::Approval(call)),
            "question" => Ok(Self::Question(call)),
            "doubt" => Ok(Self::Doubt(call)),
            _ => Err(invalid()),
        }
    }
}

impl TryFrom<String> for ReviewId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ReviewId> for String {
    fn from(review: ReviewId) -> String {
        review.to_string()
    }
}

/// What happens to a review that nobody answers in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExpiry {
    /// It counts as rejected. The default.
    #[default]
    Deny,
    /// The run is set aside: somebody has to look at it.
    Escalate,
}

/// What a person is asked about a call before it runs, or instead of running it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReviewRequest {
    /// Who asks.
    pub agent: AgentName,
    /// The tool that would run; the question tool for a question.
    pub tool: String,
    /// The canonical arguments as JSON text; the question for a question.
    pub arguments: String,
    /// What running it does to the world.
    pub effect: Effect,
    /// BLAKE3 of the tool's definition and the arguments: an answer holds for this subject and no other.
    pub subject_hash: [u8; 32],
    /// Why a person is asked, in words.
    pub reason: String,
    /// Until when; `None` to wait for ever. Absolute: it runs on while nobody works on the run.
    pub expires_at: Option<Timestamp>,
    /// What happens then.
    pub on_expiry: OnExpiry,
}

/// A person's answer. Which ones fit depends on the review: see `playhouse-review`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The call may run as it is.
    Approve,
    /// The call may run with these arguments, which are checked again.
    ApproveWith {
        /// The arguments as JSON text.
        arguments: String,
    },
    /// The call may not run.
    Reject {
        /// What to tell the agent.
        reason: String,
    },
    /// The answer to a question.
    Answer {
        /// What to tell the agent.
        text: String,
    },
    /// A call in doubt had its effect.
    Landed {
        /// What the tool would have answered.
        output: String,
    },
    /// A call in doubt had no effect.
    DidNotHappen,
    /// Nobody will ever know, or the run is not worth going on with.
    Abandon,
    /// A run that was set aside goes on as it is.
    Reopen,
    /// A run that was set aside goes on without its open turns.
    Skip,
    /// A run that was set aside goes on without its open turns, with something changed.
    Amend {
        /// The model that all agents ask from now on.
        model: Option<ModelName>,
        /// A message that is put into the conversation.
        message: Option<String>,
    },
}

impl Verdict {
    /// Returns the verdict's name for a person.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::ApproveWith { .. } => "approved with other arguments",
            Self::Reject { .. } => "rejected",
            Self::Answer { .. } => "answered",
            Self::Landed { .. } => "it happened",
            Self::DidNotHappen => "it did not happen",
            Self::Abandon => "abandoned",
            Self::Reopen => "reopened",
            Self::Skip => "skipped",
            Self::Amend { .. } => "amended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ReviewId;
    use crate::{CallId, Step, TurnId};

    #[test]
    fn a_review_id_reads_back_as_it_prints() {
        let call = CallId { turn: TurnId(3), step: Step(1), ordinal: 0 };
        for (review, text) in [
            (ReviewId::Approval(call), "approval-3.1.0"),
            (ReviewId::Question(call), "question-3.1.0"),
            (ReviewId::Doubt(call), "doubt-3.1.0"),
            (ReviewId::Quarantine(7), "quarantine-7"),
        ] {
            assert_eq!(review.to_string(), text);
            assert_eq!(text.parse(), Ok(review));
        }
        for bad in ["approval", "approval-3.1", "quarantine-", "wish-3.1.0", "approval-3_1_0_"] {
            assert!(bad.parse::<ReviewId>().is_err(), "{bad}");
        }
    }
}
