//! Replies that have to fit a schema: where the JSON is in what a model wrote, and what is wrong with it.

use serde_json::Value;

use crate::arguments::misfits;
use crate::canonical;

/// Reads the JSON of a reply: all of it, or the last object in it.
///
/// # Errors
/// What is wrong, for the model: there is no JSON.
pub fn read_reply(reply: &str) -> Result<Value, String> {
    if let Ok(value) = canonical::parse(reply.trim()) {
        return Ok(value);
    }
    let object = last_json_object(reply);
    let object = object.ok_or("the reply holds no JSON: reply with JSON and nothing else")?;
    canonical::parse(object).map_err(|error| format!("the JSON of the reply cannot be read: {error}"))
}

/// Checks that a reply fits a schema (JSON text) and returns its JSON. A pure function.
///
/// # Errors
/// What is wrong, for the model: no JSON, or what of it does not fit.
pub fn check_reply(schema: &str, reply: &str) -> Result<Value, String> {
    let validator = validator(schema)?;
    let value = read_reply(reply)?;
    match misfits(&validator, &value, "the reply") {
        None => Ok(value),
        Some(misfits) => Err(format!("the reply does not fit the schema: {misfits}")),
    }
}

/// Checks that a text is a JSON schema that replies can be asked to fit.
///
/// # Errors
/// What is wrong with it.
pub fn check_schema(schema: &str) -> Result<(), String> {
    validator(schema).map(drop)
}

fn validator(schema: &str) -> Result<jsonschema::Validator, String> {
    let schema: Value = serde_json::from_str(schema)
        .map_err(|error| format!("the schema of the reply is no JSON: {error}"))?;
    jsonschema::validator_for(&schema)
        .map_err(|error| format!("the schema of the reply is no JSON schema: {error}"))
}

/// Returns the text of the last JSON object in `text` that is not part of another one.
#[must_use]
pub fn last_json_object(text: &str) -> Option<&str> {
    let mut last = None;
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find('{')).map(|place| from + place) {
        let rest = text.get(start..)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<serde::de::IgnoredAny>();
        from = match values.next() {
            Some(Ok(_)) => {
                let end = start + values.byte_offset();
                last = text.get(start..end);
                end
            }
            _ => start + 1,
        };
    }
    last
}

#[cfg(test)]
mod tests {
    use super::{check_reply, check_schema, last_json_object};

    const CHOICE: &str = r#"{"type":"object","properties":{"next":{"enum":["a","b"]}},"required":["next"]}"#;

    #[test]
    fn a_reply_fits_as_a_whole_or_by_its_last_object() {
        for reply in [r#" {"next":"a"} "#, "I choose:\n```json\n{\"next\": \"a\"}\n```"] {
            assert_eq!(check_reply(CHOICE, reply).unwrap()["next"], "a", "{reply}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        for (reply, says) in [
            ("a", "no JSON"),
            (r#"{"next":"c"}"#, "`/next`: expected one of [\"a\",\"b\"]"),
            ("{}", "the reply: the field `next` is missing"),
            ("[1]", "the reply: expected object"),
        ] {
            let error = check_reply(CHOICE, reply).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_schema_that_is_none_is_said() {
        assert!(check_reply("{", "{}").unwrap_err().contains("schema"));
        assert!(check_reply(r#"{"type":"thing"}"#, "{}").unwrap_err().contains("schema"));
        assert!(check_schema(r#"{"type":"thing"}"#).unwrap_err().contains("schema"));
        assert_eq!(check_schema(CHOICE), Ok(()));
    }

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(last_json_object(text), expected);
    }

    #[test]
    fn the_last_whole_object_counts() {
        check(r#"first {"a": 1}, then {"b": {"c": 2}} CLOSED"#, Some(r#"{"b": {"c": 2}}"#));
    }

    #[test]
    fn a_fence_around_it_does_not_matter() {
        check("```json\n{\"a\": \"}\"}\n```", Some(r#"{"a": "}"}"#));
    }

    #[test]
    fn braces_that_are_not_json_are_passed_over() {
        check("{not json} {\"a\": 1} {", Some("{\"a\": 1}"));
        check("{{{", None);
        check("ä{\"ö\": 1}ü", Some("{\"ö\": 1}"));
    }

    #[test]
    fn no_object_is_none() {
        check("[1, 2]", None);
    }
}
