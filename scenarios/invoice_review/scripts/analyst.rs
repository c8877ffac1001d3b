//! The analyst: finds the clauses that apply to what the clerk has read.

use playhouse::prelude::{ModelRequest, ScriptContext, ScriptReply};
use serde::{Deserialize, Serialize};

use super::super::{
    case::CaseFile,
    checks::{
        Finding, arithmetic_findings, clauses, duplicate_findings, matching_findings, reading_findings,
        standing_findings,
    },
    policy::{ClauseNumber, Policy},
    register::RegisterEntry,
    rule::Rule,
};
use super::{
    extract::Extract,
    gathering::Gathering,
    message::{count, reason, said, say, weightiest},
};

/// What the analyst says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opinion {
    /// The clauses that speak against paying, or are to be named.
    pub(super) clauses: Vec<ClauseNumber>,
    /// Why they apply.
    pub(super) findings: Vec<Finding>,
    /// How many lines the clerk did not pass on, so that they are for the auditor to check.
    pub(super) lines_unchecked: usize,
}

/// Searches the policy and the other invoices, and posts the clauses that apply to the clerk's figures.
pub(crate) fn analyst(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let Some(extract) = said::<Extract>(request, "clerk") else {
        return ScriptReply::say("The clerk gave no figures that I can check; that is for the auditor.");
    };
    let mut gathering = Gathering::of(request);
    let (policy, same) = (gathering.policy(), gathering.same(extract.case.invoice()));
    if let Some(calls) = gathering.missing("") {
        return calls;
    }
    match (policy, same) {
        (Some(Ok(policy)), Some(Ok(same))) => opinion(&extract, &policy, &same),
        (Some(Err(error)), _) | (_, Some(Err(error))) => ScriptReply::say(reason(&error)),
        (None, _) | (_, None) => ScriptReply::say("There is nothing to check."),
    }
}

fn opinion(extract: &Extract, policy: &Policy, same: &[RegisterEntry]) -> ScriptReply {
    let mut findings = findings(&extract.case, policy, same);
    if extract.lines_left_out > 0 {
        // Without all lines neither sums nor missing documents can be told from these figures.
        findings.retain(|finding| !matches!(finding.rule, Rule::Sums | Rule::Documents));
    }
    let (findings, n_left_out) = weightiest(findings);
    let clauses = clauses(&findings);
    let sentence = match (clauses.as_slice(), extract.lines_left_out) {
        ([], 0) => "I find no clause against paying.".to_owned(),
        ([], n_lines) => {
            format!("I find no clause against paying, but {} are unchecked.", count(n_lines, "line"))
        }
        (clauses, _) => {
            let numbers: Vec<String> = clauses.iter().map(ToString::to_string).collect();
            let n_reasons = count(findings.len() + n_left_out, "reason");
            format!("Clauses that apply: {} ({n_reasons}).", numbers.join(", "))
        }
    };
    say(&sentence, &Opinion { clauses, findings, lines_unchecked: extract.lines_left_out })
}

fn findings(case: &CaseFile, policy: &Policy, same: &[RegisterEntry]) -> Vec<Finding> {
    let mut findings = reading_findings(case, policy);
    findings.extend(arithmetic_findings(case, policy));
    findings.extend(matching_findings(case, policy));
    findings.extend(standing_findings(case, policy));
    findings.extend(duplicate_findings(case, policy, same));
    findings
}
