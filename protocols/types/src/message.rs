//! What a participant says in a conversation.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AgentName, Label, TurnId};

/// Who said something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Participant {
    /// The person or program that started the run; its input is message 0.
    User,
    /// An agent of the crew.
    Agent(AgentName),
    /// The runtime itself: a note that a turn was skipped, or what a person had it say.
    Runtime,
}

impl Participant {
    /// Returns the name that a transcript shows.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::User => "user",
            Self::Agent(name) => name.as_str(),
            Self::Runtime => "runtime",
        }
    }
}

impl fmt::Display for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One message of the shared conversation; its place is its order in the journal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// The turn that said it; 0 for the input.
    pub turn: TurnId,
    /// Who said it.
    pub from: Participant,
    /// What was said.
    pub content: String,
    /// How far it can be trusted.
    pub label: Label,
}
