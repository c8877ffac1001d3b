//! What a model answers, and how a model call fails.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::TokenUsage;

/// A model's name as its endpoint knows it; `scripted` for the scripts of a scenario.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelName(Arc<str>);

impl ModelName {
    /// The name of the model that runs an agent's script.
    pub const SCRIPTED: &'static str = "scripted";

    /// Takes any text as a model's name: endpoints differ.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A tool call as the model wrote it: neither the name nor the arguments have been checked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToolCallRequest {
    /// The name the model wrote.
    pub tool: String,
    /// The arguments as the model wrote them, meant to be one JSON object.
    pub arguments: String,
}

/// Why a model stopped writing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FinishReason {
    /// It had said everything.
    Stop,
    /// It waits for tool results.
    ToolCalls,
    /// It reached its output limit: the reply is cut.
    Length,
    /// The endpoint withheld the rest.
    ContentFilter,
}

/// A complete reply of a model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ModelReply {
    /// The text, empty if there are only tool calls.
    pub content: String,
    /// The tool calls in the order the model wrote them.
    pub tool_calls: Vec<ToolCallRequest>,
    /// Why it stopped.
    pub finish: FinishReason,
    /// What it cost in tokens, as the endpoint counts; zeros if the endpoint did not say.
    pub usage: TokenUsage,
    /// The price in micro-dollars; `None` if no price is known for the model.
    pub cost_microusd: Option<u64>,
    /// The model that the endpoint says has answered.
    pub response_model: Option<String>,
}

/// What kind of failure a model call met, which decides what may be done about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelFailureKind {
    /// 429, 5xx, timeout, reset, truncated stream: the same call may succeed later.
    Transient,
    /// 400, 401, 403, 404 and the like: the same call will fail again.
    Permanent,
    /// The model or its filter declined to answer.
    Refusal,
    /// The request is longer than the model's context.
    ContextOverflow,
    /// The endpoint answered something that is not a reply.
    Malformed,
    /// Nobody wanted the answer any more: the turn was cancelled.
    Cancelled,
}

/// A model call that brought no reply, after the retries its kind allows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("model `{model}` failed ({kind:?}) after {attempts} attempt(s): {detail}")]
pub struct ModelFailure {
    /// The model that was asked.
    pub model: ModelName,
    /// What kind of failure it was.
    pub kind: ModelFailureKind,
    /// What happened, in words for a person: endpoint, status, cause. Never a prompt or a key.
    pub detail: String,
    /// How often the endpoint was asked.
    pub attempts: u32,
    /// How long the endpoint asked us to wait, if it did.
    pub retry_after: Option<Duration>,
}
