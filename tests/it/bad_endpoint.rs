//! Endpoints that misbehave: each is a typed outcome that names what is at fault.

use playhouse_tests::{Answer, AskedModel, Endpoint, Finished, Playhouse, Reply};
use serde_json::json;

fn faults() -> Playhouse {
    Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"))
}

/// Runs a scenario of one agent against an endpoint and checks that nothing is left half done.
#[track_caller]
fn run(scenario: &str, base_url: &str) -> (Playhouse, Finished) {
    let playhouse = faults().with("OPENAI_BASE_URL", base_url);
    let finished = playhouse.run(&["run", scenario, "--json", "--model", "any-name"]).without_panic();
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    assert_ne!(runs[0]["status"], "running", "{runs:#}\n{finished:?}");
    (playhouse, finished)
}

/// Checks that a run fails and tells these.
#[track_caller]
fn check_failure(answer: Answer, telling: &[&str]) {
    let endpoint = Endpoint::start(move |_| answer.clone());
    let (playhouse, finished) = run("asker", endpoint.base_url());
    let _ = finished.with_code(1).telling(telling);
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    assert_eq!(runs[0]["status"], "failed", "{runs:#}");
}

/// Checks that a run ends with this result although its endpoint answers like this.
#[track_caller]
fn check_result(script: impl Fn(&AskedModel) -> Answer + Send + Sync + 'static, parts: &[&str]) {
    let endpoint = Endpoint::start(script);
    let (_, finished) = run("asker", endpoint.base_url());
    let finished = finished.with_code(0);
    let result = finished.json();
    for part in parts {
        assert!(result.as_str().unwrap().contains(part), "no `{part}` in {result}");
    }
}

#[test]
fn an_endpoint_that_refuses_fails_the_run() {
    let base_url = Endpoint::nobody();
    let (_, finished) = run("asker", &base_url);
    let _ = finished.with_code(1).telling(&["127.0.0.1", "refused"]);
}

#[test]
fn a_web_page_is_no_reply() {
    check_failure(Answer::web_page(), &["web page", "OPENAI_BASE_URL"]);
}

#[test]
fn a_stalling_endpoint_is_ended_by_the_deadline() {
    for answer in [Answer::Silent, Answer::Stalled(Reply::say("It will take a while until this is said."))] {
        let endpoint = Endpoint::start(move |_| answer.clone());
        let (_, finished) = run("patient", endpoint.base_url());
        let _ = finished.with_code(4);
    }
}

#[test]
fn a_stream_that_is_cut_is_asked_for_again() {
    let n_asked = std::sync::atomic::AtomicU32::new(0);
    let script = move |_: &AskedModel| {
        let reply = Reply::say("All of it arrives at the second attempt. DONE");
        match n_asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Answer::Cut(reply),
            1 => Answer::too_many(),
            _ => Answer::Reply(reply),
        }
    };
    check_result(script, &["All of it arrives at the second attempt. DONE"]);
}

#[test]
fn a_stream_that_is_always_cut_fails_the_run() {
    check_failure(Answer::Cut(Reply::say("This never arrives whole. DONE")), &["any-name"]);
}

/// Calls a tool wrongly, and says what came of it.
fn misuse(
    calls: impl Fn() -> Reply + Send + Sync + 'static,
) -> impl Fn(&AskedModel) -> Answer + Send + Sync + 'static {
    move |asked| {
        let answers: Vec<String> = asked
            .messages()
            .iter()
            .filter(|message| message["role"] == "tool")
            .map(|message| message["content"].as_str().unwrap().to_owned())
            .collect();
        if answers.is_empty() {
            Answer::Reply(calls())
        } else {
            Answer::say(format!("{} DONE", answers.join(" | ")))
        }
    }
}

#[test]
fn malformed_arguments_are_told_to_the_model() {
    check_result(misuse(|| Reply::say("").and_call("call_1", "echo", "{\"text\": \"a")), &["JSON"]);
    check_result(misuse(|| Reply::call("echo", &json!({ "words": 1 }))), &["text"]);
}

#[test]
fn an_unknown_tool_is_told_to_the_model() {
    check_result(misuse(|| Reply::call("shout", &json!({ "text": "a" }))), &["shout", "echo"]);
}

#[test]
fn two_calls_with_one_id_are_two_calls() {
    let calls = || {
        Reply::say("").and_call("same", "echo", r#"{"text": "first"}"#).and_call(
            "same",
            "echo",
            r#"{"text": "second"}"#,
        )
    };
    check_result(misuse(calls), &["first", "second"]);
}

#[test]
fn an_answer_without_choices_is_no_reply() {
    check_failure(Answer::Reply(Reply::empty()), &["no choices"]);
}

#[test]
fn a_reply_that_was_cut_at_the_output_limit_is_a_limit() {
    let endpoint = Endpoint::start(|_| Answer::Reply(Reply::say("This is not all DONE").finishing("length")));
    let (_, finished) = run("asker", endpoint.base_url());
    let _ = finished.with_code(4).telling(&["output limit"]);
}

#[test]
fn a_refusal_fails_the_run() {
    check_failure(Answer::Reply(Reply::refusing("I would rather not.")), &["I would rather not."]);
}

#[test]
fn a_content_filter_fails_the_run() {
    check_failure(Answer::Reply(Reply::say("").finishing("content_filter")), &["content filter"]);
}

#[test]
fn a_wrong_key_or_model_is_named() {
    let http = |status, body: &str| Answer::Http { status, headers: Vec::new(), body: body.to_owned() };
    check_failure(http(401, r#"{"error": {"message": "bad key"}}"#), &["OPENAI_API_KEY", "bad key"]);
    check_failure(http(404, r#"{"error": {"message": "no such model"}}"#), &["any-name", "no such model"]);
}
