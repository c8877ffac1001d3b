//! Calls that agents make, and make again.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_journal::{Event, Record};
use playhouse_types::{CallId, Lane, ToolCallRequest};
use serde::{Deserialize, Serialize};

use super::progress::short_hash;

/// The same call again and again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Loop {
    /// How often in a row.
    pub(super) count: u32,
    /// By whom.
    pub(super) agent: Lane,
    /// Of which tool, as the model wrote it.
    pub(super) tool: String,
}

/// A call whose end is not on record yet, or in doubt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct OpenCall {
    agent: Lane,
    tool: String,
    /// Of tool and arguments.
    hash: u64,
    /// How many times in a row its agent has made it.
    nth: u32,
}

/// The last call of an agent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct LastCall {
    hash: u64,
    count: u32,
}

/// The calls of a conversation. Changes only in [`Calls::apply`].
///
/// They count as their model asked for them, in the order of its reply: the order in which they end does not matter, and
/// those count, too, that never got as far as being made.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Calls {
    open: BTreeMap<CallId, OpenCall>,
    last: BTreeMap<Lane, LastCall>,
    longest: Option<Loop>,
    /// Tools with a result.
    called: BTreeSet<String>,
}

impl Calls {
    /// Takes in the next record; returns what tells a result from all others, if it is one.
    pub(super) fn apply(&mut self, record: &Record) -> Option<u64> {
        match &record.event {
            // The run's own lane asks models, too, such as who speaks next: always in the same way.
            Event::ModelResult { reply, .. } if !record.lane.is_run() => {
                for (ordinal, request) in (0..).zip(&reply.tool_calls) {
                    let call = CallId { turn: record.key.turn, step: record.key.step, ordinal };
                    self.ask(&record.lane, call, request);
                }
                None
            }
            Event::ToolResult { call, output, .. } => {
                let ended = self.end(*call)?;
                self.called.insert(ended.tool);
                Some(short_hash(&[&ended.hash.to_le_bytes(), output.as_bytes()]))
            }
            Event::ToolFailed { call, .. } | Event::ToolDenied { call, .. } => {
                self.end(*call);
                None
            }
            Event::TurnEnded { turn, .. } => {
                self.open.retain(|call, _| call.turn != *turn);
                None
            }
            _ => None,
        }
    }

    fn ask(&mut self, agent: &Lane, call: CallId, request: &ToolCallRequest) {
        let hash = short_hash(&[request.tool.as_bytes(), canonical(&request.arguments).as_bytes()]);
        let last = self.last.entry(agent.clone()).or_insert(LastCall { hash, count: 0 });
        last.count = if last.hash == hash { last.count.saturating_add(1) } else { 1 };
        last.hash = hash;
        let (agent, tool) = (agent.clone(), request.tool.clone());
        self.open.insert(call, OpenCall { agent, tool, hash, nth: last.count });
    }

    /// Only a call that has ended makes a loop longer: a limit must not cut it off in the middle.
    fn end(&mut self, call: CallId) -> Option<OpenCall> {
        let ended = self.open.remove(&call)?;
        if self.longest.as_ref().is_none_or(|longest| longest.count < ended.nth) {
            let (agent, tool) = (ended.agent.clone(), ended.tool.clone());
            self.longest = Some(Loop { count: ended.nth, agent, tool });
        }
        Some(ended)
    }

    pub(super) fn has_called(&self, tool: &str) -> bool {
        self.called.contains(tool)
    }

    pub(super) const fn longest(&self) -> Option<&Loop> {
        self.longest.as_ref()
    }
}

/// Returns arguments with sorted keys and without spaces between them; as they are if they are no JSON.
fn canonical(arguments: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(arguments) {
        Ok(value) => value.to_string(),
        Err(_) => arguments.trim().to_owned(),
    }
}
