//! Understanding the cells of one field.

use super::{
    DocumentProblem,
    fields::{Cell, Fields, Record},
};

/// A field of a record: where it stands, for messages, and its cells.
pub(super) struct Field<'a> {
    pub(super) place: String,
    pub(super) cells: &'a [Cell],
}

impl<'a> Field<'a> {
    pub(super) fn head(fields: &'a Fields, name: &str) -> Self {
        Self { place: name.to_owned(), cells: fields.head.all(name) }
    }

    pub(super) fn line(record: &'a Record, number: usize, name: &str) -> Self {
        Self { place: format!("line {number} {name}"), cells: record.all(name) }
    }

    /// Understands the texts of all cells, which must agree.
    pub(super) fn one<T: PartialEq>(
        &self,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, DocumentProblem> {
        self.one_cell(expected, |cell| parse(written(cell).trim()))
    }

    /// Understands all cells, which must agree.
    fn one_cell<T: PartialEq>(
        &self,
        expected: &str,
        parse: impl Fn(&Cell) -> Option<T>,
    ) -> Result<Option<T>, DocumentProblem> {
        let mut found: Option<(T, String)> = None;
        for cell in self.cells {
            let text = written(cell);
            let value = parse(cell).ok_or_else(|| self.bad(&text, expected))?;
            match &found {
                None => found = Some((value, text)),
                Some((first, _)) if *first == value => {}
                Some((_, first)) => return Err(self.contradiction(first, &text)),
            }
        }
        Ok(found.map(|(value, _)| value))
    }

    pub(super) fn required<T: PartialEq>(
        &self,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, DocumentProblem> {
        self.one(expected, parse)?.ok_or_else(|| self.missing())
    }

    /// Understands all cells, of which there must be one, and which must agree.
    pub(super) fn required_cell<T: PartialEq>(
        &self,
        expected: &str,
        parse: impl Fn(&Cell) -> Option<T>,
    ) -> Result<T, DocumentProblem> {
        self.one_cell(expected, parse)?.ok_or_else(|| self.missing())
    }

    fn missing(&self) -> DocumentProblem {
        DocumentProblem::MissingField { field: self.place.clone() }
    }

    fn bad(&self, text: &str, expected: &str) -> DocumentProblem {
        DocumentProblem::BadField {
            field: self.place.clone(),
            text: shorten(text),
            expected: expected.to_owned(),
        }
    }

    fn contradiction(&self, first: &str, second: &str) -> DocumentProblem {
        DocumentProblem::Contradiction {
            field: self.place.clone(),
            first: shorten(first),
            second: shorten(second),
        }
    }
}

/// Returns a cell as text.
pub(super) fn written(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Number(amount) => amount.to_string(),
    }
}

/// Cuts a text to 80 characters, for messages.
pub(super) fn shorten(text: &str) -> String {
    text.trim().chars().take(80).collect()
}
