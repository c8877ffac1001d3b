//! What is known of a run beyond its conversation: the fold of all its records.

use std::collections::BTreeMap;

use playhouse_journal::{ChainHash, ChainHead, Event, Fork, Kind, Record, ToolIntent, count_usage};
use playhouse_types::{
    AgentName, CallId, Incarnation, Lane, ModelName, ReviewId, Seq, ThreadId, TurnId, Usage, Verdict,
    intent_hash,
};
use serde::{Deserialize, Serialize};

/// The end of one lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LaneEnd {
    /// Its newest record; 0 if there is none.
    pub last: Seq,
    /// The newest start of its actor; 0 if it has never run.
    pub incarnation: Incarnation,
}

/// What the run's journal says about an effect that another call meant as well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EarlierEffect {
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

/// A call that meant an effect and has not surely failed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct MeantEffect {
    call: CallId,
    /// What it answered, if it was done.
    output: Option<String>,
}

/// What whoever works on a run looks up in its history, so that nobody reads the whole of it again.
///
/// Plain data, changed only in [`RunFacts::apply`]; its form is part of the stored snapshots.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RunFacts {
    seq: Seq,
    hash: [u8; 32],
    n_messages: BTreeMap<ThreadId, u32>,
    /// The conversations of the turns that are not in the main one.
    threads: BTreeMap<TurnId, ThreadId>,
    usage: Usage,
    lanes: BTreeMap<Lane, LaneEnd>,
    definition_hash: Option<[u8; 32]>,
    /// The model that replaced those of all agents, and those that later replaced the models of single ones.
    model: Option<ModelName>,
    models: BTreeMap<AgentName, ModelName>,
    /// The last fork of the run, if it is one.
    fork: Option<Box<Fork>>,
    /// By the hash of the intent key, in the order of their intents. A fork is another batch than the run it shares its
    /// beginning with, and yet must not repeat what was done there.
    effects: BTreeMap<String, Vec<MeantEffect>>,
    /// The intent keys of the calls in `effects` that have no answer.
    unsettled: BTreeMap<CallId, String>,
}

impl RunFacts {
    /// Returns the end of the chain that these facts include.
    #[must_use]
    pub const fn head(&self) -> ChainHead {
        ChainHead { seq: self.seq, hash: ChainHash(self.hash) }
    }

    /// Returns how many messages have been posted in a conversation.
    #[must_use]
    pub fn n_messages(&self, thread: ThreadId) -> u32 {
        self.n_messages.get(&thread).copied().unwrap_or_default()
    }

    /// Returns the conversations in which something was said.
    pub fn spoken_threads(&self) -> impl Iterator<Item = ThreadId> {
        self.n_messages.keys().copied()
    }

    /// Returns the conversation that a turn is part of.
    #[must_use]
    pub fn thread_of(&self, turn: TurnId) -> ThreadId {
        self.threads.get(&turn).copied().unwrap_or_default()
    }

    /// Returns what the run has used.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    /// Returns the end of a lane.
    #[must_use]
    pub fn lane(&self, lane: &str) -> LaneEnd {
        self.lanes.get(lane).copied().unwrap_or_default()
    }

    /// Returns the hash of the definition that is in force; `None` for a batch.
    #[must_use]
    pub const fn definition_hash(&self) -> Option<[u8; 32]> {
        self.definition_hash
    }

    /// Returns the model that an agent was given in the course of the run, in place of that of the scenario.
    #[must_use]
    pub fn replaced_model(&self, agent: &AgentName) -> Option<&ModelName> {
        self.models.get(agent).or(self.model.as_ref())
    }

    /// Returns where the run was forked from last, and what is different since; `None` if it is no fork.
    #[must_use]
    pub fn fork(&self) -> Option<&Fork> {
        self.fork.as_deref()
    }

    /// Returns the first of the earlier calls of this run that meant the same effect and have not surely failed.
    #[must_use]
    pub fn earlier_effect(&self, intent: &ToolIntent) -> Option<EarlierEffect> {
        let meant = self.effects.get(intent_hash(intent.keys.intent.as_ref()?))?;
        let earlier = meant.first().filter(|earlier| earlier.call != intent.call)?;
        Some(match &earlier.output {
            Some(output) => EarlierEffect::Done { call: earlier.call, output: output.clone() },
            None => EarlierEffect::Unsettled { call: earlier.call },
        })
    }

    /// Returns the intent key of a call that has one and whose effect is not settled.
    #[must_use]
    pub fn unsettled_intent(&self, call: CallId) -> Option<&str> {
        self.unsettled.get(&call).map(String::as_str)
    }

    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        (self.seq, self.hash) = (record.seq, record.hash.0);
        count_usage(&mut self.usage, &record.event);
        self.extend_lane(record);
        match &record.event {
            Event::MessagePosted { message } => {
                *self.n_messages.entry(self.thread_of(message.turn)).or_default() += 1;
            }
            Event::Briefed { turn, brief } if !brief.thread.is_main() => {
                self.threads.insert(*turn, brief.thread);
            }
            Event::ToolIntent(intent) => self.mean(intent),
            Event::ToolResult { call, output, .. } => self.settle(*call, Some(output)),
            Event::ToolFailed { call, .. } | Event::ToolDenied { call, .. } => self.settle(*call, None),
            Event::ReviewDecided { review: ReviewId::Doubt(call), verdict, .. } => match verdict {
                Verdict::Landed { output } => self.settle(*call, Some(output)),
                Verdict::DidNotHappen => self.settle(*call, None),
                // Nobody knows still.
                _ => {}
            },
            Event::RunAdmitted(admitted) => self.definition_hash = Some(admitted.definition_hash),
            Event::DefinitionChanged { to, .. } => self.definition_hash = Some(*to),
            Event::ModelReplaced { agent: Some(agent), model, .. } => {
                self.models.insert(agent.clone(), model.clone());
            }
            Event::ModelReplaced { agent: None, model, .. } => self.choose(model),
            Event::Forked(fork) => {
                fork.model.iter().for_each(|model| self.choose(model));
                self.fork = Some(fork.clone());
            }
            _ => {}
        }
    }

    /// Puts a model in place for all agents.
    fn choose(&mut self, model: &ModelName) {
        self.models.clear();
        self.model = Some(model.clone());
    }

    fn extend_lane(&mut self, record: &Record) {
        // Looked up first: a lane is made once, and making one copies its name.
        if !self.lanes.contains_key(record.lane.as_str()) {
            self.lanes.insert(record.lane.clone(), LaneEnd::default());
        }
        if let Some(lane) = self.lanes.get_mut(record.lane.as_str()) {
            lane.last = record.seq;
            if !is_admission(record) {
                lane.incarnation = lane.incarnation.max(record.incarnation);
            }
        }
    }

    fn mean(&mut self, intent: &ToolIntent) {
        if let Some(key) = &intent.keys.intent {
            self.unsettled.insert(intent.call, key.clone());
            self.effects
                .entry(intent_hash(key).to_owned())
                .or_default()
                .push(MeantEffect { call: intent.call, output: None });
        }
    }

    /// Notes how a call ended: with an answer, or surely without an effect.
    fn settle(&mut self, call: CallId, output: Option<&String>) {
        let Some(key) = self.unsettled.remove(&call) else { return };
        let Some(meant) = self.effects.get_mut(intent_hash(&key)) else { return };
        match output {
            Some(output) => {
                let of_call = meant.iter_mut().filter(|meant| meant.call == call);
                of_call.for_each(|meant| meant.output = Some(output.clone()));
            }
            None => meant.retain(|meant| meant.call != call),
        }
    }
}

/// Admission is nobody's incarnation: a run that has only that starts its actors for the first time.
fn is_admission(record: &Record) -> bool {
    match record.key.kind {
        Kind::RunAdmitted => true,
        Kind::MessagePosted => record.key.turn == TurnId(0),
        _ => false,
    }
}
