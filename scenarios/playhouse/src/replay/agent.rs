//! The decisions of one agent, derived again.

use std::sync::Arc;

use playhouse_agents::{
    AgentDecision, AgentDefinition, AgentState, CallGate, Ending, OfferedTools, ending, model_request,
    offered_names,
};
use playhouse_journal::{Event, ModelIntent, Record};
use playhouse_messages::Threads;
use playhouse_tools::KeyPlace;
use playhouse_types::{
    CallId, Label, Lane, Message, ModelName, Participant, RunId, Seq, TurnId, TurnOutcome,
};

use super::coordinator::CoordinatorReplay;
use super::{Cast, Derived, guarded, upto, words};
use crate::terms::Terms;

/// An agent of a run that is replayed.
pub(super) struct AgentReplay<'a> {
    cast: &'a Cast,
    definition: &'a AgentDefinition,
    lane: Lane,
    /// As of the record that the writer of the decision had folded.
    state: AgentState,
    at: Seq,
}

/// What a decision is derived from, besides the agent's own state.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    /// All records of the run.
    pub(super) records: &'a [Arc<Record>],
    /// Its conversations.
    pub(super) threads: &'a Threads,
    /// What is in force.
    pub(super) terms: &'a Terms,
}

/// An asking of a model on record.
#[derive(Clone, Copy)]
struct Asked<'a> {
    record: &'a Record,
    found: &'a ModelIntent,
    threads: &'a Threads,
    upto: u32,
}

impl<'a> AgentReplay<'a> {
    pub(super) fn new(cast: &'a Cast, definition: &'a AgentDefinition) -> Self {
        let lane = Lane::from(&definition.name);
        Self { cast, definition, lane, state: fresh(definition), at: Seq(0) }
    }

    pub(super) fn is_of(&self, lane: &Lane) -> bool {
        self.lane == *lane
    }

    /// Derives a record of the agent's lane.
    pub(super) fn derive(
        &mut self,
        seen: Seen<'_>,
        record: &Record,
        coordinator: &mut CoordinatorReplay<'_>,
    ) -> Derived {
        let Seen { records, threads, terms } = seen;
        match (&record.event, record.causation) {
            // What the task of a call records is what happened. The ends that an agent decides itself name its place.
            (
                Event::ModelResult { .. }
                | Event::ModelFailed { .. }
                | Event::ToolInDoubt { .. }
                | Event::ToolIntentRenewed { .. }
                | Event::ActorFailed { .. }
                | Event::ActorRestarted { .. },
                _,
            )
            | (Event::ToolResult { .. } | Event::ToolFailed { .. } | Event::ToolDenied { .. }, None) => {
                return Derived::Fact;
            }
            (_, None) => return Derived::other("the place of the agent that decided it"),
            (_, Some(seen)) => self.go_to(records, seen),
        }
        let decision = self.state.decide();
        let Some((turn, upto)) = self.state.open_turn().filter(|(turn, _)| *turn == record.key.turn) else {
            return Derived::Other(format!(
                "no record of turn {}, which `{}` does not have",
                record.key.turn, self.lane
            ));
        };
        match &record.event {
            Event::ModelIntent(found) => {
                let asked = Asked { record, found, threads, upto };
                self.derive_asking(terms, asked, &decision)
            }
            Event::ToolIntent(_)
            | Event::ToolResult { .. }
            | Event::ToolFailed { .. }
            | Event::ToolDenied { .. }
            | Event::Consulted { .. }
            | Event::ReviewOpened { .. } => {
                self.derive_call(key_place(records, record), terms, record, &decision)
            }
            Event::MessagePosted { .. } | Event::ReplyRejected { .. } => {
                self.derive_ending(turn, record, &decision)
            }
            Event::TurnEnded { outcome: TurnOutcome::Cancelled, .. } => {
                let has_open_calls = matches!(decision, AgentDecision::AwaitCalls { .. });
                if !has_open_calls && coordinator.cancels(records, record) {
                    Derived::Same
                } else {
                    Derived::Other(words::agent_decision(&decision))
                }
            }
            Event::TurnEnded { .. } => self.derive_ending(turn, record, &decision),
            _ => Derived::Other(words::agent_decision(&decision)),
        }
    }

    fn go_to(&mut self, records: &[Arc<Record>], seq: Seq) {
        if seq < self.at {
            (self.state, self.at) = (fresh(self.definition), Seq(0));
        }
        for record in upto(records, seq).iter().skip(usize::try_from(self.at.0).unwrap_or(usize::MAX)) {
            self.state.apply(record);
            self.at = record.seq;
        }
    }

    /// Whether a lost call had really been lost cannot be seen afterwards: asking again is right wherever the call had
    /// no end yet.
    fn derive_asking(&self, terms: &Terms, asked: Asked<'_>, decision: &AgentDecision) -> Derived {
        let Asked { record, found, threads, upto } = asked;
        let (AgentDecision::Ask { step, attempt }
        | AgentDecision::AwaitModel { step, next_attempt: attempt }) = decision
        else {
            return Derived::Other(words::agent_decision(decision));
        };
        let step = *step;
        if (record.key.step, record.key.ordinal) != (step, *attempt) {
            return Derived::Other(words::agent_decision(decision));
        }
        let model = self.model(terms).unwrap_or_else(|| found.model.clone());
        let header = Arc::new(self.cast.header(self.definition, model.clone()));
        let hash = header.hash();
        let place = (record.key.turn, upto, step);
        let request = model_request(self.definition, &self.state, (header, hash), threads, place);
        let expected = ModelIntent { model, request_hash: request.hash(), attempt: *attempt };
        Derived::compare(&Event::ModelIntent(expected), &record.event)
    }

    /// Returns the model that the agent had to ask; `None` if the environment of its process decided it.
    fn model(&self, terms: &Terms) -> Option<ModelName> {
        let replaced = terms.replaced.get(&self.definition.name);
        replaced.or(terms.model.as_ref()).or(self.definition.model.as_ref()).cloned()
    }

    fn derive_call(
        &self,
        place: KeyPlace<'_>,
        terms: &Terms,
        record: &Record,
        decision: &AgentDecision,
    ) -> Derived {
        let call = match &record.event {
            Event::ReviewOpened { review, .. } => review.call(),
            _ => {
                let (turn, step, ordinal) = (record.key.turn, record.key.step, record.key.ordinal);
                Some(CallId { turn, step, ordinal })
            }
        };
        let due = call.filter(|call| {
            matches!(decision, AgentDecision::Prepare { step, ordinals }
                if call.turn == record.key.turn && *step == call.step && ordinals.contains(&call.ordinal))
        });
        let Some(call) = due else { return Derived::Other(words::agent_decision(decision)) };
        let names = offered_names(self.definition, self.state.brief().map(AsRef::as_ref));
        let offered = OfferedTools { names, registry: Arc::clone(&self.cast.tools) };
        let gate = CallGate {
            agent: self.definition,
            offered: &offered,
            policy: &self.cast.definition.policy,
            effects: terms.effects,
            place,
            now: record.time,
            dispatch_by: record.time,
        };
        let Some(expected) = guarded(|| gate.prepare_call(&self.state, call)) else {
            return Derived::other("a policy that does not panic");
        };
        let Some(mut expected) = expected else { return Derived::Other(words::agent_decision(decision)) };
        take_moments(&mut expected, &record.event);
        Derived::compare(&expected, &record.event)
    }

    /// Derives what a turn ends with, or that its reply was rejected.
    fn derive_ending(&self, turn: TurnId, record: &Record, decision: &AgentDecision) -> Derived {
        let Some(ending) = guarded(|| ending(self.definition, &self.state, decision)) else {
            return Derived::other("a guardrail that does not panic");
        };
        let is_same = match (&record.event, ending) {
            (Event::MessagePosted { message }, Some(Ending::Turn { content: Some(content), .. })) => {
                let from = Participant::Agent(self.definition.name.clone());
                *message == Message { turn, from, content, label: Label::default() }
            }
            (Event::TurnEnded { outcome, .. }, Some(Ending::Turn { outcome: expected, .. })) => {
                *outcome == expected
            }
            (Event::ReplyRejected { feedback }, Some(Ending::Rejected { feedback: expected })) => {
                *feedback == expected
            }
            _ => false,
        };
        if is_same { Derived::Same } else { Derived::Other(words::agent_decision(decision)) }
    }
}

fn fresh(definition: &AgentDefinition) -> AgentState {
    AgentState::new(definition.name.clone(), definition.max_steps)
}

/// Until when something may be sent or answered depends on the moment of the decision, which is a fact.
const fn take_moments(expected: &mut Event, found: &Event) {
    match (expected, found) {
        (Event::ToolIntent(expected), Event::ToolIntent(found)) => expected.dispatch_by = found.dispatch_by,
        (Event::ReviewOpened { request: expected, .. }, Event::ReviewOpened { request: found, .. })
            if expected.expires_at.is_some() && found.expires_at.is_some() =>
        {
            expected.expires_at = found.expires_at;
        }
        _ => {}
    }
}

/// Returns what the keys of a call were made from. A fork is no part of a batch.
fn key_place<'a>(records: &[Arc<Record>], record: &'a Record) -> KeyPlace<'a> {
    let run = origin(records, record);
    let batch = records.first().and_then(|first| match &first.event {
        Event::RunAdmitted(admitted) if origin(records, first) == run => admitted.parent,
        _ => None,
    });
    KeyPlace { run, batch: batch.unwrap_or(run), tenant: &record.tenant }
}

/// Returns the run in which a record was first written: its keys are made from that run's id. A fork shares the records
/// of another run.
fn origin(records: &[Arc<Record>], record: &Record) -> RunId {
    let after = records.iter().skip(upto(records, record.seq).len());
    let from = after.filter_map(|later| match &later.event {
        Event::Forked(fork) => Some(fork.from),
        _ => None,
    });
    from.into_iter().next().unwrap_or(record.run)
}
