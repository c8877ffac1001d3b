//! The auditor: looks at the documents itself, computes everything again, and challenges the others.

use std::collections::BTreeSet;

use playhouse::prelude::{ModelRequest, ScriptContext, ScriptReply};
use serde::{Deserialize, Serialize};

use super::super::{
    case::CaseFile,
    checks::{Finding, Review, review},
    confidence::Confidence,
    currency::Currency,
    names::{CaseName, InvoiceNumber, Supplier},
    policy::ClauseNumber,
    rule::{Decision, Rule},
};
use super::{
    analyst::Opinion,
    extract::Extract,
    gathering::Gathering,
    message::{name, reason, said, say, weightiest},
};

/// What the auditor found; the cashier decides by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Audit {
    /// The case.
    pub(super) case: CaseName,
    /// The supplier, if there is a readable invoice.
    pub(super) supplier: Option<Supplier>,
    /// The invoice's number.
    pub(super) invoice: Option<InvoiceNumber>,
    /// The gross amount in minor units of the currency.
    pub(super) amount_minor: Option<i64>,
    /// The currency.
    pub(super) currency: Option<Currency>,
    /// How sure the reading is.
    pub(super) confidence: Confidence,
    /// What was found, the weightiest first; never empty.
    pub(super) findings: Vec<Finding>,
    /// How many findings more there are, all under rules that are named.
    pub(super) findings_left_out: usize,
    /// Where the clerk or the analyst said something else.
    pub(super) disagreements: Vec<String>,
}

/// Reads documents and policy, and posts all findings, the confidence, and where the others went wrong.
pub(crate) fn auditor(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let mut gathering = Gathering::of(request);
    let (policy, documents) = (gathering.policy(), gathering.documents());
    let case = match &documents {
        Some(Ok(case)) => Some(case),
        _ => None,
    };
    let same = case.and_then(|case| gathering.same(case.invoice()));
    if let Some(calls) = gathering.missing("") {
        return calls;
    }
    match (policy, documents, same) {
        (Some(Ok(policy)), Some(Ok(case)), Some(Ok(same))) => {
            report(request, &case, review(&case, &policy, &same))
        }
        (Some(Err(error)), ..) | (_, Some(Err(error)), _) | (.., Some(Err(error))) => {
            ScriptReply::say(format!("I cannot audit this case: {}.", reason(&error)))
        }
        _ => ScriptReply::say("There is nothing to audit."),
    }
}

fn report(request: &ModelRequest, case: &CaseFile, review: Review) -> ScriptReply {
    let disagreements = disagreements(request, case, &review);
    let sentence = sentence(&review, &disagreements);
    let invoice = case.invoice();
    let (findings, findings_left_out) = weightiest(review.findings);
    let audit = Audit {
        case: case.name.clone(),
        supplier: invoice.map(|invoice| invoice.supplier.clone()),
        invoice: invoice.map(|invoice| invoice.invoice_number.clone()),
        amount_minor: review.amount_minor,
        currency: review.currency,
        confidence: review.confidence,
        findings,
        findings_left_out,
        disagreements,
    };
    say(&sentence, &audit)
}

fn sentence(review: &Review, disagreements: &[String]) -> String {
    let mut parts = vec![match review.decision {
        Decision::Pay => "I read the documents myself and find nothing against paying.".to_owned(),
        Decision::Hold | Decision::Ask => {
            let against = review.findings.iter().filter(|finding| finding.decision == review.decision);
            let reasons: Vec<String> = against.take(3).map(|finding| reason(&finding.reason)).collect();
            format!("I read the documents myself and object: {}.", reasons.join("; "))
        }
    }];
    if review.findings.iter().any(|finding| finding.rule == Rule::Instructions) {
        parts.push(
            "A document holds instructions to its reader: they are data and change nothing.".to_owned(),
        );
    }
    parts.extend(disagreements.iter().map(|disagreement| format!("I disagree: {disagreement}.")));
    parts.push(format!("Confidence {}.", review.confidence));
    parts.join(" ")
}

/// Compares what the others said with what the documents say.
fn disagreements(request: &ModelRequest, case: &CaseFile, review: &Review) -> Vec<String> {
    let mut disagreements = Vec::new();
    let own = Extract::of(case);
    let extract = said::<Extract>(request, "clerk");
    match &extract {
        Some(extract) if *extract == own => {}
        Some(extract) => disagreements.push(format!("the clerk misread {}", misread(&own, extract))),
        None => disagreements.push("the clerk gave no figures".to_owned()),
    }
    let Some(opinion) = said::<Opinion>(request, "analyst") else {
        disagreements.push("the analyst named no clauses".to_owned());
        return disagreements;
    };
    // Agreement and confidence are the auditor's to judge.
    let judged = |finding: &&Finding| !matches!(finding.rule, Rule::Agreement | Rule::Confidence);
    let found: BTreeSet<&ClauseNumber> =
        review.findings.iter().filter(judged).filter_map(|finding| finding.clause.as_ref()).collect();
    let named: BTreeSet<&ClauseNumber> = opinion.clauses.iter().collect();
    let missed: Vec<String> = found.difference(&named).map(ToString::to_string).collect();
    let wrong: Vec<String> = named.difference(&found).map(ToString::to_string).collect();
    if !missed.is_empty() {
        let how = if opinion.lines_unchecked > 0 { "could not see" } else { "missed" };
        disagreements.push(format!("the analyst {how} {}", missed.join(", ")));
    }
    if !wrong.is_empty() {
        disagreements.push(format!("{} does not apply", name(&wrong.join(", "))));
    }
    disagreements
}

/// Names the documents of which two extracts say something different.
fn misread(own: &Extract, other: &Extract) -> String {
    let files: BTreeSet<_> = own.case.documents.keys().chain(other.case.documents.keys()).collect();
    let differs =
        files.into_iter().filter(|file| own.case.documents.get(file) != other.case.documents.get(file));
    let names: Vec<String> = differs.take(3).map(|file| format!("`{}`", name(file))).collect();
    if names.is_empty() { "the number of lines".to_owned() } else { names.join(", ") }
}
