//! The results of a batch as a table for people.

use std::collections::BTreeMap;

use playhouse::prelude::CaseName;

use super::{injection, rule::Decision, settlement::Settlement};

/// The most characters of a reason in the table; the JSON result has all of it.
const MAX_REASON_CHARS: usize = 80;

const HEADER: [&str; 6] = ["case", "decision", "amount", "clauses", "confidence", "reason"];

/// Writes one row for each case and, below, what is paid, held and asked in each currency.
pub(crate) fn report(settlements: &[(CaseName, Settlement)]) -> String {
    let settlements = || settlements.iter().map(|(_, settlement)| settlement);
    let rows: Vec<[String; 6]> =
        std::iter::once(HEADER.map(str::to_owned)).chain(settlements().map(row)).collect();
    let mut text = table(&rows);
    text.push('\n');
    for decision in [Decision::Pay, Decision::Hold, Decision::Ask] {
        text.push_str(&total(decision, settlements()));
    }
    text
}

fn row(settlement: &Settlement) -> [String; 6] {
    let clauses: Vec<String> = settlement.clauses.iter().map(ToString::to_string).collect();
    let first = settlement.reasons.first().map(String::as_str).unwrap_or_default();
    [
        shown(&settlement.case.to_string()),
        settlement.decision.to_string(),
        amount(settlement).unwrap_or_else(|| "unknown".to_owned()),
        shown(&clauses.join(" ")),
        format!("{:.2}", settlement.confidence.value()),
        shown(first),
    ]
}

fn amount(settlement: &Settlement) -> Option<String> {
    Some(settlement.currency.as_ref()?.written(settlement.amount_minor?))
}

/// Pads every column but the last to its widest cell; amounts and confidence stand to the right.
fn table(rows: &[[String; 6]]) -> String {
    let widths: Vec<usize> = (0..HEADER.len())
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            2 | 4 => format!("{cell:>width$}"),
            5 => cell.clone(),
            _ => format!("{cell:<width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn total<'a>(decision: Decision, settlements: impl Iterator<Item = &'a Settlement>) -> String {
    let mut n_cases = 0_usize;
    let mut n_unknown = 0_usize;
    let mut sums = BTreeMap::new();
    for settlement in settlements.filter(|settlement| settlement.decision == decision) {
        n_cases += 1;
        match (&settlement.currency, settlement.amount_minor) {
            (Some(currency), Some(amount_minor)) => {
                let sum: &mut i64 = sums.entry(currency.clone()).or_default();
                *sum = sum.saturating_add(amount_minor);
            }
            _ => n_unknown += 1,
        }
    }
    let mut parts: Vec<String> = sums.iter().map(|(currency, sum)| currency.written(*sum)).collect();
    if n_unknown > 0 {
        parts.push(format!("{n_unknown} of unknown amount"));
    }
    let amounts = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
    let cases = if n_cases == 1 { "case " } else { "cases" };
    format!("{:<4}  {n_cases:>3} {cases}  {amounts}\n", decision.to_string())
}

/// Returns a text on one line, without characters that would steer a terminal, cut to a cell.
fn shown(text: &str) -> String {
    let is_shown = |c: &char| !injection::is_invisible(*c);
    let line: String = text.chars().filter(is_shown).map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(MAX_REASON_CHARS) {
        Some((end, _)) => format!("{}..", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settlement(json: &str) -> (CaseName, Settlement) {
        let settlement: Settlement = serde_json::from_str(json).unwrap();
        (CaseName::new(&settlement.case.to_string()).unwrap(), settlement)
    }

    #[test]
    fn columns_are_aligned_and_totals_stand_below() {
        let settlements = [
            r#"{"case": "ahorn-1", "decision": "pay", "amount_minor": 123456, "currency": "EUR", "clauses": ["1.1"],
                "confidence": 1.0, "reasons": ["all agree"]}"#,
            r#"{"case": "b", "decision": "hold", "amount_minor": -5, "currency": "EUR", "clauses": ["2.1", "3.3"],
                "confidence": 0.85, "reasons": ["net is\nwrong \u001b[31m", "more"]}"#,
            r#"{"case": "c", "decision": "hold", "amount_minor": 700, "currency": "JPY", "clauses": ["2.1"],
                "confidence": 0.9, "reasons": []}"#,
            r#"{"case": "d", "decision": "ask", "amount_minor": null, "currency": null, "clauses": [],
                "confidence": 0.0, "reasons": ["no invoice"]}"#,
        ]
        .map(settlement);
        let expected = "\
case     decision        amount  clauses  confidence  reason
ahorn-1  pay       1,234.56 EUR  1.1            1.00  all agree
b        hold         -0.05 EUR  2.1 3.3        0.85  net is wrong  [31m
c        hold           700 JPY  2.1            0.90
d        ask            unknown                 0.00  no invoice

pay     1 case   1,234.56 EUR
hold    2 cases  -0.05 EUR, 700 JPY
ask     1 case   1 of unknown amount
";
        assert_eq!(report(&settlements), expected);
    }

    #[test]
    fn a_batch_without_payments_pays_nothing() {
        assert!(report(&[]).contains("pay     0 cases  nothing\n"));
    }
}
