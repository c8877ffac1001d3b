use std::time::Duration;

use playhouse_messages::Model;
use playhouse_models::{Delivery, OpenAiSettings, ReplyCaps};
use playhouse_types::ModelFailureKind::{self, ContextOverflow, Malformed, Permanent, Refusal, Transient};
use playhouse_types::{FinishReason, ModelFailure, Timestamp};

use crate::server::{Answer, Server, Then};
use crate::support::{client, impatient, plain_call, settings};

const WHOLE: &str = r#"{"model": "test-model-7", "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello you"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 10, "completion_tokens": 3}}"#;
const HEL: &str = "data: {\"model\": \"test-model-7\", \"choices\": [{\"index\": 0, \"delta\": {\"content\": \"hello\"}}]}\n\n";
const YOU: &str = "data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \" you\"}}]}\n\n";
const STOP: &str = "data: {\"choices\": [{\"index\": 0, \"delta\": {}, \"finish_reason\": \"stop\"}]}\n\n";
const USAGE: &str =
    "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 10, \"completion_tokens\": 3}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// What came of a call: text, tool calls, finish and attempts, or the kind of failure, attempts and detail.
async fn ask(answers: Vec<Answer>, settings: OpenAiSettings) -> Result<String, ModelFailure> {
    let server = Server::start(answers).await;
    let model = client(&server.base_url, settings).await;
    let (call, _) = plain_call();
    let answer = model.complete(call).await?;
    let reply = answer.reply;
    let mut shown = reply.content;
    for tool_call in &reply.tool_calls {
        shown.push_str(&format!(" [{} {}]", tool_call.tool, tool_call.arguments));
    }
    if !matches!(reply.finish, FinishReason::Stop | FinishReason::ToolCalls) {
        shown.push_str(&format!(" {:?}", reply.finish));
    }
    if answer.attempts > 1 {
        shown.push_str(&format!(" after {}", answer.attempts));
    }
    Ok(shown)
}

async fn check_reply(answers: &[Answer], delivery: Delivery, expected: &str) {
    assert_eq!(ask(answers.to_vec(), settings(delivery)).await.as_deref(), Ok(expected));
}

/// Checks a failure in both ways of delivery.
async fn check_failure(answer: Answer, (kind, attempts): (ModelFailureKind, u32), says: &str) {
    for delivery in [Delivery::Streamed, Delivery::Whole] {
        let failure = ask(vec![answer.clone()], settings(delivery)).await.unwrap_err();
        assert_eq!((failure.kind, failure.attempts), (kind, attempts), "{delivery:?}: {failure}");
        assert!(failure.detail.contains(says), "{delivery:?}: {failure}");
        assert!(!format!("{failure:?}").contains("sk-canary"), "{failure}");
    }
}

fn good() -> Answer {
    Answer::stream(&[HEL, YOU, STOP, USAGE, DONE])
}

fn good_in(delivery: Delivery) -> Answer {
    match delivery {
        Delivery::Streamed => good(),
        Delivery::Whole => Answer::json(WHOLE),
    }
}

fn status(status: u16, body: &str) -> Answer {
    Answer::status(status, &[("content-type", "application/json")], body)
}

#[tokio::test]
async fn a_reply_has_text_usage_cost_and_frames() {
    for (delivery, answer) in [(Delivery::Streamed, good()), (Delivery::Whole, Answer::json(WHOLE))] {
        let server = Server::start(vec![answer]).await;
        let model = client(&server.base_url, settings(delivery)).await;
        let (call, bus) = plain_call();
        let answer = model.complete(call).await.unwrap();
        let reply = answer.reply;
        assert_eq!(
            (reply.content.as_str(), reply.finish, answer.attempts),
            ("hello you", FinishReason::Stop, 1)
        );
        assert_eq!((reply.usage.input_tokens, reply.usage.output_tokens), (10, 3));
        assert_eq!(reply.cost_microusd, Some(16));
        assert_eq!(reply.response_model.as_deref(), Some("test-model-7"));
        match delivery {
            Delivery::Streamed => assert_eq!(bus.lines(), ["1:0:hello", "1:5: you"]),
            Delivery::Whole => assert_eq!(bus.lines(), ["1:0:hello you"]),
        }
    }
}

#[tokio::test]
async fn a_stream_may_be_untidy() {
    let tidy = [HEL, YOU, STOP, USAGE, DONE].concat();
    let untidy = [
        Answer::stream(&[tidy.replace('\n', "\r\n")]),
        Answer::stream(&[format!("\u{feff}: hi\n\n{tidy}")]),
        Answer::stream(&[tidy.replace(DONE, "")]),
        Answer::stream(&[format!("{tidy}{DONE}{HEL}")]),
        Answer::stream(&[tidy.trim_end()]),
        Answer::cut_stream(&[HEL, YOU, STOP]),
        Answer::stream(&[HEL, YOU, STOP, DONE]).then(Then::Close),
        Answer::stream(&tidy.as_bytes().chunks(7).collect::<Vec<_>>()),
        Answer::stream(&[HEL, ": keep-alive\n\n", "data:\n\n", YOU, STOP]),
        Answer::stream(&["data: {\"choices\": []}\n\n", HEL, YOU, STOP, USAGE]),
    ];
    for answer in untidy {
        check_reply(&[answer], Delivery::Streamed, "hello you").await;
    }
}

#[tokio::test]
async fn a_complete_reply_is_not_lost_to_what_happens_after_it() {
    for then in [Then::Close, Then::Stall] {
        let answer = Answer::cut_stream(&[HEL, YOU, STOP]).then(then);
        let shown = ask(vec![answer, good()], impatient(Delivery::Streamed)).await;
        assert!(shown.as_ref().is_ok_and(|shown| shown.starts_with("hello you")), "{shown:?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_stream_may_answer_whole() {
    check_reply(&[Answer::json(WHOLE)], Delivery::Streamed, "hello you").await;
    check_reply(&[Answer::status(200, &[], WHOLE)], Delivery::Streamed, "hello you").await;
}

#[tokio::test]
async fn characters_and_broken_bytes_split_over_pieces_are_read() {
    let event =
        "data: {\"choices\": [{\"delta\": {\"content\": \"größe\"}, \"finish_reason\": \"stop\"}]}\n\n"
            .as_bytes();
    for at in 0..event.len() {
        let (head, tail) = event.split_at(at);
        if !head.is_empty() {
            check_reply(&[Answer::stream(&[head, tail])], Delivery::Streamed, "größe").await;
        }
    }
    let mut broken = event.to_vec();
    let at = broken.iter().position(|byte| *byte == 0xc3).unwrap();
    broken.remove(at + 1);
    check_reply(&[Answer::stream(&[broken])], Delivery::Streamed, "gr\u{fffd}ße").await;
}

#[tokio::test]
async fn tool_calls_are_passed_on_as_written() {
    let calls = [
        r#"{"function": {"name": "No_Such", "arguments": "{broken"}}"#,
        r#"{"id": "x", "function": {"name": "pay", "arguments": "{}"}}"#,
        r#"{"id": "x", "function": {"name": "pay", "arguments": "null"}}"#,
    ];
    let calls = calls.join(", ");
    let expected = " [No_Such {broken] [pay {}] [pay null]";
    let whole = format!(
        r#"{{"choices": [{{"message": {{"content": null, "tool_calls": [{calls}]}}, "finish_reason": "stop"}}]}}"#
    );
    check_reply(&[Answer::json(&whole)], Delivery::Whole, expected).await;
    let streamed = format!(
        "data: {{\"choices\": [{{\"delta\": {{\"tool_calls\": [{calls}]}}, \"finish_reason\": \"tool_calls\"}}]}}\n\n"
    );
    check_reply(&[Answer::stream(&[streamed])], Delivery::Streamed, expected).await;
}

#[tokio::test]
async fn a_cut_reply_says_so() {
    let whole = WHOLE.replace("\"stop\"", "\"length\"");
    check_reply(&[Answer::json(&whole)], Delivery::Whole, "hello you Length").await;
    let streamed = STOP.replace("\"stop\"", "\"content_filter\"");
    check_reply(&[Answer::stream(&[HEL, &streamed])], Delivery::Streamed, "hello ContentFilter").await;
}

#[tokio::test]
async fn a_passing_failure_is_asked_again() {
    let wait = |value: &str| Answer::status(429, &[("retry-after", value)], "{}");
    let failures = [
        status(429, r#"{"error": {"message": "slow down"}}"#),
        wait("0"),
        wait("Wed, 21 Oct 2015 07:00:00 GMT"),
        Answer::status(429, &[("retry-after-ms", "3")], "{}"),
        status(500, "oops"),
        status(502, "<html>"),
        status(503, ""),
        status(529, r#"{"error": {"type": "overloaded_error", "message": "busy"}}"#),
        status(408, ""),
        Answer::raw("", Then::Close),
        Answer::raw("HTTP/1.1 200 OK\r\ncontent-", Then::Close),
        Answer::raw("not http at all\r\n\r\n", Then::Close),
        Answer::cut_stream(&[HEL]),
        Answer::cut_stream::<&str>(&[]),
        Answer::stream(&[HEL, YOU]),
        Answer::stream(&[HEL, YOU, DONE]),
        Answer::stream(&[HEL, "data: {\"choices\": [{\"del"]),
        Answer::stream::<&str>(&[]),
        Answer::stream(&[HEL, "data: {\"error\": {\"message\": \"upstream\", \"code\": 502}}\n\n"]),
    ];
    for (place, failure) in failures.into_iter().enumerate() {
        let outcome = ask(vec![failure, good()], settings(Delivery::Streamed)).await;
        assert_eq!(outcome.as_deref(), Ok("hello you after 2"), "failure {place}");
    }
    check_reply(&[cut_whole(), Answer::json(WHOLE)], Delivery::Whole, "hello you after 2").await;
}

/// A whole answer that breaks off.
fn cut_whole() -> Answer {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", WHOLE.len(), &WHOLE[..40]);
    Answer::raw(&head, Then::Close)
}

#[tokio::test]
async fn an_endpoint_that_stalls_is_asked_again() {
    let stalled = Answer::raw("", Then::Stall);
    let cases = [
        (Delivery::Streamed, stalled.clone()),
        (Delivery::Streamed, Answer::cut_stream::<&str>(&[]).then(Then::Stall)),
        (Delivery::Streamed, Answer::cut_stream(&[HEL]).then(Then::Stall)),
        (Delivery::Whole, stalled),
        (Delivery::Whole, cut_whole().then(Then::Stall)),
    ];
    for (delivery, failure) in cases {
        let outcome = ask(vec![failure, good_in(delivery)], impatient(delivery)).await;
        // A busy machine may make a good attempt look stalled, too.
        assert!(
            outcome.as_ref().is_ok_and(|shown| shown.starts_with("hello you after")),
            "{delivery:?} {outcome:?}"
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_stalls_for_ever_is_transient() {
    for delivery in [Delivery::Streamed, Delivery::Whole] {
        let failure = ask(vec![Answer::raw("", Then::Stall)], impatient(delivery)).await.unwrap_err();
        assert_eq!((failure.kind, failure.attempts), (Transient, 3));
        assert!(failure.detail.contains("within"), "{failure}");
    }
}

#[tokio::test]
async fn a_failed_attempt_is_retracted() {
    let server = Server::start(vec![Answer::cut_stream(&[HEL]), good()]).await;
    let model = client(&server.base_url, settings(Delivery::Streamed)).await;
    let (call, bus) = plain_call();
    model.complete(call).await.unwrap();
    assert_eq!(bus.lines(), ["1:0:hello", "1 retracted, again", "2:0:hello", "2:5: you"]);
}

#[tokio::test]
async fn no_frame_holds_an_echoed_key() {
    let server = Server::start(vec![status(500, "sk-canary"), status(500, "sk-canary"), good()]).await;
    let model = client(&server.base_url, settings(Delivery::Streamed)).await;
    let (call, bus) = plain_call();
    model.complete(call).await.unwrap();
    assert_eq!(bus.reasons(), ["status 500: ***", "status 500: ***"]);
}

#[tokio::test]
async fn a_lasting_failure_ends_after_the_last_attempt() {
    check_failure(status(500, "oops"), (Transient, 3), "status 500: oops (no attempt is left)").await;
    check_failure(Answer::raw("", Then::Close), (Transient, 3), "closed").await;
}

#[tokio::test]
async fn an_absurd_wait_is_not_waited() {
    for value in ["86400", "1e30", "Fri, 31 Dec 2100 23:59:59 GMT"] {
        let answer = Answer::status(429, &[("retry-after", value)], "{}");
        check_failure(answer, (Transient, 1), "longer than the 60s that are allowed").await;
    }
    let failure =
        ask(vec![Answer::status(503, &[("retry-after", "90")], "")], settings(Delivery::Streamed)).await;
    assert_eq!(failure.unwrap_err().retry_after, Some(Duration::from_secs(90)));
}

#[tokio::test]
async fn what_fails_again_is_not_asked_again() {
    let error =
        |code: &str| format!(r#"{{"error": {{"message": "key sk-canary is bad", "code": "{code}"}}}}"#);
    check_failure(
        status(401, &error("invalid_api_key")),
        (Permanent, 1),
        "check `OPENAI_API_KEY`: key *** is bad",
    )
    .await;
    check_failure(status(403, ""), (Permanent, 1), "check `OPENAI_API_KEY`").await;
    check_failure(
        status(404, &error("model_not_found")),
        (Permanent, 1),
        "check the model name `test-model`",
    )
    .await;
    check_failure(status(400, &error("invalid_request_error")), (Permanent, 1), "status 400").await;
    check_failure(status(429, &error("insufficient_quota")), (Permanent, 1), "no quota").await;
    check_failure(status(400, &error("context_length_exceeded")), (ContextOverflow, 1), "longer").await;
    check_failure(status(400, &error("content_filter")), (Refusal, 1), "filter").await;
    let redirect = Answer::status(307, &[("location", "http://evil.test/v1?key=sk-canary")], "");
    check_failure(redirect, (Permanent, 1), "redirects (307) to http://evil.test, which is not followed")
        .await;
}

#[tokio::test]
async fn what_is_no_reply_is_malformed() {
    let page = Answer::status(200, &[("content-type", "text/html")], "<html>login</html>");
    check_failure(page, (Malformed, 1), "does not look like an OpenAI-compatible endpoint").await;
    check_failure(Answer::status(200, &[], " <!doctype html>"), (Malformed, 1), "web page").await;
    check_failure(Answer::json("{\"choices\": [{\"mess"), (Malformed, 1), "not a chat completion").await;
    check_failure(Answer::json("[1, 2]"), (Malformed, 1), "not a chat completion").await;
    check_failure(Answer::json(r#"{"choices": []}"#), (Malformed, 1), "no choices").await;
    check_failure(Answer::json("{}"), (Malformed, 1), "no choices").await;
    check_failure(Answer::json(r#"{"error": {"message": "wrong"}}"#), (Malformed, 1), "wrong").await;
    let bad = [
        Answer::stream(&[HEL, "data: {nonsense\n\n", STOP]),
        Answer::stream(&["data: {\"choices\": []}\n\n", DONE]),
        Answer::stream(&[DONE]),
    ];
    for answer in bad {
        let failure = ask(vec![answer], settings(Delivery::Streamed)).await.unwrap_err();
        assert_eq!((failure.kind, failure.attempts), (Malformed, 1), "{failure}");
    }
    let failure = ask(vec![Answer::json("")], settings(Delivery::Whole)).await.unwrap_err();
    assert_eq!(failure.kind, Malformed);
}

#[tokio::test]
async fn a_refusal_is_told() {
    let whole =
        r#"{"choices": [{"message": {"content": null, "refusal": "I cannot"}, "finish_reason": "stop"}]}"#;
    check_failure(Answer::json(whole), (Refusal, 1), "declined: I cannot").await;
    let filtered = r#"{"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}"#;
    check_failure(Answer::json(filtered), (Refusal, 1), "content filter").await;
    let streamed = [
        "data: {\"choices\": [{\"delta\": {\"refusal\": \"I \"}}]}\n\n",
        "data: {\"choices\": [{\"delta\": {\"refusal\": \"cannot\"}, \"finish_reason\": \"stop\"}]}\n\n",
    ];
    let failure = ask(vec![Answer::stream(&streamed)], settings(Delivery::Streamed)).await.unwrap_err();
    assert!(failure.kind == Refusal && failure.detail.ends_with("I cannot"), "{failure}");
}

#[tokio::test]
async fn a_reply_above_its_caps_is_malformed() {
    let settings = |delivery| OpenAiSettings {
        caps: ReplyCaps { text_bytes: 8, ..ReplyCaps::default() },
        ..settings(delivery)
    };
    for (delivery, answer) in [(Delivery::Streamed, good()), (Delivery::Whole, Answer::json(WHOLE))] {
        let failure = ask(vec![answer], settings(delivery)).await.unwrap_err();
        assert!(failure.kind == Malformed && failure.detail.contains("longer than 8 bytes"), "{failure}");
    }
}

#[tokio::test]
async fn a_slow_drip_ends_at_the_total_time() {
    let mut settings = settings(Delivery::Streamed);
    settings.retry.max_attempts = 1;
    settings.timeouts.total = Duration::from_millis(20);
    let failure = ask(vec![Answer::cut_stream(&[HEL]).then(Then::Stall)], settings).await.unwrap_err();
    assert!(failure.kind == Transient && failure.detail.contains("not complete within 20ms"), "{failure}");
}

#[tokio::test]
async fn nobody_listening_is_transient() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let failure =
        client(&base_url, settings(Delivery::Streamed)).await.complete(plain_call().0).await.unwrap_err();
    assert_eq!((failure.kind, failure.attempts), (Transient, 3));
    assert!(failure.detail.contains(&base_url) && failure.detail.contains("refused"), "{failure}");
}

#[tokio::test]
async fn a_deadline_ends_a_call() {
    let server = Server::start(vec![Answer::raw("", Then::Stall)]).await;
    // The client's clock begins at this time.
    let begin = Timestamp(1_445_412_480_000_000);
    for left in [Duration::ZERO, Duration::from_millis(50)] {
        let model = client(&server.base_url, settings(Delivery::Streamed)).await;
        let (mut call, _) = plain_call();
        call.envelope.deadline = Some(begin.plus(left));
        let failure = model.complete(call).await.unwrap_err();
        assert!(failure.kind == Transient && failure.attempts <= 1, "{failure}");
        assert!(failure.detail.contains("deadline"), "{failure}");
    }
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once() {
    let server = Server::start(vec![Answer::raw("", Then::Stall)]).await;
    let model = client(&server.base_url, settings(Delivery::Streamed)).await;
    let (call, bus) = plain_call();
    let cancel = call.cancel.clone();
    let asked = async {
        while server.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(model.complete(call), asked);
    let failure = outcome.unwrap_err();
    assert!(failure.attempts == 1 && failure.detail.contains("cancelled"), "{failure}");
    assert_eq!(bus.lines(), ["1 retracted, failed"]);
}

#[tokio::test]
async fn an_echoed_key_does_not_come_through() {
    let whole = WHOLE.replace("hello you", "your key is sk-canary");
    check_reply(&[Answer::json(&whole)], Delivery::Whole, "your key is ***").await;
}
