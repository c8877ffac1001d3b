//! What a scenario crate depends on: builders, the host that runs scenarios, and the command line.
//!
//! ```text
//! scenario file --builders--> Scenario --erased--> Definition --host--> supervised actors, journal
//!                                                      ^                       |
//! scenario!(module) --> ScenarioEntry --parameters-----+      commands, live view <--- events, records
//! ```
//!
//! - [`Scenario`] and its builders say what agents, tools and crew are; they do no IO and report every error at once.
//! - [`Runtime`] opens a data directory and runs definitions; it is what a program embeds.
//! - [`main()`](crate::main()) is the command line of every scenario binary.
//! - [`Conversation`] is what was said and done in a run, folded from its records.
//!
//! Invariants: everything that is shown of a run comes from its journal or its events; nothing that a model or a tool
//! wrote reaches a terminal unescaped; results go to stdout, everything else to stderr.

mod answer;
mod builders;
mod commands;
mod conversation;
mod definition;
mod entry;
mod fork_point;
mod host;
mod nearest;
mod outcome;
pub mod prelude;
mod replay;
mod run_event;
mod terms;
#[cfg(test)]
mod test_records;
mod view;

pub use builders::{
    AgentBuilder, AgentId, CrewBuilder, InputError, Problem, ReadCases, ResultError, Scenario,
    ScenarioBuilder, ScenarioError, ToolsId, hours, milliseconds, minutes, seconds,
};
pub use commands::main;
pub use conversation::{
    ActorRestart, CallEnd, CallUsage, Conversation, Review, ReviewState, Reviews, ToolCall, Turn,
    UsageBreakdown,
};
pub use definition::{
    CaseInput, Definition, InputForm, LoadCases, OnChange, OpenTools, OpeningMessage, Report, StartContext,
    ToolSource,
};
pub use entry::{EntryError, Parameter, ParameterError, ScenarioEntry, ScenarioFn};
pub use host::{
    Answered, BatchEnd, BatchHandle, Durability, FindScenario, ForkedRun, OpenError, Resumed, RunEnd,
    RunError, RunEvents, RunHandle, Runtime, RuntimeOptions, RuntimeParts, Secret, Settlement, StartBatch,
    StartFork, StartRun, async_runtime,
};
pub use outcome::Outcome;
pub use playhouse_agents::Memory;
pub use playhouse_coordinator::{
    AgentPolicy, Assignment, Concurrent, Condition, ConversationView, CrewDefinition, Debate, Escalation,
    Graph, Handoff, Hierarchical, Ledger, LedgerQuestion, MixtureOfAgents, ModelSelector, OnUnfit, Pattern,
    PatternDecision, Reflection, RoundRobin, RunRest, Selector, Task, Tasks, active_for, call_loop, called,
    cost_microusd, deadline, external, handoff, messages, no_progress, repeated_calls, says, says_by,
    says_word, silence, silent_for, spoken, tokens, turns, when,
};
pub use playhouse_journal::{
    Command, CommandId, CommandInbox, Event, ExitKind, JournalRead, Kind, Record, RunRow,
};
pub use playhouse_macros::{tool, tools};
pub use playhouse_messages::{
    BusEvent, Exchange, ExchangeCall, HistoryItem, ModelRequest, Probe, ScriptContext, ScriptReply, Tool,
    ToolContext, ToolError, ToolOutput, ToolSet,
};
pub use playhouse_models::{LostReplies, Recording};
pub use playhouse_review::{Gate, GateQuery};
pub use playhouse_runtime::{Backoff, EventStream, PolicyFault, RestartPolicy as Restart, StreamItem};
pub use playhouse_types::{
    AgentName, Brief, CallId, CaseName, Effect, EffectKeys, Incarnation, IntentScope, Lane, Message,
    ModelFailure, ModelFailureKind, ModelName, ModelReply, OnExpiry, OutcomeKind, Participant, ReplyTo,
    ReviewId, ReviewRequest, RunId, RunOutcome, RunStatus, ScenarioName, Sees, Seq, Step, ThreadId,
    Timestamp, ToolFailure, ToolFailureKind, ToolName, ToolSpec, TurnId, TurnOutcome, Usage, Verdict,
};
pub use replay::{Deviation, Replayed};
pub use run_event::{RunEvent, RunUpdate};

#[doc(hidden)]
pub use playhouse_tools::macros_support;
