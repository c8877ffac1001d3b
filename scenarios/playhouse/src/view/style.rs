//! Color, where it is wanted.

use std::io::IsTerminal;

/// The colors of names: readable on dark and on light.
const NAME_COLORS: [u8; 6] = [36, 32, 35, 34, 33, 96];
const DIM: u8 = 2;
const RED: u8 = 31;
const BOLD: u8 = 1;

/// Whether and how text is colored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    /// As it is.
    Plain,
    /// With colors of the terminal's palette.
    Colored,
}

impl Style {
    /// Colors if stderr is a terminal that can, and `NO_COLOR` (no-color.org) is unset or empty.
    #[must_use]
    pub(crate) fn of_stderr() -> Self {
        let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if std::io::stderr().is_terminal() && !is_refused { Self::Colored } else { Self::Plain }
    }

    fn paint(self, code: u8, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colored => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }

    /// Shows a name, always in the same color.
    #[must_use]
    pub(crate) fn name(self, name: &str) -> String {
        let sum = name.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let color = NAME_COLORS.get(sum % NAME_COLORS.len()).copied().unwrap_or(BOLD);
        self.paint(color, name)
    }

    /// Shows something of less importance.
    #[must_use]
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(DIM, text)
    }

    /// Shows something that went wrong.
    #[must_use]
    pub(crate) fn bad(self, text: &str) -> String {
        self.paint(RED, text)
    }

    /// Shows something that stands out.
    #[must_use]
    pub(crate) fn strong(self, text: &str) -> String {
        self.paint(BOLD, text)
    }
}
