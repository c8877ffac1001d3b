//! Whether an invoice's own figures are right.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    super::{case::CaseFile, document::Invoice, policy::Policy, rule::Rule},
    Finding,
};

/// One half.
const HALF: Decimal = Decimal::from_parts(5, 0, 0, false, 1);
/// One hundredth, which turns percent into a factor.
const PERCENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// Finds tax rates that are not allowed, wrong tax, and sums that do not add up.
pub(crate) fn arithmetic_findings(case: &CaseFile, policy: &Policy) -> Vec<Finding> {
    let Some(invoice) = case.invoice() else {
        return Vec::new();
    };
    let found = [
        vat_rate(invoice, policy),
        vat_amount(invoice, policy),
        net(invoice, policy),
        gross(invoice, policy),
        decimals(invoice, policy),
    ];
    found.into_iter().flatten().collect()
}

fn vat_rate(invoice: &Invoice, policy: &Policy) -> Option<Finding> {
    let allowed = &policy.figures().vat_rates_percent;
    if allowed.contains(&invoice.vat_rate) {
        return None;
    }
    let allowed: Vec<String> = allowed.iter().map(|rate| format!("{rate} %")).collect();
    let reason = format!("VAT rate {} % is not one of {}", invoice.vat_rate, allowed.join(", "));
    Some(Finding::new(policy, Rule::VatRate, reason))
}

/// A tax of exactly half a minor unit too much or too little is a matter of rounding.
fn vat_amount(invoice: &Invoice, policy: &Policy) -> Option<Finding> {
    let rate = invoice.vat_rate.value().saturating_mul(PERCENT);
    let exact = invoice.net.value().saturating_mul(rate);
    if is_rounded(invoice, invoice.vat.value(), exact) {
        return None;
    }
    let reason = format!(
        "VAT is {} but {} % of {} is {}",
        invoice.vat,
        invoice.vat_rate,
        invoice.net,
        round(invoice, exact),
    );
    Some(Finding::new(policy, Rule::VatAmount, reason))
}

fn net(invoice: &Invoice, policy: &Policy) -> Option<Finding> {
    let charges: Vec<Decimal> = invoice
        .lines
        .iter()
        .map(|line| line.quantity.value().saturating_mul(line.unit_price.value()))
        .collect();
    let together = sum(charges.iter().copied());
    let one_by_one = sum(charges.iter().map(|charge| round(invoice, *charge)));
    let net = invoice.net.value();
    if net == one_by_one || is_rounded(invoice, net, together) {
        return None;
    }
    let reason = format!("net is {net} but the lines add up to {}", round(invoice, together));
    Some(Finding::new(policy, Rule::Sums, reason))
}

fn gross(invoice: &Invoice, policy: &Policy) -> Option<Finding> {
    let total = invoice.net.value().saturating_add(invoice.vat.value());
    if invoice.gross.value() == total {
        return None;
    }
    let reason = format!("gross is {} but net and VAT add up to {total}", invoice.gross);
    Some(Finding::new(policy, Rule::Sums, reason))
}

fn decimals(invoice: &Invoice, policy: &Policy) -> Option<Finding> {
    if invoice.currency.minor(invoice.gross).is_some() {
        return None;
    }
    let reason = format!("gross {} has more decimals than {} has", invoice.gross, invoice.currency);
    Some(Finding::new(policy, Rule::Sums, reason))
}

fn sum(values: impl Iterator<Item = Decimal>) -> Decimal {
    values.fold(Decimal::ZERO, Decimal::saturating_add)
}

fn round(invoice: &Invoice, value: Decimal) -> Decimal {
    let decimals = invoice.currency.decimals();
    value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

fn is_rounded(invoice: &Invoice, rounded: Decimal, exact: Decimal) -> bool {
    let half_unit = invoice.currency.minor_unit().saturating_mul(HALF);
    rounded.saturating_sub(exact).abs() <= half_unit
}
