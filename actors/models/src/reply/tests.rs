use playhouse_types::{FinishReason, ModelFailureKind};

use super::{Reply, ReplyBuilder};
use crate::failure::AttemptFailure;
use crate::settings::ReplyCaps;

fn build(chunks: &[&str]) -> Result<Reply, AttemptFailure> {
    let mut reply = ReplyBuilder::new(ReplyCaps { text_bytes: 100, tool_calls: 3, argument_bytes: 50 });
    for chunk in chunks {
        reply.add(serde_json::from_str(chunk).unwrap())?;
    }
    reply.finish()
}

/// Builds a reply from deltas of choice 0.
fn from_deltas(deltas: &[&str]) -> Result<Reply, AttemptFailure> {
    let chunks: Vec<String> =
        deltas.iter().map(|delta| format!(r#"{{"choices": [{{"index": 0, "delta": {delta}}}]}}"#)).collect();
    build(&chunks.iter().map(String::as_str).collect::<Vec<_>>())
}

#[track_caller]
fn check_calls(deltas: &[&str], expected: &[(&str, &str)]) {
    let reply = from_deltas(deltas).unwrap();
    let calls: Vec<_> =
        reply.tool_calls.iter().map(|call| (call.tool.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, expected);
    assert_eq!(reply.finish, FinishReason::ToolCalls);
}

#[track_caller]
fn check_whole(message: &str, finish: &str, expected: Result<(&str, FinishReason), ModelFailureKind>) {
    let chunk = format!(r#"{{"choices": [{{"message": {message}, "finish_reason": {finish}}}]}}"#);
    let found = build(&[&chunk]);
    let found =
        found.as_ref().map(|reply| (reply.content.as_str(), reply.finish)).map_err(|failure| failure.kind);
    assert_eq!(found, expected);
}

#[test]
fn calls_grow_by_index() {
    check_calls(
        &[
            r#"{"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]}"#,
            r#"{"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g"}}]}"#,
            r#"{"tool_calls": [{"index": 0, "function": {"arguments": "{\"x\""}}, {"index": 1, "function": {"arguments": "{}"}}]}"#,
            r#"{"tool_calls": [{"index": 0, "id": "", "function": {"name": null, "arguments": ": 1}"}}]}"#,
        ],
        &[("f", r#"{"x": 1}"#), ("g", "{}")],
    );
}

#[test]
fn without_an_index_a_name_begins_a_call_and_arguments_continue_it() {
    check_calls(
        &[
            r#"{"tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}"#,
            r#"{"tool_calls": [{"function": {"arguments": "}"}}]}"#,
            r#"{"tool_calls": [{"id": "b", "function": {"name": "g", "arguments": "{"}}]}"#,
            r#"{"tool_calls": [{"id": "b", "function": {"arguments": "}"}}]}"#,
        ],
        &[("f", "{}"), ("g", "{}")],
    );
}

#[test]
fn whole_calls_that_all_have_index_0_stay_apart() {
    check_calls(
        &[
            r#"{"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]}"#,
            r#"{"tool_calls": [{"index": 0, "id": "b", "function": {"name": "f", "arguments": "{}"}}]}"#,
            r#"{"tool_calls": [{"index": 0, "function": {"name": "g", "arguments": "{}"}}]}"#,
        ],
        &[("f", "{}"), ("f", "{}"), ("g", "{}")],
    );
}

#[test]
fn a_name_that_comes_again_is_not_doubled() {
    check_calls(
        &[
            r#"{"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}]}"#,
            r#"{"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}}]}"#,
        ],
        &[("f", "{}")],
    );
}

#[test]
fn two_calls_with_one_id_are_two_calls() {
    let twice = r#"{"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}, {"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}]}"#;
    check_calls(&[twice], &[("f", "{}"), ("f", r#"{"x":1}"#)]);
}

#[test]
fn broken_arguments_are_passed_on_as_they_came() {
    check_calls(
        &[r#"{"tool_calls": [{"function": {"name": "f", "arguments": "{not json"}}]}"#],
        &[("f", "{not json")],
    );
    check_calls(&[r#"{"tool_calls": [{}]}"#], &[("", "")]);
}

#[test]
fn the_content_decides_where_the_reason_does_not() {
    for reason in ["null", r#""stop""#, r#""eos_token""#, r#""""#] {
        check_whole(r#"{"content": "a"}"#, reason, Ok(("a", FinishReason::Stop)));
        check_whole(r#"{"content": "a", "tool_calls": [{}]}"#, reason, Ok(("a", FinishReason::ToolCalls)));
    }
    check_whole(r#"{"content": "a"}"#, r#""tool_calls""#, Ok(("a", FinishReason::Stop)));
    check_whole(r#"{"content": "a"}"#, r#""length""#, Ok(("a", FinishReason::Length)));
    check_whole(r#"{"content": null}"#, r#""stop""#, Ok(("", FinishReason::Stop)));
    check_whole(
        r#"{"content": [{"type": "text", "text": "a"}, {"text": "b"}]}"#,
        "null",
        Ok(("ab", FinishReason::Stop)),
    );
}

#[test]
fn a_refusal_is_one_only_if_nothing_else_was_said() {
    check_whole(r#"{"refusal": "no"}"#, r#""stop""#, Err(ModelFailureKind::Refusal));
    check_whole(r#"{"content": "a", "refusal": "no"}"#, r#""stop""#, Ok(("a", FinishReason::Stop)));
    check_whole(r#"{"content": ""}"#, r#""content_filter""#, Err(ModelFailureKind::Refusal));
    check_whole(r#"{"content": "a"}"#, r#""content_filter""#, Ok(("a", FinishReason::ContentFilter)));
}

#[test]
fn an_answer_without_choices_is_no_reply() {
    for answer in ["{}", r#"{"choices": []}"#, r#"{"choices": null}"#] {
        assert_eq!(build(&[answer]).unwrap_err().kind, ModelFailureKind::Malformed);
    }
}

#[test]
fn a_second_choice_is_not_part_of_the_reply() {
    let two = r#"{"choices": [{"message": {"content": "a"}}, {"message": {"content": "b"}}]}"#;
    assert_eq!(build(&[two]).unwrap().content, "a");
    let two =
        r#"{"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]}"#;
    assert_eq!(build(&[two]).unwrap().content, "a");
}

#[test]
fn a_reply_above_its_caps_is_no_reply() {
    let text = format!(r#"{{"content": "{}"}}"#, "x".repeat(60));
    let arguments =
        format!(r#"{{"tool_calls": [{{"index": 0, "function": {{"arguments": "{}"}}}}]}}"#, "x".repeat(51));
    let calls = r#"{"tool_calls": [{"index": 0}, {"index": 1}, {"index": 2}, {"index": 3}]}"#;
    for deltas in [vec![text.as_str(), &text], vec![&arguments], vec![calls]] {
        assert_eq!(from_deltas(&deltas).unwrap_err().kind, ModelFailureKind::Malformed);
    }
}

#[test]
fn usage_is_read_whatever_numbers_it_has() {
    let usage = |usage: &str| {
        build(&[r#"{"choices": [{"delta": {}}]}"#, &format!(r#"{{"choices": [], "usage": {usage}}}"#)])
            .unwrap()
            .usage
    };
    let counted = usage(
        r#"{"prompt_tokens": 10, "completion_tokens": 5.0, "prompt_tokens_details": {"cached_tokens": 99}, "completion_tokens_details": null}"#,
    );
    let counted = counted.unwrap();
    assert_eq!((counted.input_tokens, counted.output_tokens, counted.cached_input_tokens), (10, 5, 10));
    assert_eq!(usage(r#"{"prompt_tokens": -3}"#).unwrap().input_tokens, 0);
    assert_eq!(usage("null"), None);
    assert_eq!(usage(r#""many""#), None);
}
