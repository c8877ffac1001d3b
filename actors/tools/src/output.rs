//! Turns what a tool answered into text of bounded length.

use playhouse_messages::ToolOutput;
use playhouse_types::Effect;

/// The least output limit a tool may declare, in bytes: room for the marker and some text around it.
pub(crate) const MIN_OUTPUT_LIMIT_BYTES: usize = 256;

/// Stands below the text of an effect's answer that was not UTF-8.
const REPAIRED: &str = "\n[the answer was not UTF-8: unreadable bytes are shown as \u{fffd}]";

/// An answer as text, cut to the tool's limit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Kept {
    pub text: String,
    /// The length of the whole answer in bytes, if it was cut.
    pub full_bytes: Option<u64>,
}

/// The answer of a pure tool is no text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unreadable {
    /// How many of its first bytes are readable.
    pub valid_bytes: usize,
}

/// Keeps an answer: whole if it fits, else its head and tail around a line that says how many bytes were cut.
///
/// The text is at most `limit_bytes` long, marker included. An effect that happened must not be lost for the bytes of
/// its answer: those that are not UTF-8 are replaced and a note says so. A pure tool can be asked again, so its answer
/// is refused instead.
pub(crate) fn keep(output: ToolOutput, effect: Effect, limit_bytes: usize) -> Result<Kept, Unreadable> {
    let limit_bytes = limit_bytes.max(MIN_OUTPUT_LIMIT_BYTES);
    match String::from_utf8(output.0) {
        Ok(text) if text.len() <= limit_bytes => Ok(Kept { text, full_bytes: None }),
        Ok(text) => Ok(cut(&text, limit_bytes, text.len() as u64)),
        Err(error) if effect == Effect::Pure => {
            Err(Unreadable { valid_bytes: error.utf8_error().valid_up_to() })
        }
        Err(error) => Ok(repaired(error.as_bytes(), limit_bytes)),
    }
}

fn repaired(bytes: &[u8], limit_bytes: usize) -> Kept {
    let room = limit_bytes - REPAIRED.len();
    let mut kept = match (bytes.get(..limit_bytes), bytes.get(bytes.len().saturating_sub(limit_bytes)..)) {
        // Only what can be kept is decoded; an unreadable byte grows to three.
        (Some(head), Some(tail)) if bytes.len() > 2 * limit_bytes => {
            let text = [String::from_utf8_lossy(head), String::from_utf8_lossy(tail)].concat();
            cut(&text, room, bytes.len() as u64)
        }
        _ => {
            let text = String::from_utf8_lossy(bytes);
            if text.len() <= room {
                Kept { text: text.into_owned(), full_bytes: None }
            } else {
                cut(&text, room, bytes.len() as u64)
            }
        }
    };
    kept.text.push_str(REPAIRED);
    kept
}

/// Cuts the middle out of a text that is longer than the limit. The answer had `full_bytes` bytes.
fn cut(text: &str, limit_bytes: usize, full_bytes: u64) -> Kept {
    // The number that is written has at most 20 digits.
    let room = limit_bytes.saturating_sub("\n[... 18446744073709551615 bytes cut ...]\n".len());
    let head = text.get(..text.floor_char_boundary(room.div_ceil(2))).unwrap_or_default();
    let tail = text.get(text.ceil_char_boundary(text.len() - room / 2)..).unwrap_or_default();
    let n_cut = full_bytes.saturating_sub((head.len() + tail.len()) as u64);
    Kept { text: format!("{head}\n[... {n_cut} bytes cut ...]\n{tail}"), full_bytes: Some(full_bytes) }
}

#[cfg(test)]
mod tests {
    use super::{Kept, REPAIRED, Unreadable, keep};
    use playhouse_messages::ToolOutput;
    use playhouse_types::Effect;

    const LIMIT: usize = 256;

    fn once(bytes: impl Into<Vec<u8>>) -> Kept {
        keep(ToolOutput(bytes.into()), Effect::Once, LIMIT).unwrap()
    }

    #[test]
    fn an_answer_that_fits_is_kept_as_it_is() {
        for text in [String::new(), "ü".repeat(LIMIT / 2)] {
            assert_eq!(once(text.clone()), Kept { text, full_bytes: None });
        }
    }

    #[test]
    fn a_longer_answer_keeps_head_and_tail_within_the_limit() {
        for unit in ["x", "ü", "€", "😀"] {
            for n_units in 257..280 {
                let kept = once(unit.repeat(n_units));
                let full_bytes = unit.len() * n_units;
                assert_eq!(kept.full_bytes, Some(full_bytes as u64));
                assert!(kept.text.len() <= LIMIT && kept.text.len() > LIMIT - 32, "{}", kept.text.len());
                assert!(kept.text.starts_with(unit) && kept.text.ends_with(unit));
                let marker = kept.text.replace(unit, "");
                let n_kept = kept.text.len() - marker.len();
                // Units that look like a letter of the marker are counted out of it.
                if unit != "x" {
                    assert_eq!(marker, format!("\n[... {} bytes cut ...]\n", full_bytes - n_kept));
                }
            }
        }
    }

    #[test]
    fn a_pure_tool_must_answer_text() {
        let answer = keep(ToolOutput(b"ab\xffcd".to_vec()), Effect::Pure, LIMIT);
        assert_eq!(answer, Err(Unreadable { valid_bytes: 2 }));
    }

    #[test]
    fn an_effect_is_not_lost_for_the_bytes_of_its_answer() {
        assert_eq!(once(*b"paid \xff"), Kept { text: format!("paid \u{fffd}{REPAIRED}"), full_bytes: None });
        for len in [200, 256, 300, 600, 100_000] {
            let kept = once(vec![0xff; len]);
            assert_eq!(kept.full_bytes, Some(len as u64));
            assert!(kept.text.len() <= LIMIT && kept.text.ends_with(REPAIRED), "{}", kept.text.len());
        }
    }
}
