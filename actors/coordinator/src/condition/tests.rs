use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use playhouse_journal::{ChainHash, Command, CommandId, Event, Record, RecordKey};
use playhouse_types::{
    AgentName, CallId, FinishReason, Incarnation, Label, Lane, Message, ModelReply, Participant, RunId, Seq,
    Step, TenantId, Timestamp, TokenUsage, ToolCallRequest, ToolFailure, ToolFailureKind, TurnId,
    TurnOutcome,
};

use super::{
    Condition, Moment, Tally, active_for, call_loop, called, cost_microusd, deadline, external, handoff,
    messages, no_progress, repeated_calls, says, says_by, says_word, silence, silent_for, spoken, tokens,
    turns, when,
};

fn name(text: &str) -> AgentName {
    AgentName::new(text).unwrap()
}

/// A record of an agent's lane at `second` seconds.
fn record_at(second: i64, lane: &str, turn: u32, step: u32, event: Event) -> Record {
    Record {
        run: RunId::from_u128(1),
        seq: Seq(1),
        prev_hash: ChainHash::default(),
        hash: ChainHash::default(),
        epoch: 1,
        incarnation: Incarnation(1),
        lane: Lane::new(lane).unwrap(),
        lane_prev: None,
        key: RecordKey::new(TurnId(turn), Step(step), 0, event.kind()),
        schema_version: 1,
        time: Timestamp(second * 1_000_000),
        tenant: TenantId::default(),
        label: Label::default(),
        causation: None,
        event,
    }
}

pub(super) fn assigned(turn: u32, speaker: &str) -> Record {
    let (turn_id, reason) = (TurnId(turn), String::new());
    let event = Event::TurnAssigned { turn: turn_id, speaker: name(speaker), reason, upto: 1 };
    record_at(0, "run", turn, 0, event)
}

pub(super) fn ended(turn: u32, outcome: TurnOutcome) -> Record {
    record_at(0, "run", turn, 0, Event::TurnEnded { turn: TurnId(turn), outcome })
}

pub(super) fn posted(turn: u32, from: Participant, content: &str) -> Record {
    let message = Message { turn: TurnId(turn), from, content: content.to_owned(), label: Label::default() };
    record_at(0, "run", turn, 0, Event::MessagePosted { message })
}

pub(super) fn said(turn: u32, speaker: &str, content: &str) -> Record {
    posted(turn, Participant::Agent(name(speaker)), content)
}

/// A reply that asks for calls of (tool, arguments) and used 10 tokens for 5 micro-dollars.
pub(super) fn asked_for(turn: u32, step: u32, agent: &str, calls: &[(&str, &str)]) -> Record {
    let call = |(tool, arguments): &(&str, &str)| ToolCallRequest {
        tool: (*tool).to_owned(),
        arguments: (*arguments).to_owned(),
    };
    let reply = ModelReply {
        content: String::new(),
        tool_calls: calls.iter().map(call).collect(),
        finish: FinishReason::ToolCalls,
        usage: TokenUsage { input_tokens: 8, output_tokens: 2, ..TokenUsage::default() },
        cost_microusd: Some(5),
        response_model: None,
    };
    record_at(0, agent, turn, step, Event::ModelResult { reply, attempts: 1, duration_micros: 0 })
}

const fn call_id(turn: u32, step: u32, ordinal: u32) -> CallId {
    CallId { turn: TurnId(turn), step: Step(step), ordinal }
}

pub(super) fn answered(turn: u32, step: u32, ordinal: u32, agent: &str, output: &str) -> Record {
    let (call, output) = (call_id(turn, step, ordinal), output.to_owned());
    let event = Event::ToolResult { call, output, full_bytes: None, recovered: false, duration_micros: 0 };
    record_at(0, agent, turn, step, event)
}

fn failed(turn: u32, step: u32, agent: &str) -> Record {
    let failure = ToolFailure { kind: ToolFailureKind::Overloaded, detail: String::new() };
    record_at(0, agent, turn, step, Event::ToolFailed { call: call_id(turn, step, 0), failure })
}

pub(super) fn signal(name: &str) -> Record {
    let command = Command::Signal { name: name.to_owned() };
    record_at(0, "run", 0, 0, Event::CommandAccepted { id: CommandId(name.to_owned()), command })
}

/// A turn of one message.
fn talk(turn: u32, speaker: &str, content: &str) -> Vec<Record> {
    vec![assigned(turn, speaker), said(turn, speaker, content), ended(turn, TurnOutcome::Replied)]
}

/// A turn of one call and one message.
fn work(turn: u32, call: (&str, &str), output: &str, content: &str) -> Vec<Record> {
    let mut records = vec![assigned(turn, "a"), asked_for(turn, 1, "a", &[call])];
    records.extend([answered(turn, 1, 0, "a", output), said(turn, "a", content)]);
    records.push(ended(turn, TurnOutcome::Replied));
    records
}

pub(super) fn tally_of(condition: &Condition, records: &[Record]) -> Tally {
    let mut tally = Tally::default();
    records.iter().for_each(|record| tally.apply(record, [condition]));
    tally
}

#[track_caller]
fn check(condition: &Condition, records: &[Record], expected: Option<&str>) {
    let tally = tally_of(condition, records);
    assert_eq!(condition.met(&tally, tally.moment()).as_deref(), expected);
}

/// Checks that a condition is met by the last record and not before.
#[track_caller]
fn check_last(condition: &Condition, records: &[Record], expected: &str) {
    check(condition, &records[..records.len() - 1], None);
    check(condition, records, Some(expected));
}

#[test]
fn a_text_once_said_stays_said() {
    let records = [said(1, "a", "CLOSED: paid"), said(2, "b", "more")];
    check(&says("CLOSED"), &records, Some("`CLOSED` was said"));
    check(&says("closed"), &records, None);
}

#[test]
fn the_input_and_notes_of_the_runtime_say_nothing() {
    let records = [posted(0, Participant::User, "DONE"), posted(1, Participant::Runtime, "DONE")];
    for condition in [says("DONE"), says_word("DONE"), says_by("user", "DONE"), messages(1), spoken("user")] {
        check(&condition, &records, None);
    }
}

#[test]
fn a_word_stands_alone() {
    let said_as = |content: &str| [said(1, "a", content)];
    for whole in ["DONE", "DONE.", "It is DONE!", "(DONE)", "UNDONE, now DONE", "über-DONE"] {
        check(&says_word("DONE"), &said_as(whole), Some("the word `DONE` was said"));
    }
    for part in ["UNDONE", "DONE_2", "DONE2", "DONEé", "done", ""] {
        check(&says_word("DONE"), &said_as(part), None);
    }
    check(&says_word("a a"), &said_as("ba a a"), Some("the word `a a` was said"));
}

#[test]
fn a_text_by_somebody_else_does_not_count() {
    check(&says_by("a", "DONE"), &[said(1, "b", "DONE"), said(2, "a", "no")], None);
    check_last(&says_by("a", "DONE"), &[said(1, "b", "DONE"), said(2, "a", "DONE")], "`a` said `DONE`");
}

#[test]
fn somebody_has_spoken_once_they_said_anything() {
    check_last(&spoken("b"), &[assigned(1, "b"), said(1, "a", "x"), said(1, "b", "")], "`b` has spoken");
}

#[test]
fn counters_meet_at_their_bound() {
    let two_turns = [talk(1, "a", "x"), talk(2, "b", "y")].concat();
    check_last(&turns(2), &two_turns, "2 turns were taken");
    check(&turns(3), &two_turns, None);
    check_last(&messages(2), &two_turns[..5], "2 of 2 messages were said");
    let calls = [asked_for(1, 1, "a", &[]), asked_for(1, 2, "a", &[])];
    check_last(&tokens(15), &calls, "20 of 15 tokens were used");
    check_last(&cost_microusd(10), &calls, "10 of 10 micro-dollars were spent");
}

#[test]
fn a_handoff_is_met_by_the_turn_that_ends_with_it() {
    let to_b = TurnOutcome::HandedOff { to: name("b") };
    check_last(&handoff("b"), &[assigned(1, "a"), ended(1, to_b.clone())], "an agent handed over to `b`");
    check(&handoff("a"), &[ended(1, to_b)], None);
}

#[test]
fn a_tool_was_called_once_a_call_of_it_has_a_result() {
    let pay = ("pay", "{}");
    let asked = asked_for(1, 1, "a", &[("read", "{}"), pay]);
    let read = answered(1, 1, 0, "a", "text");
    check(&called("pay"), &[asked.clone(), read.clone()], None);
    let records = [asked, read, answered(1, 1, 1, "a", "paid")];
    check_last(&called("pay"), &records, "the tool `pay` was called");
    check(&called("pay"), &[asked_for(1, 1, "a", &[pay]), failed(1, 1, "a")], None);
}

#[test]
fn active_time_and_the_deadline_are_looked_at_between_records() {
    let (tally, ten) = (Tally::default(), Duration::from_secs(10));
    let at = |seconds: u64| Moment {
        now: Timestamp(0).plus(Duration::from_secs(seconds)),
        active: Duration::from_secs(seconds),
    };
    let ends = deadline(SystemTime::UNIX_EPOCH + ten);
    for condition in [&active_for(ten), &ends, &silent_for(ten)] {
        assert_eq!(condition.met(&tally, at(9)), None);
    }
    assert_eq!(active_for(ten).met(&tally, at(10)).as_deref(), Some("the run was active for 10s"));
    assert_eq!(ends.met(&tally, at(10)).as_deref(), Some("the deadline has passed"));
    let silent = silent_for(ten).met(&tally, at(10));
    assert_eq!(silent.as_deref(), Some("no agent said anything for 10s"));
}

#[test]
fn a_deadline_that_has_passed_stays_passed_when_the_clock_is_set_back() {
    let ends = deadline(Timestamp(10_000_000));
    let mut tally = Tally::default();
    tally.apply(&record_at(10, "run", 0, 0, Event::Resumed { epoch: 2, clean: true }), [&ends]);
    let set_back = Moment { now: Timestamp(0), ..Moment::default() };
    assert!(ends.met(&tally, set_back).is_some());
}

#[test]
fn a_silence_ends_with_the_next_message_and_is_not_forgotten() {
    let condition = silent_for(Duration::from_secs(10));
    let mut tally = Tally::default();
    for (active, is_met) in [(4, false), (13, false), (22, false), (32, true), (33, true)] {
        tally.active = Duration::from_secs(active);
        tally.apply(&said(1, "a", "still here"), [&condition]);
        assert_eq!(condition.met(&tally, tally.moment()).is_some(), is_met, "at {active}");
    }
}

#[test]
fn a_function_sees_each_message_once_until_it_says_yes() {
    let n_asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&n_asked);
    let long = when("long", move |message| {
        counted.fetch_add(1, Ordering::Relaxed);
        message.content.len() > 3
    });
    // It stands twice in the conditions, and is one function.
    let condition = long.clone().and(turns(1).or(long));
    let records = [
        posted(0, Participant::User, "go"),
        said(1, "a", "no"),
        said(1, "a", "long"),
        said(2, "b", "longer"),
    ];
    let tally = tally_of(&condition, &records);
    let met = condition.met(&tally, tally.moment());
    assert_eq!(met.as_deref(), Some("a message met `long` and a message met `long`"));
    assert_eq!(n_asked.load(Ordering::Relaxed), 3);
}

#[test]
fn a_function_that_panics_is_named_and_nobody_is_asked_again() {
    let condition = when("broken", |message| match message.content.as_str() {
        "fine" => false,
        other => panic!("cannot read {other}"),
    });
    let records = [said(1, "a", "fine"), said(2, "b", "odd"), said(3, "a", "odder")];
    let tally = tally_of(&condition, &records);
    assert_eq!(tally.failure(), Some("the condition `broken` panicked at a message of `b`"));
    assert_eq!(condition.met(&tally, tally.moment()), None);
}

#[test]
fn a_signal_meets_what_waits_for_it() {
    check_last(&external("stop"), &[signal("go"), signal("stop")], "the signal `stop` was given");
}

#[test]
fn the_same_call_three_times_in_a_row_is_a_loop() {
    let again = |turn| work(turn, ("read", r#"{"a":1,"b":2}"#), "text", "reading");
    let spaced = work(3, ("read", r#"{ "b": 2, "a": 1 }"#), "text", "reading");
    let looped = "`a` called `read` with the same arguments 3 times in a row";
    check(&call_loop(), &[again(1), again(2), spaced.clone()].concat(), Some(looped));
    check(&call_loop(), &[again(1), again(2)].concat(), None);
    let other = work(2, ("read", r#"{"a":2}"#), "text", "reading");
    check(&call_loop(), &[again(1), other, again(3), again(4)].concat(), None);
    // Another agent's calls neither make the loop longer nor end it.
    let mut records = [again(1), again(2)].concat();
    records.extend([asked_for(3, 1, "b", &[("read", r#"{"a":1,"b":2}"#)]), answered(3, 1, 0, "b", "text")]);
    check(&call_loop(), &records, None);
    records.extend(again(4));
    check(&call_loop(), &records, Some(looped));
}

#[test]
fn a_loop_of_calls_that_fail_is_a_loop_and_one_in_flight_is_not_cut_off() {
    let mut records = Vec::new();
    for step in 1..=2 {
        records.extend([asked_for(1, step, "a", &[("pay", "not json")]), failed(1, step, "a")]);
    }
    records.push(asked_for(1, 3, "a", &[("pay", " not json")]));
    check(&repeated_calls(3), &records, None);
    records.push(failed(1, 3, "a"));
    check_last(&repeated_calls(3), &records, "`a` called `pay` with the same arguments 3 times in a row");
}

#[test]
fn turns_that_repeat_what_was_said_bring_no_progress() {
    let thanks = [talk(1, "a", "Thanks!"), talk(2, "b", "Thanks!"), talk(3, "a", " Thanks!\n")].concat();
    check_last(&no_progress(2), &thanks, "2 turns in a row brought nothing new");
    let other = [talk(1, "a", "Thanks!"), talk(2, "b", "Thanks!"), talk(3, "a", "Bye!")].concat();
    check(&no_progress(2), &other, None);
}

#[test]
fn a_new_tool_result_is_progress_and_an_old_one_is_not() {
    let status = |turn, output| work(turn, ("status", "{}"), output, "waiting");
    let pending = [status(1, "pending"), status(2, "pending"), status(3, "pending")].concat();
    check_last(&no_progress(2), &pending, "2 turns in a row brought nothing new");
    let moving = [status(1, "pending"), status(2, "pending"), status(3, "half done")].concat();
    check(&no_progress(2), &moving, None);
    // The same answer to another question is new.
    let elsewhere = work(3, ("status", r#"{"of":2}"#), "pending", "waiting");
    check(&no_progress(2), &[status(1, "pending"), status(2, "pending"), elsewhere].concat(), None);
}

#[test]
fn turns_without_a_message_are_silent_whatever_they_did() {
    let silent = |turn| vec![assigned(turn, "a"), ended(turn, TurnOutcome::HandedOff { to: name("b") })];
    let noted = vec![
        assigned(2, "a"),
        posted(2, Participant::Runtime, "brought nothing"),
        ended(2, TurnOutcome::Skipped { reason: String::new() }),
    ];
    let records = [silent(1), noted].concat();
    check_last(&silence(2), &records, "2 turns in a row ended without a message");
    check(&silence(2), &[silent(1), talk(2, "a", "x"), silent(3)].concat(), None);
}

#[test]
fn every_message_of_turns_at_once_is_seen() {
    let both = says("FIRST").and(spoken("b")).and(messages(2));
    let records = [assigned(1, "a"), assigned(2, "b"), said(1, "a", "FIRST"), ended(1, TurnOutcome::Replied)];
    check(&both, &records, None);
    let rest = vec![said(2, "b", "second"), ended(2, TurnOutcome::Replied)];
    let met = "`FIRST` was said and `b` has spoken and 2 of 2 messages were said";
    check(&both, &[records.to_vec(), rest].concat(), Some(met));
}

#[test]
fn and_needs_both_even_if_met_at_different_times() {
    let both = says("A").and(says("B"));
    check_last(&both, &[said(1, "a", "A"), said(2, "b", "B")], "`A` was said and `B` was said");
}

#[test]
fn or_needs_one() {
    check(&says("A").or(turns(9)), &[said(1, "a", "A")], Some("`A` was said"));
}

#[test]
fn nothing_of_all_is_never_met() {
    check(&Condition::All(vec![]), &[said(1, "a", "x")], None);
    check(&Condition::Any(vec![]), &[said(1, "a", "x")], None);
}

#[test]
fn a_function_is_written_as_its_name() {
    let condition = when("long", |_| true).or(says_by("a", "x"));
    let expected = r#"{"any":[{"when":"long"},{"says_by":{"agent":"a","text":"x"}}]}"#;
    assert_eq!(serde_json::to_string(&condition).unwrap(), expected);
}
