//! The words that every Playhouse crate shares: ids, positions, labels, model and tool calls, usage, outcomes.
//!
//! Plain serde data without behavior beyond construction, comparison and printing; nothing here does IO,
//! reads a clock or draws a random number. Everything that is persisted stays compatible through the
//! schema version of the record that holds it (see `playhouse-journal`).
//!
//! Invariants: a name that exists is valid; an id derived from a position ([`CallId`], [`TurnId`]) is the same
//! in every incarnation and process; an unknown price is `None`, never 0.

mod brief;
mod envelope;
mod label;
mod message;
mod model;
mod name;
mod outcome;
mod position;
mod review;
mod run_id;
mod tool;
mod usage;

pub use brief::{Brief, ReplyTo, Sees, ThreadId};
pub use envelope::{Envelope, TraceContext};
pub use label::{Confidentiality, Integrity, Label, TenantId};
pub use message::{Message, Participant};
pub use model::{FinishReason, ModelFailure, ModelFailureKind, ModelName, ModelReply, ToolCallRequest};
pub use name::{AgentName, CaseName, InvalidName, Lane, ScenarioName, ToolName};
pub use outcome::{ExitCode, OutcomeKind, RunOutcome, RunStatus, TurnOutcome};
pub use position::{CallId, Incarnation, Seq, Step, Timestamp, TurnId};
pub use review::{OnExpiry, ReviewId, ReviewRequest, Verdict};
pub use run_id::{BootId, InvalidId, RunId};
pub use tool::{
    Effect, EffectKeys, IntentScope, ToolFailure, ToolFailureKind, ToolSpec, intent_hash, is_shared_intent,
};
pub use usage::{TokenUsage, Usage};
