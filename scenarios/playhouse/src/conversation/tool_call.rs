//! One tool call of a conversation.

use playhouse_journal::Event;
use playhouse_types::{AgentName, CallId, Effect, ReviewId, ToolCallRequest, Verdict};
use serde::de::DeserializeOwned;

/// How a tool call ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallEnd {
    /// It answered.
    Answered {
        /// What, at most as long as the tool's output limit.
        output: String,
        /// The length of the whole answer in bytes, if it was cut.
        full_bytes: Option<u64>,
        /// Whether the answer came from the probe or an earlier call instead of a run.
        recovered: bool,
    },
    /// It failed without effect; the text is what the model was told.
    Failed(String),
    /// Policy refused it, for the reason given.
    Denied(String),
    /// Nobody knows whether it had its effect.
    InDoubt(String),
    /// Nobody knew whether it had its effect, until a person said what became of it.
    Settled {
        /// Why nobody knew.
        doubt: String,
        /// What the person found: `Landed`, `DidNotHappen`, or `Abandon` for going on without knowing.
        verdict: Verdict,
        /// Who said so.
        by: String,
    },
}

/// One tool call: what was asked, under which effect, and what came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToolCall {
    /// Its id.
    pub call: CallId,
    /// Who called.
    pub agent: AgentName,
    /// The tool as the model wrote it; no tool of that name need exist.
    pub tool: String,
    /// The arguments as JSON text: canonical once the call was admitted, before that as the model wrote them.
    pub arguments: String,
    /// What the tool declared; `None` if the call was never admitted.
    pub effect: Option<Effect>,
    /// How it ended; `None` while it is open.
    pub end: Option<CallEnd>,
}

impl ToolCall {
    pub(super) fn asked(call: CallId, agent: AgentName, request: &ToolCallRequest) -> Self {
        let (tool, arguments) = (request.tool.clone(), request.arguments.clone());
        Self { call, agent, tool, arguments, effect: None, end: None }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::ToolIntent(intent) => {
                self.arguments.clone_from(&intent.arguments);
                self.effect = Some(intent.effect);
            }
            Event::ToolResult { output, full_bytes, recovered, .. } => {
                let (output, full_bytes, recovered) = (output.clone(), *full_bytes, *recovered);
                self.end = Some(CallEnd::Answered { output, full_bytes, recovered });
            }
            Event::ToolFailed { failure, .. } => self.end = Some(CallEnd::Failed(failure.detail.clone())),
            Event::ToolDenied { reason, .. } => self.end = Some(CallEnd::Denied(reason.clone())),
            Event::ToolInDoubt { detail, .. } => self.end = Some(CallEnd::InDoubt(detail.clone())),
            Event::ReviewDecided { review: ReviewId::Doubt(_), verdict, by } => self.settle(verdict, by),
            _ => {}
        }
    }

    fn settle(&mut self, verdict: &Verdict, by: &str) {
        if let Some(CallEnd::InDoubt(doubt)) = &self.end {
            let (doubt, verdict, by) = (doubt.clone(), verdict.clone(), by.to_owned());
            self.end = Some(CallEnd::Settled { doubt, verdict, by });
        }
    }

    /// Returns the tool's answer, if it answered, or what a person has put in its place: a call that was in doubt and
    /// had its effect.
    #[must_use]
    pub fn output(&self) -> Option<&str> {
        match &self.end {
            Some(
                CallEnd::Answered { output, .. }
                | CallEnd::Settled { verdict: Verdict::Landed { output }, .. },
            ) => Some(output),
            _ => None,
        }
    }

    /// Reads the tool's answer as JSON; `None` if it did not answer with a `T`.
    #[must_use]
    pub fn output_as<T: DeserializeOwned>(&self) -> Option<T> {
        // An answer of another form is as good as none to somebody who asks for a `T`.
        serde_json::from_str(self.output()?).ok()
    }

    /// Reads the arguments; `None` if they are not a `T`.
    #[must_use]
    pub fn arguments_as<T: DeserializeOwned>(&self) -> Option<T> {
        // Arguments that a model got wrong are not a `T`; that is an answer, not an error.
        serde_json::from_str(&self.arguments).ok()
    }
}

/// Returns which call an event is about.
pub(super) const fn call_of(event: &Event) -> Option<CallId> {
    match event {
        Event::ToolIntent(intent) => Some(intent.call),
        Event::ToolResult { call, .. }
        | Event::ToolFailed { call, .. }
        | Event::ToolDenied { call, .. }
        | Event::ToolInDoubt { call, .. }
        | Event::ReviewDecided { review: ReviewId::Doubt(call), .. } => Some(*call),
        _ => None,
    }
}
