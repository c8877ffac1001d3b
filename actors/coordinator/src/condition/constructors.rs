//! The conditions as scenarios write them.

use std::time::Duration;

use playhouse_types::{Message, Timestamp};

use super::{Condition, MessageTest};

/// How often a call has to be repeated for [`call_loop`].
const CALL_LOOP: u32 = 3;

/// Met when an agent has said a message that contains `text`, case as given. The input does not count.
#[must_use]
pub fn says(text: &str) -> Condition {
    Condition::Says(text.to_owned())
}

/// Met when an agent has said `text` as a word of its own: no letter, digit or `_` stands right before or after it.
#[must_use]
pub fn says_word(text: &str) -> Condition {
    Condition::SaysWord(text.to_owned())
}

/// Met when `agent` has said a message that contains `text`, case as given.
#[must_use]
pub fn says_by(agent: &str, text: &str) -> Condition {
    Condition::SaysBy { agent: agent.to_owned(), text: text.to_owned() }
}

/// Met when `agent` has said something.
#[must_use]
pub fn spoken(agent: &str) -> Condition {
    Condition::Spoken(agent.to_owned())
}

/// Met when an agent has handed over to `to`.
#[must_use]
pub fn handoff(to: &str) -> Condition {
    Condition::HandedOff(to.to_owned())
}

/// Met when a call of `tool` has ended with a result; a call that failed, was denied or is in doubt has none.
#[must_use]
pub fn called(tool: &str) -> Condition {
    Condition::Called(tool.to_owned())
}

/// Met when `count` turns have ended, with or without a message.
#[must_use]
pub const fn turns(count: u32) -> Condition {
    Condition::Turns(count)
}

/// Met when agents have said `count` messages.
#[must_use]
pub const fn messages(count: u32) -> Condition {
    Condition::Messages(count)
}

/// Met when all model calls together have read and written `count` tokens.
#[must_use]
pub const fn tokens(count: u64) -> Condition {
    Condition::Tokens(count)
}

/// Met when `amount` micro-dollars have been spent; a run with it needs a known price for every model.
#[must_use]
pub const fn cost_microusd(amount: u64) -> Condition {
    Condition::CostMicrousd(amount)
}

/// Met when the run has been active for `duration`: time without a process, or spent waiting for a person, does not
/// count. See [`deadline`] for a time of the day.
#[must_use]
pub const fn active_for(duration: Duration) -> Condition {
    Condition::Active(duration)
}

/// Met from this time on, by the wall clock, whether or not anything worked on the run meanwhile.
///
/// The time is part of the scenario's definition: one that is reckoned from the current time changes the definition with
/// every start.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// let end_of_2030 = SystemTime::UNIX_EPOCH + Duration::from_secs(1_924_991_999);
/// let _ = playhouse_coordinator::deadline(end_of_2030);
/// ```
#[must_use]
pub fn deadline(at: impl Into<Timestamp>) -> Condition {
    Condition::Deadline(at.into())
}

/// Met when `test` has said yes to a message of the conversation: of the user and the runtime, too, unless it looks at
/// `message.from`.
///
/// `test` is asked about each new message once, in order. Its yes is kept in the state of the run; the function itself is
/// not, so it has to be pure and known by `name`: a replay, or a resumption without a snapshot, asks it again about the
/// messages on record. If it panics, the run fails and says so.
#[must_use]
pub fn when(name: &str, test: impl Fn(&Message) -> bool + Send + Sync + 'static) -> Condition {
    Condition::When(MessageTest::new(name, test))
}

/// Met when a program has left `Command::Signal` of this name in the run's inbox, or a person has typed
/// `playhouse signal RUN NAME`.
#[must_use]
pub fn external(name: &str) -> Condition {
    Condition::External(name.to_owned())
}

/// Met when `count` turns in a row brought nothing new: no tool result that was not there before for the same call, and
/// no message that had not been said before, spaces aside.
#[must_use]
pub const fn no_progress(count: u32) -> Condition {
    Condition::NoProgress(count)
}

/// Met when an agent has called one tool with the same arguments `count` times in a row and all these calls have ended.
#[must_use]
pub const fn repeated_calls(count: u32) -> Condition {
    Condition::RepeatedCalls(count)
}

/// Met when an agent has called one tool with the same arguments three times in a row.
#[must_use]
pub const fn call_loop() -> Condition {
    Condition::RepeatedCalls(CALL_LOOP)
}

/// Met when `count` turns in a row ended without a message of their agents.
#[must_use]
pub const fn silence(count: u32) -> Condition {
    Condition::Silence(count)
}

/// Met when no agent has said anything for `duration` of active time, however long its calls take.
#[must_use]
pub const fn silent_for(duration: Duration) -> Condition {
    Condition::SilentFor(duration)
}
