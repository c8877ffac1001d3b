use super::{ConversationJson, RunJson, UsageJson, canonical_json, record_json};
use crate::Conversation;
use crate::test_records::{nested_run, records, row, settled_run, short_run};
use playhouse_journal::canonical;
use playhouse_types::Verdict;
use serde_json::{Value, json};

#[test]
fn a_run_has_the_documented_fields() {
    let expected = json!({
        "run": "00000000000000000000000007",
        "parent": null,
        "scenario": "demo",
        "case": null,
        "status": "running",
        "outcome": null,
        "started_at": "1970-01-01T00:00:00.001000Z",
        "turns": 0,
            "forked_from": null,
    });
    assert_eq!(serde_json::to_value(RunJson::from(&row())).unwrap(), expected);
    let mut ended = row();
    short_run().iter().for_each(|record| ended.apply(record));
    let shown = serde_json::to_value(RunJson::from(&ended)).unwrap();
    assert_eq!(shown["outcome"], json!({ "kind": "concluded", "detail": "`CLOSED` was said" }));
    assert_eq!((&shown["status"], &shown["turns"]), (&json!("concluded"), &json!(2)));
}

#[test]
fn a_conversation_has_the_documented_fields() {
    let conversation = Conversation::fold(&short_run());
    let result = conversation.result().map(ToOwned::to_owned);
    let usage = UsageJson::of_run(*conversation.usage(), conversation.usage_breakdown());
    let shown = ConversationJson::new(&row(), &conversation, result, usage).unwrap();
    let shown: Value = serde_json::from_str(&serde_json::to_string(&shown).unwrap()).unwrap();
    assert_eq!(shown["trace_id"], "00000000000000000000000000000abc");
    assert_eq!(shown["result"], json!({ "paid": true }));
    assert_eq!(shown["restarts"], 1);
    let used = |calls: u64, tools: u64| {
        json!({ "input_tokens": calls * 10, "output_tokens": calls * 5, "model_calls": calls, "tool_calls": tools,
                "cost_microusd": 0, "lost": 0 })
    };
    let with = |mut usage: Value, more: Value| {
        usage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        usage
    };
    let call = |turn: u32, step: u32, agent: &str, tools: u64| {
        let place = json!({ "turn": turn, "step": step, "agent": agent, "model": "unknown", "crews": [], "tasks": [] });
        with(used(1, tools), place)
    };
    let parts = json!({
        "by_agent": { "auditor": used(1, 0), "clerk": used(2, 2) },
        "by_model": { "unknown": used(3, 2) },
        "by_task": {},
        "by_crew": {},
        "by_turn": { "1": used(2, 2), "2": used(1, 0) },
        "by_call": [call(1, 1, "clerk", 2), call(1, 2, "clerk", 0), call(2, 1, "auditor", 0)],
    });
    assert_eq!(shown["usage"], with(used(3, 2), parts));
    assert_eq!(serde_json::to_value(UsageJson::of_sum(*conversation.usage())).unwrap(), used(3, 2));
    let said = json!({
        "ordinal": 1,
        "turn": 1,
        "from": "clerk",
        "crews": [],
        "to": "conversation",
        "content": "total is 5",
        "tool_calls": [
            { "call": "call_1_1_0", "tool": "read", "args": { "file": "a" }, "effect": "pure", "result": "{\"total\":5}" },
            { "call": "call_1_1_1", "tool": "nope", "args": {}, "effect": null,
              "result": { "failed": "there is no tool `nope`" } },
        ],
    });
    assert_eq!(shown["messages"][1], said);
}

#[test]
fn calls_of_a_turn_that_said_nothing_are_not_lost() {
    let records = short_run();
    let conversation = Conversation::fold(&records[..7]);
    let shown = serde_json::to_value(super::messages(&conversation)).unwrap();
    assert_eq!((&shown[1]["ordinal"], &shown[1]["from"]), (&Value::Null, &json!("clerk")));
    assert_eq!(shown[1]["tool_calls"].as_array().unwrap().len(), 2);
}

#[test]
fn a_message_says_in_which_conversation_it_is_and_who_hears_it() {
    let messages = super::messages(&Conversation::fold(&nested_run()));
    let shown = messages.iter().map(|message| {
        let crews: Vec<&str> = message.crews.iter().map(playhouse_types::AgentName::as_str).collect();
        format!("{} {} [{}] {}", message.from, message.content.len(), crews.join("/"), message.to)
    });
    let expected = [
        "user 2 [] conversation",
        "lead 14 [] conversation",
        "user 8 [panel] conversation",
        "user 3 [panel/pair] conversation",
        "x 16 [panel/pair] conversation",
        "pair 1 [panel] conversation",
        "panel 1 [] conversation",
        "user 5 [panel] conversation",
        "x 1 [panel] conversation",
        "lab 3 [] call_1_1_0",
        "judge 13 [panel] pattern",
        "panel 1 [] pattern",
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

#[test]
fn a_call_that_a_person_settled_is_in_doubt_no_more() {
    let result = |verdict| {
        let conversation = Conversation::fold(&records(settled_run(verdict)));
        let shown = serde_json::to_value(super::messages(&conversation)).unwrap();
        shown[1]["tool_calls"][0]["result"].clone()
    };
    let settled = |found: &str, output: Value| json!({ "settled": { "found": found, "output": output, "by": "ann", "doubt": "lost" } });
    let output = "posted".to_owned();
    assert_eq!(result(Verdict::Landed { output }), settled("happened", json!("posted")));
    assert_eq!(result(Verdict::DidNotHappen), settled("did_not_happen", Value::Null));
    assert_eq!(result(Verdict::Abandon), settled("unknown", Value::Null));
}

#[test]
fn a_record_is_a_line_with_its_body() {
    let records = short_run();
    let shown: Value = serde_json::from_str(&record_json(&records[2]).unwrap()).unwrap();
    let expected = json!({
        "kind": "TurnAssigned",
        "seq": 3,
        "lane": "run",
        "turn": 1,
        "incarnation": 1,
        "time": "1970-01-01T00:00:00.003000Z",
        "key": "1/0/0/TurnAssigned",
        "body": { "turn": 1, "speaker": "clerk", "reason": "next", "upto": 1 },
    });
    assert_eq!(shown, expected);
    let admitted: Value = serde_json::from_str(&record_json(&records[0]).unwrap()).unwrap();
    assert_eq!(admitted["body"]["definition_hash"], "ab".repeat(32));
    assert_eq!(admitted["body"]["trace"]["trace_id"], "f".repeat(32));
}

#[test]
fn a_canonical_record_has_nothing_of_its_run() {
    let lines: Vec<String> =
        canonical(&short_run()).iter().map(|record| canonical_json(record).unwrap()).collect();
    let first: Value = serde_json::from_str(&lines[0]).unwrap();
    let fields: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["body", "key", "kind", "lane", "turn"]);
    assert!(!lines.iter().any(|line| line.contains("ActorRestarted")), "operational records are left out");
}
