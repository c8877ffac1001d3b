//! Whether an invoice agrees with its order and receipts.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{
    super::{
        amount::Amount,
        case::CaseFile,
        document::{DocumentKind, Invoice, PurchaseOrder},
        names::Sku,
        policy::Policy,
        rule::Rule,
    },
    Finding,
    reading::orders_agree,
};

/// Quantities by the key of their article.
type Quantities<'a> = BTreeMap<String, (&'a Sku, Decimal)>;

/// Finds a differing currency, articles that were not ordered, prices above the order, and
/// quantities above those received or ordered.
///
/// Nothing is found without an invoice and an order. Prices in different currencies are not
/// compared. Received quantities are compared only if there are receipts, all of them readable and
/// of this order; otherwise [`reading_findings`](super::reading_findings) says what is missing.
pub(crate) fn matching_findings(case: &CaseFile, policy: &Policy) -> Vec<Finding> {
    let (Some(invoice), Some(order)) = (case.invoice(), case.order()) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if invoice.currency == order.currency {
        findings.extend(price_findings(invoice, order, policy));
    } else {
        let reason =
            format!("invoice is in {} but the purchase order is in {}", invoice.currency, order.currency);
        findings.push(Finding::new(policy, Rule::Currency, reason));
    }
    findings.extend(not_ordered_findings(invoice, order, policy));
    findings.extend(quantity_findings(case, invoice, order, policy));
    findings
}

fn price_findings(invoice: &Invoice, order: &PurchaseOrder, policy: &Policy) -> Vec<Finding> {
    // An order has one price for each article, or it could not have been read.
    let prices: BTreeMap<String, Amount> =
        order.lines.iter().map(|line| (line.sku.key(), line.unit_price)).collect();
    let figures = policy.figures();
    let mut findings = Vec::new();
    for line in &invoice.lines {
        let Some(ordered) = prices.get(&line.sku.key()) else {
            continue;
        };
        if line.unit_price.value() > figures.upper_price(*ordered) {
            let reason = format!(
                "unit price of `{}` is {} but {ordered} was ordered (tolerance {} %)",
                line.sku, line.unit_price, figures.price_tolerance_percent,
            );
            findings.push(Finding::new(policy, Rule::Price, reason));
        }
    }
    findings
}

fn not_ordered_findings(invoice: &Invoice, order: &PurchaseOrder, policy: &Policy) -> Vec<Finding> {
    let ordered = ordered(order);
    let invoiced = invoiced(invoice).into_iter();
    invoiced
        .filter(|(key, _)| !ordered.contains_key(key))
        .map(|(_, (sku, _))| {
            let reason = format!("`{sku}` is not on the purchase order");
            Finding::new(policy, Rule::NotOrdered, reason)
        })
        .collect()
}

fn quantity_findings(
    case: &CaseFile,
    invoice: &Invoice,
    order: &PurchaseOrder,
    policy: &Policy,
) -> Vec<Finding> {
    let ordered = ordered(order);
    let received = received(case, invoice, order);
    let tolerance = policy.figures().quantity_tolerance;
    let mut findings = Vec::new();
    let mut compare = |sku: &Sku, invoiced: Decimal, limit: Decimal, verb: &str| {
        if invoiced > tolerance.upper(limit) {
            let reason = format!("{invoiced} of `{sku}` invoiced but {limit} {verb} (tolerance {tolerance})");
            findings.push(Finding::new(policy, Rule::Quantity, reason));
        }
    };
    for (key, (sku, quantity)) in invoiced(invoice) {
        if let Some(received) = &received {
            let limit = received.get(&key).map_or(Decimal::ZERO, |(_, quantity)| *quantity);
            compare(sku, quantity, limit, "received");
        }
        if let Some((_, limit)) = ordered.get(&key) {
            compare(sku, quantity, *limit, "ordered");
        }
    }
    findings
}

fn invoiced(invoice: &Invoice) -> Quantities<'_> {
    add_up(invoice.lines.iter().map(|line| (&line.sku, line.quantity)))
}

fn ordered(order: &PurchaseOrder) -> Quantities<'_> {
    add_up(order.lines.iter().map(|line| (&line.sku, line.quantity)))
}

fn received<'a>(case: &'a CaseFile, invoice: &Invoice, order: &PurchaseOrder) -> Option<Quantities<'a>> {
    let is_complete = case.receipts().next().is_some()
        && case.failed(DocumentKind::Receipt).next().is_none()
        && case.receipts().all(|(_, receipt)| orders_agree(receipt, invoice, order));
    let lines = case.receipts().flat_map(|(_, receipt)| &receipt.lines);
    is_complete.then(|| add_up(lines.map(|line| (&line.sku, line.quantity))))
}

fn add_up<'a>(lines: impl Iterator<Item = (&'a Sku, Amount)>) -> Quantities<'a> {
    let mut quantities = Quantities::new();
    for (sku, quantity) in lines {
        let (_, total) = quantities.entry(sku.key()).or_insert((sku, Decimal::ZERO));
        *total = total.saturating_add(quantity.value());
    }
    quantities
}
