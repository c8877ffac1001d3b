//! Ranking clauses by the words they share with a query.

use std::collections::BTreeSet;

use super::Clause;

const FIGURE_WEIGHT: usize = 4;
const TITLE_WEIGHT: usize = 2;
const TEXT_WEIGHT: usize = 1;

/// Words too common to tell clauses apart.
const COMMON_WORDS: [&str; 16] =
    ["a", "an", "and", "are", "by", "for", "from", "in", "is", "it", "of", "on", "or", "than", "the", "to"];

/// Returns the words of a text in lower case, without common ones and without a plural `s`.
pub(super) fn words(text: &str) -> BTreeSet<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !COMMON_WORDS.contains(word))
        .map(|word| match word.strip_suffix('s') {
            Some(singular) if word.len() > 3 => singular.to_owned(),
            _ => word.to_owned(),
        })
        .collect()
}

/// The words of one clause by the place where they stand, taken apart once for all searches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClauseWords {
    figures: BTreeSet<String>,
    title: BTreeSet<String>,
    text: BTreeSet<String>,
}

impl ClauseWords {
    /// Takes a clause apart.
    pub(super) fn of(clause: &Clause) -> Self {
        let figures: Vec<&str> = clause.figures.iter().map(|figure| figure.rule.as_str()).collect();
        Self { figures: words(&figures.join(" ")), title: words(&clause.title), text: words(&clause.text) }
    }

    /// Returns how well the clause fits the words of a query.
    pub(super) fn score(&self, query: &BTreeSet<String>) -> usize {
        let shared = |words: &BTreeSet<String>| query.iter().filter(|word| words.contains(*word)).count();
        FIGURE_WEIGHT * shared(&self.figures)
            + TITLE_WEIGHT * shared(&self.title)
            + TEXT_WEIGHT * shared(&self.text)
    }
}
