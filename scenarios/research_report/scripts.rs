//! What reader and writer say without a model: the same work, on any question and documents.

use std::collections::BTreeSet;

use playhouse::prelude::{ModelRequest, ScriptContext, ScriptReply};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::documents::{Hit, ReadDocument, ReadLines, Search};
use super::report::{Finding, Report};
use super::words::{Comparison, named_words, shown};

/// The most passages of one message.
const MAX_PASSAGES: usize = 6;

/// The word by which the lead asks for other forms of the words, too.
pub(crate) const BEGINNINGS: &str = "beginnings";

/// What the reader has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passages {
    /// The words that were looked for.
    pub(crate) words: Vec<String>,
    /// How they were compared.
    pub(crate) comparison: Comparison,
    /// The passages, the best first.
    pub(crate) passages: Vec<Passage>,
    /// The words that are found nowhere.
    pub(crate) not_found: Vec<String>,
}

/// A passage of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passage {
    /// The document.
    pub(crate) document: String,
    /// Its line, from 1.
    pub(crate) line: usize,
    /// The heading above it.
    pub(crate) section: String,
    /// What it says, word for word.
    pub(crate) text: String,
}

/// Searches for the words of the instruction, reads around what is found, and says it.
pub(crate) fn reader(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let told = request.instruction().unwrap_or_default();
    let words = named_words(told);
    let comparison = if told.contains(BEGINNINGS) { Comparison::Beginning } else { Comparison::WholeWord };
    if words.is_empty() {
        return ScriptReply::say("I am told no word to look for.");
    }
    if request.exchanges().is_empty() {
        let search = Search { words, comparison };
        return ScriptReply::call("list_documents", &json!({})).and_call("search", &search);
    }
    let hits = chosen(answers::<Vec<Hit>>(request, "search").flatten(), &words);
    let read: Vec<ReadLines> = answers(request, "read_document").collect();
    // Asked once for each document, whether that worked or not.
    if request.exchanges().len() == 1 && !hits.is_empty() {
        let documents: BTreeSet<&str> = hits.iter().map(|hit| hit.document.as_str()).collect();
        return documents.into_iter().fold(ScriptReply::default(), |reply, document| {
            let first = hits.iter().filter(|hit| hit.document == document).map(|hit| hit.line).min();
            // A heading stands some lines above.
            let from_line = first.unwrap_or(1).saturating_sub(50).max(1);
            reply.and_call("read_document", &ReadDocument { document: document.to_owned(), from_line })
        });
    }
    let passages = hits.into_iter().map(|hit| Passage {
        section: section(&read, &hit),
        document: hit.document,
        line: hit.line,
        text: hit.text,
    });
    let passages: Vec<Passage> = passages.collect();
    let found: BTreeSet<String> =
        answers::<Vec<Hit>>(request, "search").flatten().flat_map(|hit| hit.words).collect();
    let not_found: Vec<String> = words.iter().filter(|word| !found.contains(*word)).cloned().collect();
    let sentence = match (passages.len(), not_found.is_empty()) {
        (0, _) => format!("No document holds any of {}.", shown(&words)),
        (n, true) => format!("I have found {}.", count(n, "passage")),
        (n, false) => {
            format!("I have found {}, but no document holds {}.", count(n, "passage"), shown(&not_found))
        }
    };
    say(&sentence, &Passages { words, comparison, passages, not_found })
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Chooses hits so that each word that is found is there, then fills up with the best.
fn chosen(hits: impl Iterator<Item = Hit>, words: &[String]) -> Vec<Hit> {
    let mut left: Vec<Hit> = hits.collect();
    let mut open: BTreeSet<&String> = words.iter().collect();
    let mut chosen = Vec::new();
    while chosen.len() < MAX_PASSAGES {
        let n_new = |hit: &Hit| hit.words.iter().filter(|word| open.contains(word)).count();
        // The first of the best: hits come the best first.
        let best = left.iter().map(n_new).max().filter(|n| *n > 0);
        let place = best.and_then(|n| left.iter().position(|hit| n_new(hit) == n));
        let place = place.or_else(|| left.iter().position(|hit| hit.words.len() > 1));
        let Some(place) = place else { break };
        let hit = left.remove(place);
        open.retain(|word| !hit.words.contains(word));
        chosen.push(hit);
    }
    chosen
}

/// Returns the heading above a line.
fn section(read: &[ReadLines], hit: &Hit) -> String {
    let lines = read.iter().filter(|read| read.document == hit.document).flat_map(|read| &read.lines);
    let mut headings = lines.filter(|line| line.line < hit.line && line.text.starts_with('#'));
    headings.next_back().map(|line| line.text.trim_start_matches('#').trim().to_owned()).unwrap_or_default()
}

/// Writes the report from all passages that the reader has said.
pub(crate) fn writer(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    say("This is my draft.", &draft(request))
}

/// Makes the report of what is in the conversation.
pub(crate) fn draft(request: &ModelRequest) -> Report {
    let question = request.transcript.iter().next().map(|entry| entry.message.content.clone());
    let found: Vec<Passages> = said(request, "reader").collect();
    let mut findings: Vec<Finding> = Vec::new();
    for passage in found.iter().flat_map(|found| &found.passages) {
        let (document, line) = (passage.document.clone(), passage.line);
        if findings.iter().any(|known| known.document == document && known.line == line) {
            continue;
        }
        let text = passage.text.trim_start_matches(['-', '*', ' ']);
        findings.push(Finding { statement: text.to_owned(), document, line });
    }
    // What is not found in the end: a later search may have found what an earlier one has not.
    let missing = found.last().map(|found| found.not_found.clone()).unwrap_or_default();
    let documents: BTreeSet<&str> = findings.iter().map(|finding| finding.document.as_str()).collect();
    let sections = found.iter().flat_map(|found| &found.passages).map(|passage| passage.section.as_str());
    let sections: BTreeSet<&str> = sections.filter(|section| !section.is_empty()).collect();
    let summary = match findings.len() {
        0 => "The documents say nothing about it.".to_owned(),
        n => format!(
            "{} of {} on it: {}.",
            count(n, "passage"),
            count(documents.len(), "document"),
            sections.into_iter().collect::<Vec<_>>().join("; ")
        ),
    };
    Report { question: question.unwrap_or_default(), summary, findings, missing, unfounded: Vec::new() }
}

/// Returns what an agent has said as JSON in the last lines of its messages, oldest first.
pub(crate) fn said<'a, T: DeserializeOwned>(
    request: &'a ModelRequest,
    agent: &'a str,
) -> impl DoubleEndedIterator<Item = T> + 'a {
    let messages = request.transcript.iter().map(|entry| &entry.message);
    let of_agent = messages.filter(move |message| message.from.as_str() == agent);
    // A message of another form, as a model may write it, holds no passages for scripts.
    of_agent.filter_map(|message| serde_json::from_str(message.content.lines().next_back()?).ok())
}

/// Returns the answers of a tool in the open turn.
fn answers<'a, T: DeserializeOwned>(
    request: &'a ModelRequest,
    tool: &'a str,
) -> impl Iterator<Item = T> + 'a {
    let calls = request.exchanges().iter().flat_map(|exchange| &exchange.calls);
    let answered = calls.filter(move |call| call.tool == tool && !call.failed);
    answered.filter_map(|call| serde_json::from_str(&call.answer).ok())
}

/// Says a sentence and, on a line of its own, a value.
pub(crate) fn say(sentence: &str, value: &impl Serialize) -> ScriptReply {
    // The values are structs of texts and numbers, which have a JSON form.
    ScriptReply::say(format!("{sentence}\n{}", serde_json::to_string(value).unwrap_or_default()))
}
