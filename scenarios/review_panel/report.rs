//! The reviews of files as tables for people.

use playhouse::prelude::CaseName;

use super::finding::{Review, Severity, Verdict};
use crate::table::{cell, table};

/// The most characters of a detail in the table; the JSON result has all of it.
const MAX_DETAIL_CHARS: usize = 90;

/// Writes the verdict on each file and, below, its findings.
pub(crate) fn report(reviews: &[(CaseName, Review)]) -> String {
    reviews.iter().map(|(case, review)| one(case, review)).collect::<Vec<_>>().join("\n")
}

fn one(case: &CaseName, review: &Review) -> String {
    let verdict = match review.verdict {
        Verdict::Approve => "approve",
        Verdict::RequestChanges => "request changes",
    };
    let counts = Severity::WORST_FIRST.map(|severity| {
        let n = review.findings.iter().filter(|finding| finding.severity == severity).count();
        format!("{n} {}", severity.as_str())
    });
    let mut text = format!("{case}: {verdict} ({})\n", counts.join(", "));
    let reviewers: Vec<String> = review.reviewed_by.iter().map(|name| cell(name, 64)).collect();
    text.push_str(&format!("reviewed by {}\n", reviewers.join(", ")));
    if review.findings.is_empty() {
        return text;
    }
    let header = ["severity", "line", "rule", "raised by", "detail"].map(str::to_owned);
    let rows = review.findings.iter().map(|finding| {
        [
            finding.severity.as_str().to_owned(),
            finding.line.to_string(),
            cell(&finding.rule, 24),
            cell(&finding.raised_by.join(", "), 40),
            cell(&finding.detail, MAX_DETAIL_CHARS),
        ]
    });
    text.push('\n');
    text.push_str(&table(&std::iter::once(header).chain(rows).collect::<Vec<_>>()));
    if review.left_out > 0 {
        text.push_str(&format!("and {} more\n", review.left_out));
    }
    text
}
