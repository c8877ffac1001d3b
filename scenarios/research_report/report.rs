//! The report: its form, its sources, and how people read it.

use std::collections::BTreeSet;
use std::fmt::Write;

use playhouse::ToolCall;
use playhouse::prelude::{CaseName, Conversation, ResultError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::{Hit, ReadLines};
use super::words::shown;
use crate::table::cell;

/// The most characters of a text in the report; the JSON result has all of it.
const MAX_CHARS: usize = 400;

/// What the documents say, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Finding {
    /// What is said.
    pub(crate) statement: String,
    /// The document that says it.
    pub(crate) document: String,
    /// In which line, from 1.
    pub(crate) line: usize,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Report {
    /// The question.
    pub(crate) question: String,
    /// The answer in a sentence or two.
    pub(crate) summary: String,
    /// What the answer is based on, each with its source.
    pub(crate) findings: Vec<Finding>,
    /// What was looked for and is found nowhere.
    pub(crate) missing: Vec<String>,
    /// Statements whose source nobody has seen; not for the lead to fill in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub(crate) unfounded: Vec<Finding>,
}

/// Returns the lead's report. What it cites must have been shown by a tool in this very run.
pub(crate) fn result(conversation: &Conversation) -> Result<Report, ResultError> {
    let mut report: Report = conversation.last_json_from("lead")?;
    let seen = seen(conversation);
    let is_seen = |finding: &Finding| seen.contains(&(finding.document.clone(), finding.line));
    (report.findings, report.unfounded) = report.findings.into_iter().partition(is_seen);
    Ok(report)
}

/// Returns which lines of which documents tools have shown.
fn seen(conversation: &Conversation) -> BTreeSet<(String, usize)> {
    let hits = conversation.calls_of("search").filter_map(ToolCall::output_as::<Vec<Hit>>).flatten();
    let mut seen: BTreeSet<(String, usize)> = hits.map(|hit| (hit.document, hit.line)).collect();
    for read in conversation.calls_of("read_document").filter_map(ToolCall::output_as::<ReadLines>) {
        seen.extend(read.lines.into_iter().map(|line| (read.document.clone(), line.line)));
    }
    seen
}

/// Writes the answer with its sources.
pub(crate) fn report(reports: &[(CaseName, Report)]) -> String {
    reports.iter().map(|(_, report)| one(report)).collect::<Vec<_>>().join("\n")
}

fn one(report: &Report) -> String {
    let mut text =
        format!("{}\n\n{}\n\n", cell(&report.question, MAX_CHARS), cell(&report.summary, MAX_CHARS));
    // Writing into a text cannot fail.
    for finding in &report.findings {
        let (said, document) = (cell(&finding.statement, MAX_CHARS), cell(&finding.document, 80));
        let _ = writeln!(text, "- {said} [{document}:{}]", finding.line);
    }
    if !report.missing.is_empty() {
        let _ = writeln!(text, "\nnot found: {}", cell(&shown(&report.missing), MAX_CHARS));
    }
    for finding in &report.unfounded {
        let said = cell(&finding.statement, MAX_CHARS);
        let _ = writeln!(text, "\nnot in any document that was read: {said}");
    }
    text
}
