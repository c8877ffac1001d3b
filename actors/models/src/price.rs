//! What models cost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use playhouse_types::TokenUsage;
use serde::Deserialize;

/// The price of a model, in micro-dollars per million tokens: 2,500,000 is $2.50 per million tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Tokens read.
    pub input: u64,
    /// Tokens read from the endpoint's cache; as `input` if absent.
    #[serde(default)]
    pub cached_input: Option<u64>,
    /// Tokens written.
    pub output: u64,
}

impl Price {
    /// Returns the cost of `usage` in micro-dollars, rounded up.
    #[must_use]
    pub fn cost_microusd(&self, usage: &TokenUsage) -> u64 {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let fresh = usage.input_tokens - cached;
        let sum = u128::from(fresh) * u128::from(self.input)
            + u128::from(cached) * u128::from(self.cached_input.unwrap_or(self.input))
            + u128::from(usage.output_tokens) * u128::from(self.output);
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

/// Why a price file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PriceError {
    /// It cannot be read.
    #[error("price file `{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not a price table; the cause names line and column.
    #[error(
        "prices are not `{{\"MODEL\": {{\"input\": N, \"cached_input\": N, \"output\": N}}}}` in micro-dollars per million tokens"
    )]
    Invalid {
        /// Where and why.
        #[from]
        source: serde_json::Error,
    },
}

/// Prices by model name.
///
/// An entry stands for the model of its name and for its dated or numbered versions (`gpt-4o` for
/// `gpt-4o-2024-08-06` and `gpt-4o-latest`, not for `gpt-4o-mini`); an entry that ends in `*` for every longer name. The
/// longest entry wins. A model without an entry has no known price, which is not a price of 0.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PriceTable(BTreeMap<String, Price>);

impl PriceTable {
    /// Returns the prices of well-known public models, as listed in September 2025; they may have changed.
    ///
    #[must_use]
    #[expect(clippy::expect_used, reason = "the text is part of the program, and a test reads it")]
    pub fn built_in() -> Self {
        Self::from_json(include_str!("prices.json")).expect("the built-in prices are a price table")
    }

    /// Reads prices from JSON: `{"MODEL": {"input": N, "cached_input": N, "output": N}}`.
    ///
    /// # Errors
    /// [`PriceError::Invalid`].
    pub fn from_json(text: &str) -> Result<Self, PriceError> {
        Ok(Self(serde_json::from_str(text)?))
    }

    /// Reads prices from a JSON file; see [`PriceTable::from_json`].
    ///
    /// # Errors
    /// [`PriceError`].
    pub fn from_file(path: &Path) -> Result<Self, PriceError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| PriceError::Unreadable { path: path.to_owned(), source })?;
        Self::from_json(&text)
    }

    /// Adds the entries of `other`, which win over entries of the same name.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Returns the price of a model; `None` if none is known.
    #[must_use]
    pub fn price(&self, model: &str) -> Option<Price> {
        let stands_for = |entry: &str| match entry.strip_suffix('*') {
            Some(prefix) => model.starts_with(prefix),
            None => model.strip_prefix(entry).is_some_and(is_version),
        };
        let entries = self.0.iter().filter(|(entry, _)| stands_for(entry));
        entries.max_by_key(|(entry, _)| entry.len()).map(|(_, price)| *price)
    }
}

/// Tells whether what follows a model's name only says which version of it.
fn is_version(rest: &str) -> bool {
    let Some(version) = rest.strip_prefix(['-', '@', ':']) else { return rest.is_empty() };
    version == "latest" || version.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::PriceTable;
    use playhouse_types::TokenUsage;

    fn table() -> PriceTable {
        let text = r#"{"big": {"input": 10, "output": 20}, "big-4": {"input": 30, "output": 40}, "local/*": {"input": 0, "output": 0}}"#;
        PriceTable::from_json(text).unwrap()
    }

    #[track_caller]
    fn check(model: &str, expected_input: Option<u64>) {
        assert_eq!(table().price(model).map(|price| price.input), expected_input);
    }

    #[test]
    fn the_longest_entry_wins() {
        check("big", Some(10));
        check("big-2024-08-06", Some(10));
        check("big-4", Some(30));
        check("big-4-0613", Some(30));
        check("local/anything", Some(0));
    }

    #[test]
    fn another_model_with_the_same_beginning_has_no_known_price() {
        for unknown in ["bigger", "big-mini", "bi", "", "big.5", "other"] {
            check(unknown, None);
        }
    }

    #[test]
    fn a_cost_counts_cached_tokens_once_and_rounds_up() {
        let price = PriceTable::built_in().price("gpt-4o").unwrap();
        let usage = TokenUsage {
            input_tokens: 1_000,
            cached_input_tokens: 400,
            output_tokens: 10,
            ..TokenUsage::default()
        };
        assert_eq!(price.cost_microusd(&usage), 600 * 25 / 10 + 400 * 125 / 100 + 10 * 10);
        let usage = TokenUsage { input_tokens: 1, ..TokenUsage::default() };
        assert_eq!(price.cost_microusd(&usage), 3);
        let all = TokenUsage { input_tokens: u64::MAX, output_tokens: u64::MAX, ..TokenUsage::default() };
        assert_eq!(price.cost_microusd(&all), u64::MAX);
    }

    #[test]
    fn a_wrong_file_says_what_is_wrong() {
        let error = PriceTable::from_json(r#"{"m": {"input": 1}}"#).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("output") && source.contains("line 1"), "{source}");
        let error = PriceTable::from_file("/nowhere/prices.json".as_ref()).unwrap_err();
        assert_eq!(error.to_string(), "price file `/nowhere/prices.json` cannot be read");
    }
}
