//! From what a model wrote to what may be dispatched: names, arguments, keys.

use std::sync::Arc;

use playhouse_journal::{GateVerdict, RecordKey, ToolIntent};
use playhouse_tools::{KeyPlace, ToolHandle, ToolRegistry, unknown_tool};
use playhouse_types::{CallId, Timestamp, ToolCallRequest, ToolFailure, ToolName};

/// The tools that one agent may call.
#[derive(Clone, Debug)]
pub struct OfferedTools {
    /// Their names, in the order of the agent's list.
    pub names: Vec<ToolName>,
    /// The tools of the scenario.
    pub registry: Arc<ToolRegistry>,
}

impl OfferedTools {
    /// Returns a tool that the agent lists.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<ToolHandle>> {
        let name = self.names.iter().find(|offered| offered.as_str() == name)?;
        self.registry.get(name.as_str())
    }

    /// Checks a call as the model wrote it and makes the intent that permits its dispatch.
    pub(crate) fn prepare(
        &self,
        place: KeyPlace<'_>,
        call: CallId,
        request: &ToolCallRequest,
        dispatch_by: Timestamp,
    ) -> Result<ToolIntent, ToolFailure> {
        let Some(tool) = self.get(&request.tool) else {
            return Err(unknown_tool(&request.tool, &self.names));
        };
        let arguments = tool.check(&request.arguments)?;
        let spec = tool.spec();
        let keys = tool.keys(place, call, &arguments);
        Ok(ToolIntent {
            call,
            tool: spec.name.clone(),
            arguments,
            effect: spec.effect,
            keys,
            dispatch_by,
            verdict: GateVerdict::Allow,
        })
    }
}

/// Returns the key under which the end of a call is on record, whatever its kind.
pub(crate) const fn result_key(call: CallId) -> RecordKey {
    RecordKey::new(call.turn, call.step, call.ordinal, playhouse_journal::Kind::ToolResult)
}
