//! The agent: a pure turn state machine and the actor around it.
//!
//! ```text
//! TurnAssigned --> ask the model --> reply? --> MessagePosted + TurnEnded
//!                      ^   |
//!                      |   +--> tool calls --> intents --> call table --> results
//!                      +------------------------------------------------------+
//! ```
//!
//! - [`AgentState`]: the fold of one agent's lane. `decide` says what comes next and changes nothing; recovery folds
//!   records and asks no model, tool or script for recorded work.
//! - [`Agent`]: the actor. It never awaits a model or a tool: calls run in the call table, journal their own results and
//!   ring. A result is used only once it is durable.
//! - An open call that no live task holds is recovered by its tool's effect; a model call is asked again and the lost
//!   attempt counted.
//! - [`Memory`]: how much of its conversation an agent's model reads; all of it unless said otherwise.
//!
//! Limits: no summary is made of what a memory leaves out, and tokens are estimated, not counted.

mod actor;
mod asked_before;
mod calls;
mod consult;
mod definition;
mod ending;
mod gate;
mod handoff;
mod intents;
mod memory;
mod prompt;
mod question;
mod reply;
mod request;
mod run_context;
mod state;

pub use actor::{Agent, AgentActor, AgentArgs};
pub use consult::{CONSULT_PREFIX, Consulted, consult_spec};
pub use definition::AgentDefinition;
pub use ending::{Ending, ending};
pub use gate::{CallGate, Effects};
pub use handoff::{HANDOFF_PREFIX, handoff_spec};
pub use intents::OfferedTools;
pub use memory::Memory;
pub use prompt::request_header;
pub use question::{ASK_PERSON, own_specs, question_spec};
pub use reply::{Guardrail, MAX_REJECTIONS};
pub use request::{HashedHeader, model_request, offered_names};
pub use run_context::{OtherIntent, Ownership, RunContext};
pub use state::{AgentDecision, AgentState};
