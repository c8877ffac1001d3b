//! The fold of one conversation: what has been assigned, said, spent and decided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use playhouse_journal::{Command, Event, Record};
use playhouse_messages::Transcript;
use playhouse_types::{
    AgentName, CallId, OutcomeKind, Participant, RunOutcome, Timestamp, TurnId, TurnOutcome,
};
use serde::{Deserialize, Serialize};

use crate::{Assignment, ConversationView, CrewDefinition, Pattern, PatternDecision, RoundRobin, Tally};

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
    /// Turns whose agent cannot go on because a call is in doubt.
    in_doubt: BTreeMap<TurnId, String>,
    /// Tool calls with an intent and no end.
    open_calls: BTreeSet<CallId>,
    last_speaker: Option<AgentName>,
    tally: Tally,
    last_time: Timestamp,
    cancelled: Option<String>,
    failed: Option<String>,
    limited: Option<String>,
    outcome: Option<RunOutcome>,
}

impl CoordinatorState {
    /// Makes the state of a run without records.
    #[must_use]
    pub fn new(crew: CrewDefinition) -> Self {
        let pattern = crew.pattern.boxed();
        Self {
            crew,
            pattern,
            assigned: 0,
            open: BTreeMap::new(),
            in_doubt: BTreeMap::new(),
            open_calls: BTreeSet::new(),
            last_speaker: None,
            tally: Tally::default(),
            last_time: Timestamp::default(),
            cancelled: None,
            failed: None,
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

    /// Takes in the next record of the run.
    pub fn apply(&mut self, record: &Record) {
        self.count_time(record);
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
            Event::ToolInDoubt { call, detail } => {
                self.open_calls.remove(call);
                self.in_doubt.insert(call.turn, format!("{call}: {detail}"));
            }
            Event::CommandAccepted { command: Command::Cancel { reason }, .. } => {
                self.cancelled.get_or_insert_with(|| reason.clone());
            }
            Event::RunConcluded { outcome, .. } => self.outcome = Some(outcome.clone()),
            _ => {}
        }
        self.pattern.apply(&record.event);
    }

    /// Adds the time since the last record, unless the run was not being worked on: a case that waits for its place in
    /// a batch is not active, nor is a run whose process is gone.
    fn count_time(&mut self, record: &Record) {
        if self.assigned > 0 && !matches!(record.event, Event::Resumed { .. }) {
            self.tally.active += record.time.since(self.last_time);
        }
        self.last_time = self.last_time.max(record.time);
    }

    fn end_turn(&mut self, turn: TurnId, outcome: &TurnOutcome) {
        self.tally.turns += 1;
        self.in_doubt.remove(&turn);
        let speaker = self.open.remove(&turn);
        let name = speaker.as_ref().map_or("?", AgentName::as_str);
        match outcome {
            TurnOutcome::Replied | TurnOutcome::Cancelled | TurnOutcome::Skipped { .. } => {}
            TurnOutcome::Limited { limit } => {
                self.limited = Some(format!("turn {turn} of `{name}`: {limit}"));
            }
            TurnOutcome::ModelFailed { detail } => {
                self.failed = Some(format!("turn {turn} of `{name}`: {detail}"));
            }
        }
        self.last_speaker = speaker;
    }

    /// Decides what to do at the time `now`. `transcript` is the run's conversation.
    #[must_use]
    pub fn decide(&self, transcript: &Arc<Transcript>, now: Timestamp) -> Decision {
        if self.outcome.is_some() {
            return Decision::Ended;
        }
        let mut tally = self.tally.clone();
        if self.assigned > 0 {
            tally.active += now.since(self.last_time);
        }
        let limit = self.crew.limit.met(&tally);
        if !self.open.is_empty() {
            return self.decide_with_open_turns(limit.is_some());
        }
        let outcome = |kind, detail: String| Decision::Conclude(RunOutcome { kind, detail });
        let until = self.crew.until.as_ref().and_then(|until| until.met(&tally));
        if let Some(reason) = &self.cancelled {
            outcome(OutcomeKind::Cancelled, reason.clone())
        } else if let Some(detail) = &self.failed {
            outcome(OutcomeKind::Failed, detail.clone())
        } else if let Some(detail) = until {
            outcome(OutcomeKind::Concluded, detail)
        } else if let Some(detail) = self.limited.clone().or(limit) {
            outcome(OutcomeKind::Limited, detail)
        } else {
            self.ask_pattern(transcript)
        }
    }

    fn decide_with_open_turns(&self, over_limit: bool) -> Decision {
        if self.cancelled.is_some() || over_limit {
            return Decision::CancelTurns;
        }
        let is_stuck = |turn: &TurnId| {
            self.in_doubt.contains_key(turn) && !self.open_calls.iter().any(|call| call.turn == *turn)
        };
        if self.open.keys().all(is_stuck) {
            let doubts: Vec<&str> = self.in_doubt.values().map(String::as_str).collect();
            return Decision::Suspend(format!(
                "in doubt, a person has to say what happened: {}",
                doubts.join("; ")
            ));
        }
        Decision::Wait
    }

    fn ask_pattern(&self, transcript: &Arc<Transcript>) -> Decision {
        let failed = |detail: String| Decision::Conclude(RunOutcome { kind: OutcomeKind::Failed, detail });
        let view = ConversationView {
            agents: &self.crew.agents,
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
                if let Some(stranger) = turns.iter().find(|turn| !self.crew.agents.contains(&turn.speaker)) {
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
mod tests;
