//! A tool call in one line.

use serde_json::Value;

use super::review_text::verdict_line;
use super::text::{bytes, one_line};
use crate::conversation::CallEnd;

/// How many characters one argument and all of them may take.
const ARGUMENT_CHARS: usize = 40;
const ARGUMENTS_CHARS: usize = 120;

/// How many characters the reason of a failure may take.
const REASON_CHARS: usize = 200;

/// Shows what was called: `read_document(file=invoice.json)`.
#[must_use]
pub(crate) fn call_name(tool: &str, arguments: &str) -> String {
    let shown = match serde_json::from_str::<Value>(arguments) {
        Ok(Value::Object(fields)) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}={}", argument(value))).collect();
            fields.join(", ")
        }
        _ => arguments.to_owned(),
    };
    format!("{}({})", one_line(tool, ARGUMENT_CHARS), one_line(&shown, ARGUMENTS_CHARS))
}

fn argument(value: &Value) -> String {
    match value {
        Value::String(text) => one_line(text, ARGUMENT_CHARS),
        other => one_line(&other.to_string(), ARGUMENT_CHARS),
    }
}

/// Shows how a call ended: `ok 1.2 kB`, `failed: ..`, `open`.
#[must_use]
pub(crate) fn call_end(end: Option<&CallEnd>) -> String {
    let reason = |text: &str| one_line(text, REASON_CHARS);
    match end {
        Some(CallEnd::Answered { output, full_bytes, recovered }) => {
            let size = bytes(full_bytes.unwrap_or(output.len() as u64));
            let cut = if full_bytes.is_some() { " (cut)" } else { "" };
            let how = if *recovered { "ok, found done," } else { "ok" };
            format!("{how} {size}{cut}")
        }
        Some(CallEnd::Failed(text)) => format!("failed: {}", reason(text)),
        Some(CallEnd::Denied(text)) => format!("denied: {}", reason(text)),
        Some(CallEnd::InDoubt(text)) => format!("in doubt: {}", reason(text)),
        Some(CallEnd::Settled { verdict, by, .. }) => format!("was in doubt: {}", verdict_line(verdict, by)),
        None => "open".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{call_end, call_name};
    use crate::conversation::CallEnd;
    use playhouse_types::Verdict;

    #[test]
    fn arguments_are_folded_to_one_line() {
        for (arguments, expected) in [
            (r#"{"file":"invoice.json"}"#, "read(file=invoice.json)"),
            (r#"{"a":1,"b":[true,null],"c":"x\ny"}"#, "read(a=1, b=[true,null], c=x\\ny)"),
            ("{}", "read()"),
            ("not json\u{1b}[2J", "read(not json\\u{1b}[2J)"),
        ] {
            assert_eq!(call_name("read", arguments), expected);
        }
        let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(100));
        assert_eq!(call_name("read", &long), format!("read(text={}..)", "x".repeat(38)));
    }

    #[test]
    fn every_end_is_told_apart() {
        let answered = |full_bytes, recovered| {
            call_end(Some(&CallEnd::Answered { output: "x".repeat(1_234), full_bytes, recovered }))
        };
        assert_eq!(answered(None, false), "ok 1.2 kB");
        assert_eq!(answered(Some(9_000), false), "ok 9.0 kB (cut)");
        assert_eq!(answered(None, true), "ok, found done, 1.2 kB");
        assert_eq!(call_end(Some(&CallEnd::Failed("no such\nfile".to_owned()))), "failed: no such\\nfile");
        assert_eq!(call_end(Some(&CallEnd::Denied("policy".to_owned()))), "denied: policy");
        assert_eq!(call_end(Some(&CallEnd::InDoubt("crash".to_owned()))), "in doubt: crash");
        let (doubt, by) = ("crash".to_owned(), "ann".to_owned());
        let settled = CallEnd::Settled { doubt, verdict: Verdict::DidNotHappen, by };
        assert_eq!(call_end(Some(&settled)), "was in doubt: it did not happen by ann");
        assert_eq!(call_end(None), "open");
    }
}
