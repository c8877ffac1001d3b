//! Scripts: what an agent says without a model, as a pure function of what a model would be asked.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use playhouse_types::ToolCallRequest;
use serde::Serialize;

use crate::{Draws, ModelRequest};

/// An agent's script: a pure function of the request and of seeded draws. It keeps nothing between calls.
pub type Script = Arc<dyn Fn(&ModelRequest, &ScriptContext) -> ScriptReply + Send + Sync>;

/// What a script may use besides the request.
pub struct ScriptContext {
    draws: Mutex<Box<dyn Draws>>,
}

impl ScriptContext {
    /// Makes the context of one call.
    #[must_use]
    pub fn new(draws: Box<dyn Draws>) -> Self {
        Self { draws: Mutex::new(draws) }
    }

    /// Draws a number from 0 (included) to 1 (excluded), from the seed, the agent, the turn and the step.
    #[must_use]
    pub fn unit(&self) -> f64 {
        self.draws.lock().unwrap_or_else(PoisonError::into_inner).unit()
    }

    /// Draws a number below `bound`, or 0 if `bound` is 0.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        self.draws.lock().unwrap_or_else(PoisonError::into_inner).below(bound)
    }
}

impl fmt::Debug for ScriptContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptContext").finish_non_exhaustive()
    }
}

/// What a script answers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScriptReply {
    /// The text.
    pub content: String,
    /// The tool calls.
    pub tool_calls: Vec<ToolCallRequest>,
    /// How long the answer takes, in simulated model time.
    pub latency: Duration,
}

impl ScriptReply {
    /// Says something.
    #[must_use]
    pub fn say(content: impl Into<String>) -> Self {
        Self { content: content.into(), ..Self::default() }
    }

    /// Calls a tool with arguments that serialize to a JSON object.
    ///
    /// Arguments that cannot be serialized become a call with the error as arguments, which the tool refuses by name.
    #[must_use]
    pub fn call(tool: &str, arguments: &impl Serialize) -> Self {
        Self::default().and_call(tool, arguments)
    }

    /// Adds another tool call.
    #[must_use]
    pub fn and_call(mut self, tool: &str, arguments: &impl Serialize) -> Self {
        let arguments = serde_json::to_string(arguments).unwrap_or_else(|error| error.to_string());
        self.tool_calls.push(ToolCallRequest { tool: tool.to_owned(), arguments });
        self
    }

    /// Lets the answer take `latency`.
    #[must_use]
    pub fn after(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }
}

impl From<&str> for ScriptReply {
    fn from(content: &str) -> Self {
        Self::say(content)
    }
}

impl From<String> for ScriptReply {
    fn from(content: String) -> Self {
        Self::say(content)
    }
}
