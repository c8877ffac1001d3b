//! What an agent asks its model, from what is on record: a pure function, so that replay derives the same request.

use std::sync::Arc;

use playhouse_messages::{ModelRequest, RequestHeader, Threads, TranscriptView};
use playhouse_types::{Brief, Sees, Step, ToolName, TurnId};

use crate::{AgentDefinition, AgentState};

/// A header and its hash.
pub type HashedHeader = (Arc<RequestHeader>, [u8; 32]);

/// Makes the request of a step of an agent's open turn, which sees `upto` messages. `header` is what all its requests
/// begin with.
#[must_use]
pub fn model_request(
    definition: &AgentDefinition,
    state: &AgentState,
    header: HashedHeader,
    threads: &Threads,
    (turn, upto, step): (TurnId, u32, Step),
) -> ModelRequest {
    let brief = state.brief();
    let thread = brief.map(|brief| brief.thread).unwrap_or_default();
    let sees = brief.map(|brief| brief.sees).unwrap_or_default();
    let view = TranscriptView::new(threads.get(thread), upto);
    let (header, header_hash) = match brief.and_then(|brief| brief.tools.as_deref()) {
        Some(tools) => restricted(definition, &header.0, tools),
        None => header,
    };
    let request = ModelRequest {
        agent: state.name().clone(),
        turn,
        step,
        header,
        header_hash,
        brief: brief.cloned(),
        transcript: match sees {
            Sees::All => view,
            Sees::Since(from) => view.since(from),
            Sees::Nothing => view.since(upto),
        },
        own: Arc::clone(state.own()),
    };
    let left_out = definition.memory.left_out(&request);
    ModelRequest { transcript: request.transcript.clone().without(left_out), ..request }
}

/// Returns those of an agent's tools that it may call in a turn.
#[must_use]
pub fn offered_names(definition: &AgentDefinition, brief: Option<&Brief>) -> Vec<ToolName> {
    let allowed = brief.and_then(|brief| brief.tools.as_deref());
    let is_allowed = |name: &&ToolName| allowed.is_none_or(|allowed| allowed.contains(name));
    definition.tools.iter().filter(is_allowed).cloned().collect()
}

/// Leaves out the tools that are not allowed in a turn; what is no tool of the scenario (questions, handoffs) stays.
fn restricted(definition: &AgentDefinition, header: &RequestHeader, allowed: &[ToolName]) -> HashedHeader {
    let mut header = header.clone();
    header.tools.retain(|spec| allowed.contains(&spec.name) || !definition.tools.contains(&spec.name));
    let hash = header.hash();
    (Arc::new(header), hash)
}
