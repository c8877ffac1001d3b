use std::sync::Arc;
use std::time::Duration;

use playhouse_messages::BusEvent;
use playhouse_types::{Step, TurnId, Usage};
use serde_json::{Value, json};

use super::{RunEvent, RunUpdate};
use crate::test_records::{RUN, agent, approval_run, records, short_run};

/// Returns the names of the events, checking on the way that each reads back from its JSON form.
fn names(updates: &[RunUpdate]) -> Vec<String> {
    let name = |update: &RunUpdate| {
        let text = serde_json::to_string(update).unwrap();
        assert_eq!(serde_json::from_str::<RunUpdate>(&text).unwrap(), *update, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()["event"].as_str().unwrap().to_owned()
    };
    updates.iter().map(name).collect()
}

#[test]
fn each_record_is_one_event_with_its_place() {
    let records = short_run();
    let updates: Vec<_> =
        records.iter().map(|record| RunUpdate::of_record(record, Usage::default())).collect();
    let expected = [
        "started",
        "message_posted",
        "turn_started",
        "model_replied",
        "tool_called",
        "tool_failed",
        "tool_answered",
        "actor_failed",
        "actor_restarted",
        "model_replied",
        "message_posted",
        "turn_ended",
        "turn_started",
        "model_replied",
        "message_posted",
        "turn_ended",
        "concluded",
    ];
    assert_eq!(names(&updates), expected);
    for (record, update) in records.iter().zip(&updates) {
        assert_eq!((update.seq, update.time), (Some(record.seq), Some(record.time)));
    }
}

#[test]
fn what_a_person_is_asked_reads_back() {
    let records = records(approval_run());
    let updates: Vec<_> =
        records.iter().map(|record| RunUpdate::of_record(record, Usage::default())).collect();
    assert_eq!(names(&updates), ["message_posted", "turn_started", "model_replied", "review_opened"]);
}

#[test]
fn who_was_selected_and_why_stands_in_one_flat_object() {
    let turn = RunUpdate::of_record(&short_run()[2], Usage::default());
    let expected = json!({
        "run": RUN.to_string(), "seq": 3, "time": 3_000, "event": "turn_started",
        "turn": 1, "speaker": "clerk", "reason": "next", "n_messages": 1,
    });
    assert_eq!(serde_json::to_value(turn).unwrap(), expected);
}

#[test]
fn a_reply_carries_what_the_run_has_used_so_far() {
    let usage = Usage { model_calls: 7, cost_microusd: None, ..Usage::default() };
    let replied = short_run().into_iter().map(Arc::new).find_map(|record| {
        let update = RunUpdate::of_bus(&BusEvent::Recorded(record), usage);
        match update.event {
            RunEvent::ModelReplied { usage, .. } => Some(usage),
            _ => None,
        }
    });
    assert_eq!(replied, Some(usage));
}

#[test]
fn frames_are_on_no_record() {
    let (run, turn, step, speaker) = (RUN, TurnId(1), Step(1), agent("clerk"));
    let token = BusEvent::Token {
        run,
        turn,
        step,
        speaker: speaker.clone(),
        attempt: 1,
        offset: 4,
        text: "x".to_owned(),
    };
    let (reason, retry_in) = ("cut".to_owned(), Some(Duration::from_millis(2)));
    let retracted = BusEvent::Retracted { run, turn, step, speaker, attempt: 1, reason, retry_in };
    let updates = [token, retracted].map(|shown| RunUpdate::of_bus(&shown, Usage::default()));
    assert_eq!(names(&updates), ["token", "retracted"]);
    assert!(updates.iter().all(|update| (update.seq, update.time) == (None, None)));
    assert!(
        matches!(&updates[1].event, RunEvent::Retracted { retry_in_micros: Some(2_000), .. }),
        "{updates:?}"
    );
}
