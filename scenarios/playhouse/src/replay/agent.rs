//! The decisions of one agent, derived again.

use std::sync::Arc;

use playhouse_agents::{AgentDecision, AgentDefinition, AgentState, OfferedTools};
use playhouse_journal::{Event, ModelIntent, Record};
use playhouse_messages::{ModelRequest, Transcript, TranscriptView};
use playhouse_types::{
    CallId, Label, Lane, Message, ModelName, Participant, RunId, Seq, Timestamp, TurnId, TurnOutcome,
};

use super::coordinator::CoordinatorReplay;
use super::{Cast, Derived, upto, words};
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
        records: &[Arc<Record>],
        transcript: &Arc<Transcript>,
        terms: &Terms,
        record: &Record,
        coordinator: &mut CoordinatorReplay<'_>,
    ) -> Derived {
        match (&record.event, record.causation) {
            // What the task of a call records is what happened. The ends that an agent decides itself name its place.
            (
                Event::ModelResult { .. }
                | Event::ModelFailed { .. }
                | Event::ToolResult { .. }
                | Event::ToolInDoubt { .. }
                | Event::ActorFailed { .. }
                | Event::ActorRestarted { .. }
                | Event::ActorGivenUp { .. },
                _,
            )
            | (Event::ToolFailed { .. } | Event::ToolDenied { .. }, None) => return Derived::Fact,
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
                let view = TranscriptView::new(Arc::clone(transcript), upto);
                self.derive_asking(terms, record, found, view, &decision)
            }
            Event::ToolIntent(_) | Event::ToolFailed { .. } | Event::ToolDenied { .. } => {
                self.derive_call(origin(records, record), terms, record, &decision)
            }
            Event::MessagePosted { message } => self.derive_message(turn, message, &decision),
            Event::TurnEnded { outcome: TurnOutcome::Cancelled, .. } => {
                let has_open_calls = matches!(decision, AgentDecision::AwaitCalls { .. });
                if !has_open_calls && coordinator.cancels(records, record) {
                    Derived::Same
                } else {
                    Derived::Other(words::agent_decision(&decision))
                }
            }
            Event::TurnEnded { outcome, .. } => match &decision {
                AgentDecision::Post { .. } if *outcome == TurnOutcome::Replied => Derived::Same,
                AgentDecision::End { outcome: expected } if expected == outcome => Derived::Same,
                _ => Derived::Other(words::agent_decision(&decision)),
            },
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
    fn derive_asking(
        &self,
        terms: &Terms,
        record: &Record,
        found: &ModelIntent,
        transcript: TranscriptView,
        decision: &AgentDecision,
    ) -> Derived {
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
        let request = ModelRequest {
            agent: self.definition.name.clone(),
            turn: record.key.turn,
            step,
            header_hash: header.hash(),
            header,
            transcript,
            own: Arc::clone(self.state.own()),
        };
        let expected = ModelIntent { model, request_hash: request.hash(), attempt: *attempt };
        Derived::compare(&Event::ModelIntent(expected), &record.event)
    }

    /// Returns the model that the agent had to ask; `None` if the environment of its process decided it.
    fn model(&self, terms: &Terms) -> Option<ModelName> {
        terms.model.clone().or_else(|| self.definition.model.clone())
    }

    fn derive_call(&self, run: RunId, terms: &Terms, record: &Record, decision: &AgentDecision) -> Derived {
        let call = CallId { turn: record.key.turn, step: record.key.step, ordinal: record.key.ordinal };
        let is_due = matches!(decision, AgentDecision::Prepare { step, ordinals }
            if *step == call.step && ordinals.contains(&call.ordinal));
        let Some(request) = self.state.requested(call.ordinal).filter(|_| is_due) else {
            return Derived::Other(words::agent_decision(decision));
        };
        let offered = OfferedTools {
            names: self.definition.tools.clone(),
            registry: Arc::clone(&self.cast.tools),
            effects: terms.effects,
        };
        // Until when it may be sent depends on the moment, which is a fact.
        let dispatch_by = match &record.event {
            Event::ToolIntent(intent) => intent.dispatch_by,
            _ => Timestamp::default(),
        };
        Derived::compare(&offered.record(run, call, request, dispatch_by), &record.event)
    }

    fn derive_message(&self, turn: TurnId, message: &Message, decision: &AgentDecision) -> Derived {
        let AgentDecision::Post { content } = decision else {
            return Derived::Other(words::agent_decision(decision));
        };
        let from = Participant::Agent(self.definition.name.clone());
        let expected = Message { turn, from, content: content.clone(), label: Label::default() };
        if expected == *message { Derived::Same } else { Derived::Other(words::agent_decision(decision)) }
    }
}

fn fresh(definition: &AgentDefinition) -> AgentState {
    AgentState::new(definition.name.clone(), definition.max_steps)
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
