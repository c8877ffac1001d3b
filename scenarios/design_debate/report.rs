//! The decisions as people read them.

use playhouse::prelude::CaseName;

use super::judge::Decision;
use crate::table::{cell, table};

/// The most characters of a sentence in the report; the JSON result has all of it.
const MAX_CHARS: usize = 200;

/// Writes each decision with its points and reasons.
pub(crate) fn report(decisions: &[(CaseName, Decision)]) -> String {
    decisions.iter().map(|(_, decision)| one(decision)).collect::<Vec<_>>().join("\n")
}

fn one(decision: &Decision) -> String {
    let (question, choice) = (cell(&decision.question, MAX_CHARS), cell(&decision.choice, MAX_CHARS));
    let header = ["option", "points"].map(str::to_owned);
    let rows = decision.points.iter().map(|points| [cell(&points.option, 40), points.points.to_string()]);
    let rows: Vec<[String; 2]> = std::iter::once(header).chain(rows).collect();
    let mut text = format!("{question}\n\ndecision: {choice}\n\n{}", table(&rows));
    let lists = [
        ("for it", &decision.reasons),
        ("against it", &decision.objections),
        ("not true", &decision.dismissed),
    ];
    for (title, sentences) in lists.into_iter().filter(|(_, sentences)| !sentences.is_empty()) {
        text.push_str(&format!("\n{title}\n"));
        sentences.iter().for_each(|sentence| text.push_str(&format!("- {}\n", cell(sentence, MAX_CHARS))));
    }
    text
}
