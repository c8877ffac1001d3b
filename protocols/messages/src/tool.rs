//! What every tool offers, and what it gets.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_types::{AgentName, CallId, CaseName, EffectKeys, RunId, TenantId, ToolSpec, TraceContext};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::ToolError;

/// The circumstances of one tool call.
#[derive(Clone, Debug)]
pub struct ToolContext {
    /// The run.
    pub run: RunId,
    /// The case of the batch, if the run settles one.
    pub case: Option<CaseName>,
    /// Whose run it is.
    pub tenant: TenantId,
    /// Who calls.
    pub agent: AgentName,
    /// Which call.
    pub call: CallId,
    /// The keys under which a destination should know the effect.
    pub keys: EffectKeys,
    /// Which try of this call, from 1.
    pub attempt: u32,
    /// How long the call may take.
    pub timeout: Duration,
    /// Cancelled when the answer is no longer of use.
    pub cancel: CancellationToken,
    /// Where the call belongs in the run's trace; for `traceparent` headers.
    pub trace: TraceContext,
    /// Where the runtime keeps its data.
    pub data_dir: PathBuf,
    /// The run's input as JSON text.
    pub input: Arc<str>,
}

impl ToolContext {
    /// Returns the run's input.
    ///
    /// # Errors
    /// [`ToolError::Foreign`] if the input is not a `T`.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, ToolError> {
        Ok(serde_json::from_str(&self.input)?)
    }
}

/// What a tool answers: bytes that should be text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToolOutput(pub Vec<u8>);

impl ToolOutput {
    /// Answers with a text as it is.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self(text.into().into_bytes())
    }

    /// Answers with a value as JSON.
    ///
    /// # Errors
    /// [`ToolError::Foreign`] if the value has no JSON form.
    pub fn json(value: &impl Serialize) -> Result<Self, ToolError> {
        Ok(Self(serde_json::to_vec(value)?))
    }
}

/// What the destination says about an effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Probe<T> {
    /// It landed, with this answer.
    Landed(T),
    /// It did not land.
    Absent,
    /// The destination cannot say.
    Unknown,
}

/// A tool: what it declares, and what it does. `#[tool]` writes this.
pub trait Tool: Send + Sync {
    /// Returns what it declares.
    fn spec(&self) -> Arc<ToolSpec>;

    /// Runs it. `arguments` is JSON text that fits the declared schema.
    ///
    /// Runs on the pool for user code: it may block, but a call that outlives its timeout is abandoned.
    /// # Errors
    /// [`ToolError`], by what it means for the effect.
    fn call(&self, arguments: String, ctx: ToolContext) -> BoxFuture<'_, Result<ToolOutput, ToolError>>;

    /// Asks the destination whether the effect of these arguments landed (`reconcile` tools).
    ///
    /// # Errors
    /// [`ToolError`]: the destination could not be asked; safe to retry.
    fn probe(
        &self,
        arguments: String,
        ctx: ToolContext,
    ) -> BoxFuture<'_, Result<Probe<ToolOutput>, ToolError>> {
        let _ = (arguments, ctx);
        Box::pin(async { Ok(Probe::Unknown) })
    }
}

impl fmt::Debug for dyn Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool").field("name", &self.spec().name).finish()
    }
}

/// Tools that share state. `#[tools]` writes this.
pub trait ToolSet: Send + Sync {
    /// Returns what its tools declare, without opening it.
    fn specs() -> Vec<Arc<ToolSpec>>
    where
        Self: Sized;

    /// Returns its tools.
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>>;
}
