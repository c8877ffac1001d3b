use std::sync::Arc;

use playhouse_journal::{
    Event, ExitKind, GateVerdict, Kind, NewRecord, RecordKey, RunKey, RunRow, ToolIntent,
};
use playhouse_messages::{JournalError, RunFacts, RunLog};
use playhouse_storage::{IntentRow, IntentState};
use playhouse_types::{
    CallId, Effect, EffectKeys, Incarnation, Label, Lane, ReviewId, RunId, ScenarioName, Seq, Step,
    Timestamp, ToolFailure, ToolFailureKind, ToolName, TraceContext, TurnId, TurnOutcome, Verdict,
};

use super::RunBook;

const RUN: RunId = RunId::from_u128(1);

fn book() -> RunBook {
    let scenario = ScenarioName::new("test").unwrap();
    let row = RunRow::admitted(RUN, scenario, Timestamp(0), TraceContext::default(), RunKey([1; 32]));
    RunBook::open(row, 1, Arc::new(RunLog::new(RUN)))
}

fn record(lane: &str, incarnation: u32, key: RecordKey, event: Event) -> NewRecord {
    NewRecord {
        lane: Lane::new(lane).unwrap(),
        incarnation: Incarnation(incarnation),
        key,
        causation: None,
        label: Label::default(),
        event,
    }
}

fn turn_ended(incarnation: u32, turn: u32) -> NewRecord {
    let turn = TurnId(turn);
    let key = RecordKey::new(turn, Step(0), 0, Kind::TurnEnded);
    record("clerk", incarnation, key, Event::TurnEnded { turn, outcome: TurnOutcome::Replied })
}

fn restarted(incarnation: u32) -> NewRecord {
    let incarnation = Incarnation(incarnation);
    let actor = Lane::new("clerk").unwrap();
    let key = RecordKey::new(TurnId(0), Step(incarnation.0), 1, Kind::ActorRestarted);
    let event = Event::ActorRestarted { actor, incarnation, checkpoint: Seq(0), down_micros: 0 };
    record("clerk", incarnation.0, key, event)
}

#[test]
fn a_repeated_key_returns_the_record_on_record() {
    let mut book = book();
    let first = book.append(vec![turn_ended(1, 1)], Timestamp(1)).unwrap();
    let again = book.append(vec![turn_ended(1, 1)], Timestamp(2)).unwrap();
    assert_eq!((first[0].seq, again[0].seq, again[0].time), (Seq(1), Seq(1), Timestamp(1)));
    assert_eq!(book.take_pending().unwrap().records.len(), 1);
}

#[test]
fn an_old_incarnation_is_refused_and_none_of_its_records_is_written() {
    let mut book = book();
    book.append(vec![restarted(2)], Timestamp(1)).unwrap();
    let refused = book.append(vec![turn_ended(2, 1), turn_ended(1, 2)], Timestamp(2)).unwrap_err();
    let lane = Lane::new("clerk").unwrap();
    assert_eq!(refused, JournalError::StaleIncarnation { lane, incarnation: Incarnation(1) });
    assert_eq!(book.log().head(), Seq(1));
}

#[test]
fn a_result_is_taken_from_any_incarnation() {
    let mut book = book();
    book.append(vec![restarted(2)], Timestamp(1)).unwrap();
    let call = playhouse_types::CallId { turn: TurnId(1), step: Step(1), ordinal: 0 };
    let key = RecordKey::new(call.turn, call.step, call.ordinal, Kind::ToolInDoubt);
    let late = record("clerk", 1, key, Event::ToolInDoubt { call, detail: "late".to_owned() });
    assert!(book.append(vec![late], Timestamp(2)).is_ok());
}

#[test]
fn records_that_ride_along_do_not_start_a_commit() {
    let mut book = book();
    book.append(vec![turn_ended(1, 1)], Timestamp(1)).unwrap();
    assert!(!book.is_urgent());
    let actor = Lane::new("clerk").unwrap();
    let key = RecordKey::new(TurnId(0), Step(1), 1, Kind::ActorFailed);
    let event = Event::ActorFailed {
        actor,
        incarnation: Incarnation(1),
        exit: ExitKind::Failed,
        reason: "boom".to_owned(),
    };
    book.append(vec![record("clerk", 1, key, event)], Timestamp(2)).unwrap();
    assert!(book.is_urgent());
    let append = book.take_pending().unwrap();
    assert_eq!((append.records.len(), append.head.seq), (2, Seq(0)));
    assert!(!book.is_urgent() && book.take_pending().is_none());
}

#[test]
fn a_reopened_book_goes_on_where_the_log_ends() {
    let mut first = book();
    first.append(vec![turn_ended(1, 1), turn_ended(1, 2)], Timestamp(1)).unwrap();
    let row = first.take_pending().unwrap().row.unwrap();
    let mut second = RunBook::open(row, 2, Arc::clone(first.log()));
    let known = second.append(vec![turn_ended(1, 2)], Timestamp(5)).unwrap();
    let new = second.append(vec![turn_ended(1, 3)], Timestamp(5)).unwrap();
    assert_eq!((known[0].seq, new[0].seq, new[0].lane_prev), (Seq(2), Seq(3), Some(Seq(2))));
    assert_eq!(new[0].epoch, 2);
}

#[test]
fn a_book_that_begins_at_any_record_goes_on_as_one_that_knows_all() {
    let mut whole = book();
    let records = [turn_ended(1, 1), restarted(2), turn_ended(2, 2), turn_ended(2, 3)];
    let records = whole.append(records.to_vec(), Timestamp(1)).unwrap();
    let row = whole.take_pending().unwrap().row.unwrap();
    for base in &records {
        let mut facts = RunFacts::default();
        records.iter().take_while(|record| record.seq <= base.seq).for_each(|record| facts.apply(record));
        let log = RunLog::with_base(Arc::clone(&records[0]), Arc::clone(base), Vec::new(), facts);
        records.iter().filter(|record| record.seq > base.seq).for_each(|record| log.push(Arc::clone(record)));
        let mut book = RunBook::open(row.clone(), 1, Arc::new(log));
        assert!(book.append(vec![turn_ended(1, 4)], Timestamp(5)).is_err(), "incarnation 1 is over");
        let new = book.append(vec![turn_ended(2, 4)], Timestamp(5)).unwrap();
        let append = book.take_pending().unwrap();
        assert_eq!((new[0].seq, new[0].prev_hash), (Seq(5), records[3].hash), "base {}", base.seq);
        assert_eq!((new[0].lane_prev, append.head.hash), (Some(Seq(4)), records[3].hash));
    }
}

const KEY: &str = "tenant:local:00ff";

const fn call(ordinal: u32) -> CallId {
    CallId { turn: TurnId(1), step: Step(1), ordinal }
}

fn intent(ordinal: u32, key: Option<&str>) -> Event {
    Event::ToolIntent(ToolIntent {
        call: call(ordinal),
        tool: ToolName::new("pay").unwrap(),
        arguments: "{}".to_owned(),
        effect: Effect::Once,
        keys: EffectKeys { idempotency: "00".to_owned(), intent: key.map(str::to_owned) },
        dispatch_by: Timestamp(9),
        verdict: GateVerdict::Allow,
    })
}

fn decided(ordinal: u32, verdict: Verdict) -> Event {
    Event::ReviewDecided { review: ReviewId::Doubt(call(ordinal)), verdict, by: "ann".to_owned() }
}

/// Appends events about the calls of one turn and returns what the next commit says about shared effects.
fn noted(book: &mut RunBook, events: Vec<(u32, Event)>) -> Vec<(u32, u64, IntentState)> {
    for (ordinal, event) in events {
        let key = match &event {
            Event::ReviewDecided { review, .. } => RecordKey::of_review(Kind::ReviewDecided, *review),
            event => RecordKey::new(TurnId(1), Step(1), ordinal, event.kind()),
        };
        book.append(vec![record("clerk", 1, key, event)], Timestamp(1)).unwrap();
    }
    let rows = book.take_pending().unwrap().intents;
    assert!(rows.iter().all(|row| (row.run, row.key.as_str()) == (RUN, KEY)), "{rows:?}");
    rows.into_iter().map(|IntentRow { call, seq, state, .. }| (call.ordinal, seq.0, state)).collect()
}

fn done(ordinal: u32) -> Event {
    let output = "paid".to_owned();
    Event::ToolResult { call: call(ordinal), output, full_bytes: None, recovered: false, duration_micros: 0 }
}

fn in_doubt(ordinal: u32) -> Event {
    Event::ToolInDoubt { call: call(ordinal), detail: "lost".to_owned() }
}

fn failed(ordinal: u32) -> Event {
    let failure = ToolFailure { kind: ToolFailureKind::NotDone, detail: "no".to_owned() };
    Event::ToolFailed { call: call(ordinal), failure }
}

#[test]
fn what_becomes_of_a_shared_effect_is_committed_with_the_record_that_says_so() {
    let mut book = book();
    let open = (0..4).map(|ordinal| (ordinal, intent(ordinal, Some(KEY)))).collect();
    let all_open = [0, 1, 2, 3].map(|ordinal| (ordinal, u64::from(ordinal) + 1, IntentState::Open));
    assert_eq!(noted(&mut book, open), all_open);
    let ends = vec![(0, done(0)), (1, failed(1)), (2, in_doubt(2)), (3, in_doubt(3))];
    let expected = [
        (0, 5, IntentState::Done),
        (1, 6, IntentState::Failed),
        (2, 7, IntentState::InDoubt),
        (3, 8, IntentState::InDoubt),
    ];
    assert_eq!(noted(&mut book, ends), expected);
    let landed = Verdict::Landed { output: "paid".to_owned() };
    let verdicts = vec![(2, decided(2, landed)), (3, decided(3, Verdict::DidNotHappen))];
    assert_eq!(noted(&mut book, verdicts), [(2, 9, IntentState::Done), (3, 10, IntentState::Failed)]);
}

#[test]
fn a_reopened_book_knows_which_effects_are_shared() {
    let mut first = book();
    assert_eq!(noted(&mut first, vec![(0, intent(0, Some(KEY)))]), [(0, 1, IntentState::Open)]);
    let mut second = RunBook::open(first.row.clone(), 2, Arc::clone(first.log()));
    assert_eq!(noted(&mut second, vec![(0, in_doubt(0))]), [(0, 2, IntentState::InDoubt)]);
}

#[test]
fn what_concerns_one_run_or_nobody_is_not_noted() {
    let mut book = book();
    let of_one_run = "00ff".repeat(16);
    let events = vec![
        (0, intent(0, Some(&of_one_run))),
        (1, intent(1, None)),
        (0, done(0)),
        (1, in_doubt(1)),
        (1, decided(1, Verdict::DidNotHappen)),
        (2, failed(2)),
    ];
    assert_eq!(noted(&mut book, events), []);
}
