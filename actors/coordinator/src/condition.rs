//! When a conversation ends: conditions that compose with and/or and are read from a [`Tally`].

mod call_loop;
mod constructors;
mod message_test;
mod progress;
mod tally;

use std::time::Duration;

use playhouse_types::Timestamp;
use serde::Serialize;

pub use self::constructors::{
    active_for, call_loop, called, cost_microusd, deadline, external, handoff, messages, no_progress,
    repeated_calls, says, says_by, says_word, silence, silent_for, spoken, tokens, turns, when,
};
pub use self::message_test::MessageTest;
pub use self::tally::{Moment, Tally};

/// A condition on a conversation. Once met it stays met.
///
/// Agents and tools stand here as they were written: whether the crew has them is checked when the scenario is built.
/// What is written of a condition, a function by its name alone, is part of the definition's hash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// An agent has said a message that contains this text, case as given.
    Says(String),
    /// This many turns have ended.
    Turns(u32),
    /// This many tokens have been read and written by all model calls.
    Tokens(u64),
    /// This many micro-dollars have been spent.
    CostMicrousd(u64),
    /// The run has been active for this long; time between a stop and its resumption does not count.
    Active(Duration),
    /// All of these are met.
    All(Vec<Condition>),
    /// Any of these is met.
    Any(Vec<Condition>),
    /// An agent has said this text, case as given, with no letter, digit or `_` right before or after it.
    SaysWord(String),
    /// This agent has said a message that contains this text, case as given.
    SaysBy {
        /// The agent.
        agent: String,
        /// The text.
        text: String,
    },
    /// This agent has said something.
    Spoken(String),
    /// Agents have said this many messages.
    Messages(u32),
    /// An agent has handed over to this one.
    HandedOff(String),
    /// A call of this tool has ended with a result.
    Called(String),
    /// It is this time or later, by the wall clock.
    Deadline(Timestamp),
    /// A function has said yes to a message.
    When(MessageTest),
    /// A program or a person has given the signal of this name.
    External(String),
    /// This many turns in a row had no tool result that was not there before, and only messages that had been said.
    NoProgress(u32),
    /// An agent has called one tool with the same arguments this many times in a row.
    RepeatedCalls(u32),
    /// This many turns in a row ended without a message.
    Silence(u32),
    /// No agent has said anything for this much active time.
    SilentFor(Duration),
}

impl Condition {
    /// Meets both conditions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::All(vec![self, other])
    }

    /// Meets either condition.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::Any(vec![self, other])
    }

    /// Returns the conditions that this one is composed of: itself, if it is not.
    #[must_use]
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::parts).collect(),
            single => vec![single],
        }
    }

    /// Returns why the condition is met, in words for a person, or `None` if it is not.
    #[must_use]
    pub fn met(&self, tally: &Tally, at: Moment) -> Option<String> {
        match self {
            Self::All(parts) => {
                let reasons: Option<Vec<String>> = parts.iter().map(|part| part.met(tally, at)).collect();
                reasons.filter(|reasons| !reasons.is_empty()).map(|reasons| reasons.join(" and "))
            }
            Self::Any(parts) => parts.iter().find_map(|part| part.met(tally, at)),
            single => single.is_met(tally, at).then(|| single.reason(tally, at)),
        }
    }

    /// Tells whether a condition that is not composed is met.
    fn is_met(&self, tally: &Tally, at: Moment) -> bool {
        match self {
            Self::Says(_) | Self::SaysWord(_) | Self::SaysBy { .. } | Self::When(_) => tally.has_heard(self),
            Self::Turns(count) => tally.turns >= *count,
            Self::Tokens(count) => tally.tokens >= *count,
            Self::CostMicrousd(amount) => tally.cost_microusd >= *amount,
            Self::Active(duration) => at.active.max(tally.active) >= *duration,
            Self::Spoken(agent) => tally.has_spoken(agent),
            Self::Messages(count) => tally.messages >= *count,
            Self::HandedOff(to) => tally.was_handed_to(to),
            Self::Called(tool) => tally.has_called(tool),
            Self::Deadline(deadline) => at.now.max(tally.time()) >= *deadline,
            Self::External(name) => tally.has_signal(name),
            Self::NoProgress(count) => tally.turns_without_progress() >= *count,
            Self::RepeatedCalls(count) => tally.longest_loop().is_some_and(|longest| longest.count >= *count),
            Self::Silence(count) => tally.silent_turns() >= *count,
            Self::SilentFor(duration) => tally.silent_for(at) >= *duration,
            Self::All(_) | Self::Any(_) => false,
        }
    }

    /// Says why a condition that is not composed is met.
    fn reason(&self, tally: &Tally, at: Moment) -> String {
        match self {
            Self::Says(text) => format!("`{text}` was said"),
            Self::SaysWord(text) => format!("the word `{text}` was said"),
            Self::SaysBy { agent, text } => format!("`{agent}` said `{text}`"),
            Self::When(test) => format!("a message met `{}`", test.name()),
            Self::Turns(count) => format!("{count} turns were taken"),
            Self::Tokens(count) => format!("{} of {count} tokens were used", tally.tokens),
            Self::CostMicrousd(amount) => {
                format!("{} of {amount} micro-dollars were spent", tally.cost_microusd)
            }
            Self::Active(duration) => format!("the run was active for {duration:?}"),
            Self::Spoken(agent) => format!("`{agent}` has spoken"),
            Self::Messages(count) => format!("{} of {count} messages were said", tally.messages),
            Self::HandedOff(to) => format!("an agent handed over to `{to}`"),
            Self::Called(tool) => format!("the tool `{tool}` was called"),
            Self::Deadline(_) => "the deadline has passed".to_owned(),
            Self::External(name) => format!("the signal `{name}` was given"),
            Self::NoProgress(count) => format!("{count} turns in a row brought nothing new"),
            Self::RepeatedCalls(count) => tally.longest_loop().map_or_else(
                || format!("a call was made {count} times in a row"),
                |longest| {
                    let (agent, tool, count) = (&longest.agent, &longest.tool, longest.count);
                    format!("`{agent}` called `{tool}` with the same arguments {count} times in a row")
                },
            ),
            Self::Silence(count) => format!("{count} turns in a row ended without a message"),
            Self::SilentFor(_) => format!("no agent said anything for {:?}", tally.silent_for(at)),
            // Composed of reasons.
            Self::All(_) | Self::Any(_) => String::new(),
        }
    }

    /// Tells whether any part of the condition is on money.
    #[must_use]
    pub fn limits_cost(&self) -> bool {
        self.parts().iter().any(|part| matches!(part, Self::CostMicrousd(_)))
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
