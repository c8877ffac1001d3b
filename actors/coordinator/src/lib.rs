//! The coordinator of a conversation: gives turns to agents by a pattern until a planned end or a limit.
//!
//! ```text
//! log of the run --fold--> CoordinatorState --decide--> assign turns | conclude | suspend | wait
//!      ^                                                          |
//!      +---------------------- append ----------------------------+--> doorbell to the speaker
//! ```
//!
//! - [`Pattern`]: who speaks next; a pure state machine, one file each under `patterns/`. Users write their own.
//! - [`Condition`]: when a run ends; folded over every message, so a resumed run keeps its counters.
//! - [`CoordinatorState`]: the fold of one run; `decide` changes nothing, `apply` is the only change.
//! - [`Coordinator`]: the actor, a thin shell: fold, decide, append, ring.
//!
//! The coordinator never asks an agent whose answer is on record, and keeps nothing that is not in the log.

mod actor;
mod commands;
mod conclusion;
mod condition;
mod crew;
mod decided;
mod escalation;
mod pattern;
mod patterns;
mod state;
#[cfg(test)]
mod test_talk;
mod trouble;

pub use actor::{Coordinator, CoordinatorActor, CoordinatorArgs, CrewLinks, RunRest};
pub use commands::{Acceptance, CheckArguments, Consequences};
pub use conclusion::{ResultFn, conclusion, usage_of};
pub use condition::{
    Condition, MessageTest, Moment, Tally, active_for, call_loop, called, cost_microusd, deadline, external,
    handoff, messages, no_progress, repeated_calls, says, says_by, says_word, silence, silent_for, spoken,
    tokens, turns, when,
};
pub use crew::CrewDefinition;
pub use escalation::{AgentPolicy, Escalation};
pub use pattern::{Assignment, ConversationView, Pattern, PatternDecision};
pub use patterns::{
    Concurrent, Debate, Graph, Handoff, Hierarchical, Ledger, LedgerQuestion, MixtureOfAgents, ModelSelector,
    OnUnfit, Reflection, RoundRobin, Selector, Task, Tasks,
};
pub use state::{CoordinatorState, Decision};
pub use trouble::Measure;
