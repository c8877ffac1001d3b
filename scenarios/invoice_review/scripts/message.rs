//! Messages: a sentence for people, then one line of JSON for other agents, both of bounded size.

use playhouse::prelude::{ModelRequest, Participant, ScriptReply};
use serde::{Serialize, de::DeserializeOwned};

use super::super::checks::Finding;

/// The most findings that are named under one rule.
const MAX_FINDINGS_PER_RULE: usize = 3;
/// The most characters of a reason.
const MAX_REASON_CHARS: usize = 300;
/// The most characters of a name in a sentence.
const MAX_NAME_CHARS: usize = 60;

/// Says a sentence and, on a line of its own, a value.
pub(super) fn say(sentence: &str, value: &impl Serialize) -> ScriptReply {
    // What scripts say consists of texts, numbers and lists, so it has a JSON form; without one the others
    // find none and say so.
    let json = serde_json::to_string(value).unwrap_or_default();
    ScriptReply::say(format!("{sentence}\n{json}"))
}

/// Returns the value in the newest message of an agent, if there is one.
pub(super) fn said<T: DeserializeOwned>(request: &ModelRequest, agent: &str) -> Option<T> {
    let is_agent = |from: &Participant| matches!(from, Participant::Agent(name) if name.as_str() == agent);
    let message = request.transcript.iter().rev().find(|entry| is_agent(&entry.message.from))?;
    // The value is the last line: no text of a document can stand behind it.
    serde_json::from_str(message.message.content.lines().next_back()?).ok()
}

/// Returns a text of a document on one line, cut to the length of a name.
pub(super) fn name(text: &impl ToString) -> String {
    shown(&text.to_string(), MAX_NAME_CHARS)
}

/// Returns a text on one line, cut to the length of a reason.
pub(super) fn reason(text: &str) -> String {
    shown(text, MAX_REASON_CHARS)
}

fn shown(text: &str, max_chars: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// Returns the findings that fit a message, the weightiest first, and how many are left out.
pub(super) fn weightiest(mut findings: Vec<Finding>) -> (Vec<Finding>, usize) {
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.decision), finding.rule));
    let n_all = findings.len();
    let mut kept: Vec<Finding> = Vec::new();
    for mut finding in findings {
        if kept.iter().filter(|other| other.rule == finding.rule).count() < MAX_FINDINGS_PER_RULE {
            finding.reason = reason(&finding.reason);
            kept.push(finding);
        }
    }
    let n_left_out = n_all - kept.len();
    (kept, n_left_out)
}

/// Writes a number of things: `1 receipt`, `2 receipts`.
pub(super) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
