//! When a run ends: conditions that compose with and/or and are folded over everything that is said.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A condition on a conversation. Once met it stays met.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
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
}

/// Met when an agent has said a message that contains `text`.
#[must_use]
pub fn says(text: &str) -> Condition {
    Condition::Says(text.to_owned())
}

/// Met when `count` turns have ended.
#[must_use]
pub const fn turns(count: u32) -> Condition {
    Condition::Turns(count)
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

/// Met when the run has been active for `duration`.
#[must_use]
pub const fn deadline(duration: Duration) -> Condition {
    Condition::Active(duration)
}

/// What conditions count.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Turns that have ended.
    pub turns: u32,
    /// Tokens read and written.
    pub tokens: u64,
    /// Micro-dollars spent; calls of unknown price count nothing.
    pub cost_microusd: u64,
    /// Active time.
    pub active: Duration,
    /// Texts of `Says` conditions that have been said.
    said: Vec<String>,
}

impl Tally {
    /// Takes in a message of an agent: notes which texts that `condition` waits for it contains.
    pub fn hear(&mut self, condition: &Condition, content: &str) {
        match condition {
            Condition::Says(text) if content.contains(text.as_str()) && !self.said.contains(text) => {
                self.said.push(text.clone());
            }
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| self.hear(part, content));
            }
            _ => {}
        }
    }
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

    /// Returns why the condition is met, in words for a person, or `None` if it is not.
    #[must_use]
    pub fn met(&self, tally: &Tally) -> Option<String> {
        match self {
            Self::Says(text) => tally.said.contains(text).then(|| format!("`{text}` was said")),
            Self::Turns(count) => (tally.turns >= *count).then(|| format!("{count} turns were taken")),
            Self::Tokens(count) => {
                (tally.tokens >= *count).then(|| format!("{} of {count} tokens were used", tally.tokens))
            }
            Self::CostMicrousd(amount) => (tally.cost_microusd >= *amount)
                .then(|| format!("{} of {amount} micro-dollars were spent", tally.cost_microusd)),
            Self::Active(duration) => {
                (tally.active >= *duration).then(|| format!("the run was active for {duration:?}"))
            }
            Self::All(parts) => {
                let reasons: Option<Vec<String>> = parts.iter().map(|part| part.met(tally)).collect();
                reasons.filter(|reasons| !reasons.is_empty()).map(|reasons| reasons.join(" and "))
            }
            Self::Any(parts) => parts.iter().find_map(|part| part.met(tally)),
        }
    }

    /// Tells whether any part of the condition is on money.
    #[must_use]
    pub fn limits_cost(&self) -> bool {
        match self {
            Self::CostMicrousd(_) => true,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::limits_cost),
            _ => false,
        }
    }

    /// Returns the shortest time after which the condition could be met by time alone, if there is one.
    #[must_use]
    pub fn shortest_deadline(&self) -> Option<Duration> {
        match self {
            Self::Active(duration) => Some(*duration),
            Self::All(parts) | Self::Any(parts) => parts.iter().filter_map(Self::shortest_deadline).min(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Tally, cost_microusd, deadline, says, tokens, turns};
    use std::time::Duration;

    #[track_caller]
    fn check(condition: &Condition, messages: &[&str], tally: &Tally, expected: Option<&str>) {
        let mut tally = tally.clone();
        messages.iter().for_each(|message| tally.hear(condition, message));
        assert_eq!(condition.met(&tally).as_deref(), expected);
    }

    #[test]
    fn a_text_once_said_stays_said() {
        check(&says("CLOSED"), &["CLOSED: paid", "more"], &Tally::default(), Some("`CLOSED` was said"));
        check(&says("CLOSED"), &["closed"], &Tally::default(), None);
    }

    #[test]
    fn counters_meet_at_their_bound() {
        let tally = Tally {
            turns: 3,
            tokens: 10,
            cost_microusd: 7,
            active: Duration::from_secs(2),
            ..Tally::default()
        };
        check(&turns(3), &[], &tally, Some("3 turns were taken"));
        check(&turns(4), &[], &tally, None);
        check(&tokens(10), &[], &tally, Some("10 of 10 tokens were used"));
        check(&cost_microusd(8), &[], &tally, None);
        check(&deadline(Duration::from_secs(2)), &[], &tally, Some("the run was active for 2s"));
    }

    #[test]
    fn and_needs_both_even_if_met_at_different_times() {
        let both = says("A").and(says("B"));
        check(&both, &["A"], &Tally::default(), None);
        check(&both, &["A", "then B"], &Tally::default(), Some("`A` was said and `B` was said"));
    }

    #[test]
    fn or_needs_one() {
        check(&says("A").or(turns(9)), &["A"], &Tally::default(), Some("`A` was said"));
    }

    #[test]
    fn nothing_of_all_is_never_met() {
        check(&Condition::All(vec![]), &["x"], &Tally::default(), None);
    }
}
