//! What all three forms are first read into: named cells, not yet understood.

use std::collections::BTreeMap;

use super::super::amount::Amount;

/// The names that mean something at the head of a document.
const HEAD_FIELDS: [&str; 12] = [
    "currency",
    "date",
    "document_type",
    "gross",
    "invoice_number",
    "net",
    "number",
    "purchase_order",
    "supplier",
    "supplier_iban",
    "vat",
    "vat_rate",
];

/// One value as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Text; never empty.
    Text(String),
    /// A JSON number, which has only one reading.
    Number(Amount),
}

/// Named cells; a name that was given several times keeps all its cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record(BTreeMap<String, Vec<Cell>>);

/// A document as named cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// The cells outside the table.
    pub(super) head: Record,
    /// The rows of the table, in order.
    pub(super) lines: Vec<Record>,
    /// Text that belongs to no known field, such as a title.
    pub(super) remarks: Vec<String>,
}

impl Record {
    /// Adds a cell; empty text counts as absent.
    pub(super) fn add(&mut self, name: &str, cell: Cell) {
        if matches!(&cell, Cell::Text(text) if text.trim().is_empty()) {
            return;
        }
        self.0.entry(field_name(name)).or_default().push(cell);
    }

    /// Returns the cells under a name, in the order they were given.
    pub(super) fn all(&self, name: &str) -> &[Cell] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Iterates all texts with their names.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(name, cells)| {
            cells.iter().filter_map(move |cell| match cell {
                Cell::Text(text) => Some((name.as_str(), text.as_str())),
                Cell::Number(_) => None,
            })
        })
    }
}

impl Fields {
    /// Adds a cell at the head, or a remark if its name means nothing.
    pub(super) fn add_head(&mut self, name: &str, cell: Cell) {
        if is_head_field(name) {
            self.head.add(name, cell);
        } else if let Cell::Text(text) = cell {
            self.remarks.push(format!("{}: {}", name.trim(), text.trim()));
        }
    }
}

/// Returns whether a name means something at the head of a document.
pub(super) fn is_head_field(name: &str) -> bool {
    HEAD_FIELDS.contains(&field_name(name).as_str())
}

/// Returns a written name in the form used in JSON: `Unit Price` is `unit_price`.
pub(super) fn field_name(written: &str) -> String {
    let words: Vec<&str> =
        written.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_any_case_and_spacing() {
        for written in ["unit_price", "Unit price", " UNIT-PRICE ", "unit  price"] {
            assert_eq!(field_name(written), "unit_price");
        }
    }
}
