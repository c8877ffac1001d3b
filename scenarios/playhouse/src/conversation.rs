//! A conversation as its readers see it: a pure fold of a run's records.

mod places;
mod reviews;
mod tool_call;
mod usage_breakdown;

use std::collections::BTreeMap;
use std::time::Duration;

use playhouse_journal::{AdmittedRun, Event, ExitKind, Fork, Record, count_usage};
use playhouse_types::{
    AgentName, CallId, Incarnation, Lane, Message, Participant, RunId, RunOutcome, Seq, Timestamp, TurnId,
    TurnOutcome, Usage,
};
use serde::de::DeserializeOwned;

pub(crate) use places::Places;
pub use reviews::{Review, ReviewState, Reviews};
pub use tool_call::{CallEnd, ToolCall};
pub use usage_breakdown::{CallUsage, UsageBreakdown};

use crate::ResultError;

/// What one agent did in one of its goes.
#[derive(Clone, PartialEq, Debug)]
pub struct Turn {
    /// Which turn.
    pub turn: TurnId,
    /// Who spoke.
    pub speaker: AgentName,
    /// Why, in the pattern's words.
    pub reason: String,
    /// Its tool calls in the order in which the model asked for them.
    pub calls: Vec<ToolCall>,
    /// How it ended; `None` while it is open.
    pub outcome: Option<TurnOutcome>,
}

/// An actor that ended abnormally or started again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActorRestart {
    /// Whose lane.
    pub actor: Lane,
    /// Which start it is.
    pub incarnation: Incarnation,
    /// The last record that its state included.
    pub checkpoint: Seq,
    /// Why the start before it ended, if that is on record.
    pub cause: Option<(ExitKind, String)>,
    /// How long it was gone.
    pub down: Duration,
}

/// What was said and done in one run, in the order of its journal.
///
/// Result functions, `playhouse show` and tests read it; it is the same whether the run was interrupted or not.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Conversation {
    run: Option<RunId>,
    admitted: Option<AdmittedRun>,
    fork: Option<Fork>,
    messages: Vec<Message>,
    turns: BTreeMap<TurnId, Turn>,
    /// The answers that no conversation of the run sees, each with the number of messages before it.
    private_answers: Vec<(usize, TurnId)>,
    places: Places,
    reviews: Reviews,
    turning_points: Vec<(Timestamp, Event)>,
    restarts: Vec<ActorRestart>,
    failures: BTreeMap<Lane, (ExitKind, String)>,
    usage: Usage,
    usage_breakdown: UsageBreakdown,
    outcome: Option<RunOutcome>,
    result: Option<String>,
}

impl Conversation {
    /// Folds the records of one run, oldest first.
    #[must_use]
    pub fn fold<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut conversation = Self::default();
        records.into_iter().for_each(|record| conversation.apply(record));
        conversation
    }

    fn apply(&mut self, record: &Record) {
        self.run.get_or_insert(record.run);
        self.reviews.apply(record);
        self.places.apply(&record.event);
        count_usage(&mut self.usage, &record.event);
        self.usage_breakdown.apply(record, &self.places);
        match &record.event {
            Event::RunAdmitted(admitted) => self.admitted = Some(admitted.as_ref().clone()),
            Event::Forked(fork) => {
                self.fork = Some(fork.as_ref().clone());
                self.turning_points.push((record.time, record.event.clone()));
            }
            Event::TurnAssigned { turn, speaker, reason, .. } => {
                let (speaker, reason) = (speaker.clone(), reason.clone());
                let opened = Turn { turn: *turn, speaker, reason, calls: Vec::new(), outcome: None };
                self.turns.insert(*turn, opened);
            }
            Event::TurnEnded { turn, outcome } => {
                if matches!(outcome, TurnOutcome::Answered { .. }) && self.places.reply_to(*turn).is_private()
                {
                    self.private_answers.push((self.messages.len(), *turn));
                }
                if let Some(turn) = self.turns.get_mut(turn) {
                    turn.outcome = Some(outcome.clone());
                }
            }
            Event::MessagePosted { message } => self.messages.push(message.clone()),
            Event::ActorFailed { actor, exit, reason, .. } => {
                self.failures.insert(actor.clone(), (*exit, reason.clone()));
            }
            Event::ActorRestarted { actor, incarnation, checkpoint, down_micros } => {
                let (cause, down) = (self.failures.remove(actor), Duration::from_micros(*down_micros));
                let (actor, incarnation, checkpoint) = (actor.clone(), *incarnation, *checkpoint);
                self.restarts.push(ActorRestart { actor, incarnation, checkpoint, cause, down });
            }
            Event::ActorGivenUp { .. }
            | Event::AgentDropped { .. }
            | Event::ModelReplaced { .. }
            | Event::DefinitionChanged { .. } => {
                self.turning_points.push((record.time, record.event.clone()));
            }
            Event::RunConcluded { outcome, result, .. } => {
                self.outcome = Some(outcome.clone());
                self.result.clone_from(result);
            }
            _ => self.apply_call(record),
        }
    }

    /// Takes in what a model asked of tools and what came of it.
    fn apply_call(&mut self, record: &Record) {
        if let Event::ModelResult { reply, .. } = &record.event {
            let Some(turn) = self.turns.get_mut(&record.key.turn) else { return };
            let calls = (0..).zip(&reply.tool_calls).map(|(ordinal, request)| {
                let call = CallId { turn: record.key.turn, step: record.key.step, ordinal };
                ToolCall::asked(call, turn.speaker.clone(), request)
            });
            let calls: Vec<ToolCall> = calls.collect();
            turn.calls.extend(calls);
        } else if let Some(id) = tool_call::call_of(&record.event) {
            let turn = self.turns.get_mut(&id.turn);
            if let Some(call) = turn.and_then(|turn| turn.calls.iter_mut().find(|call| call.call == id)) {
                call.apply(&record.event);
            }
        }
    }

    /// Returns the run; `None` if there are no records.
    #[must_use]
    pub const fn run(&self) -> Option<RunId> {
        self.run
    }

    /// Returns how the run began; `None` if the records do not begin with it.
    #[must_use]
    pub const fn admitted(&self) -> Option<&AdmittedRun> {
        self.admitted.as_ref()
    }

    /// Returns where the run was forked from, the last time; `None` if it is no fork.
    #[must_use]
    pub const fn fork(&self) -> Option<&Fork> {
        self.fork.as_ref()
    }

    /// Reads the run's input.
    ///
    /// # Errors
    /// [`ResultError`] if there is none, or it is not an `I`.
    pub fn input<I: DeserializeOwned>(&self) -> Result<I, ResultError> {
        let admitted = self.admitted.as_ref().ok_or_else(|| ResultError::new("the run has no input"))?;
        Ok(serde_json::from_str(&admitted.input)?)
    }

    /// Returns all messages, those of crews within the main one included; the first is the opening.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Returns where the turns belong.
    pub(crate) const fn places(&self) -> &Places {
        &self.places
    }

    /// Returns the turns whose answers only the pattern or a colleague sees, each with the number of messages before it.
    pub(crate) fn private_answers(&self) -> impl Iterator<Item = (usize, &Turn)> {
        self.private_answers.iter().filter_map(|(n_before, turn)| Some((*n_before, self.turns.get(turn)?)))
    }

    /// Returns the newest message of an agent.
    #[must_use]
    pub fn last(&self) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.from != Participant::User)
    }

    /// Returns the newest message of the agent named `agent`.
    #[must_use]
    pub fn last_from(&self, agent: &str) -> Option<&Message> {
        let is_agent =
            |message: &&Message| matches!(&message.from, Participant::Agent(name) if name.as_str() == agent);
        self.messages.iter().rev().find(is_agent)
    }

    /// Reads the last JSON object of the newest message of the agent named `agent`.
    ///
    /// # Errors
    /// [`ResultError`] if the agent has said nothing, or nothing with an object that is a `T`.
    pub fn last_json_from<T: DeserializeOwned>(&self, agent: &str) -> Result<T, ResultError> {
        let message =
            self.last_from(agent).ok_or_else(|| ResultError::new(format!("`{agent}` has said nothing")))?;
        let json = playhouse_tools::last_json_object(&message.content)
            .ok_or_else(|| ResultError::new(format!("the last message of `{agent}` holds no JSON object")))?;
        Ok(serde_json::from_str(json)?)
    }

    /// Returns the output of the task named `name`: the newest, if the crew did it several times.
    ///
    /// `None` if it has none that was accepted or kept as partial; `Task::output` says how it is typed, and
    /// [`Conversation::task_json`] reads it.
    #[must_use]
    pub fn task(&self, name: &str) -> Option<&Message> {
        let of_task = |message: &&Message| self.places.task(message.turn) == Some(name);
        // After an output that was not accepted, the runtime says so; words of a handoff are none.
        let last = self.messages.iter().rev().find(of_task)?;
        let is_handoff = self
            .turns
            .get(&last.turn)
            .is_some_and(|turn| matches!(turn.outcome, Some(TurnOutcome::HandedOff { .. })));
        (matches!(last.from, Participant::Agent(_)) && !is_handoff).then_some(last)
    }

    /// Reads the output of the task named `name`.
    ///
    /// # Errors
    /// [`ResultError`] if the task has no output, or none that is a `T`.
    pub fn task_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, ResultError> {
        let output =
            self.task(name).ok_or_else(|| ResultError::new(format!("task `{name}` has no output")))?;
        let json = playhouse_tools::read_reply(&output.content)
            .map_err(|error| ResultError::new(format!("the output of task `{name}`: {error}")))?;
        Ok(serde_json::from_value(json)?)
    }

    /// Returns the turns in order.
    pub fn turns(&self) -> impl DoubleEndedIterator<Item = &Turn> {
        self.turns.values()
    }

    /// Returns one turn.
    #[must_use]
    pub fn turn(&self, turn: TurnId) -> Option<&Turn> {
        self.turns.get(&turn)
    }

    /// Returns all tool calls, by turn and then as the model asked for them.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &ToolCall> {
        self.turns.values().flat_map(|turn| &turn.calls)
    }

    /// Returns the calls of the tool named `tool`.
    pub fn calls_of<'a>(&'a self, tool: &'a str) -> impl DoubleEndedIterator<Item = &'a ToolCall> {
        self.calls().filter(move |call| call.tool == tool)
    }

    /// Returns the starts of actors after a crash, oldest first.
    #[must_use]
    pub fn restarts(&self) -> &[ActorRestart] {
        &self.restarts
    }

    /// Returns what persons were asked, oldest first, and what they answered.
    #[must_use]
    pub fn reviews(&self) -> &[Review] {
        self.reviews.all()
    }

    /// Returns what changed how the run goes on, oldest first: escalations, replaced models, other definitions, a fork.
    #[must_use]
    pub fn turning_points(&self) -> &[(Timestamp, Event)] {
        &self.turning_points
    }

    /// Returns what the run has used so far.
    #[must_use]
    pub const fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Returns what the run has used so far by call, turn, agent, model, task and crew.
    #[must_use]
    pub const fn usage_breakdown(&self) -> &UsageBreakdown {
        &self.usage_breakdown
    }

    /// Returns how the run ended; `None` while it is open.
    #[must_use]
    pub const fn outcome(&self) -> Option<&RunOutcome> {
        self.outcome.as_ref()
    }

    /// Returns the recorded result as JSON text; `None` while the run is open or if it ended without one.
    #[must_use]
    pub fn result(&self) -> Option<&str> {
        self.result.as_deref()
    }
}

#[cfg(test)]
mod tests;
