//! Reads a document from comma separated values.

use ::csv::{ReaderBuilder, StringRecord};

use super::{
    DocumentProblem,
    fields::{Cell, Fields, Record, field_name},
};

/// Reads `field,value` rows, an empty line, then a header and line rows.
///
/// A row of nothing but commas counts as an empty line, and empty cells at the end of a row are
/// dropped, because spreadsheets fill rows up. A first row `field,value` is a header.
pub(super) fn fields(text: &str) -> Result<Fields, DocumentProblem> {
    let n_leading = text.lines().take_while(|line| is_blank(line)).count();
    let n_head = text.lines().skip(n_leading).take_while(|line| !is_blank(line)).count();
    let n_head_lines = n_leading + n_head;
    let (head, table) = split_at_line(text, n_head_lines);
    let mut fields = Fields::default();
    for (line, row) in rows(head, 1)? {
        add_head(&mut fields, line, &row)?;
    }
    let mut rows = rows(table, n_head_lines as u64 + 1)?.into_iter();
    let Some((_, header)) = rows.next() else {
        return Ok(fields);
    };
    for (line, row) in rows {
        fields.lines.push(line_record(&header, line, &row)?);
    }
    Ok(fields)
}

fn add_head(fields: &mut Fields, line: u64, row: &[String]) -> Result<(), DocumentProblem> {
    match row {
        [name, value] if field_name(name) == "field" && field_name(value) == "value" => Ok(()),
        [name, value] => {
            fields.add_head(name, Cell::Text(value.clone()));
            Ok(())
        }
        // A field without a value is absent.
        [_] => Ok(()),
        _ => Err(DocumentProblem::Malformed {
            line,
            expected: "`field,value`, with a value that holds a comma in quotes".to_owned(),
        }),
    }
}

fn line_record(header: &[String], line: u64, row: &[String]) -> Result<Record, DocumentProblem> {
    if row.len() > header.len() {
        return Err(DocumentProblem::Malformed {
            line,
            expected: format!("at most {} cells, as in the header", header.len()),
        });
    }
    let mut record = Record::default();
    for (name, value) in header.iter().zip(row) {
        record.add(name, Cell::Text(value.clone()));
    }
    Ok(record)
}

fn is_blank(line: &str) -> bool {
    line.chars().all(|c| c == ',' || c.is_whitespace())
}

fn split_at_line(text: &str, n_lines: usize) -> (&str, &str) {
    let n_bytes: usize = text.split_inclusive('\n').take(n_lines).map(str::len).sum();
    text.split_at_checked(n_bytes).unwrap_or((text, ""))
}

/// Returns the rows that are not blank with their line numbers; `first_line` is that of the text.
fn rows(text: &str, first_line: u64) -> Result<Vec<(u64, Vec<String>)>, DocumentProblem> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(::csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| DocumentProblem::Malformed {
            line: first_line + error.position().map_or(0, |position| position.line() - 1),
            expected: "comma separated values".to_owned(),
        })?;
        let line = first_line + row.position().map_or(0, |position| position.line() - 1);
        let cells = without_empty_end(&row);
        if !cells.is_empty() {
            rows.push((line, cells));
        }
    }
    Ok(rows)
}

fn without_empty_end(row: &StringRecord) -> Vec<String> {
    let mut cells: Vec<String> = row.iter().map(str::to_owned).collect();
    while cells.last().is_some_and(String::is_empty) {
        cells.pop();
    }
    cells
}
