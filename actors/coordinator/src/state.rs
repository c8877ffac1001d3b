//! The fold of one conversation: what has been assigned, said, spent and decided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use playhouse_journal::{Command, Event, Record};
use playhouse_messages::Transcript;
use playhouse_review::{OpenReview, ReviewQueue};
use playhouse_types::{
    AgentName, CallId, OnExpiry, OutcomeKind, Participant, ReviewId, RunOutcome, Timestamp, TurnId,
    TurnOutcome, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::trouble::{Measure, Troubles};
use crate::{
    Assignment, ConversationView, CrewDefinition, Escalation, Pattern, PatternDecision, RoundRobin, Tally,
};

/// What the coordinator should do now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Nothing until something changes.
    Wait,
    /// Give these turns; the numbers follow on the turns given so far.
    Assign(Vec<(TurnId, Assignment)>),
    /// End the open turns: their calls are cancelled, their ends go on record.
    CancelTurns,
    /// End the run.
    Conclude(RunOutcome),
    /// Do something about an agent that cannot go on.
    Take(Measure),
    /// Reject these reviews: nobody has answered in time.
    Expire(Vec<ReviewId>),
    /// Set the run aside until a person says what to do.
    Quarantine(String),
    /// Let the run rest until a person acts.
    Suspend(String),
    /// Nothing any more: the run has ended.
    Ended,
}

/// The state of one conversation. Changes only in [`CoordinatorState::apply`]; what of it is not code is part of the
/// stored snapshots.
#[derive(Clone, Serialize, Deserialize)]
pub struct CoordinatorState {
    #[serde(skip)]
    crew: CrewDefinition,
    #[serde(skip, default = "nobody")]
    pattern: Box<dyn Pattern>,
    assigned: u32,
    open: BTreeMap<TurnId, AgentName>,
    /// What a person is asked.
    reviews: ReviewQueue,
    /// Agents that could not go on.
    troubles: Troubles,
    /// The agents that still take part.
    active: Vec<AgentName>,
    /// Changes of agents and models so far: they number the records of the next ones.
    n_measures: u32,
    is_paused: bool,
    /// Why the run is set aside, if it is.
    quarantined: Option<String>,
    /// Tool calls with an intent and no end.
    open_calls: BTreeSet<CallId>,
    last_speaker: Option<AgentName>,
    tally: Tally,
    last_time: Timestamp,
    last_epoch: u64,
    cancelled: Option<String>,
    /// Why no further turn is given, if somebody has asked for that.
    stopped: Option<String>,
    limited: Option<String>,
    outcome: Option<RunOutcome>,
}

impl CoordinatorState {
    /// Makes the state of a run without records.
    #[must_use]
    pub fn new(crew: CrewDefinition) -> Self {
        let (pattern, active) = (crew.pattern.boxed(), crew.agents.clone());
        Self {
            crew,
            pattern,
            reviews: ReviewQueue::default(),
            troubles: Troubles::default(),
            active,
            n_measures: 0,
            is_paused: false,
            quarantined: None,
            assigned: 0,
            open: BTreeMap::new(),
            open_calls: BTreeSet::new(),
            last_speaker: None,
            tally: Tally::default(),
            last_time: Timestamp::default(),
            last_epoch: 0,
            cancelled: None,
            stopped: None,
            limited: None,
            outcome: None,
        }
    }

    /// Returns the state as bytes; `None` if the crew's pattern cannot write its own down.
    #[must_use]
    pub fn save(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(&(self.pattern.save()?, self)).ok()
    }

    /// Returns the state of `crew` that was saved; `None` if the bytes are no such state.
    #[must_use]
    pub fn restore(crew: CrewDefinition, saved: &[u8]) -> Option<Self> {
        let ((pattern_state, state), rest): ((Vec<u8>, Self), _) = postcard::take_from_bytes(saved).ok()?;
        let mut pattern = crew.pattern.boxed();
        (rest.is_empty() && pattern.restore(&pattern_state)).then_some(Self { crew, pattern, ..state })
    }

    /// Returns the open turns and their speakers.
    #[must_use]
    pub const fn open(&self) -> &BTreeMap<TurnId, AgentName> {
        &self.open
    }

    /// Returns what a person is asked.
    #[must_use]
    pub const fn reviews(&self) -> &ReviewQueue {
        &self.reviews
    }

    /// Returns the number of changes of agents and models so far.
    #[must_use]
    pub const fn n_measures(&self) -> u32 {
        self.n_measures
    }

    /// Returns why the run is set aside, if it is.
    #[must_use]
    pub fn quarantined(&self) -> Option<&str> {
        self.quarantined.as_deref()
    }

    /// Tells whether the end of the run is on record.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.outcome.is_some()
    }

    /// Tells whether somebody has asked that no further turn be given.
    pub(crate) const fn is_to_end(&self) -> bool {
        self.cancelled.is_some() || self.stopped.is_some()
    }

    /// Tells whether the run only has to be brought to its end, for which no model and no tool is called.
    #[must_use]
    pub fn only_ends(&self) -> bool {
        let is_between_turns = self.stopped.is_some() && self.open.is_empty();
        self.outcome.is_none() && (self.cancelled.is_some() || is_between_turns)
    }

    /// Takes in the next record of the run.
    pub fn apply(&mut self, record: &Record) {
        self.count_time(record);
        self.reviews.apply(record);
        self.troubles.apply(record, self.open.get(&record.key.turn));
        match &record.event {
            Event::TurnAssigned { turn, speaker, .. } => {
                self.assigned = self.assigned.max(turn.0);
                self.open.insert(*turn, speaker.clone());
            }
            Event::TurnEnded { turn, outcome } => self.end_turn(*turn, outcome),
            Event::ModelResult { reply, .. } => {
                self.tally.tokens = self.tally.tokens.saturating_add(reply.usage.total());
                let cost = reply.cost_microusd.unwrap_or(0);
                self.tally.cost_microusd = self.tally.cost_microusd.saturating_add(cost);
            }
            Event::MessagePosted { message } => {
                if let (Participant::Agent(_), Some(until)) = (&message.from, &self.crew.until) {
                    self.tally.hear(until, &message.content);
                }
                self.tally.hear(&self.crew.limit, &message.content);
            }
            Event::ToolIntent(intent) => {
                self.open_calls.insert(intent.call);
            }
            Event::ToolResult { call, .. }
            | Event::ToolFailed { call, .. }
            | Event::ToolDenied { call, .. } => {
                self.open_calls.remove(call);
            }
            Event::ToolInDoubt { call, .. } => {
                self.open_calls.remove(call);
            }
            Event::CommandAccepted { command, .. } => self.take_command(command),
            Event::Quarantined { reason } => self.quarantined = Some(reason.clone()),
            // Its agent goes on with it: until it has, the turn is not stuck, whatever else waits.
            Event::ReviewDecided { review: ReviewId::Approval(call) | ReviewId::Question(call), .. }
                if self.open.contains_key(&call.turn) =>
            {
                self.open_calls.insert(*call);
            }
            Event::ReviewDecided { review: ReviewId::Quarantine(_), verdict, by } => {
                self.quarantined = None;
                if *verdict == Verdict::Abandon {
                    self.cancelled.get_or_insert_with(|| format!("abandoned by {by}"));
                }
            }
            Event::AgentDropped { agent, .. } => {
                self.n_measures += 1;
                self.active.retain(|active| active != agent);
            }
            Event::ModelReplaced { .. } => self.n_measures += 1,
            Event::RunConcluded { outcome, .. } => self.outcome = Some(outcome.clone()),
            _ => {}
        }
        self.pattern.apply(&record.event);
    }

    fn take_command(&mut self, command: &Command) {
        match command {
            Command::Cancel { reason } => {
                self.cancelled.get_or_insert_with(|| reason.clone());
                // What is to end need not be looked at first.
                self.quarantined = None;
            }
            Command::Pause => self.is_paused = true,
            Command::Unpause => self.is_paused = false,
            Command::Stop { reason } => {
                self.stopped.get_or_insert_with(|| reason.clone());
            }
            // The answer and the message have records of their own.
            Command::Decide { .. } | Command::Inject { .. } => {}
        }
    }

    /// Adds the time since the last record, unless the run was not being worked on: a case that waits for its place in
    /// a batch is not active, nor is a run whose process is gone or that waits for a person.
    fn count_time(&mut self, record: &Record) {
        // A command that is taken while nobody works on the run stands under an epoch of its own.
        let is_same_owner = record.epoch == self.last_epoch && !matches!(record.event, Event::Resumed { .. });
        if self.assigned > 0 && is_same_owner && !self.waits_for_a_person() {
            self.tally.active += record.time.since(self.last_time);
        }
        self.last_time = self.last_time.max(record.time);
        self.last_epoch = record.epoch;
    }

    /// Tells whether nothing can happen until a person acts: that time is nobody's activity.
    fn waits_for_a_person(&self) -> bool {
        let is_asked = !self.open.is_empty() && self.open.keys().all(|turn| self.is_stuck(*turn));
        is_asked || self.quarantined.is_some() || (self.is_paused && self.open.is_empty())
    }

    /// Tells whether a turn cannot go on until a person acts.
    fn is_stuck(&self, turn: TurnId) -> bool {
        let of_turn = |call: CallId| call.turn == turn;
        self.reviews.iter().any(|open| open.review.call().is_some_and(of_turn))
            && !self.open_calls.iter().any(|call| of_turn(*call))
    }

    fn end_turn(&mut self, turn: TurnId, outcome: &TurnOutcome) {
        self.tally.turns += 1;
        self.open_calls.retain(|call| call.turn != turn);
        let speaker = self.open.remove(&turn);
        let name = speaker.as_ref().map_or("?", AgentName::as_str);
        if let TurnOutcome::Limited { limit } = outcome {
            self.limited = Some(format!("turn {turn} of `{name}`: {limit}"));
        }
        self.last_speaker = speaker;
    }

    /// Decides what to do at the time `now`. `transcript` is the run's conversation.
    #[must_use]
    pub fn decide(&self, transcript: &Arc<Transcript>, now: Timestamp) -> Decision {
        if self.outcome.is_some() || self.quarantined.is_some() {
            return Decision::Ended;
        }
        let mut tally = self.tally.clone();
        if self.assigned > 0 && !self.waits_for_a_person() {
            tally.active += now.since(self.last_time);
        }
        let limit = self.crew.limit.met(&tally);
        if let Some(decision) = self.decide_on_trouble(limit.is_some()).or_else(|| self.expire(now)) {
            return decision;
        }
        if !self.open.is_empty() {
            return self.decide_with_open_turns(limit.is_some());
        }
        let outcome = |kind, detail: String| Decision::Conclude(RunOutcome { kind, detail });
        let until = self.crew.until.as_ref().and_then(|until| until.met(&tally));
        if let Some(reason) = &self.cancelled {
            outcome(OutcomeKind::Cancelled, reason.clone())
        } else if let Some(detail) = until {
            outcome(OutcomeKind::Concluded, detail)
        } else if let Some(detail) = self.stopped.clone().or_else(|| self.limited.clone()).or(limit) {
            outcome(OutcomeKind::Limited, detail)
        } else if self.is_paused {
            Decision::Suspend("paused: go on with `unpause`".to_owned())
        } else {
            self.ask_pattern(transcript)
        }
    }

    /// Decides about agents that cannot go on. A run that is to end anyway only needs their turns out of the way.
    fn decide_on_trouble(&self, over_limit: bool) -> Option<Decision> {
        let turn_of = |agent: &AgentName| {
            self.open.iter().find(|(_, speaker)| *speaker == agent).map(|(turn, _)| *turn)
        };
        let is_ending = self.is_to_end() || over_limit;
        let mut measures = self.troubles.measures(&self.crew.policies, turn_of);
        measures.find_map(|measure| self.decide_on(measure, is_ending))
    }

    fn decide_on(&self, measure: Measure, is_ending: bool) -> Option<Decision> {
        let is_open = measure.turn.is_some_and(|turn| self.open.contains_key(&turn));
        if is_ending && is_open {
            return Some(Decision::Take(Measure { escalation: Escalation::SkipTurn, ..measure }));
        }
        // A model that failed in the last turn has failed the run; a crash between turns is nobody's harm any more.
        if self.cancelled.is_some() || is_ending && measure.is_crash {
            return None;
        }
        // The run ends only once nobody is in the middle of something.
        let is_alone = self.open.keys().all(|turn| Some(*turn) == measure.turn || self.is_stuck(*turn));
        let failed = |detail| Decision::Conclude(RunOutcome { kind: OutcomeKind::Failed, detail });
        let blamed = format!("`{}`: {}", measure.agent, measure.reason);
        match measure.escalation {
            Escalation::Fail | Escalation::Quarantine if !is_alone => None,
            Escalation::Fail if measure.is_crash => Some(failed(blamed)),
            Escalation::Fail => Some(failed(measure.reason)),
            Escalation::Quarantine => Some(Decision::Quarantine(blamed)),
            _ => Some(Decision::Take(measure)),
        }
    }

    fn expire(&self, now: Timestamp) -> Option<Decision> {
        if self.cancelled.is_some() {
            return None;
        }
        let expired: Vec<&OpenReview> = self.reviews.expired(now).collect();
        let escalated = expired.iter().find(|open| open.request.on_expiry == OnExpiry::Escalate);
        if let Some(open) = escalated {
            return Some(Decision::Quarantine(format!("nobody has answered {} in time", open.review)));
        }
        (!expired.is_empty()).then(|| Decision::Expire(expired.iter().map(|open| open.review).collect()))
    }

    fn decide_with_open_turns(&self, over_limit: bool) -> Decision {
        if self.cancelled.is_some() || over_limit {
            return Decision::CancelTurns;
        }
        if self.open.keys().all(|turn| self.is_stuck(*turn)) {
            let waiting = |open: &OpenReview| {
                format!("{} (`{}`: {})", open.review, open.request.tool, open.request.reason)
            };
            let reviews: Vec<String> = self.reviews.iter().map(waiting).collect();
            return Decision::Suspend(format!("waits for a person: {}", reviews.join("; ")));
        }
        Decision::Wait
    }

    fn ask_pattern(&self, transcript: &Arc<Transcript>) -> Decision {
        let failed = |detail: String| Decision::Conclude(RunOutcome { kind: OutcomeKind::Failed, detail });
        if self.active.is_empty() {
            return failed("nobody is left to speak".to_owned());
        }
        if let Some(agent) = self.troubles.again() {
            let (speaker, reason) = (agent.clone(), "asked again, as its model was replaced".to_owned());
            return Decision::Assign(vec![(TurnId(self.assigned + 1), Assignment { speaker, reason })]);
        }
        let view = ConversationView {
            agents: &self.active,
            transcript,
            assigned: self.assigned,
            last_speaker: self.last_speaker.as_ref(),
        };
        match self.pattern.decide(&view) {
            PatternDecision::Conclude { detail } => {
                Decision::Conclude(RunOutcome { kind: OutcomeKind::Concluded, detail })
            }
            PatternDecision::Speak(turns) if turns.is_empty() => {
                failed("the pattern named nobody".to_owned())
            }
            PatternDecision::Speak(turns) => {
                if let Some(stranger) = turns.iter().find(|turn| !self.active.contains(&turn.speaker)) {
                    return failed(format!(
                        "the pattern named `{}`, who is not in the crew",
                        stranger.speaker
                    ));
                }
                let names: BTreeSet<&AgentName> = turns.iter().map(|turn| &turn.speaker).collect();
                if names.len() < turns.len() {
                    return failed("the pattern named an agent twice for turns at once".to_owned());
                }
                let numbers = (self.assigned + 1..).map(TurnId);
                Decision::Assign(numbers.zip(turns).collect())
            }
        }
    }
}

/// Stands in for the pattern between reading a state and giving it its crew.
fn nobody() -> Box<dyn Pattern> {
    Box::new(RoundRobin::new())
}

impl std::fmt::Debug for CoordinatorState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoordinatorState")
            .field("assigned", &self.assigned)
            .field("open", &self.open)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod command_tests;
#[cfg(test)]
mod escalation_tests;
#[cfg(test)]
mod tests;
