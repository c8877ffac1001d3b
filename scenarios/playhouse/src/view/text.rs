//! Text for a terminal: nothing that a model or a tool wrote may steer it, hide text or pass for another line.

use std::fmt::Write;
use std::time::Duration;

/// Tells whether a character would move the cursor, reorder or hide text, or is otherwise not what it looks like.
const fn is_unsafe(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' // C0, DEL and C1: escape sequences, OSC, CSI
            | '\u{061c}' | '\u{200b}'..='\u{200f}' // zero width and direction marks
            | '\u{2028}'..='\u{202e}' // line separators, direction overrides
            | '\u{2060}'..='\u{206f}' // invisible operators, direction isolates
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' // byte order mark, annotations
            | '\u{e0000}'..='\u{e007f}' // tags: text that nobody sees
    )
}

fn push_escaped(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        unsafe_one if is_unsafe(unsafe_one) => {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(unsafe_one));
        }
        plain => shown.push(plain),
    }
}

/// Shows a text in one line of at most `max_chars` characters, cut with `..`.
#[must_use]
pub(crate) fn one_line(text: &str, max_chars: usize) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        push_escaped(&mut shown, character);
        if shown.chars().count() > max_chars {
            let cut: String = shown.chars().take(max_chars.saturating_sub(2)).collect();
            return format!("{cut}..");
        }
    }
    shown
}

/// Shows a text of several lines; each line after the first begins with `indent`, so that no text passes for a line of
/// somebody else. Tabs become spaces, a carriage return before a line end is dropped.
#[must_use]
pub(crate) fn block(text: &str, indent: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' => {
                shown.push('\n');
                shown.push_str(indent);
            }
            '\r' if characters.peek() == Some(&'\n') => {}
            '\t' => shown.push_str("    "),
            other => push_escaped(&mut shown, other),
        }
    }
    shown
}

/// Shows JSON text as JSON text that means the same: what is unsafe can only stand in its strings, and is escaped there.
#[must_use]
pub(crate) fn json_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '\n' || !is_unsafe(character) {
            shown.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown
}

/// Shows a number of bytes: `812 B`, `1.2 kB`, `3.4 MB`.
#[must_use]
pub(crate) fn bytes(count: u64) -> String {
    let scaled = |unit: u64, name: &str| format!("{}.{} {name}", count / unit, count % unit * 10 / unit);
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => scaled(1_000, "kB"),
        1_000_000..1_000_000_000 => scaled(1_000_000, "MB"),
        _ => scaled(1_000_000_000, "GB"),
    }
}

/// Shows a duration: `3 ms`, `2.5 s`, `4 min 10 s`, `2 h 5 min`.
#[must_use]
pub(crate) fn duration(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.as_millis());
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{block, bytes, duration, json_text, one_line};
    use std::time::Duration;

    #[test]
    fn nothing_steers_the_terminal() {
        for (text, expected) in [
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("paid\u{202e}0001", "paid\\u{202e}0001"),
            ("a\u{2066}b\u{200b}c", "a\\u{2066}b\\u{200b}c"),
            ("safe\rfake", "safe\\rfake"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("naïve – 中文 🦀", "naïve – 中文 🦀"),
        ] {
            assert_eq!(one_line(text, 80), expected);
            assert_eq!(block(text, "  "), expected);
        }
    }

    #[test]
    fn json_stays_the_same_json_and_steers_no_terminal() {
        let value = serde_json::json!({ "a": "paid\u{202e}0001\u{9b}2J\u{e0041}", "b": ["naïve"] });
        let shown = json_text(&serde_json::to_string_pretty(&value).unwrap());
        assert!(shown.contains("paid\\u202e0001\\u009b2J\\udb40\\udc41"), "{shown}");
        assert!(shown.contains("naïve") && shown.lines().count() == 6, "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn a_line_is_cut_with_dots() {
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcd..");
        assert_eq!(one_line("a\nb", 10), "a\\nb");
    }

    #[test]
    fn lines_of_a_block_are_indented() {
        assert_eq!(block("one\r\ntwo\nauditor: fake", "  "), "one\n  two\n  auditor: fake");
        assert_eq!(block("a\tb", ""), "a    b");
    }

    #[test]
    fn sizes_and_times_read_as_people_say_them() {
        assert_eq!([0, 999, 1_234, 5_600_000].map(bytes), ["0 B", "999 B", "1.2 kB", "5.6 MB"]);
        let millis = [3, 2_540, 250_000, 7_500_000];
        let shown = millis.map(|count| duration(Duration::from_millis(count)));
        assert_eq!(shown, ["3 ms", "2.5 s", "4 min 10 s", "2 h 5 min"]);
    }
}
