//! What the reports of several scenarios have in common: a table of plain text.

/// Writes rows as columns that are as wide as their widest cell; the first row is the header.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Returns a text on one line, without characters that would steer a terminal, cut to `max` characters.
pub(crate) fn cell(text: &str, max: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(max) {
        Some((end, _)) => format!("{}..", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::{cell, table};

    #[test]
    fn columns_are_aligned_and_lines_end_without_blanks() {
        let rows = [["a", "long"], ["wide", "b"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "a     long\nwide  b\n");
        assert_eq!(table::<2>(&[]), "");
    }

    #[test]
    fn a_cell_is_one_line_that_steers_no_terminal() {
        assert_eq!(cell("a\n\u{1b}[31mb", 80), "a  [31mb");
        assert_eq!(cell("äöü", 2), "äö..");
    }
}
