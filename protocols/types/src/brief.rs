//! What a pattern asks of a speaker beyond "it is your turn".

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{CallId, ToolName, TurnId};

/// A conversation of a run: the main one, or one of a crew within it.
///
/// A thread is named by the turn that opened it, so its id is the same in every incarnation and process.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ThreadId(pub TurnId);

impl ThreadId {
    /// The conversation that every run begins with.
    pub const MAIN: Self = Self(TurnId(0));

    /// Tells whether this is the conversation that the run began with.
    #[must_use]
    pub fn is_main(self) -> bool {
        self == Self::MAIN
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// How much of its thread a speaker sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sees {
    /// All messages so far.
    #[default]
    All,
    /// The messages from this place on; places count from 0.
    Since(u32),
    /// None, nor its own earlier turns: only what the brief says.
    Nothing,
}

/// Where the reply of a turn goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyTo {
    /// Into the conversation, at once.
    #[default]
    Conversation,
    /// Into the conversation once all turns that were given at the same time have ended, in their order.
    ConversationTogether,
    /// To the pattern that gave the turn; the conversation does not see it.
    Pattern,
    /// To a colleague who has called for it; the conversation does not see it.
    Caller(CallId),
}

impl ReplyTo {
    /// Tells whether the conversation does not see the reply, and the turn is none of it.
    #[must_use]
    pub const fn is_private(self) -> bool {
        matches!(self, Self::Pattern | Self::Caller(_))
    }
}

/// What a pattern asks of a speaker. On record before the turn it belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Brief {
    /// The conversation in which the turn is.
    pub thread: ThreadId,
    /// What the speaker is to do: the last thing that its model reads. Empty if the conversation says it all.
    pub instruction: String,
    /// How much of the conversation it sees.
    pub sees: Sees,
    /// Where its reply goes.
    pub reply_to: ReplyTo,
    /// The JSON schema that the reply has to fit, as JSON text.
    pub schema: Option<String>,
    /// Those of its tools that it may call; all of them if not given.
    pub tools: Option<Vec<ToolName>>,
    /// What the pattern notes for itself: it reads it back when it folds the record.
    pub note: String,
}

impl Brief {
    /// Makes a brief that says what to do.
    #[must_use]
    pub fn new(instruction: impl Into<String>) -> Self {
        Self { instruction: instruction.into(), ..Self::default() }
    }

    /// Keeps the reply out of the conversation: only the pattern reads it.
    #[must_use]
    pub fn privately(mut self) -> Self {
        self.reply_to = ReplyTo::Pattern;
        self
    }

    /// Bounds what the speaker sees.
    #[must_use]
    pub const fn seeing(mut self, sees: Sees) -> Self {
        self.sees = sees;
        self
    }

    /// Asks for a reply that fits a JSON schema, given as JSON text.
    #[must_use]
    pub fn fitting(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Keeps something for the pattern to read back.
    #[must_use]
    pub fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}
