use std::sync::Arc;
use std::time::Duration;

use playhouse_messages::{Exchange, ExchangeCall, Model, ModelCall, OwnTurn, RequestHeader};
use playhouse_models::{
    Delivery, Endpoint, EndpointLimits, OpenAiModel, OpenAiParts, OpenAiSettings, PriceTable,
};
use playhouse_types::{CallId, Effect, IntentScope, Participant, Step, ThreadId, ToolName, ToolSpec, TurnId};

use crate::server::{Answer, Seen, Server};
use crate::support::{TestClock, agent, call, client, draws, header, limits, plain_call, settings};

const REPLY: &str = r#"{"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]}"#;

async fn sent(call: ModelCall, delivery: Delivery) -> Seen {
    let server = Server::start(vec![Answer::json(REPLY)]).await;
    client(&server.base_url, settings(delivery)).await.complete(call).await.unwrap();
    server.seen().remove(0)
}

fn tool() -> Arc<ToolSpec> {
    Arc::new(ToolSpec {
        name: ToolName::new("read").unwrap(),
        description: "Reads.".to_owned(),
        schema: r#"{"type": "object"}"#.to_owned(),
        effect: Effect::Pure,
        intent: Vec::new(),
        scope: IntentScope::Run,
        timeout: Duration::from_secs(1),
        settles_within: Duration::ZERO,
        concurrency: 1,
        rate_per_second: None,
        retries: 0,
        output_limit_bytes: 1,
        approval: false,
    })
}

fn exchange_call(ordinal: u32, tool: &str, arguments: &str) -> ExchangeCall {
    let call = CallId { turn: TurnId(1), step: Step(1), ordinal };
    let (tool, arguments, answer) = (tool.to_owned(), arguments.to_owned(), "done".to_owned());
    ExchangeCall { call, tool, arguments, answer, failed: false }
}

#[tokio::test]
async fn a_request_holds_instructions_tools_conversation_and_own_exchanges() {
    let header = RequestHeader { tools: vec![tool()], max_output_tokens: Some(99), ..header() };
    let calls = vec![
        exchange_call(0, "read", r#"{"x":1}"#),
        exchange_call(1, "bad name", "broken"),
        exchange_call(2, "read", ""),
    ];
    let own = vec![OwnTurn {
        turn: TurnId(1),
        thread: ThreadId::MAIN,
        upto: 1,
        exchanges: vec![Exchange { content: String::new(), calls, feedback: None }],
    }];
    let messages = [
        (Participant::User, "hello \"you\""),
        (Participant::Agent(agent("clerk")), "hi"),
        (Participant::Agent(agent("auditor")), "why?"),
    ];
    let (call, _) = call(header, &messages, own);
    let seen = sent(call, Delivery::Streamed).await;
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    let function = |id: &str, name: &str, arguments: &str| serde_json::json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let answer = |id: &str| serde_json::json!({"role": "tool", "tool_call_id": id, "content": "done"});
    let expected = serde_json::json!({
        "model": "test-model",
        "stream": true,
        "stream_options": {"include_usage": true},
        "max_tokens": 99,
        "tools": [{"type": "function", "function": {"name": "read", "description": "Reads.", "parameters": {"type": "object"}}}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hello \"you\""},
            {"role": "assistant", "content": null, "tool_calls": [
                function("call_1_1_0", "read", r#"{"x":1}"#),
                function("call_1_1_1", "bad_name", r#"{"invalid_arguments":"broken"}"#),
                function("call_1_1_2", "read", "{}"),
            ]},
            answer("call_1_1_0"),
            answer("call_1_1_1"),
            answer("call_1_1_2"),
            {"role": "assistant", "content": "hi"},
            {"role": "user", "content": "auditor: why?"},
        ],
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_request_says_how_many_messages_are_left_out() {
    let messages = ["task", "b", "c", "d"].map(|text| (Participant::User, text));
    let (mut call, _) = call(RequestHeader { system: String::new(), ..header() }, &messages, Vec::new());
    call.request.transcript = call.request.transcript.without(1..3);
    let seen = sent(call, Delivery::Whole).await;
    assert_eq!(
        seen.body,
        r#"{"model":"test-model","messages":[{"content":"task","role":"user"},{"role":"user","content":"[Earlier messages that are left out here: 2]"},{"content":"d","role":"user"}]}"#
    );
}

#[tokio::test]
async fn a_whole_delivery_asks_for_no_stream() {
    let seen = sent(plain_call().0, Delivery::Whole).await;
    let expected = r#"{"model":"test-model","messages":[{"role":"system","content":"Be brief."},{"content":"hello","role":"user"}]}"#;
    assert_eq!(seen.body, expected);
}

#[tokio::test]
async fn without_instructions_the_conversation_is_all() {
    let (call, _) = call(
        RequestHeader { system: String::new(), ..header() },
        &[(Participant::User, "a"), (Participant::User, "b")],
        Vec::new(),
    );
    let seen = sent(call, Delivery::Whole).await;
    assert_eq!(
        seen.body,
        r#"{"model":"test-model","messages":[{"content":"a","role":"user"},{"content":"b","role":"user"}]}"#
    );
}

#[tokio::test]
async fn key_and_trace_go_out_as_headers() {
    let seen = sent(plain_call().0, Delivery::Streamed).await;
    assert_eq!(seen.path, "/v1/chat/completions");
    let header = |name: &str| seen.headers.get(name).map(String::as_str);
    assert_eq!(header("authorization"), Some("Bearer sk-canary"));
    assert_eq!(header("content-type"), Some("application/json"));
    assert_eq!(header("traceparent"), Some("00-00000000000000000000000000000abc-0000000000000def-01"));
}

#[tokio::test]
async fn without_a_key_no_authorization_goes_out_and_a_query_is_kept() {
    let server = Server::start(vec![Answer::json(REPLY)]).await;
    let clock = TestClock::start();
    let parts = OpenAiParts {
        endpoint: Endpoint::new(&format!("{}/?version=2", server.base_url), None).unwrap(),
        settings: OpenAiSettings::default(),
        http: playhouse_http::HttpClient::new(playhouse_http::HttpLimits::default()),
        limits: limits(EndpointLimits::default(), &clock).await,
        prices: Arc::new(PriceTable::default()),
        clock,
        draws: draws(),
    };
    let answer = OpenAiModel::new(parts).unwrap().complete(plain_call().0).await.unwrap();
    assert_eq!(answer.reply.cost_microusd, None);
    let seen = server.seen().remove(0);
    assert_eq!(
        (seen.path.as_str(), seen.headers.contains_key("authorization")),
        ("/v1/chat/completions?version=2", false)
    );
}

#[tokio::test]
async fn a_tool_whose_schema_is_no_json_is_named() {
    let mut spec = (*tool()).clone();
    spec.schema = "{".to_owned();
    let header = RequestHeader { tools: vec![Arc::new(spec)], ..header() };
    let (call, _) = call(header, &[], Vec::new());
    let failure =
        client("http://127.0.0.1:1/v1", settings(Delivery::Streamed)).await.complete(call).await.unwrap_err();
    assert!(failure.attempts == 0 && failure.detail.contains("`read`"), "{failure}");
}
