//! Reads a document from plain text.

use super::{
    DocumentProblem,
    fields::{Cell, Fields, Record, field_name, is_head_field},
};

/// How the columns of a table are told apart.
#[derive(Clone, Copy)]
enum Columns {
    /// By `|`.
    Bars,
    /// By two or more spaces, or a tab.
    Spaces,
}

/// A table whose header has been read.
struct Table {
    columns: Columns,
    names: Vec<String>,
}

/// Reads `Field name: value` lines in any order and case, and a table.
///
/// The table starts at a line with the columns `sku` and `quantity`, and ends at an empty line or
/// at a line with a known field. Text that is neither is kept as a remark.
pub(super) fn fields(text: &str) -> Result<Fields, DocumentProblem> {
    let mut fields = Fields::default();
    let mut table: Option<Table> = None;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            table = None;
        } else if let Some((name, value)) = head_field(line) {
            fields.add_head(name, Cell::Text(value.trim().to_owned()));
            table = None;
        } else if let Some(table) = &table {
            if !is_rule(line) {
                fields.lines.push(table.record(line, index as u64 + 1)?);
            }
        } else if let Some(header) = Table::from_header(line) {
            table = Some(header);
        } else {
            fields.remarks.push(line.trim().to_owned());
        }
    }
    Ok(fields)
}

fn head_field(line: &str) -> Option<(&str, &str)> {
    line.split_once(':').filter(|(name, _)| is_head_field(name))
}

fn is_rule(line: &str) -> bool {
    line.chars().all(|c| matches!(c, '-' | '=' | '+' | '|' | ':' | ' ' | '\t'))
}

impl Table {
    fn from_header(line: &str) -> Option<Self> {
        let columns = if line.contains('|') { Columns::Bars } else { Columns::Spaces };
        let names: Vec<String> = columns.split(line).iter().map(|name| field_name(name)).collect();
        let is_header = ["sku", "quantity"].iter().all(|name| names.iter().any(|n| n == name));
        is_header.then_some(Self { columns, names })
    }

    fn record(&self, line: &str, number: u64) -> Result<Record, DocumentProblem> {
        let cells = self.columns.split(line);
        if cells.len() != self.names.len() {
            return Err(DocumentProblem::Malformed {
                line: number,
                expected: format!("{} columns, as in the header", self.names.len()),
            });
        }
        let mut record = Record::default();
        for (name, cell) in self.names.iter().zip(cells) {
            record.add(name, Cell::Text(cell.to_owned()));
        }
        Ok(record)
    }
}

impl Columns {
    fn split(self, line: &str) -> Vec<&str> {
        let line = line.trim();
        match self {
            Self::Bars => {
                let line = line.strip_prefix('|').unwrap_or(line);
                line.strip_suffix('|').unwrap_or(line).split('|').map(str::trim).collect()
            }
            Self::Spaces => line
                .split('\t')
                .flat_map(|part| part.split("  "))
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect(),
        }
    }
}
