//! Tools: what they declare, how arguments are checked, how many run at once, and what a crash in mid-call means.
//!
//! ```text
//! call table --run--> ToolHandle --acquire--> ToolLimitsActor (one per tool: concurrency, rate)
//!                         |
//!                         +--- on the pool for user code ---> Tool::call, Tool::probe
//! ```
//!
//! Invariants: code of a tool runs on the [`playhouse_runtime::UserPool`] only, bounded in time; a place is held until
//! that code has really ended; a call that may have had its effect is repeated only if its declared effect says that
//! this is harmless (the table in `effects.rs`); arguments reach a tool checked and in canonical form.
//!
//! This crate journals nothing: the caller records the intent before [`ToolHandle::run`] and its end after.

mod arguments;
mod attempt;
mod backoff;
mod canonical;
mod declaration;
mod dispatch;
mod effects;
mod handle;
mod keys;
mod limiter;
mod limits_actor;
#[doc(hidden)]
pub mod macros_support;
mod output;
mod registry;
mod reply;

pub use declaration::{Declaration, schema_text};
pub use dispatch::{Dispatch, ToolEnd};
pub use handle::{ToolDefinitionError, ToolHandle, ToolServices, check_arguments};
pub use keys::{KeyPlace, idempotency_key, intent_key};
pub use limits_actor::{ToolLimitsActor, ToolLimitsArguments, ToolLimitsState};
pub use registry::{DuplicateTool, ToolRegistry, unknown_tool};
pub use reply::{check_reply, check_schema, last_json_object, read_reply};
