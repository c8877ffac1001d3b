//! A reply that is being written.

use playhouse_types::{RunId, Step, TurnId};

use crate::view::speaker::Speaker;
use crate::view::style::Style;
use crate::view::text::block;

/// Which attempt at which reply: run, turn, step, attempt.
type Place = (RunId, TurnId, Step, u32);

/// What has been shown of a reply so far.
pub(super) struct Streamed {
    place: Place,
    speaker: Speaker,
    text: String,
    /// Whether the cursor stands behind the text, so that the next piece goes on in its line.
    is_in_line: bool,
}

impl Streamed {
    pub(super) const fn begin(place: Place, speaker: Speaker) -> Self {
        Self { place, speaker, text: String::new(), is_in_line: false }
    }

    pub(super) fn is_at(&self, run: RunId, turn: TurnId, step: Step) -> bool {
        (self.place.0, self.place.1, self.place.2) == (run, turn, step)
    }

    /// Shows a piece if it continues this reply; others are shown when they are whole.
    pub(super) fn push(&mut self, place: Place, offset: usize, text: &str, style: Style) -> String {
        if place != self.place || offset != self.text.len() {
            return String::new();
        }
        let header = self.header(style);
        self.text.push_str(text);
        format!("{header}{}", block(text, &self.speaker.indent()))
    }

    fn header(&mut self, style: Style) -> String {
        if std::mem::replace(&mut self.is_in_line, true) {
            return String::new();
        }
        let goes_on = if self.text.is_empty() { "" } else { " (goes on)" };
        format!("{}{}{goes_on}: ", self.speaker.mark(), self.speaker.shown(style))
    }

    /// Returns the end of the line if the cursor is in one.
    pub(super) const fn line_end(&self) -> &'static str {
        if self.is_in_line { "\n" } else { "" }
    }

    /// Makes room for other lines.
    pub(super) const fn interrupt(&mut self) -> &'static str {
        let line_end = self.line_end();
        self.is_in_line = false;
        line_end
    }

    /// Shows what is missing of the whole reply, and ends its line.
    pub(super) fn finish(mut self, content: &str, style: Style) -> String {
        match content.strip_prefix(self.text.as_str()) {
            Some("") => self.line_end().to_owned(),
            Some(rest) => {
                let header = self.header(style);
                format!("{header}{}\n", block(rest, &self.speaker.indent()))
            }
            // Another attempt than the one that was shown.
            None => {
                let line_end = self.interrupt();
                let header = format!("{}{}: ", self.speaker.mark(), self.speaker.shown(style));
                format!("{line_end}{header}{}\n", block(content, &self.speaker.indent()))
            }
        }
    }
}
