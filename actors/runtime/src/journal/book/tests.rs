use std::sync::Arc;

use playhouse_journal::{Event, ExitKind, Kind, NewRecord, RecordKey, RunKey, RunRow};
use playhouse_messages::{JournalError, RunFacts, RunLog};
use playhouse_types::{
    Incarnation, Label, Lane, RunId, ScenarioName, Seq, Step, Timestamp, TraceContext, TurnId, TurnOutcome,
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
