//! What a model is asked: a header, the conversation as one speaker sees it, and that speaker's own tool exchanges.

use std::sync::Arc;

use playhouse_types::{
    AgentName, Brief, CallId, ModelName, Participant, Sees, Step, ThreadId, ToolSpec, TurnId,
};
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

/// A reply that ended no turn: with tool calls and all their answers, never separated, never incomplete; or one that did
/// not fit what was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Exchange {
    /// The text beside the calls; may be empty.
    pub content: String,
    /// The calls in order.
    pub calls: Vec<ExchangeCall>,
    /// What was wrong with the reply, if it was rejected; then it has no calls.
    pub feedback: Option<String>,
}

/// What a speaker did with tools in one of its turns; others do not see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnTurn {
    /// The turn.
    pub turn: TurnId,
    /// The conversation it is part of.
    pub thread: ThreadId,
    /// How many messages of that conversation came before.
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
    /// This many earlier messages are left out here, with what the speaker did meanwhile.
    LeftOut(usize),
    /// What the speaker is to do in this turn.
    Instruction(&'a str),
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
    /// What the speaker is asked to do, if the conversation does not say it all.
    pub brief: Option<Arc<Brief>>,
    /// The conversation, as much of it as the speaker sees.
    pub transcript: TranscriptView,
    /// The speaker's own turns with tool exchanges, oldest first; the last one may be the open turn.
    pub own: Arc<Vec<OwnTurn>>,
}

impl ModelRequest {
    /// Returns conversation and own exchanges interleaved, oldest first; what the speaker is to do stands right before the
    /// exchanges of the open turn.
    pub fn history(&self) -> impl Iterator<Item = HistoryItem<'_>> {
        let mut own = self.earlier().peekable();
        let left_out = self.transcript.left_out();
        let mut items = Vec::with_capacity(self.transcript.len() as usize + self.own.len() + 2);
        for entry in self.transcript.iter() {
            if entry.ordinal == left_out.end && !left_out.is_empty() {
                items.push(HistoryItem::LeftOut(left_out.len()));
            }
            while let Some(turn) = own.next_if(|turn| turn.upto <= entry.ordinal) {
                items.extend(turn.exchanges.iter().map(HistoryItem::Exchange));
            }
            items.push(HistoryItem::Message(entry));
        }
        items.extend(own.flat_map(|turn| &turn.exchanges).map(HistoryItem::Exchange));
        items.extend(self.instruction().map(HistoryItem::Instruction));
        items.extend(self.exchanges().iter().map(HistoryItem::Exchange));
        items.into_iter()
    }

    /// Returns what the speaker is to do in this turn, if it was told.
    #[must_use]
    pub fn instruction(&self) -> Option<&str> {
        self.brief.as_deref().map(|brief| brief.instruction.as_str()).filter(|text| !text.is_empty())
    }

    /// Returns the speaker's own turns before this one that belong to what it sees of the conversation, oldest first.
    pub fn earlier(&self) -> impl DoubleEndedIterator<Item = &OwnTurn> {
        let brief = self.brief.as_deref();
        let (thread, sees) = brief.map(|brief| (brief.thread, brief.sees)).unwrap_or_default();
        self.own.iter().filter(move |own| {
            let is_seen = match sees {
                Sees::All => true,
                Sees::Since(from) => own.upto >= from,
                Sees::Nothing => false,
            };
            own.thread == thread && own.turn != self.turn && is_seen && self.transcript.covers(own.upto)
        })
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
        self.earlier()
            .flat_map(|own| &own.exchanges)
            .for_each(|exchange| hash_exchange(&mut hasher, exchange));
        let schema = self.brief.as_deref().and_then(|brief| brief.schema.as_deref());
        for part in self.instruction().into_iter().chain(schema) {
            hash_part(&mut hasher, part);
        }
        self.exchanges().iter().for_each(|exchange| hash_exchange(&mut hasher, exchange));
        *hasher.finalize().as_bytes()
    }

    /// Returns the hash of the same request to another model: with one name for all, what is asked whoever is asked.
    #[must_use]
    pub fn hash_as(&self, model: &ModelName) -> [u8; 32] {
        let header = RequestHeader { model: model.clone(), ..self.header.as_ref().clone() };
        Self { header_hash: header.hash(), ..self.clone() }.hash()
    }
}

fn hash_exchange(hasher: &mut blake3::Hasher, exchange: &Exchange) {
    hasher.update(exchange.content.as_bytes());
    let calls = exchange.calls.iter().flat_map(|call| [&call.tool, &call.arguments, &call.answer]);
    calls.chain(&exchange.feedback).for_each(|part| hash_part(hasher, part));
}

fn hash_part(hasher: &mut blake3::Hasher, part: &str) {
    hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
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
