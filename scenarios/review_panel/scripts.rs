//! What the agents say without a model: the same work, on any file of Rust.

use playhouse::prelude::{ModelRequest, Participant, ScriptReply};
use serde::Serialize;

use super::finding::{Finding, Findings, Review};
use super::source::{Line, opened};

/// The most findings that one reviewer lists: who has so many to mend needs no more.
const MAX_FINDINGS: usize = 100;

/// Reviews the file of the first message with the checks of one reviewer.
pub(crate) fn reviewer(request: &ModelRequest, checks: fn(&[Line]) -> Vec<Finding>) -> ScriptReply {
    let mut findings = checks(&file(request));
    let left_out = findings.len().saturating_sub(MAX_FINDINGS);
    findings.truncate(MAX_FINDINGS);
    say(&Findings { findings, left_out })
}

/// Brings together what all reviewers have said.
pub(crate) fn editor(request: &ModelRequest) -> ScriptReply {
    let messages = request.transcript.iter().map(|entry| &entry.message);
    let reviews: Vec<(&str, Findings)> = messages
        .filter(|message| matches!(message.from, Participant::Agent(_)))
        .filter_map(|message| {
            // What is no list of findings is no review: it is missing in `reviewed_by`.
            let findings = serde_json::from_str(&message.content).ok()?;
            Some((message.from.as_str(), findings))
        })
        .collect();
    say(&Review::merge(&reviews, file(request).len()))
}

fn file(request: &ModelRequest) -> Vec<Line> {
    // The first message: a person may have said more since.
    let first = request.transcript.iter().find(|entry| entry.message.from == Participant::User);
    first.and_then(|entry| opened(&entry.message.content)).unwrap_or_default()
}

fn say(value: &impl Serialize) -> ScriptReply {
    // The values are structs of texts and numbers, which have a JSON form.
    ScriptReply::say(serde_json::to_string(value).unwrap_or_default())
}
