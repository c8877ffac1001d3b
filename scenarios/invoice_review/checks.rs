//! Checking a case against the policy: rules give findings, findings give a decision.
//!
//! Each part looks at the whole case and can be computed by itself, so that agents can divide the
//! work and check each other. No part ever looks at the words of a document, only at its figures.

mod arithmetic;
mod matching;
mod reading;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    arithmetic::arithmetic_findings, matching::matching_findings, reading::reading_findings,
    standing::standing_findings,
};
use super::{
    case::CaseFile,
    confidence::Confidence,
    currency::Currency,
    policy::{ClauseNumber, Policy},
    register::RegisterEntry,
    rule::{Decision, Rule},
};

/// One thing that was found in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Finding {
    /// The rule it falls under.
    pub(crate) rule: Rule,
    /// The policy's clause on that rule, if it has one.
    pub(crate) clause: Option<ClauseNumber>,
    /// What it decides by itself; `pay` is a remark that changes nothing.
    pub(crate) decision: Decision,
    /// What was found, with the figures, for people.
    pub(crate) reason: String,
}

/// The result of checking a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Review {
    /// What to do with the invoice.
    pub(crate) decision: Decision,
    /// All that was found, in the order of the checks; never empty.
    pub(crate) findings: Vec<Finding>,
    /// The invoice's gross amount in minor units of its currency, if it could be read.
    pub(crate) amount_minor: Option<i64>,
    /// The invoice's currency, if it could be read.
    pub(crate) currency: Option<Currency>,
    /// How sure the reading is.
    pub(crate) confidence: Confidence,
}

impl Finding {
    /// Makes a finding under a rule, with the clause and the decision that follow from it.
    pub(crate) fn new(policy: &Policy, rule: Rule, reason: String) -> Self {
        Self { rule, clause: policy.clause(rule), decision: rule.decision(), reason }
    }
}

/// Returns the clauses of findings, each once, in the order of the findings.
pub(crate) fn clauses(findings: &[Finding]) -> Vec<ClauseNumber> {
    let mut seen = BTreeSet::new();
    let clauses = findings.iter().filter_map(|finding| finding.clause.clone());
    clauses.filter(|clause| seen.insert(clause.clone())).collect()
}

/// Checks a case against the policy.
///
/// `same` are the invoices with the supplier and number of this one, as
/// [`Register::same`](super::register::Register::same) gives them; this case may be among them.
pub(crate) fn review(case: &CaseFile, policy: &Policy, same: &[RegisterEntry]) -> Review {
    let mut findings = reading_findings(case, policy);
    findings.extend(arithmetic_findings(case, policy));
    findings.extend(matching_findings(case, policy));
    findings.extend(standing_findings(case, policy));
    findings.extend(duplicate_findings(case, policy, same));
    conclude(case, policy, findings)
}

/// Finds out whether the case's invoice is the second with its supplier and number.
pub(crate) fn duplicate_findings(case: &CaseFile, policy: &Policy, same: &[RegisterEntry]) -> Vec<Finding> {
    let Some(invoice) = case.invoice() else {
        return Vec::new();
    };
    let this = RegisterEntry::of(case.name.clone(), invoice);
    let original = same.iter().filter(|entry| entry.key() == this.key()).min();
    match original {
        Some(original) if original.case != case.name && *original < this => {
            let reason = format!(
                "invoice `{}` of `{}` is already in case `{}`, dated {}",
                invoice.invoice_number, invoice.supplier, original.case, original.date,
            );
            vec![Finding::new(policy, Rule::Duplicate, reason)]
        }
        _ => Vec::new(),
    }
}

/// Draws the decision from findings: ask outweighs hold, hold outweighs pay.
///
/// Adds a finding if the confidence is below the policy's minimum, and one that everything agrees
/// if nothing stands against paying.
pub(crate) fn conclude(case: &CaseFile, policy: &Policy, mut findings: Vec<Finding>) -> Review {
    let confidence = Confidence::of(case);
    let minimum = policy.figures().minimum_confidence;
    if confidence.value() < minimum.value() {
        let reason = format!("confidence {confidence} is below the minimum {minimum}");
        findings.push(Finding::new(policy, Rule::Confidence, reason));
    }
    let decision = findings.iter().map(|finding| finding.decision).max().unwrap_or(Decision::Pay);
    if decision == Decision::Pay {
        let reason = "order, receipts and invoice agree within tolerance".to_owned();
        findings.push(Finding::new(policy, Rule::Agreement, reason));
    }
    let invoice = case.invoice();
    Review {
        decision,
        findings,
        amount_minor: invoice.and_then(|invoice| invoice.currency.minor(invoice.gross)),
        currency: invoice.map(|invoice| invoice.currency.clone()),
        confidence,
    }
}
