//! Everything a scenario file needs: `use playhouse::prelude::*;`.

pub use std::path::{Path, PathBuf};
pub use std::process::ExitCode;
pub use std::time::Duration;

pub use crate::{
    AgentName, CaseName, Conversation, Effect, EffectKeys, Escalation, Exchange, Gate, GateQuery,
    HistoryItem, InputError, Message, ModelRequest, OnChange, Participant, Probe, Restart, ResultError,
    RoundRobin, Scenario, ScenarioEntry, ScenarioError, ScriptContext, ScriptReply, Selector, StartContext,
    Tool, ToolContext, ToolError, ToolOutput, ToolSet, cost_microusd, deadline, hours, milliseconds, minutes,
    says, scenario, seconds, tokens, tool, tools, turns,
};
