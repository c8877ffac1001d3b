//! The payments that `invoice-review` has made.

use std::path::Path;

use serde::Deserialize;

/// One payment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
pub struct LedgerLine {
    /// The case.
    pub case: String,
    /// Who was paid.
    pub supplier: String,
    /// For what.
    pub invoice: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: String,
    /// Under which idempotency key.
    pub key: String,
}

/// Reads a ledger, in the order of its cases; one that is not there is empty.
///
/// # Panics
/// If a line is not a payment.
#[must_use]
pub fn read_ledger(path: &Path) -> Vec<LedgerLine> {
    // A ledger that nothing was paid from need not be there.
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let mut lines: Vec<LedgerLine> = text.lines().map(line).collect();
    lines.sort();
    lines
}
