//! What a model is asked: a header, the conversation as one speaker sees it, and that speaker's own tool exchanges.

use std::sync::Arc;

use playhouse_types::{AgentName, CallId, ModelName, Participant, Step, ToolSpec, TurnId};
use serde::{Deserialize, Serialize};

use crate::{TranscriptEntry, TranscriptView};

/// The part of a request that stays the same for an agent throughout a run.
#[derive(Clone, PartialEq, Debug)]
pub struct RequestHeader {
    /// The model.
    pub model: ModelName,
    /// The instructions.
    pub system: String,
    /// The tools that the agent may call, in the order of its list.
    pub tools: Vec<Arc<ToolSpec>>,
    /// The most tokens a reply may have; `None` leaves it to the endpoint.
    pub max_output_tokens: Option<u32>,
    /// The sampling temperature; `None` leaves it to the endpoint.
    pub temperature: Option<f32>,
}

/// One tool call of an exchange and its answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExchangeCall {
    /// The call.
    pub call: CallId,
    /// The tool as the model wrote it.
    pub tool: String,
    /// The arguments as the model wrote them.
    pub arguments: String,
    /// What came back: the output, or the text of the failure.
    pub answer: String,
    /// Whether it failed.
    pub failed: bool,
}

/// A reply with tool calls, and all their answers: never separated, never incomplete.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Exchange {
    /// The text beside the calls; may be empty.
    pub content: String,
    /// The calls in order.
    pub calls: Vec<ExchangeCall>,
}

/// What a speaker did with tools in one of its turns; others do not see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnTurn {
    /// The turn.
    pub turn: TurnId,
    /// How many messages of the conversation came before.
    pub upto: u32,
    /// The exchanges in order.
    pub exchanges: Vec<Exchange>,
}

/// One item of a speaker's history, in the order in which a model reads it.
#[derive(Clone, Copy, Debug)]
pub enum HistoryItem<'a> {
    /// A message of the conversation.
    Message(&'a TranscriptEntry),
    /// Tool calls of the speaker and their answers.
    Exchange(&'a Exchange),
}

/// A request to a model. Cheap to clone: the conversation and the exchanges are shared.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    /// Who asks.
    pub agent: AgentName,
    /// In which turn.
    pub turn: TurnId,
    /// In which step of the turn, from 1.
    pub step: Step,
    /// Instructions, tools and parameters.
    pub header: Arc<RequestHeader>,
    /// BLAKE3 of the header.
    pub header_hash: [u8; 32],
    /// The conversation.
    pub transcript: TranscriptView,
    /// The speaker's own turns with tool exchanges, oldest first; the last one may be the open turn.
    pub own: Arc<Vec<OwnTurn>>,
}

impl ModelRequest {
    /// Returns conversation and own exchanges interleaved, oldest first.
    pub fn history(&self) -> impl Iterator<Item = HistoryItem<'_>> {
        let mut own = self.own.iter().peekable();
        let mut items = Vec::with_capacity(self.transcript.len() as usize + self.own.len());
        for entry in self.transcript.iter() {
            while let Some(turn) = own.next_if(|turn| turn.upto <= entry.ordinal) {
                items.extend(turn.exchanges.iter().map(HistoryItem::Exchange));
            }
            items.push(HistoryItem::Message(entry));
        }
        items.extend(own.flat_map(|turn| &turn.exchanges).map(HistoryItem::Exchange));
        items.into_iter()
    }

    /// Returns the exchanges of the open turn, oldest first.
    pub fn exchanges(&self) -> &[Exchange] {
        match self.own.last() {
            Some(own) if own.turn == self.turn => &own.exchanges,
            _ => &[],
        }
    }

    /// Returns the newest message of a participant.
    pub fn last_from(&self, from: &Participant) -> Option<&str> {
        let entry = self.transcript.iter().rev().find(|entry| entry.message.from == *from)?;
        Some(&entry.message.content)
    }

    /// Returns BLAKE3 of header, conversation and own exchanges: what the model would read, without run, time or ids.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.header_hash).update(&self.transcript.hash());
        for exchange in self.own.iter().flat_map(|own| &own.exchanges) {
            hasher.update(exchange.content.as_bytes());
            for call in &exchange.calls {
                for part in [&call.tool, &call.arguments, &call.answer] {
                    hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
                }
            }
        }
        *hasher.finalize().as_bytes()
    }

    /// Returns the hash of the same request to another model: with one name for all, what is asked whoever is asked.
    #[must_use]
    pub fn hash_as(&self, model: &ModelName) -> [u8; 32] {
        let header = RequestHeader { model: model.clone(), ..self.header.as_ref().clone() };
        Self { header_hash: header.hash(), ..self.clone() }.hash()
    }
}

impl RequestHeader {
    /// Returns BLAKE3 of the header.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let sampling = format!("{:?} {:?}", self.max_output_tokens, self.temperature);
        for part in [self.model.as_str(), &self.system, &sampling] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        for tool in &self.tools {
            for part in [tool.name.as_str(), &tool.description, &tool.schema] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
            }
        }
        *hasher.finalize().as_bytes()
    }
}
