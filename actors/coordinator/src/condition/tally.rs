//! What conditions count: a fold of the records of one conversation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use playhouse_journal::{Command, Event, Record};
use playhouse_types::{AgentName, Message, Participant, Timestamp, TurnOutcome};
use serde::{Deserialize, Serialize};

use super::call_loop::{Calls, Loop};
use super::progress::Progress;
use super::{Condition, MessageTest};

/// When conditions are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// How long the conversation has been active until then.
    pub active: Duration,
}

/// What conditions count. Only grows, so what is met stays met.
///
/// It is plain data and part of the stored snapshots. One that is fed the records of a team counts for that team; records
/// of the run's own lane, such as commands, concern them all. [`Tally::apply`] is the only change but for
/// [`Tally::active`], which whoever knows what counts as activity adds to before.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Turns that have ended.
    pub turns: u32,
    /// Messages of agents.
    pub messages: u32,
    /// Tokens read and written.
    pub tokens: u64,
    /// Micro-dollars spent; calls of unknown price count nothing.
    pub cost_microusd: u64,
    /// Active time.
    pub active: Duration,
    /// The latest time on record.
    time: Timestamp,
    /// What conditions listen for and has been said.
    heard: BTreeSet<Heard>,
    speakers: BTreeSet<AgentName>,
    handed_to: BTreeSet<AgentName>,
    signals: BTreeSet<String>,
    calls: Calls,
    progress: Progress,
    /// The active time at the last message of an agent.
    last_message: Duration,
    /// The longest active time without a message of an agent, up to the last record.
    longest_silence: Duration,
    /// What went wrong in a function of the scenario.
    failure: Option<String>,
}

/// A condition on what is said that is met. The condition itself is code of the scenario, of which only this is stored.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
enum Heard {
    Text(String),
    Word(String),
    TextBy { agent: String, text: String },
    Test(String),
}

impl Heard {
    fn of(condition: &Condition) -> Option<Self> {
        Some(match condition {
            Condition::Says(text) => Self::Text(text.clone()),
            Condition::SaysWord(text) => Self::Word(text.clone()),
            Condition::SaysBy { agent, text } => Self::TextBy { agent: agent.clone(), text: text.clone() },
            Condition::When(test) => Self::Test(test.name().to_owned()),
            _ => return None,
        })
    }
}

impl Tally {
    /// Takes in the next record; `conditions` are all that are read from this tally, the same ones each time.
    pub fn apply<'a>(&mut self, record: &Record, conditions: impl IntoIterator<Item = &'a Condition>) {
        self.spend(record);
        self.take(record, conditions);
    }

    /// Counts what a record says that a model has used: also for the conversations around the one it belongs to.
    pub(crate) fn spend(&mut self, record: &Record) {
        if let Event::ModelResult { reply, .. } = &record.event {
            self.tokens = self.tokens.saturating_add(reply.usage.total());
            self.cost_microusd = self.cost_microusd.saturating_add(reply.cost_microusd.unwrap_or(0));
        }
    }

    /// Notes that somebody spoke in a crew within this one.
    pub(crate) const fn hear_within(&mut self) {
        self.last_message = self.active;
    }

    /// Takes in a record of the conversation itself, or of the run as a whole.
    pub(crate) fn take<'a>(&mut self, record: &Record, conditions: impl IntoIterator<Item = &'a Condition>) {
        self.time = self.time.max(record.time);
        self.longest_silence = self.longest_silence.max(self.active.saturating_sub(self.last_message));
        let result = self.calls.apply(record);
        match &record.event {
            Event::TurnAssigned { turn, .. } => self.progress.begin(*turn),
            Event::TurnEnded { turn, outcome } => {
                self.turns = self.turns.saturating_add(1);
                match outcome {
                    TurnOutcome::HandedOff { to } => drop(self.handed_to.insert(to.clone())),
                    // Posted later, with what others said at the same time.
                    TurnOutcome::Answered { content } => {
                        let content = asks_for_progress(&all_parts(conditions)).then_some(content.as_str());
                        self.progress.hear(*turn, content);
                    }
                    _ => {}
                }
                self.progress.end(*turn);
            }
            Event::ToolResult { call, .. } => {
                if let Some(hash) = result.filter(|_| asks_for_progress(&all_parts(conditions))) {
                    self.progress.take_result(call.turn, hash);
                }
            }
            Event::MessagePosted { message } => self.hear(message, &all_parts(conditions)),
            Event::CommandAccepted { command: Command::Signal { name }, .. } => {
                self.signals.insert(name.clone());
            }
            _ => {}
        }
    }

    fn hear(&mut self, message: &Message, conditions: &[&Condition]) {
        if let Participant::Agent(agent) = &message.from {
            self.messages = self.messages.saturating_add(1);
            if !self.speakers.contains(agent) {
                self.speakers.insert(agent.clone());
            }
            self.last_message = self.active;
            let content = asks_for_progress(conditions).then_some(message.content.as_str());
            self.progress.hear(message.turn, content);
        }
        // A condition that stands at several places is one: a function is asked once.
        let waiting = conditions.iter().filter_map(|condition| Some((Heard::of(condition)?, *condition)));
        let waiting: BTreeMap<Heard, &Condition> =
            waiting.filter(|(heard, _)| !self.heard.contains(heard)).collect();
        for (heard, condition) in waiting {
            let is_met = match (condition, &message.from) {
                (Condition::When(test), _) => self.ask(test, message),
                (condition, Participant::Agent(agent)) => says(condition, agent, &message.content),
                _ => false,
            };
            if is_met {
                self.heard.insert(heard);
            }
        }
    }

    /// Asks a function about a message; none is asked after one has panicked, as the run has failed then.
    fn ask(&mut self, test: &MessageTest, message: &Message) -> bool {
        if self.failure.is_some() {
            return false;
        }
        test.ask(message).unwrap_or_else(|| {
            let from = &message.from;
            self.failure = Some(format!("the condition `{}` panicked at a message of `{from}`", test.name()));
            false
        })
    }

    /// Returns what went wrong in a function of the scenario: nobody can tell any more when the conversation ends.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Returns the moment of the last record.
    #[must_use]
    pub const fn moment(&self) -> Moment {
        Moment { now: self.time, active: self.active }
    }

    pub(super) fn has_heard(&self, condition: &Condition) -> bool {
        Heard::of(condition).is_some_and(|heard| self.heard.contains(&heard))
    }

    pub(super) fn has_spoken(&self, agent: &str) -> bool {
        self.speakers.contains(agent)
    }

    pub(super) fn was_handed_to(&self, agent: &str) -> bool {
        self.handed_to.contains(agent)
    }

    pub(super) fn has_called(&self, tool: &str) -> bool {
        self.calls.has_called(tool)
    }

    pub(super) fn has_signal(&self, name: &str) -> bool {
        self.signals.contains(name)
    }

    pub(super) const fn time(&self) -> Timestamp {
        self.time
    }

    pub(super) const fn longest_loop(&self) -> Option<&Loop> {
        self.calls.longest()
    }

    pub(super) const fn turns_without_progress(&self) -> u32 {
        self.progress.turns_without_progress()
    }

    pub(super) const fn silent_turns(&self) -> u32 {
        self.progress.silent_turns()
    }

    /// Returns the longest active time without a message of an agent, up to a moment.
    pub(super) fn silent_for(&self, at: Moment) -> Duration {
        self.longest_silence.max(at.active.saturating_sub(self.last_message))
    }
}

fn all_parts<'a>(conditions: impl IntoIterator<Item = &'a Condition>) -> Vec<&'a Condition> {
    conditions.into_iter().flat_map(Condition::parts).collect()
}

fn asks_for_progress(parts: &[&Condition]) -> bool {
    parts.iter().any(|part| matches!(part, Condition::NoProgress(_)))
}

/// Tells whether a message of an agent meets a condition on what is said.
fn says(condition: &Condition, speaker: &AgentName, content: &str) -> bool {
    match condition {
        Condition::Says(text) => content.contains(text.as_str()),
        Condition::SaysWord(text) => contains_word(content, text),
        Condition::SaysBy { agent, text } => speaker.as_str() == agent && content.contains(text.as_str()),
        _ => false,
    }
}

/// Tells whether `text` stands in `content` with no letter, digit or `_` right before or after it.
fn contains_word(content: &str, text: &str) -> bool {
    let is_inside = |neighbor: Option<char>| neighbor.is_some_and(|c| c.is_alphanumeric() || c == '_');
    // Every place, also those that overlap, which `match_indices` leaves out.
    content.char_indices().any(|(at, _)| {
        let (before, here) = content.split_at(at);
        here.strip_prefix(text)
            .is_some_and(|after| !is_inside(before.chars().next_back()) && !is_inside(after.chars().next()))
    })
}
