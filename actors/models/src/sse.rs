//! Server-sent events, read leniently (WHATWG HTML, section 9.2.6: event stream interpretation).

use bytes::Bytes;

/// Takes bytes as they arrive and gives the data of whole events.
///
/// Line ends may be LF, CRLF or CR, a byte order mark may lead, comments and fields other than `data` are skipped. Events
/// without an empty line after the last one are given by [`SseDecoder::finish`].
#[derive(Debug, Default)]
pub(crate) struct SseDecoder {
    /// The bytes of the line that is not complete yet.
    line: Vec<u8>,
    /// The data lines of the event that is not complete yet.
    data: Vec<u8>,
    has_data: bool,
    /// Whether the last line ended in CR, so that an LF now belongs to it.
    after_cr: bool,
    is_past_start: bool,
}

impl SseDecoder {
    /// Takes the next bytes and calls `event` with the data of each event that is complete with them.
    ///
    /// # Errors
    /// The first error of `event`; the rest of the bytes is lost.
    pub(crate) fn push<E>(
        &mut self,
        bytes: &Bytes,
        mut event: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest: &[u8] = bytes;
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, after) = rest.split_at(end);
            let Some((&terminator, after)) = after.split_first() else { break };
            rest = after;
            if terminator == b'\n' && self.after_cr && end == 0 && self.line.is_empty() {
                self.after_cr = false;
                continue;
            }
            self.after_cr = terminator == b'\r';
            if self.line.is_empty() {
                self.take_line(line, &mut event)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.take_line(&whole, &mut event)?;
            }
        }
        if !rest.is_empty() {
            self.after_cr = false;
            self.line.extend_from_slice(rest);
        }
        Ok(())
    }

    /// Takes the end of the stream, which may cut off a line or an event.
    ///
    /// # Errors
    /// As [`SseDecoder::push`].
    pub(crate) fn finish<E>(mut self, mut event: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.take_line(&line, &mut event)?;
        }
        self.take_line(b"", &mut event)
    }

    /// Returns how many bytes wait for the rest of their event.
    pub(crate) fn pending_bytes(&self) -> usize {
        self.line.len() + self.data.len()
    }

    fn take_line<E>(&mut self, line: &[u8], event: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let line = if self.is_past_start { line } else { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) };
        self.is_past_start = true;
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return if std::mem::take(&mut self.has_data) { event(&data) } else { Ok(()) };
        }
        if let Some(value) = line.strip_prefix(b"data").and_then(field_value) {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.has_data = true;
            self.data.extend_from_slice(value);
        }
        Ok(())
    }
}

/// Returns the value after a field's name: what follows the colon and one space; empty without a colon.
fn field_value(rest: &[u8]) -> Option<&[u8]> {
    match rest.split_first() {
        None => Some(rest),
        Some((b':', value)) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::SseDecoder;
    use bytes::Bytes;
    use proptest::prelude::{ProptestConfig, any, proptest};

    /// Decodes `stream` in pieces of `size` bytes.
    fn decode(stream: &[u8], size: usize) -> Vec<String> {
        let mut events = Vec::new();
        let mut keep = |data: &[u8]| {
            events.push(String::from_utf8_lossy(data).into_owned());
            Ok::<(), ()>(())
        };
        let mut decoder = SseDecoder::default();
        for piece in stream.chunks(size.max(1)) {
            decoder.push(&Bytes::copy_from_slice(piece), &mut keep).unwrap();
        }
        decoder.finish(&mut keep).unwrap();
        events
    }

    #[track_caller]
    fn check(stream: &str, expected: &[&str]) {
        for size in 1..=stream.len() {
            assert_eq!(decode(stream.as_bytes(), size), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn lines_may_end_in_any_way() {
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
        check("data: a\r\rdata: b\r\r", &["a", "b"]);
    }

    #[test]
    fn comments_other_fields_and_a_mark_are_skipped() {
        check("\u{feff}data: a\n\n: keep-alive\n\nevent: x\nid: 7\ndatabase: y\ndata:b\n\n", &["a", "b"]);
    }

    #[test]
    fn data_lines_of_one_event_are_joined() {
        check("data: a\ndata:  b\ndata\n\n", &["a\n b\n"]);
    }

    #[test]
    fn the_last_event_needs_no_empty_line() {
        check("data: a\n\ndata: b", &["a", "b"]);
        check("data: a\n\ndata: b\n", &["a", "b"]);
    }

    #[test]
    fn characters_cut_between_pieces_are_whole_again() {
        check("data: größer 🎭\n\n", &["größer 🎭"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn how_bytes_are_cut_changes_nothing(stream in "(data: ?|[a:\\r\\n ]){0,30}", size in any::<u8>()) {
            assert_eq!(decode(stream.as_bytes(), usize::from(size)), decode(stream.as_bytes(), usize::MAX));
        }
    }
}
