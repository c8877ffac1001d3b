//! What a model reads about its arguments.

use playhouse_types::ToolFailureKind;
use serde_json::json;

fn checked(raw: &str) -> Result<String, String> {
    let schema = json!({
        "type": "object",
        "properties": {
            "supplier": {"type": "string", "minLength": 2, "pattern": "^[A-Z]"},
            "amount": {"type": "number", "exclusiveMinimum": 0},
            "currency": {"enum": ["EUR", "USD"]},
            "lines": {"type": "array", "items": {"type": "integer"}, "maxItems": 9},
            "due": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "note": {"type": ["string", "null"]}
        },
        "required": ["supplier"],
        "additionalProperties": false
    });
    let validator = jsonschema::validator_for(&schema).unwrap();
    super::check(&validator, raw).map_err(|failure| {
        assert_eq!(failure.kind, ToolFailureKind::InvalidArguments);
        failure.detail
    })
}

#[track_caller]
fn refused(raw: &str, says: &str) {
    assert_eq!(checked(raw).unwrap_err(), says);
}

#[test]
fn good_arguments_come_back_in_canonical_form() {
    let raw = r#" {"supplier": "ACME", "amount": 5.0, "due": null, "lines": [1, 2]} "#;
    assert_eq!(checked(raw).unwrap(), r#"{"amount":5,"due":null,"lines":[1,2],"supplier":"ACME"}"#);
}

#[test]
fn every_misfit_says_where_what_was_expected_and_what_was_found() {
    let fits = |text: &str| format!("the arguments do not fit the schema: {text}");
    refused("", &fits("the arguments: the field `supplier` is missing"));
    refused(r#"{"supplier":7}"#, &fits("`/supplier`: expected string, found number 7"));
    refused(
        r#"{"supplier":"acme"}"#,
        &fits("`/supplier`: expected text that matches `^[A-Z]`, found string \"acme\""),
    );
    refused(r#"{"supplier":"A"}"#, &fits("`/supplier`: the value is shorter than 2 characters"));
    refused(r#"{"supplier":"AC","suplier":1}"#, &fits("the arguments: there is no field `suplier`"));
    refused(
        r#"{"supplier":"AC","amount":0}"#,
        &fits("`/amount`: the value is less than or equal to the minimum of 0"),
    );
    refused(
        r#"{"supplier":"AC","currency":"GBP"}"#,
        &fits("`/currency`: expected one of [\"EUR\",\"USD\"], found string \"GBP\""),
    );
    refused(
        r#"{"supplier":"AC","lines":[1,"x"]}"#,
        &fits("`/lines/1`: expected integer, found string \"x\""),
    );
    refused(r#"{"supplier":"AC","lines":{}}"#, &fits("`/lines`: expected array, found an object"));
    refused(
        r#"{"supplier":"AC","note":true}"#,
        &fits("`/note`: expected null or string, found boolean true"),
    );
    refused(
        r#"{"supplier":"AC","due":5}"#,
        &fits(
            "`/due`: number 5 fits none of the allowed forms (`/due`: expected string, found number 5, or `/due`: expected null, found number 5)",
        ),
    );
}

#[test]
fn five_errors_are_listed_and_the_rest_counted() {
    let listed = checked(r#"{"supplier":"AC","lines":["a","b","c","d","e","f","g"]}"#).unwrap_err();
    assert!(listed.ends_with("`/lines/4`: expected integer, found string \"e\"; and 2 more"), "{listed}");
}

#[test]
fn text_that_is_not_one_object_is_refused_with_a_hint() {
    refused(
        r#"{"supplier":"A","supplier":"B"}"#,
        "the arguments are not valid JSON: the field `supplier` stands twice in one object at line 1 column 26",
    );
    refused(
        "{} and so on",
        "the arguments are not valid JSON: trailing characters at line 1 column 4; send one JSON object and nothing else, without code fences",
    );
    refused(
        "```json\n{}\n```",
        "the arguments are not valid JSON: expected value at line 1 column 1; send one JSON object and nothing else, without code fences",
    );
    refused(
        r#"{"amount": NaN}"#,
        "the arguments are not valid JSON: expected value at line 1 column 12; `NaN` and `Infinity` are no JSON: leave the field out or send `null` where that is allowed",
    );
    refused(
        r#"{"amount": 5"#,
        "the arguments are not valid JSON: EOF while parsing an object at line 1 column 12; the text ends too early: send the whole object",
    );
    refused("[1]", "the arguments must be one JSON object, found an array of 1");
    refused("null", "the arguments must be one JSON object, found null");
}

#[test]
fn nothing_a_model_writes_makes_the_answer_long() {
    refused(&" 1".repeat(1 << 20), "the arguments have 2097152 bytes; at most 1048576 are read");
    let long = checked(&format!(r#"{{"supplier":["{}"],"{}":1}}"#, "x".repeat(9_000), "y".repeat(9_000)))
        .unwrap_err();
    assert!(long.len() < 1_000, "{}", long.len());
}
