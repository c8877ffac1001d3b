//! Everything a scenario file needs: `use playhouse::prelude::*;`.

pub use std::path::{Path, PathBuf};
pub use std::process::ExitCode;
pub use std::time::Duration;

pub use crate::{
    AgentName, CaseName, Concurrent, Conversation, Debate, Effect, EffectKeys, Escalation, Exchange, Gate,
    GateQuery, Graph, Handoff, Hierarchical, HistoryItem, InputError, Ledger, Memory, Message,
    MixtureOfAgents, ModelRequest, ModelSelector, OnChange, OnUnfit, Participant, Probe, Reflection, Restart,
    ResultError, RoundRobin, Scenario, ScenarioEntry, ScenarioError, ScriptContext, ScriptReply, Selector,
    StartContext, Task, Tasks, Timestamp, Tool, ToolContext, ToolError, ToolOutput, ToolSet, active_for,
    call_loop, called, cost_microusd, deadline, external, handoff, hours, messages, milliseconds, minutes,
    no_progress, repeated_calls, says, says_by, says_word, scenario, seconds, silence, silent_for, spoken,
    tokens, tool, tools, turns, when,
};
