//! What model and tool calls cost.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Tokens of one or more model calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens read, those from a cache included.
    pub input_tokens: u64,
    /// Tokens written, those of hidden reasoning included.
    pub output_tokens: u64,
    /// The part of `input_tokens` that came from the endpoint's cache.
    pub cached_input_tokens: u64,
    /// The part of `output_tokens` that was hidden reasoning.
    pub reasoning_tokens: u64,
}

impl TokenUsage {
    /// Returns the tokens read and written together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

impl AddAssign for TokenUsage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cached_input_tokens = self.cached_input_tokens.saturating_add(other.cached_input_tokens);
        self.reasoning_tokens = self.reasoning_tokens.saturating_add(other.reasoning_tokens);
    }
}

/// What a run has used so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Model calls with a reply on record.
    pub model_calls: u64,
    /// Tool calls with an end on record.
    pub tool_calls: u64,
    /// The price in micro-dollars; `None` as soon as one call had no known price.
    pub cost_microusd: Option<u64>,
    /// Model calls that were asked and whose reply was lost in a crash: possibly paid, never seen.
    pub lost: u64,
}

impl Default for Usage {
    /// Nothing used: a known cost of 0.
    fn default() -> Self {
        Self {
            input_tokens: 0,
            output_tokens: 0,
            model_calls: 0,
            tool_calls: 0,
            cost_microusd: Some(0),
            lost: 0,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.model_calls += other.model_calls;
        self.tool_calls += other.tool_calls;
        self.cost_microusd =
            self.cost_microusd.zip(other.cost_microusd).map(|(mine, theirs)| mine.saturating_add(theirs));
        self.lost += other.lost;
    }
}

#[cfg(test)]
mod tests {
    use super::Usage;

    #[test]
    fn one_unknown_price_makes_the_sum_unknown() {
        let mut usage = Usage::default();
        usage += Usage { cost_microusd: Some(5), ..Usage::default() };
        assert_eq!(usage.cost_microusd, Some(5));
        usage += Usage { cost_microusd: None, ..Usage::default() };
        usage += Usage { cost_microusd: Some(5), ..Usage::default() };
        assert_eq!(usage.cost_microusd, None);
    }
}
