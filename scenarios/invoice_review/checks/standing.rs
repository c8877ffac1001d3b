//! Whether a person has to look at an invoice whatever its figures.

use rust_decimal::Decimal;

use super::{
    super::{
        case::CaseFile,
        document::{Invoice, InvoiceType, PurchaseOrder},
        policy::Policy,
        rule::Rule,
    },
    Finding,
};

/// Finds amounts above the payment limit, differing bank details, and credit notes.
pub(crate) fn standing_findings(case: &CaseFile, policy: &Policy) -> Vec<Finding> {
    let Some(invoice) = case.invoice() else {
        return Vec::new();
    };
    let bank_details = case.order().and_then(|order| bank_details(invoice, order, policy));
    let found = [bank_details, limit(invoice, policy), credit_note(invoice, policy)];
    found.into_iter().flatten().collect()
}

fn bank_details(invoice: &Invoice, order: &PurchaseOrder, policy: &Policy) -> Option<Finding> {
    if invoice.supplier_iban.key() == order.supplier_iban.key() {
        return None;
    }
    let reason = format!(
        "account `{}` on the invoice is not `{}` on the purchase order",
        invoice.supplier_iban, order.supplier_iban
    );
    Some(Finding::new(policy, Rule::BankDetails, reason))
}

fn limit(invoice: &Invoice, policy: &Policy) -> Option<Finding> {
    let limit = &policy.figures().payment_limit;
    let reason = match &limit.currency {
        Some(currency) if *currency != invoice.currency => {
            format!("the payment limit {limit} says nothing of {}", invoice.currency)
        }
        _ if invoice.gross > limit.amount => {
            let currency = &invoice.currency;
            format!("gross {} {currency} is above the payment limit {limit}", invoice.gross)
        }
        _ => return None,
    };
    Some(Finding::new(policy, Rule::Limit, reason))
}

fn credit_note(invoice: &Invoice, policy: &Policy) -> Option<Finding> {
    let negative = invoice.lines.iter().find(|line| line.quantity.value() < Decimal::ZERO);
    let reason = if invoice.invoice_type == InvoiceType::CreditNote {
        "the document says that it is a credit note".to_owned()
    } else if invoice.gross.value() < Decimal::ZERO {
        format!("credit note: gross is {}", invoice.gross)
    } else if let Some(line) = negative {
        format!("credit note: the quantity of `{}` is {}", line.sku, line.quantity)
    } else {
        return None;
    };
    Some(Finding::new(policy, Rule::CreditNote, reason))
}
