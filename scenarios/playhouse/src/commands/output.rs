//! Results on stdout.

use std::io::{self, Write};

use serde::Serialize;

use super::command_error::CommandError;

/// Prints a text that ends in a line end, whole.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    stdout.flush()
}

/// Prints a value as JSON in lines of their own.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(print(&text)?)
}
