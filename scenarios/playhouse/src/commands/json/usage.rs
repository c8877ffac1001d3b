//! What a run has used, as `show --json` tells it.

use std::collections::BTreeMap;

use playhouse_types::{AgentName, ModelName, TurnId, Usage};
use serde::Serialize;

use crate::{CallUsage, UsageBreakdown};

/// The sum, and for a run also its parts; a batch has only the sum, its cases have the parts.
#[derive(Serialize)]
pub(in crate::commands) struct UsageJson {
    #[serde(flatten)]
    total: Usage,
    #[serde(flatten)]
    parts: Option<PartsJson>,
}

#[derive(Serialize)]
struct PartsJson {
    by_agent: BTreeMap<AgentName, Usage>,
    by_model: BTreeMap<ModelName, Usage>,
    by_task: BTreeMap<String, Usage>,
    by_crew: BTreeMap<AgentName, Usage>,
    by_turn: BTreeMap<TurnId, Usage>,
    by_call: Vec<CallUsage>,
}

impl UsageJson {
    /// Makes the JSON form of what a run has used.
    pub(in crate::commands) fn of_run(total: Usage, breakdown: &UsageBreakdown) -> Self {
        let parts = PartsJson {
            by_agent: breakdown.by_agent(),
            by_model: breakdown.by_model(),
            by_task: breakdown.by_task(),
            by_crew: breakdown.by_crew(),
            by_turn: breakdown.by_turn(),
            by_call: breakdown.calls().cloned().collect(),
        };
        Self { total, parts: Some(parts) }
    }

    /// Makes the JSON form of a sum alone.
    pub(in crate::commands) const fn of_sum(total: Usage) -> Self {
        Self { total, parts: None }
    }
}
