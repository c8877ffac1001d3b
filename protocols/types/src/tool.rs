//! What a tool declares about itself, and how a tool call fails.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ToolName;

/// What running a tool does to the world, which decides what a crash in mid-call means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing outside: run again.
    Pure,
    /// The destination ignores a repeated key: run again with the same key.
    Idempotent,
    /// The destination can be asked whether the effect landed: ask, then run or take its answer.
    Reconcile,
    /// Neither: never run again; a call in doubt waits for a person. The default.
    #[default]
    Once,
}

/// Within what an intent key is unique.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentScope {
    /// One run. The default.
    #[default]
    Run,
    /// Whatever the destination holds: the probe also runs before the first dispatch.
    Destination,
    /// The runs of one batch; a run without a batch counts as one of its own.
    Batch,
    /// All runs of the tenant in one store.
    Tenant,
}

/// The keys under which a destination should know an effect.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EffectKeys {
    /// Unique to this call: hash of run, turn, step, ordinal, tool and canonical arguments, in hex.
    pub idempotency: String,
    /// The same for every call that means the same effect, if the tool names the fields that say so: a hash in hex, for
    /// the scopes `Batch` and `Tenant` after the scope and whose it is (`tenant:local:<hash>`).
    pub intent: Option<String>,
}

impl EffectKeys {
    /// Returns the intent key if other runs may mean the same effect by it.
    #[must_use]
    pub fn shared_intent(&self) -> Option<&str> {
        self.intent.as_deref().filter(|key| is_shared_intent(key))
    }
}

/// Returns the part of an intent key that says what the effect is, without within what the key is unique.
#[must_use]
pub fn intent_hash(key: &str) -> &str {
    key.rsplit(':').next().unwrap_or(key)
}

/// Tells whether an intent key is unique within more than one run, of which the store keeps an index.
#[must_use]
pub fn is_shared_intent(key: &str) -> bool {
    // A key of one run, or of a destination, is a hash and nothing else.
    key.contains(':')
}

/// What the runtime and a model need to know about a tool.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name.
    pub name: ToolName,
    /// What it does, for the model; the first paragraphs of its doc comment.
    pub description: String,
    /// The JSON schema of its arguments, as JSON text.
    pub schema: String,
    /// What running it does to the world.
    pub effect: Effect,
    /// Argument fields that make up the intent key, in order; empty for none.
    pub intent: Vec<String>,
    /// Within what the intent key is unique.
    pub scope: IntentScope,
    /// How long one call may take.
    pub timeout: Duration,
    /// After the end of a dispatch, how long until the destination surely shows it (`Reconcile`).
    pub settles_within: Duration,
    /// How many calls may run at once, over all runs.
    pub concurrency: usize,
    /// How many calls may start per second, over all runs; `None` for no limit.
    pub rate_per_second: Option<f64>,
    /// How often a call that surely did nothing is tried again.
    pub retries: u32,
    /// How many bytes of output are kept: the head and the tail.
    pub output_limit_bytes: usize,
    /// Whether a person has to approve each call.
    pub approval: bool,
}

/// What kind of failure a tool call met.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolFailureKind {
    /// No tool of that name is offered to the agent.
    UnknownTool,
    /// The arguments do not fit the tool's schema.
    InvalidArguments,
    /// The tool said no and changed nothing.
    NotDone,
    /// It did not answer in time.
    Timeout,
    /// Its code panicked.
    Panicked,
    /// It answered something that is not text.
    UnreadableOutput,
    /// Too many calls waited for it.
    Overloaded,
    /// The run was cancelled before it ran.
    Cancelled,
    /// A colleague gave no answer; what it did until then is on record.
    NoAnswer,
}

/// A tool call that brought no result and surely had no effect, or whose tool is pure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct ToolFailure {
    /// What kind of failure it was.
    pub kind: ToolFailureKind,
    /// What to tell the model: what is wrong and what would be right.
    pub detail: String,
}
