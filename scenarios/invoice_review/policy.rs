//! The payment policy: numbered clauses and the figures in its table.

mod figures;
mod parse;
mod search;
#[cfg(test)]
mod tests;

use std::{cmp::Reverse, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(crate) use self::figures::Figures;
use self::search::ClauseWords;
use super::rule::Rule;

/// The number of a clause, such as `3.1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct ClauseNumber(String);

impl ClauseNumber {
    /// Keeps a number as written, without the white space and the full stop around it.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.trim().trim_end_matches('.').to_owned())
    }

    /// Returns the number as written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClauseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One numbered clause with its rows of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Clause {
    /// Its number.
    pub(crate) number: ClauseNumber,
    /// The heading it stands under.
    pub(crate) title: String,
    /// Its words, on one line.
    pub(crate) text: String,
    /// The rows of the table that name it, in order.
    pub(crate) figures: Vec<Figure>,
}

/// One row of the table: `| clause | rule | value |`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Figure {
    /// What the value is for, such as `price tolerance`.
    pub(crate) rule: String,
    /// The value as written, such as `2.0 %`.
    pub(crate) value: String,
}

/// A policy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub(crate) enum PolicyError {
    /// There is no row for a figure.
    #[error("the policy has no row for `{rule}` in its table `| clause | rule | value |`")]
    MissingRow {
        /// The figure without a row.
        rule: String,
    },
    /// Two rows give one figure.
    #[error("the policy has two rows for `{rule}`: `{first}` and `{second}`")]
    RepeatedRow {
        /// The figure with two rows.
        rule: String,
        /// The value in the first row.
        first: String,
        /// The value in the second row.
        second: String,
    },
    /// A row has a value that cannot be used.
    #[error("the policy row `{rule}` has the value `{value}`, which is not {expected}")]
    BadValue {
        /// The rule as written.
        rule: String,
        /// The value as written.
        value: String,
        /// What should stand there.
        expected: String,
    },
    /// A row names a clause that the prose does not have.
    #[error("the policy row `{rule}` names the clause `{clause}`, which is not in the text")]
    UnknownClause {
        /// The rule as written.
        rule: String,
        /// The clause as written.
        clause: ClauseNumber,
    },
    /// Two clauses have one number.
    #[error("the policy has two clauses `{clause}`")]
    RepeatedClause {
        /// The number both have.
        clause: ClauseNumber,
    },
}

/// A policy whose figures have been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    clauses: Vec<Clause>,
    /// The words of each clause.
    words: Vec<ClauseWords>,
    figures: Figures,
}

impl Policy {
    /// Reads a policy from its Markdown text.
    ///
    /// A clause is a paragraph or list item that starts with a number, such as `3.1 The price ...`.
    /// # Errors
    /// [`PolicyError`] names the row or the clause at fault.
    pub(crate) fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::from_clauses(parse::clauses(text)?)
    }

    /// Builds a policy from its clauses, or from as many of them as hold all figures.
    ///
    /// The figures stand with their clauses, so whoever got clauses from [`Policy::search`] can
    /// compute with them.
    /// # Errors
    /// [`PolicyError`] names the row at fault.
    pub(crate) fn from_clauses(mut clauses: Vec<Clause>) -> Result<Self, PolicyError> {
        clauses.sort_by_cached_key(|clause| parse::order(&clause.number));
        clauses.dedup();
        let figures = Figures::read(&clauses)?;
        let words = clauses.iter().map(ClauseWords::of).collect();
        Ok(Self { clauses, words, figures })
    }

    /// Returns the figures of the table.
    pub(crate) fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Returns all clauses in the order of their numbers.
    #[cfg(test)]
    pub(crate) fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// Returns up to `limit` clauses that share words with the query, the best first.
    ///
    /// A word counts four times in a figure's name, twice in the title and once in the text; equal
    /// clauses keep their order. A clause's rank depends on that clause and the query alone.
    pub(crate) fn search(&self, query: &str, limit: usize) -> Vec<Clause> {
        let query = search::words(query);
        let mut ranked: Vec<(usize, &Clause)> = self
            .words
            .iter()
            .map(|words| words.score(&query))
            .zip(&self.clauses)
            .filter(|(score, _)| *score > 0)
            .collect();
        ranked.sort_by_key(|(score, _)| Reverse(*score));
        ranked.into_iter().take(limit).map(|(_, clause)| clause.clone()).collect()
    }

    /// Returns the clause on a rule, if the policy has one: the best that
    /// [`Rule::query`] finds.
    pub(crate) fn clause(&self, rule: Rule) -> Option<ClauseNumber> {
        self.search(rule.query(), 1).pop().map(|clause| clause.number)
    }
}
