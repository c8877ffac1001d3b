//! Results on stdout.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::command_error::CommandError;
use crate::view::{block, json_text};

/// Prints a text that ends in a line end, whole. On a terminal nothing in it steers that; a pipe gets it as it is.
pub(super) fn print(text: &str) -> io::Result<()> {
    if io::stdout().is_terminal() { write(&block(text, "")) } else { write(text) }
}

/// Prints a value as JSON in lines of their own.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(write(&if io::stdout().is_terminal() { json_text(&text) } else { text })?)
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    stdout.flush()
}
