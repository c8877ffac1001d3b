//! The ways in which a model server misbehaves.

use playhouse::RunStatus;
use playhouse_tests::{Answer, Reply, Then};
use serde_json::{Value, json};

/// A way to misbehave.
pub(super) struct Way {
    pub(super) name: &'static str,
    pub(super) answer: Answer,
    /// How a run ends that meets it.
    pub(super) ends: RunStatus,
    /// Whether only the deadline of the run can end it.
    pub(super) stalls: bool,
}

fn way(name: &'static str, ends: RunStatus, answer: Answer) -> Way {
    Way { name, answer, ends, stalls: false }
}

fn stall(name: &'static str, answer: Answer) -> Way {
    Way { name, answer, ends: RunStatus::Limited, stalls: true }
}

/// Returns all of them.
pub(super) fn ways() -> Vec<Way> {
    [refusing(), breaking_off(), untidy(), not_a_reply(), odd_replies(), odd_calls(), odd_arguments()]
        .into_iter()
        .flatten()
        .collect()
}

fn good() -> Reply {
    Reply::say("All of this is said, with ä and 😀 in it. DONE")
}

fn http(status: u16, headers: &[(&'static str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Answer::Http { status, headers, body: r#"{"error": {"message": "not now"}}"#.to_owned() }
}

fn refusing() -> Vec<Way> {
    let failed = |name, answer| way(name, RunStatus::Failed, answer);
    vec![
        failed("429", http(429, &[])),
        failed("429-at-once", http(429, &[("retry-after", "0")])),
        failed("429-absurd-wait", http(429, &[("retry-after", "999999999999")])),
        failed("429-date-long-ago", http(429, &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")])),
        failed("429-nonsense-wait", http(429, &[("retry-after", "soon")])),
        failed("500", http(500, &[])),
        failed("502", http(502, &[])),
        failed("503", http(503, &[])),
        failed("529", http(529, &[])),
        failed("400", http(400, &[])),
        failed("redirect", http(302, &[("location", "http://192.0.2.1/v1/chat/completions")])),
        failed("redirect-307", http(307, &[("location", "http://192.0.2.1/v1/chat/completions")])),
    ]
}

fn breaking_off() -> Vec<Way> {
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    vec![
        stall("no-head", Answer::Silent),
        stall("no-more", Answer::Altered(good(), half, Then::Nothing)),
        stall("drip", Answer::Altered(good(), whole_events, Then::Drip)),
        stall("drip-only", Answer::Altered(good(), |_| Vec::new(), Then::Drip)),
        way("reset", RunStatus::Failed, Answer::Altered(good(), half, Then::HangUp)),
        way("reset-at-once", RunStatus::Failed, Answer::Altered(good(), |_| Vec::new(), Then::HangUp)),
        way("truncated", RunStatus::Failed, Answer::Altered(good(), half, Then::End)),
        way("empty-body", RunStatus::Failed, Answer::Altered(good(), |_| Vec::new(), Then::End)),
    ]
}

/// Keeps half of the bytes, but no half of an event, which the line ends that drip would end.
fn whole_events(bytes: &[u8]) -> Vec<u8> {
    let half = &bytes[..bytes.len() / 2];
    let end = half.windows(2).rposition(|window| window == b"\n\n").map_or(half.len(), |at| at + 2);
    half[..end].to_vec()
}

/// Replaces a text wherever it stands.
fn replaced(bytes: &[u8], from: &str, to: &[u8]) -> Vec<u8> {
    let (mut rest, mut result) = (bytes, Vec::with_capacity(bytes.len()));
    while let Some(at) = rest.windows(from.len()).position(|window| window == from.as_bytes()) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    result.extend_from_slice(rest);
    result
}

fn untidy() -> Vec<Way> {
    let fine = |name, alter| way(name, RunStatus::Concluded, Answer::Altered(good(), alter, Then::End));
    vec![
        fine("no-done", |bytes| replaced(bytes, "data: [DONE]\n\n", b"")),
        fine("two-dones", |bytes| replaced(bytes, "data: [DONE]\n\n", b"data: [DONE]\n\ndata: [DONE]\n\n")),
        fine("crlf", |bytes| replaced(bytes, "\n", b"\r\n")),
        fine("comments", |bytes| replaced(bytes, "data: {", b": wait\n\nevent: x\nid: 1\ndata: {")),
        // In a stream only: JSON has none.
        fine("byte-order-mark", |bytes| {
            let mark = if bytes.starts_with(b"data:") { b"\xef\xbb\xbf".as_slice() } else { b"" };
            [mark, bytes].concat()
        }),
        fine("invalid-utf-8", |bytes| replaced(bytes, "this", b"th\xff\xfes")),
        fine("no-spaces", |bytes| replaced(bytes, "data: ", b"data:")),
    ]
}

fn not_a_reply() -> Vec<Way> {
    let failed = |name, alter| way(name, RunStatus::Failed, Answer::Altered(good(), alter, Then::End));
    vec![
        failed("malformed-json", |bytes| replaced(bytes, "\"choices\":", b"\"choices\"=")),
        failed("error-with-200", |_| br#"{"error": {"message": "overloaded"}}"#.to_vec()),
        failed("error-in-stream", |_| b"data: {\"error\": {\"message\": \"overloaded\"}}\n\n".to_vec()),
        failed("json-array", |_| b"[]".to_vec()),
        failed("json-null", |_| b"null".to_vec()),
        // Not asked for, so not understood: a small answer cannot become a large one.
        failed("gzip", |_| {
            [0x1f, 0x8b, 8, 0, 0, 0, 0, 0].iter().copied().chain((0..9_999).map(|_| 0)).collect()
        }),
        failed("deep-json", |_| vec![b'['; 100_000]),
        failed("zeros", |_| vec![0; 100_000]),
        way("web-page", RunStatus::Failed, Answer::web_page()),
        way("no-choices", RunStatus::Failed, Answer::Reply(Reply::empty())),
    ]
}

/// Changes the first choice, if there is one.
fn choice(json: &mut Value, change: impl FnOnce(&mut Value)) {
    if let Some(first) = json["choices"].get_mut(0) {
        change(first);
    }
}

fn message(choice: &mut Value) -> &mut Value {
    let name = if choice.get("delta").is_some() { "delta" } else { "message" };
    &mut choice[name]
}

fn odd_replies() -> Vec<Way> {
    let (fine, failed, limited) = (RunStatus::Concluded, RunStatus::Failed, RunStatus::Limited);
    let null_content = |json: &mut Value| choice(json, |first| message(first)["content"] = Value::Null);
    let second = |json: &mut Value| {
        let mut other = json["choices"].get(0).cloned().unwrap_or_default();
        if other.is_object() {
            other["index"] = json!(1);
            json["choices"].as_array_mut().unwrap().push(other);
        }
    };
    let edited = |name, ends, reply: Reply, edit| way(name, ends, Answer::Reply(reply.edited(edit)));
    vec![
        edited("null-content", failed, good(), null_content),
        edited("two-choices", fine, good(), second),
        edited("no-usage", fine, good(), |json| drop(json.as_object_mut().unwrap().remove("usage"))),
        edited("negative-usage", fine, good(), |json| {
            json["usage"] = json!({ "prompt_tokens": -5, "completion_tokens": -1 });
        }),
        edited("huge-usage", fine, good(), |json| {
            json["usage"] = json!({ "prompt_tokens": 1e300, "completion_tokens": u64::MAX });
        }),
        edited("usage-is-text", fine, good(), |json| json["usage"] = json!("many")),
        edited("other-model", fine, good(), |json| json["model"] = json!("another-model")),
        edited("no-id", fine, good(), |json| drop(json.as_object_mut().unwrap().remove("id"))),
        way("unknown-finish", fine, Answer::Reply(good().finishing("tired"))),
        way("length", limited, Answer::Reply(good().finishing("length"))),
        way("refusal", failed, Answer::Reply(Reply::refusing("I would rather not."))),
        way("content-filter", failed, Answer::Reply(Reply::say("").finishing("content_filter"))),
        // Made when it is sent.
        edited("50-mib-of-text", failed, Reply::say("word"), |json| {
            choice(json, |first| {
                if message(first)["content"] == "word" {
                    message(first)["content"] = Value::from("word ".repeat(10 << 20));
                }
            });
        }),
    ]
}

fn odd_calls() -> Vec<Way> {
    let fine = |name, reply: Reply| way(name, RunStatus::Concluded, Answer::Reply(reply));
    let call = |id: &str, tool: &str| Reply::say("").and_call(id, tool, r#"{"text": "a"}"#);
    let many =
        (0..1_000).fold(Reply::say(""), |reply, at| reply.and_call(&format!("call_{at}"), "echo", "{}"));
    let without_id = |json: &mut Value| {
        choice(json, |first| {
            for call in message(first)["tool_calls"].as_array_mut().into_iter().flatten() {
                call.as_object_mut().unwrap().remove("id");
            }
        });
    };
    vec![
        fine("unknown-tool", call("call_1", "shout")),
        fine("tool-in-other-case", call("call_1", "Echo")),
        fine("tool-without-name", call("call_1", "")),
        fine("one-id-twice", call("same", "echo").and_call("same", "echo", r#"{"text": "b"}"#)),
        fine("no-call-id", call("call_1", "echo").edited(without_id)),
        fine("empty-call-id", call("", "echo")),
        fine("call-and-text", Reply::say("Let me see.").and_call("call_1", "echo", r#"{"text": "a"}"#)),
        fine("call-that-stops", call("call_1", "echo").finishing("stop")),
        way("1000-calls", RunStatus::Failed, Answer::Reply(many)),
    ]
}

fn odd_arguments() -> Vec<Way> {
    let told = |name, arguments: &str| {
        way(name, RunStatus::Concluded, Answer::Reply(Reply::say("").and_call("call_1", "echo", arguments)))
    };
    let large = format!(r#"{{"text": "{}"}}"#, "a".repeat(5 << 20));
    let deep = format!(r#"{{"text": {}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    vec![
        told("arguments-not-json", r#"{"text": "a"#),
        told("arguments-of-wrong-type", r#"{"text": 1}"#),
        told("arguments-extra", r#"{"text": "a", "more": true}"#),
        told("arguments-null", "null"),
        told("arguments-empty", ""),
        told("arguments-not-a-number", r#"{"text": NaN}"#),
        told("arguments-with-key-twice", r#"{"text": "a", "text": "b"}"#),
        told("arguments-deep", &deep),
        way(
            "arguments-of-5-mib",
            RunStatus::Failed,
            Answer::Reply(Reply::say("").and_call("call_1", "echo", &large)),
        ),
    ]
}
