//! What reviewers find, and what the editor makes of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// It can wait.
    Minor,
    /// It has to be mended.
    Major,
    /// Nobody may run this.
    Critical,
}

impl Severity {
    /// The severities, the worst first.
    pub(crate) const WORST_FIRST: [Self; 3] = [Self::Critical, Self::Major, Self::Minor];

    /// Returns the word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }
}

/// A fault in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Finding {
    /// Which line, from 1.
    pub(crate) line: usize,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// The kind of fault, in a word.
    pub(crate) rule: String,
    /// What is wrong and what to do, in a sentence.
    pub(crate) detail: String,
}

/// What one reviewer says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Findings {
    /// The faults in the order of their lines.
    pub(crate) findings: Vec<Finding>,
    /// How many more there are, if there are too many to list.
    #[serde(default)]
    pub(crate) left_out: usize,
}

/// A fault that one or several reviewers have found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct AgreedFinding {
    /// Which line, from 1.
    pub(crate) line: usize,
    /// How bad it is, at worst.
    pub(crate) severity: Severity,
    /// The kind of fault, in a word.
    pub(crate) rule: String,
    /// What is wrong and what to do.
    pub(crate) detail: String,
    /// Who has found it.
    pub(crate) raised_by: Vec<String>,
}

/// What is to become of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It can be merged.
    Approve,
    /// The author has to mend it first.
    RequestChanges,
}

/// The review of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Review {
    /// What is to become of the file.
    pub(crate) verdict: Verdict,
    /// Who has looked at it.
    pub(crate) reviewed_by: Vec<String>,
    /// Each fault once, the worst first.
    pub(crate) findings: Vec<AgreedFinding>,
    /// How many more there are, if there are too many to list.
    #[serde(default)]
    pub(crate) left_out: usize,
}

impl Review {
    /// Brings together what reviewers of a file of `n_lines` lines have found.
    pub(crate) fn merge(reviews: &[(&str, Findings)], n_lines: usize) -> Self {
        let mut merged: BTreeMap<(usize, &str), AgreedFinding> = BTreeMap::new();
        for (reviewer, review) in reviews {
            for finding in review.findings.iter().filter(|finding| (1..=n_lines).contains(&finding.line)) {
                let known = merged.entry((finding.line, finding.rule.as_str()));
                known.and_modify(|known| known.add(reviewer, finding)).or_insert_with(|| AgreedFinding {
                    line: finding.line,
                    severity: finding.severity,
                    rule: finding.rule.clone(),
                    detail: finding.detail.clone(),
                    raised_by: vec![(*reviewer).to_owned()],
                });
            }
        }
        let mut findings: Vec<AgreedFinding> = merged.into_values().collect();
        // A stable sort: within a severity they stay in the order of the lines.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let is_fine = findings.iter().all(|finding| finding.severity == Severity::Minor);
        Self {
            verdict: if is_fine { Verdict::Approve } else { Verdict::RequestChanges },
            reviewed_by: reviews.iter().map(|(reviewer, _)| (*reviewer).to_owned()).collect(),
            left_out: reviews.iter().map(|(_, review)| review.left_out).sum(),
            findings,
        }
    }
}

impl AgreedFinding {
    fn add(&mut self, reviewer: &str, finding: &Finding) {
        self.severity = self.severity.max(finding.severity);
        if !self.detail.contains(&finding.detail) {
            self.detail = format!("{}; {}", self.detail, finding.detail);
        }
        // A reviewer may find the same twice in a line.
        if !self.raised_by.iter().any(|known| known == reviewer) {
            self.raised_by.push(reviewer.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Findings, Review, Severity, Verdict};

    fn found(list: &[(usize, Severity, &str, &str)]) -> Findings {
        let findings = list.iter().map(|(line, severity, rule, detail)| Finding {
            line: *line,
            severity: *severity,
            rule: (*rule).to_owned(),
            detail: (*detail).to_owned(),
        });
        Findings { findings: findings.collect(), left_out: 1 }
    }

    #[test]
    fn doubles_become_one_and_the_worst_come_first() {
        let first =
            found(&[(3, Severity::Minor, "todo", "do it"), (5, Severity::Minor, "unsafe", "no reason")]);
        let second = found(&[
            (5, Severity::Major, "unsafe", "unchecked"),
            (5, Severity::Major, "unsafe", "unchecked"),
        ]);
        let review = Review::merge(&[("a", first), ("b", second)], 9);
        let shown: Vec<String> = review
            .findings
            .iter()
            .map(|f| format!("{} {} {} {}", f.line, f.severity.as_str(), f.detail, f.raised_by.join("+")))
            .collect();
        assert_eq!(shown, ["5 major no reason; unchecked a+b", "3 minor do it a"]);
        assert_eq!((review.verdict, review.left_out), (Verdict::RequestChanges, 2));
    }

    #[test]
    fn lines_that_do_not_exist_are_nobodys_fault() {
        let invented = found(&[(0, Severity::Critical, "a", ""), (10, Severity::Critical, "b", "")]);
        let review = Review::merge(&[("a", invented)], 9);
        assert_eq!((review.findings.len(), review.verdict), (0, Verdict::Approve));
    }
}
