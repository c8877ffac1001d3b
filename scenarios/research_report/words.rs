//! Words: which of a question to look for, and whether a line holds them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most words that are looked for at once.
const MAX_WORDS: usize = 12;

/// How many letters of a word count if only its beginning does.
const BEGINNING: usize = 5;

/// Words that say nothing about what a question is about.
const COMMON: &[&str] = &[
    "about", "all", "and", "any", "anything", "are", "been", "but", "can", "does", "for", "from", "had",
    "has", "have", "how", "into", "its", "long", "made", "many", "may", "much", "must", "not", "often",
    "one", "our", "should", "some", "that", "the", "their", "them", "then", "there", "they", "this", "was",
    "were", "what", "when", "where", "which", "who", "whom", "why", "will", "with", "would", "you", "your",
];

/// How words are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Comparison {
    /// The whole word.
    #[default]
    WholeWord,
    /// Its first letters, so that other forms of the word are found, too.
    Beginning,
}

/// Returns the words of a text that say what it is about, each once, in their order.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in split(text).filter(|word| word.chars().count() > 2 && !COMMON.contains(&word.as_str())) {
        if !words.contains(&word) && words.len() < MAX_WORDS {
            words.push(word);
        }
    }
    words
}

/// Returns those of the words that stand in backticks; else all that say what the text is about.
pub(crate) fn named_words(text: &str) -> Vec<String> {
    let quoted: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let quoted = words_of(&quoted.join(" "));
    if quoted.is_empty() { words_of(text) } else { quoted }
}

/// Returns those of the words that a line holds.
pub(crate) fn held(line: &str, words: &[String], comparison: Comparison) -> Vec<String> {
    let line: Vec<String> = split(line).collect();
    let is_held = |word: &&String| match comparison {
        Comparison::WholeWord => line.contains(word),
        Comparison::Beginning => line.iter().any(|other| beginning(other) == beginning(word)),
    };
    words.iter().filter(is_held).cloned().collect()
}

fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn beginning(word: &str) -> String {
    word.chars().take(BEGINNING).collect()
}

/// Returns words for people: each in backticks.
pub(crate) fn shown(words: &[String]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Comparison, held, named_words, words_of};

    #[test]
    fn common_and_short_words_say_nothing() {
        assert_eq!(
            words_of("How long are backups kept, and who may restore Backups?"),
            ["backups", "kept", "restore"]
        );
        assert_eq!(words_of("Who is it?"), [""; 0]);
        assert_eq!(words_of(&"w1 w22 w33 ".repeat(99)), ["w22", "w33"]);
    }

    #[test]
    fn words_in_backticks_are_meant() {
        assert_eq!(named_words("Search for `backups`, `kept` as they are"), ["backups", "kept"]);
        assert_eq!(named_words("Search for backups"), ["search", "backups"]);
    }

    #[test]
    fn beginnings_find_other_forms() {
        let words = ["encryption", "key"].map(str::to_owned);
        let line = "They are Encrypted with a key.";
        assert_eq!(held(line, &words, Comparison::WholeWord), ["key"]);
        assert_eq!(held(line, &words, Comparison::Beginning), ["encryption", "key"]);
        assert_eq!(held("a keyhole", &words, Comparison::Beginning), [""; 0]);
    }
}
