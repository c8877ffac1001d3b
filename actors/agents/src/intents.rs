//! From what a model wrote to what may be dispatched: names, arguments, keys, and effects that are on record already.

use std::sync::Arc;

use playhouse_journal::{Event, GateVerdict, RecordKey, ToolIntent};
use playhouse_messages::RunLog;
use playhouse_tools::{ToolHandle, ToolRegistry, unknown_tool};
use playhouse_types::{
    CallId, ReviewId, RunId, Seq, Timestamp, ToolCallRequest, ToolFailure, ToolName, Verdict,
};

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
        run: RunId,
        call: CallId,
        request: &ToolCallRequest,
        dispatch_by: Timestamp,
    ) -> Result<ToolIntent, ToolFailure> {
        let Some(tool) = self.get(&request.tool) else {
            return Err(unknown_tool(&request.tool, &self.names));
        };
        let arguments = tool.check(&request.arguments)?;
        let spec = tool.spec();
        let keys = tool.keys(run, call, &arguments);
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

/// What the run's journal says about an effect that another call meant as well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Earlier {
    /// It was done, with this answer.
    Done {
        /// Which call did it.
        call: CallId,
        /// What it answered.
        output: String,
    },
    /// It may be under way, or is in doubt.
    Unsettled {
        /// Which call.
        call: CallId,
    },
}

/// Looks for an earlier call of this run that meant the same effect and has not surely failed.
pub(crate) fn earlier_effect(log: &RunLog, intent: &ToolIntent) -> Option<Earlier> {
    let key = intent.keys.intent.as_ref()?;
    let before = log.after(Seq(0)).map_while(|record| match &record.event {
        Event::ToolIntent(other) if other.call == intent.call => None,
        event => Some(event),
    });
    let calls: Vec<CallId> = before
        .filter_map(|event| match event {
            Event::ToolIntent(other) if other.keys.intent.as_ref() == Some(key) => Some(other.call),
            _ => None,
        })
        .collect();
    calls.into_iter().find_map(|call| end_of(log, call))
}

/// Returns how an earlier call stands, unless it surely had no effect.
fn end_of(log: &RunLog, call: CallId) -> Option<Earlier> {
    let key = result_key(call);
    match log.after(Seq(0)).find(|record| record.key == key).map(|record| &record.event) {
        Some(Event::ToolResult { output, .. }) => Some(Earlier::Done { call, output: output.clone() }),
        Some(Event::ToolFailed { .. } | Event::ToolDenied { .. }) => None,
        Some(Event::ToolInDoubt { .. }) => settled_by_a_person(log, call),
        _ => Some(Earlier::Unsettled { call }),
    }
}

/// Returns how a call in doubt stands: a person may have said what happened.
fn settled_by_a_person(log: &RunLog, call: CallId) -> Option<Earlier> {
    let verdict = log.after(Seq(0)).find_map(|record| match &record.event {
        Event::ReviewDecided { review, verdict, .. } if *review == ReviewId::Doubt(call) => Some(verdict),
        _ => None,
    });
    match verdict {
        Some(Verdict::Landed { output }) => Some(Earlier::Done { call, output: output.clone() }),
        Some(Verdict::DidNotHappen) => None,
        _ => Some(Earlier::Unsettled { call }),
    }
}

/// Returns the key under which the end of a call is on record, whatever its kind.
pub(crate) const fn result_key(call: CallId) -> RecordKey {
    RecordKey::new(call.turn, call.step, call.ordinal, playhouse_journal::Kind::ToolResult)
}
