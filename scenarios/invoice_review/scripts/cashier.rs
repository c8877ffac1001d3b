//! The cashier: decides by what the auditor found, and makes the one call that follows.

use playhouse::prelude::{ModelRequest, Participant, ScriptContext, ScriptReply};

use super::super::{
    checks::clauses,
    confidence::Confidence,
    input,
    names::CaseName,
    payments::{Noted, Payment, PaymentStatus, Receipt, Refusal},
    rule::Decision,
    settlement::Settlement,
};
use super::{
    auditor::Audit,
    gathering::Gathering,
    message::{name, reason, said, say},
};

/// Pays, holds or asks, and closes the case. Whatever stands in the way of a payment makes it ask.
pub(crate) fn cashier(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let answers = Gathering::of(request);
    let audit = said::<Audit>(request, "auditor");
    let mut settlement = audit.as_ref().map_or_else(|| unaudited(request), settle);
    let payment = audit.as_ref().and_then(|audit| payment(audit, &settlement));
    match (payment, answers.answer::<Receipt>("release_payment")) {
        (Some(payment), None) => return ScriptReply::call("release_payment", &payment),
        (Some(payment), Some(Ok(receipt))) if receipt.is_of(&payment) => {
            return paid(settlement, &payment, receipt.status);
        }
        (Some(_), Some(Ok(receipt))) => ask(&mut settlement, &other_payment(&receipt)),
        (Some(_), Some(Err(error))) => ask(&mut settlement, &format!("it could not be paid: {error}")),
        (None, _) if settlement.decision == Decision::Pay => {
            ask(&mut settlement, "the audit names no amount that can be paid");
        }
        (None, _) => {}
    }
    let tool = if settlement.decision == Decision::Hold { "hold_payment" } else { "ask_person" };
    match answers.answer::<Noted>(tool) {
        None => ScriptReply::call(tool, &Refusal::from(settlement)),
        Some(_) => refused(&settlement),
    }
}

/// Draws the decision from the findings: ask outweighs hold, hold outweighs pay.
fn settle(audit: &Audit) -> Settlement {
    let mut reasons: Vec<String> = audit.findings.iter().map(|finding| finding.reason.clone()).collect();
    if audit.findings_left_out > 0 {
        reasons.push(format!("and {} more of these sorts", audit.findings_left_out));
    }
    Settlement {
        case: audit.case.clone(),
        // An audit without any finding is no reason to pay.
        decision: audit.findings.iter().map(|finding| finding.rule.decision()).max().unwrap_or(Decision::Ask),
        amount_minor: audit.amount_minor,
        currency: audit.currency.clone(),
        clauses: clauses(&audit.findings),
        confidence: audit.confidence,
        reasons,
    }
}

fn unaudited(request: &ModelRequest) -> Settlement {
    let opening = request.last_from(&Participant::User).unwrap_or_default();
    let auditor = request.transcript.last().map_or("", |entry| entry.message.content.as_str());
    Settlement {
        case: input::opened_case(opening).unwrap_or_else(|| CaseName::new("unknown")),
        decision: Decision::Ask,
        amount_minor: None,
        currency: None,
        clauses: Vec::new(),
        confidence: Confidence::NONE,
        reasons: vec![format!("the case was not audited: {}", reason(auditor))],
    }
}

/// Returns the payment that settles the case, if that is the decision and all of it is known.
fn payment(audit: &Audit, settlement: &Settlement) -> Option<Payment> {
    if settlement.decision != Decision::Pay {
        return None;
    }
    Some(Payment {
        case: settlement.case.clone(),
        supplier: audit.supplier.clone()?,
        invoice: audit.invoice.clone()?,
        amount_minor: settlement.amount_minor.filter(|amount_minor| *amount_minor > 0)?,
        currency: settlement.currency.clone()?,
        confidence: settlement.confidence,
        clauses: settlement.clauses.clone(),
        reasons: settlement.reasons.clone(),
    })
}

/// Turns a settlement into a question, for a reason that comes before all others.
fn ask(settlement: &mut Settlement, because: &str) {
    settlement.decision = Decision::Ask;
    settlement.reasons.insert(0, reason(because));
}

fn other_payment(receipt: &Receipt) -> String {
    format!(
        "the ledger already holds a payment of {} for this invoice, made for case `{}`; it was not paid again",
        receipt.currency.written(receipt.amount_minor),
        name(&receipt.case),
    )
}

fn paid(mut settlement: Settlement, payment: &Payment, status: PaymentStatus) -> ScriptReply {
    let how = match status {
        PaymentStatus::Paid => "paid",
        PaymentStatus::AlreadyPaid => {
            settlement.reasons.push("the ledger already held this payment; it was not paid again".to_owned());
            "was already paid, and not again:"
        }
    };
    let amount = payment.currency.written(payment.amount_minor);
    let sentence =
        format!("CLOSED {}: {how} {amount} to {}.", name(&settlement.case), name(&payment.supplier));
    say(&sentence, &settlement)
}

fn refused(settlement: &Settlement) -> ScriptReply {
    let how = if settlement.decision == Decision::Hold { "held" } else { "left to a person" };
    let amount = match (settlement.amount_minor, &settlement.currency) {
        (Some(amount_minor), Some(currency)) => format!(" ({})", currency.written(amount_minor)),
        _ => String::new(),
    };
    let because = settlement.reasons.first().map(String::as_str).unwrap_or_default();
    let sentence = format!("CLOSED {}: {how}{amount}, {because}.", name(&settlement.case));
    say(&sentence, settlement)
}
