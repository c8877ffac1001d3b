//! The fold of one agent's lane: its own exchanges and its open turn.

mod open_turn;

use std::collections::BTreeMap;
use std::sync::Arc;

use playhouse_journal::{Event, Record, ToolIntent};
use playhouse_messages::OwnTurn;
use playhouse_types::{
    AgentName, Brief, CallId, FinishReason, Lane, ModelFailureKind, ModelReply, ReplyTo, ReviewId, Step,
    ToolCallRequest, TurnId, TurnOutcome, Verdict,
};
use serde::{Deserialize, Serialize};

use self::open_turn::{CallReview, CallState, OpenTurn, StepState};
use crate::consult::{self, Consulted};

/// What an agent should do now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AgentDecision {
    /// Nothing: no turn is open.
    Idle,
    /// Ask the model; nothing is on record for this attempt.
    Ask {
        /// The step, from 1.
        step: Step,
        /// Which asking of this step, from 0.
        attempt: u32,
    },
    /// A model call has an intent and no end: wait if it is in flight, else ask again with the next attempt.
    AwaitModel {
        /// The step.
        step: Step,
        /// The attempt that follows if this one was lost.
        next_attempt: u32,
    },
    /// Prepare these tool calls of the last reply: nothing is on record for them, or a person has just answered.
    Prepare {
        /// The step.
        step: Step,
        /// Their places in the reply.
        ordinals: Vec<u32>,
    },
    /// These tool calls have an intent and no end: wait for those in flight, recover the others.
    AwaitCalls {
        /// Their intents.
        intents: Vec<ToolIntent>,
    },
    /// Colleagues were called and have not answered: they have turns of their own.
    AwaitColleagues,
    /// A call is in doubt or under review, and all others have ended: a person has to act.
    Stuck,
    /// Say this and end the turn, if it fits what was asked for.
    Post {
        /// The step whose reply it is.
        step: Step,
        /// The text.
        content: String,
    },
    /// Give the floor to another agent.
    HandOff {
        /// To whom.
        to: AgentName,
        /// What to say.
        content: String,
    },
    /// End the turn without a message.
    End {
        /// How it ended.
        outcome: TurnOutcome,
    },
}

/// The state of one agent. Changes only in [`AgentState::apply`]; its form is part of the stored snapshots.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AgentState {
    name: AgentName,
    lane: Lane,
    max_steps: u32,
    own: Arc<Vec<OwnTurn>>,
    open: Option<OpenTurn>,
    /// What somebody is told who gets the floor with the next record.
    told: Option<(TurnId, Arc<Brief>)>,
    /// The turns of colleagues that it has called.
    called: BTreeMap<TurnId, CallId>,
}

impl AgentState {
    /// Makes the state of an agent without records.
    #[must_use]
    pub fn new(name: AgentName, max_steps: u32) -> Self {
        let lane = Lane::from(&name);
        Self { name, lane, max_steps, own: Arc::default(), open: None, told: None, called: BTreeMap::new() }
    }

    /// Returns whose state this is.
    #[must_use]
    pub const fn name(&self) -> &AgentName {
        &self.name
    }

    /// Returns the open turn and how many messages it sees.
    #[must_use]
    pub fn open_turn(&self) -> Option<(TurnId, u32)> {
        self.open.as_ref().map(|open| (open.turn, open.upto))
    }

    /// Returns what the agent was told to do in the open turn.
    #[must_use]
    pub fn brief(&self) -> Option<&Arc<Brief>> {
        self.open.as_ref()?.brief.as_ref()
    }

    /// Returns how many replies of the open turn were rejected.
    #[must_use]
    pub fn n_rejected(&self) -> usize {
        let steps = self.open.iter().flat_map(|open| &open.steps);
        steps.filter(|step| step.rejected.is_some()).count()
    }

    /// Returns the agent's own turns with tool exchanges, oldest first.
    #[must_use]
    pub const fn own(&self) -> &Arc<Vec<OwnTurn>> {
        &self.own
    }

    /// Returns a tool call of the last reply of the open turn.
    #[must_use]
    pub fn requested(&self, ordinal: u32) -> Option<&ToolCallRequest> {
        match self.open.as_ref()?.steps.last()?.outcome.as_ref()? {
            Ok(reply) => reply.tool_calls.get(ordinal as usize),
            Err(_) => None,
        }
    }

    /// Returns the intents of the open turn that have no end on record and are not in doubt.
    #[must_use]
    pub fn open_intents(&self) -> Vec<ToolIntent> {
        let steps = self.open.iter().filter_map(|open| open.steps.last());
        let is_open = |call: &&CallState| call.answer.is_none() && !call.is_in_doubt;
        steps
            .flat_map(|step| step.calls.iter().filter(is_open))
            .filter_map(|call| call.intent.clone())
            .collect()
    }

    /// Returns what a person said about a tool call of the last reply that has not been made yet, and the hash of what
    /// it was said about.
    #[must_use]
    pub fn verdict(&self, ordinal: u32) -> Option<(&Verdict, [u8; 32])> {
        match self.open.as_ref()?.steps.last()?.calls.get(ordinal as usize)?.review.as_ref()? {
            CallReview::Answered { verdict, subject_hash } => Some((verdict, *subject_hash)),
            CallReview::Asked { .. } => None,
        }
    }

    /// Returns what a colleague came to that a tool call of the last reply has called, once that is known.
    #[must_use]
    pub fn consulted(&self, ordinal: u32) -> Option<&Consulted> {
        let call = self.open.as_ref()?.steps.last()?.calls.get(ordinal as usize)?;
        call.colleague.as_ref()?.1.as_ref()
    }

    /// Takes in the next record of the run; records of other lanes change nothing but for an assignment to this agent,
    /// the answer of a person or a colleague to one of its calls, and the end of its turn.
    pub fn apply(&mut self, record: &Record) {
        if let Event::Briefed { turn, brief } = &record.event {
            if let ReplyTo::Caller(call) = brief.reply_to
                && self.open.as_ref().is_some_and(|open| open.turn == call.turn)
            {
                self.called.insert(*turn, call);
            }
            // Whose turn it is, the next record says.
            self.told = Some((*turn, Arc::new(Brief::clone(brief))));
            return;
        }
        let told = self.told.take();
        if let Event::TurnAssigned { turn, speaker, upto, .. } = &record.event {
            if *speaker == self.name {
                let brief = told.filter(|(told, _)| told == turn).map(|(_, brief)| brief);
                self.open = Some(OpenTurn { turn: *turn, upto: *upto, brief, steps: Vec::new() });
            }
            return;
        }
        if let Event::ReviewDecided { review, verdict, .. } = &record.event {
            self.decided(*review, verdict);
            return;
        }
        if let Event::TurnEnded { turn, outcome } = &record.event
            && let Some(call) = self.called.remove(turn)
        {
            self.answered(call, outcome);
            return;
        }
        let is_skipped = matches!(record.event, Event::TurnEnded { .. });
        if record.lane != self.lane && !is_skipped {
            return;
        }
        self.apply_own(record);
    }

    /// Takes in a record of the agent's own lane, or of its turn's end.
    fn apply_own(&mut self, record: &Record) {
        let Some(open) = self.open.as_mut().filter(|open| open.turn == record.key.turn) else { return };
        match &record.event {
            Event::TurnEnded { .. } => (self.open, self.called) = (None, BTreeMap::new()),
            Event::Consulted { call, whom, .. } => {
                if let Some(call) = open.call(*call) {
                    call.colleague = Some((whom.clone(), None));
                }
            }
            Event::ModelIntent(intent) => {
                let step = open.step(record.key.step);
                step.attempts = step.attempts.max(intent.attempt + 1);
            }
            Event::ModelResult { reply, .. } => {
                let step = open.step(record.key.step);
                step.calls = vec![CallState::default(); reply.tool_calls.len()];
                step.outcome = Some(Ok(reply.clone()));
            }
            Event::ModelFailed { failure, .. } => {
                open.step(record.key.step).outcome = Some(Err(failure.clone()));
            }
            Event::ReplyRejected { feedback } => {
                open.step(record.key.step).rejected = Some(feedback.clone());
                self.extend_own(record.key.step);
            }
            Event::ToolIntent(intent) => {
                if let Some(call) = open.call(intent.call) {
                    call.intent = Some(intent.clone());
                }
            }
            Event::ToolIntentRenewed { call, dispatch_by } => {
                if let Some(intent) = open.call(*call).and_then(|call| call.intent.as_mut()) {
                    intent.dispatch_by = *dispatch_by;
                }
            }
            Event::ToolResult { call, output, .. } => self.answer(*call, output.clone(), false),
            Event::ToolFailed { call, failure } => self.answer(*call, failure.detail.clone(), true),
            Event::ToolDenied { call, reason } => self.answer(*call, format!("denied: {reason}"), true),
            Event::ToolInDoubt { call, .. } => {
                if let Some(call) = open.call(*call) {
                    call.is_in_doubt = true;
                }
            }
            Event::ReviewOpened { review, request } => {
                if let Some(call) = review.call().and_then(|call| open.call(call)) {
                    call.review = Some(CallReview::Asked { subject_hash: request.subject_hash });
                }
            }
            _ => {}
        }
    }

    /// Takes in how the turn of a colleague ended that was called.
    fn answered(&mut self, call: CallId, outcome: &TurnOutcome) {
        let Some(state) = self.open.as_mut().and_then(|open| open.call(call)) else { return };
        if let Some((whom, consulted)) = &mut state.colleague {
            *consulted = Some(consult::outcome(whom, outcome));
        }
    }

    /// Takes in what a person said: about a call that waits, to be acted on; about one in doubt, as its answer.
    fn decided(&mut self, review: ReviewId, verdict: &Verdict) {
        let Some(open) = &mut self.open else { return };
        let Some(call) = review.call().filter(|call| call.turn == open.turn) else { return };
        let Some(state) = open.call(call) else { return };
        match (review, verdict) {
            (ReviewId::Doubt(_), verdict) => {
                state.is_in_doubt = false;
                let (answer, failed) = settled(verdict);
                self.answer(call, answer, failed);
            }
            (_, verdict) => {
                if let Some(CallReview::Asked { subject_hash }) = state.review {
                    state.review = Some(CallReview::Answered { subject_hash, verdict: verdict.clone() });
                }
            }
        }
    }

    /// Takes in the answer of a call; once a step has all of them, it is an exchange that the model sees.
    fn answer(&mut self, call: CallId, answer: String, failed: bool) {
        let Some(open) = &mut self.open else { return };
        if let Some(state) = open.call(call) {
            state.answer = Some((answer, failed));
        }
        self.extend_own(call.step);
    }

    /// Adds a step to what the agent has done, if it is complete.
    fn extend_own(&mut self, step: Step) {
        let Some(open) = &self.open else { return };
        let Some(exchange) = open.exchange(step) else { return };
        let (turn, upto) = (open.turn, open.upto);
        let thread = open.brief.as_ref().map(|brief| brief.thread).unwrap_or_default();
        let own = Arc::make_mut(&mut self.own);
        match own.last_mut() {
            Some(last) if last.turn == turn => last.exchanges.push(exchange),
            _ => own.push(OwnTurn { turn, thread, upto, exchanges: vec![exchange] }),
        }
    }

    /// Decides what comes next.
    #[must_use]
    pub fn decide(&self) -> AgentDecision {
        let Some(open) = &self.open else { return AgentDecision::Idle };
        let number = Step(u32::try_from(open.steps.len()).unwrap_or(u32::MAX));
        let Some(step) = open.steps.last() else { return AgentDecision::Ask { step: Step(1), attempt: 0 } };
        match &step.outcome {
            None => AgentDecision::AwaitModel { step: number, next_attempt: step.attempts },
            // Whoever cancelled the turn ends it; the model has not failed.
            Some(Err(failure)) if failure.kind == ModelFailureKind::Cancelled => {
                AgentDecision::End { outcome: TurnOutcome::Cancelled }
            }
            Some(Err(failure)) => {
                AgentDecision::End { outcome: TurnOutcome::ModelFailed { detail: failure.to_string() } }
            }
            Some(Ok(_)) if step.rejected.is_some() => self.ask_again(number),
            // A cut or withheld reply may hold half a call: none of it is acted on.
            Some(Ok(reply)) if is_whole(reply) && !reply.tool_calls.is_empty() => {
                self.decide_on_calls(number, step)
            }
            Some(Ok(reply)) => decide_on_text(number, reply),
        }
    }

    fn ask_again(&self, number: Step) -> AgentDecision {
        if number.0 < self.max_steps {
            return AgentDecision::Ask { step: number.next(), attempt: 0 };
        }
        let limit = format!("{} model calls in one turn", self.max_steps);
        AgentDecision::End { outcome: TurnOutcome::Limited { limit } }
    }

    fn decide_on_calls(&self, number: Step, step: &StepState) -> AgentDecision {
        let calls = || (0u32..).zip(&step.calls);
        let ordinals: Vec<u32> =
            calls().filter(|(_, call)| call.is_to_prepare()).map(|(ordinal, _)| ordinal).collect();
        if !ordinals.is_empty() {
            return AgentDecision::Prepare { step: number, ordinals };
        }
        let intents = self.open_intents();
        if !intents.is_empty() {
            AgentDecision::AwaitCalls { intents }
        } else if step.calls.iter().any(CallState::waits_for_colleague) {
            AgentDecision::AwaitColleagues
        } else if step.calls.iter().any(CallState::waits_for_person) {
            AgentDecision::Stuck
        } else if let Some(handed) = step.handed_off() {
            handed
        } else {
            self.ask_again(number)
        }
    }
}

/// Returns what an agent learns of a call in doubt that a person has settled, and whether it counts as failed.
fn settled(verdict: &Verdict) -> (String, bool) {
    match verdict {
        Verdict::Landed { output } => (output.clone(), false),
        Verdict::DidNotHappen => ("a person has found that this was not done".to_owned(), true),
        _ => ("nobody knows whether this was done; a person has said to go on without it".to_owned(), true),
    }
}

const fn is_whole(reply: &ModelReply) -> bool {
    matches!(reply.finish, FinishReason::Stop | FinishReason::ToolCalls)
}

fn decide_on_text(step: Step, reply: &ModelReply) -> AgentDecision {
    let failed =
        |detail: &str| AgentDecision::End { outcome: TurnOutcome::ModelFailed { detail: detail.to_owned() } };
    match reply.finish {
        FinishReason::Length => AgentDecision::End {
            outcome: TurnOutcome::Limited { limit: "the reply was cut at the output limit".to_owned() },
        },
        FinishReason::ContentFilter => failed("the endpoint's content filter withheld the reply"),
        FinishReason::Stop | FinishReason::ToolCalls if reply.content.trim().is_empty() => {
            failed("the model replied with nothing")
        }
        FinishReason::Stop | FinishReason::ToolCalls => {
            AgentDecision::Post { step, content: reply.content.clone() }
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod handoff_tests;
