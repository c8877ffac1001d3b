//! The fold of one conversation: what has been assigned, said, spent and decided.

mod consults;
mod crews;
mod team;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use playhouse_journal::{Command, Event, Record, ToolIntent};
use playhouse_messages::Threads;
use playhouse_review::{OpenReview, ReviewQueue};
use playhouse_types::{
    AgentName, Brief, CallId, Label, Message, OnExpiry, OutcomeKind, Participant, ReviewId, RunOutcome,
    ThreadId, Timestamp, TurnId, TurnOutcome, Verdict,
};
use serde::{Deserialize, Serialize};

use self::consults::Consults;
use self::team::{OpenTurn, Team, TeamDecision};
use crate::trouble::{Measure, Troubles};
use crate::{Assignment, CrewDefinition, Escalation, Moment};

/// How much of the time between two records counts as activity at most: no call takes longer without a record, so more is
/// a clock that was set forward or a machine that slept.
const MAX_GAP: Duration = Duration::from_secs(600);

/// What the coordinator should do now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Nothing until something changes.
    Wait,
    /// Give these turns; the numbers follow on the turns given so far.
    Assign(Vec<(TurnId, Assignment)>),
    /// Say something under a turn of its own, without asking anybody.
    Say {
        /// The turn.
        turn: TurnId,
        /// What is on record of it before the message: above all, in which conversation it is.
        brief: Brief,
        /// The message.
        message: Message,
    },
    /// Post what was said in turns that were given at the same time.
    Post(Vec<Message>),
    /// Answer a call to a colleague that takes no part any more, under a turn of its own.
    Decline {
        /// The turn.
        turn: TurnId,
        /// Whose call it answers.
        brief: Brief,
        /// Why.
        reason: String,
    },
    /// End the turn of a crew that takes part in another, with what it says there.
    EndCrew {
        /// The turn.
        turn: TurnId,
        /// What it says.
        message: Option<Message>,
        /// How the turn ended.
        outcome: TurnOutcome,
    },
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
    /// The conversations that have not ended, the main one first.
    teams: BTreeMap<ThreadId, Team>,
    /// The conversations of the turns that are not in the main one.
    threads: BTreeMap<TurnId, ThreadId>,
    /// The last turn that was given.
    assigned: TurnId,
    /// Colleagues that were called.
    consults: Consults,
    /// What a person is asked.
    reviews: ReviewQueue,
    /// Agents that could not go on.
    troubles: Troubles,
    /// Changes of agents and models so far: they number the records of the next ones.
    n_measures: u32,
    is_paused: bool,
    /// Why the run is set aside, if it is.
    quarantined: Option<String>,
    /// Tool calls with an intent and no end.
    open_calls: BTreeSet<CallId>,
    last_time: Timestamp,
    last_epoch: u64,
    cancelled: Option<String>,
    /// Why no further turn is given, if somebody has asked for that.
    stopped: Option<String>,
    outcome: Option<RunOutcome>,
}

impl CoordinatorState {
    /// Makes the state of a run without records.
    #[must_use]
    pub fn new(crew: CrewDefinition) -> Self {
        let main = Team::new(Arc::new(crew), ThreadId::MAIN, None);
        Self {
            teams: BTreeMap::from([(ThreadId::MAIN, main)]),
            threads: BTreeMap::new(),
            assigned: TurnId(0),
            consults: Consults::default(),
            reviews: ReviewQueue::default(),
            troubles: Troubles::default(),
            n_measures: 0,
            is_paused: false,
            quarantined: None,
            open_calls: BTreeSet::new(),
            last_time: Timestamp::default(),
            last_epoch: 0,
            cancelled: None,
            stopped: None,
            outcome: None,
        }
    }

    /// Returns the state as bytes; `None` if a pattern of the crew cannot write its own down.
    #[must_use]
    pub fn save(&self) -> Option<Vec<u8>> {
        let patterns: Option<Vec<Vec<u8>>> = self.teams.values().map(Team::save_pattern).collect();
        postcard::to_stdvec(&(patterns?, self)).ok()
    }

    /// Returns the state of `crew` that was saved; `None` if the bytes are no such state.
    #[must_use]
    pub fn restore(crew: CrewDefinition, saved: &[u8]) -> Option<Self> {
        let ((patterns, mut state), rest): ((Vec<Vec<u8>>, Self), _) =
            postcard::take_from_bytes(saved).ok()?;
        let mut crews = BTreeMap::from([(ThreadId::MAIN, Arc::new(crew))]);
        if !rest.is_empty() || patterns.len() != state.teams.len() {
            return None;
        }
        // A crew within another began later than that one, so it comes later here, too.
        for ((thread, team), pattern) in state.teams.iter_mut().zip(&patterns) {
            if let Some((parent, name)) = &team.parent {
                let crew = Arc::clone(crews.get(parent)?.crews.get(name)?);
                crews.insert(*thread, crew);
            }
            let is_restored = team.restore(Arc::clone(crews.get(thread)?), pattern);
            is_restored.then_some(())?;
        }
        Some(state)
    }

    pub(crate) fn crew(&self) -> Option<&CrewDefinition> {
        self.teams.get(&ThreadId::MAIN).map(|team| team.crew.as_ref())
    }

    /// Returns the open turns of agents and their speakers.
    #[must_use]
    pub fn open(&self) -> BTreeMap<TurnId, AgentName> {
        let open = self.open_turns().map(|(turn, open)| (turn, open.speaker.clone()));
        open.collect()
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
        let is_between_turns = self.stopped.is_some() && self.open_turns().next().is_none();
        self.outcome.is_none() && (self.cancelled.is_some() || is_between_turns)
    }

    /// Takes in the next record of the run.
    pub fn apply(&mut self, record: &Record) {
        self.count(record);
        self.reviews.apply(record);
        // Who called a colleague learns itself that its model failed.
        let is_called = self.consults.is_given(record.key.turn);
        let speaker = self.turn(record.key.turn).filter(|_| !is_called).map(|open| open.speaker.clone());
        self.troubles.apply(record, speaker.as_ref());
        self.consults.apply(record);
        match &record.event {
            Event::Briefed { turn, brief } => {
                self.assigned = self.assigned.max(*turn);
                if !brief.thread.is_main() {
                    self.threads.insert(*turn, brief.thread);
                }
            }
            Event::TurnAssigned { turn, .. } => self.assigned = self.assigned.max(*turn),
            Event::TurnEnded { turn, .. } => {
                self.open_calls.retain(|call| call.turn != *turn);
                self.close(*turn);
            }
            Event::ToolIntent(ToolIntent { call, .. }) | Event::Consulted { call, .. } => {
                self.open_calls.insert(*call);
            }
            Event::ToolResult { call, .. }
            | Event::ToolFailed { call, .. }
            | Event::ToolDenied { call, .. }
            | Event::ToolInDoubt { call, .. } => {
                self.open_calls.remove(call);
            }
            Event::CommandAccepted { command, .. } => self.take_command(command),
            Event::Quarantined { reason } => self.quarantined = Some(reason.clone()),
            // Its agent goes on with it: until it has, the turn is not stuck, whatever else waits.
            Event::ReviewDecided { review: ReviewId::Approval(call) | ReviewId::Question(call), .. }
                if self.turn(call.turn).is_some() =>
            {
                self.open_calls.insert(*call);
            }
            Event::ReviewDecided { review: ReviewId::Quarantine(_), verdict, by } => {
                self.quarantined = None;
                if *verdict == Verdict::Abandon {
                    self.cancelled.get_or_insert_with(|| format!("abandoned by {by}"));
                }
            }
            Event::AgentDropped { .. } | Event::ModelReplaced { .. } => self.n_measures += 1,
            Event::RunConcluded { outcome, .. } => self.outcome = Some(outcome.clone()),
            _ => {}
        }
        self.tell_crews(record);
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
            // The answer and the message have records of their own; signals are for the conditions.
            Command::Decide { .. } | Command::Inject { .. } | Command::Signal { .. } => {}
            Command::Stop { reason } => {
                self.stopped.get_or_insert_with(|| reason.clone());
            }
        }
    }

    /// Counts the time since the last record, unless the run was not being worked on: a case that waits for its place in
    /// a batch is not active, nor is a run whose process is gone or that waits for a person. And what a model used: a crew
    /// counts what the crews within it use.
    fn count(&mut self, record: &Record) {
        // A command that is taken while nobody works on the run stands under an epoch of its own.
        let is_same_owner = record.epoch == self.last_epoch && !matches!(record.event, Event::Resumed { .. });
        if self.assigned > TurnId(0) && is_same_owner && !self.waits_for_a_person() {
            let active = record.time.since(self.last_time).min(MAX_GAP);
            self.teams.values_mut().for_each(|team| team.tally.active += active);
        }
        self.last_time = self.last_time.max(record.time);
        self.last_epoch = record.epoch;
        if matches!(record.event, Event::ModelResult { .. }) {
            for team in self.line_of(record.key.turn) {
                self.teams.entry(team).and_modify(|team| team.tally.spend(record));
            }
        }
    }

    /// Returns the moment as a crew sees it: the time, and how long it has been active.
    fn moment(&self, team: &Team, now: Timestamp) -> Moment {
        let mut active = team.tally.active;
        if self.assigned > TurnId(0) && !self.waits_for_a_person() {
            active += now.since(self.last_time).min(MAX_GAP);
        }
        Moment { now, active }
    }

    /// Tells whether nothing can happen until a person acts: that time is nobody's activity.
    fn waits_for_a_person(&self) -> bool {
        let mut open = self.open_turns().map(|(turn, _)| turn).peekable();
        let is_idle = open.peek().is_none();
        let is_asked = !is_idle && open.all(|turn| self.is_stuck(turn));
        is_asked || self.quarantined.is_some() || self.is_resting()
    }

    /// Tells whether a turn cannot go on until a person acts.
    fn is_stuck(&self, turn: TurnId) -> bool {
        let of_turn = |call: CallId| call.turn == turn;
        self.reviews.iter().any(|open| open.review.call().is_some_and(of_turn))
            && !self.open_calls.iter().any(|call| of_turn(*call))
    }

    /// Decides what to do at the time `now`. `threads` are the run's conversations.
    #[must_use]
    pub fn decide(&self, threads: &Threads, now: Timestamp) -> Decision {
        if self.outcome.is_some() || self.quarantined.is_some() {
            return Decision::Ended;
        }
        let Some(main) = self.teams.get(&ThreadId::MAIN) else { return Decision::Ended };
        let is_over = main.crew.limit.met(&main.tally, self.moment(main, now)).is_some()
            || main.tally.failure().is_some();
        if let Some(decision) = self.decide_on_trouble(is_over).or_else(|| self.expire(now)) {
            return decision;
        }
        let is_idle = self.open_turns().next().is_none();
        if let Some(decision) = self.decide_on_end(is_over, is_idle) {
            return decision;
        }
        match self.decide_on_wave(threads, now) {
            Some(decision) => decision,
            None if self.is_resting() => Decision::Suspend("paused: go on with `unpause`".to_owned()),
            None => self.wait(),
        }
    }

    /// Decides who speaks next in all conversations of the run: in waves, of which the next one begins once nobody is in
    /// the middle of a turn. So the numbers of turns do not depend on who is faster, and a run that is repeated or goes on
    /// after a crash is the same.
    fn decide_on_wave(&self, threads: &Threads, now: Timestamp) -> Option<Decision> {
        // A crew that has just got the floor belongs to the wave that gave it.
        let mut begun = self.teams.values().filter(|team| team.has_just_begun() && self.stopped.is_none());
        if let Some(decision) = begun.find_map(|team| self.decide_for(team, threads, now)) {
            return Some(decision);
        }
        if self.is_busy() {
            return None;
        }
        if let Some(declined) = self.decline_a_call() {
            return Some(declined);
        }
        let mut wave = self.give_to_called();
        let is_idle = self.open_turns().next().is_none();
        // Crews within others first: the others wait for them.
        let idle = self.teams.values().rev().filter(|team| team.open.is_empty());
        for team in idle.filter(|_| is_idle || self.stopped.is_none()) {
            match self.decide_for(team, threads, now) {
                Some(Decision::Assign(turns)) => wave.extend(turns.into_iter().map(|(_, turn)| turn)),
                Some(decision) => return Some(decision),
                None => {}
            }
        }
        (!wave.is_empty()).then(|| self.numbered(wave))
    }

    /// Gives turns the numbers that follow on those given so far.
    fn numbered(&self, turns: Vec<Assignment>) -> Decision {
        let numbers = (self.assigned.next().0..).map(TurnId);
        Decision::Assign(numbers.zip(turns).collect())
    }

    /// Tells whether an agent is in the middle of its turn: it has the floor and waits neither for a colleague nor for a
    /// person.
    fn is_busy(&self) -> bool {
        self.open_turns().any(|(turn, _)| !self.consults.hold(turn) && !self.is_stuck(turn))
    }

    /// Tells whether the run is paused, and what was under way has come as far as it can.
    fn is_resting(&self) -> bool {
        self.is_paused && !self.is_busy()
    }

    /// Ends a run that is to end, once nobody is in the middle of something: at once if it was cancelled or is over its
    /// limit, after the open turns if no further ones are to be given.
    fn decide_on_end(&self, is_over: bool, is_idle: bool) -> Option<Decision> {
        match (&self.cancelled, is_idle) {
            _ if !is_over && !self.is_to_end() => None,
            (None, false) if !is_over => None,
            (_, false) => Some(Decision::CancelTurns),
            // The crews within others take no further part; the main one says itself how it ends.
            _ if self.teams.len() > 1 => self.cancel_crew(),
            (Some(reason), true) => match self.teams.get(&ThreadId::MAIN)?.post_held() {
                Some(TeamDecision::Post(messages)) => Some(Decision::Post(messages)),
                _ => {
                    let (kind, detail) = (OutcomeKind::Cancelled, reason.clone());
                    Some(Decision::Conclude(RunOutcome { kind, detail }))
                }
            },
            (None, true) => None,
        }
    }

    /// Decides about agents that cannot go on. A run that is to end anyway only needs their turns out of the way.
    fn decide_on_trouble(&self, over_limit: bool) -> Option<Decision> {
        let turn_of = |agent: &AgentName| {
            self.open_turns().find(|(_, open)| open.speaker == *agent).map(|(turn, _)| turn)
        };
        let is_ending = self.is_to_end() || over_limit;
        let policies = &self.teams.get(&ThreadId::MAIN)?.crew.policies;
        let mut measures = self.troubles.measures(policies, turn_of);
        measures.find_map(|measure| self.decide_on(measure, is_ending))
    }

    fn decide_on(&self, measure: Measure, is_ending: bool) -> Option<Decision> {
        let is_open = measure.turn.is_some_and(|turn| self.turn(turn).is_some());
        if is_ending && is_open {
            return Some(Decision::Take(Measure { escalation: Escalation::SkipTurn, ..measure }));
        }
        // A model that failed in the last turn has failed the run; a crash between turns is nobody's harm any more.
        if self.cancelled.is_some() || is_ending && measure.is_crash {
            return None;
        }
        // The run ends only once nobody is in the middle of something.
        let is_alone = self.open_turns().all(|(turn, _)| Some(turn) == measure.turn || self.is_stuck(turn));
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

    /// Waits for the open turns, or for a person if none of them can go on without.
    fn wait(&self) -> Decision {
        let mut open = self.open_turns().map(|(turn, _)| turn).peekable();
        if open.peek().is_none() || !open.all(|turn| self.is_stuck(turn)) {
            return Decision::Wait;
        }
        let waiting =
            |open: &OpenReview| format!("{} (`{}`: {})", open.review, open.request.tool, open.request.reason);
        let reviews: Vec<String> = self.reviews.iter().map(waiting).collect();
        Decision::Suspend(format!("waits for a person: {}", reviews.join("; ")))
    }
}

impl std::fmt::Debug for CoordinatorState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoordinatorState")
            .field("assigned", &self.assigned)
            .field("open", &self.open())
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod command_tests;
#[cfg(test)]
mod condition_tests;
#[cfg(test)]
mod consult_tests;
#[cfg(test)]
mod crew_tests;
#[cfg(test)]
mod escalation_tests;
#[cfg(test)]
mod tests;
