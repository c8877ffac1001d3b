//! Tables: framed and fitted to the terminal, or plain columns where nobody looks at them.

use std::io::IsTerminal;

use comfy_table::{ContentArrangement, Table, presets};

/// Makes a table of these columns.
pub(super) fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    if let Some(width) = columns.filter(|_| std::io::stdout().is_terminal()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

/// Shows a table without the blanks at the ends of its lines.
pub(super) fn trim(table: &Table) -> String {
    table.trim_fmt() + "\n"
}
