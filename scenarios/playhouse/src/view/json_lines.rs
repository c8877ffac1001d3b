//! JSON laid out in lines for a person, with every value as it was written.

use serde::de::IgnoredAny;

/// Lays JSON text out in lines; a text that is no JSON stays as it is. To be escaped by whoever prints it.
///
/// Numbers stay the digits they are, however long: a person must see what would run.
#[must_use]
pub(crate) fn json_lines(text: &str) -> String {
    // From here on the text is known to be JSON: only strings and brackets matter.
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_string, mut is_escaped) = (0, false, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if in_string {
            shown.push(character);
            in_string = is_escaped || character != '"';
            is_escaped = !is_escaped && character == '\\';
            continue;
        }
        match character {
            '{' | '[' => {
                shown.push(character);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                match characters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => shown.push(end),
                    None => {
                        depth += 1;
                        begin_line(&mut shown, depth);
                    }
                }
            }
            '}' | ']' => {
                depth -= 1;
                begin_line(&mut shown, depth);
                shown.push(character);
            }
            ',' => {
                shown.push(',');
                begin_line(&mut shown, depth);
            }
            ':' => shown.push_str(": "),
            space if space.is_ascii_whitespace() => {}
            other => {
                in_string = other == '"';
                shown.push(other);
            }
        }
    }
    shown
}

fn begin_line(shown: &mut String, depth: usize) {
    shown.push('\n');
    shown.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::json_lines;

    #[test]
    fn values_stay_as_they_were_written() {
        let text =
            r#"{"amount":123456789012345678901234567890,"rate": 1.10 ,"a":[1,[],{ }],"b":"x\\\"{,}: "}"#;
        let expected = r#"{
  "amount": 123456789012345678901234567890,
  "rate": 1.10,
  "a": [
    1,
    [],
    {}
  ],
  "b": "x\\\"{,}: "
}"#;
        assert_eq!(json_lines(text), expected);
        assert_eq!(json_lines("{not json"), "{not json");
        assert_eq!(json_lines("\"a\""), "\"a\"");
    }
}
