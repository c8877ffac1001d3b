//! Reads clauses and table rows from Markdown.

use super::{Clause, ClauseNumber, Figure, PolicyError};

/// A row of the table with the clause it names.
struct Row {
    clause: ClauseNumber,
    figure: Figure,
}

/// Returns the clauses of a policy with their figures, in the order of the text.
pub(super) fn clauses(text: &str) -> Result<Vec<Clause>, PolicyError> {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut title = String::new();
    let mut is_open = false;
    for line in text.lines().map(str::trim) {
        if let Some(heading) = line.strip_prefix('#') {
            heading.trim_start_matches('#').trim().clone_into(&mut title);
            is_open = false;
        } else if line.is_empty() || line.starts_with('|') {
            is_open = false;
        } else if let Some((number, words)) = numbered(line) {
            if clauses.iter().any(|clause| clause.number == number) {
                return Err(PolicyError::RepeatedClause { clause: number });
            }
            let text = words.to_owned();
            clauses.push(Clause { number, title: title.clone(), text, figures: Vec::new() });
            is_open = true;
        } else if let Some(clause) = clauses.last_mut().filter(|_| is_open) {
            clause.text.push(' ');
            clause.text.push_str(line);
        }
    }
    for row in rows(text) {
        add(&mut clauses, row)?;
    }
    Ok(clauses)
}

/// Returns the key that sorts `3.10` behind `3.9`.
pub(super) fn order(number: &ClauseNumber) -> Vec<u64> {
    // The numbers were read as digits; one that does not fit sorts last.
    number.as_str().split('.').map(|part| part.parse().unwrap_or(u64::MAX)).collect()
}

fn add(clauses: &mut [Clause], row: Row) -> Result<(), PolicyError> {
    match clauses.iter_mut().find(|clause| clause.number == row.clause) {
        Some(clause) => {
            clause.figures.push(row.figure);
            Ok(())
        }
        None => Err(PolicyError::UnknownClause { rule: row.figure.rule, clause: row.clause }),
    }
}

/// Splits `3.1 Words` or `- **3.1** Words` into the number and the words.
fn numbered(line: &str) -> Option<(ClauseNumber, &str)> {
    let line = line.trim_start_matches(['-', '*', ' ']);
    let end = line.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, words) = line.split_at_checked(end)?;
    let words = words.trim_start_matches(['*', ')', ':']);
    let is_number =
        number.starts_with(|c: char| c.is_ascii_digit()) && words.starts_with(char::is_whitespace);
    is_number.then(|| (ClauseNumber::new(number), words.trim()))
}

/// Returns the rows of every table with the three columns, in the order of the text.
fn rows(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut is_table = false;
    for line in text.lines().map(str::trim) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        match cells.as_slice() {
            _ if !line.starts_with('|') => is_table = false,
            [clause, rule, value] if !is_table => {
                is_table = clause.eq_ignore_ascii_case("clause")
                    && rule.eq_ignore_ascii_case("rule")
                    && value.eq_ignore_ascii_case("value");
            }
            [clause, rule, value] if !clause.starts_with(['-', ':']) => rows.push(Row {
                clause: ClauseNumber::new(clause),
                figure: Figure { rule: (*rule).to_owned(), value: (*value).to_owned() },
            }),
            _ => {}
        }
    }
    rows
}
