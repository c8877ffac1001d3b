use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use playhouse_coordinator::RunRest;
use playhouse_journal::RunRow;
use playhouse_messages::EventBus;
use playhouse_runtime::BroadcastBus;

use super::*;
use crate::test_records::{RUN, agent, row, short_run};

/// What the bus holds for a slow watcher.
const HELD: u64 = 8_192;

/// The journal of one run, as far as it is written.
#[derive(Default)]
struct Written {
    records: Mutex<Vec<Record>>,
    is_down: AtomicBool,
}

impl JournalRead for Written {
    fn run(&self, _: RunId) -> BoxFuture<'_, Result<Option<RunRow>, ReadError>> {
        ready(Ok(None)).boxed()
    }

    fn runs(&self) -> BoxFuture<'_, Result<Vec<RunRow>, ReadError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn records(&self, _: RunId, after: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        if self.is_down.swap(false, Ordering::Relaxed) {
            return ready(Err(ReadError::Unavailable { path: "down".into(), source: "down".into() })).boxed();
        }
        let records = self.records.lock().unwrap();
        ready(Ok(records.iter().filter(|record| record.seq > after).take(limit).cloned().collect())).boxed()
    }
}

/// The short run as somebody writes it and somebody watches it.
struct Watched {
    records: Vec<Record>,
    journal: Arc<Written>,
    bus: BroadcastBus,
    end: watch::Sender<Option<RunEnd>>,
    events: RunEvents,
}

impl Watched {
    fn after(seq: u64) -> Self {
        let (journal, bus, end) =
            (Arc::new(Written::default()), BroadcastBus::new(), watch::Sender::new(None));
        let read = Arc::clone(&journal) as Arc<dyn JournalRead>;
        let events = RunEvents::new(RUN, Seq(seq), read, bus.watch(), end.subscribe());
        Self { records: short_run(), journal, bus, end, events }
    }

    /// Writes the next `n` records and shows them, as the journal's writer does.
    fn write(&self, n: usize) {
        let mut written = self.journal.records.lock().unwrap();
        let next: Vec<Record> = self.records.iter().skip(written.len()).take(n).cloned().collect();
        written.extend(next.iter().cloned());
        drop(written);
        next.into_iter().for_each(|record| self.bus.publish(BusEvent::Recorded(Arc::new(record))));
    }

    fn rest(&self) {
        let rest = RunRest::Suspended(String::new());
        self.end.send_replace(Some(RunEnd { row: row(), result: None, rest }));
    }

    fn token(&self, run: RunId, turn: u32, step: u32) {
        let (speaker, text) = (agent("clerk"), "x".to_owned());
        let (turn, step) = (TurnId(turn), Step(step));
        self.bus.publish(BusEvent::Token { run, turn, step, speaker, attempt: 1, offset: 0, text });
    }

    fn be_busy_elsewhere(&self, n: u64) {
        (0..n).for_each(|_| self.token(RunId::from_u128(8), 1, 1));
    }

    /// Returns what is to be seen without waiting: places, or the name of what has none.
    fn seen(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(update) = self.events.next().now_or_never() {
            let Some(update) = update.unwrap() else {
                seen.push("end".to_owned());
                break;
            };
            seen.push(match (update.seq, update.event) {
                (Some(seq), _) => seq.0.to_string(),
                (None, RunEvent::Token { turn, step, .. }) => format!("token {turn}.{step}"),
                (None, RunEvent::Lagged { n_missed }) => format!("lagged {n_missed}"),
                (None, event) => format!("{event:?}"),
            });
        }
        seen
    }
}

fn places(range: std::ops::RangeInclusive<u64>) -> Vec<String> {
    range.map(|seq| seq.to_string()).collect()
}

#[test]
fn what_was_written_before_comes_first_and_nothing_comes_twice() {
    let mut watched = Watched::after(0);
    watched.write(5);
    assert_eq!(watched.seen(), places(1..=5), "from the journal; the bus shows them again");
    watched.write(3);
    assert_eq!(watched.seen(), places(6..=8));
    watched.write(20);
    watched.rest();
    assert_eq!(watched.seen(), [places(9..=17), vec!["end".to_owned()]].concat());
    assert_eq!(watched.seen(), ["end"], "it stays at its end");
}

#[test]
fn a_slow_watcher_is_told_what_it_missed_and_gets_what_is_on_record() {
    let mut watched = Watched::after(0);
    watched.write(2);
    assert_eq!(watched.seen(), places(1..=2));
    watched.write(20);
    watched.be_busy_elsewhere(HELD);
    watched.rest();
    let expected = [vec!["lagged 15".to_owned()], places(3..=17), vec!["end".to_owned()]].concat();
    assert_eq!(watched.seen(), expected);
}

#[test]
fn busy_other_runs_do_not_keep_a_run_that_rests_from_its_end() {
    let mut watched = Watched::after(0);
    watched.write(20);
    watched.rest();
    for _ in 0..30 {
        watched.be_busy_elsewhere(2 * HELD);
        if watched.events.next().now_or_never().is_some_and(|update| update.unwrap().is_none()) {
            return;
        }
    }
    panic!("no end");
}

#[test]
fn a_journal_that_cannot_be_read_for_a_while_loses_nothing() {
    let mut watched = Watched::after(0);
    watched.write(3);
    watched.journal.is_down.store(true, Ordering::Relaxed);
    assert!(watched.events.next().now_or_never().unwrap().is_err());
    assert_eq!(watched.seen(), places(1..=3));
}

#[test]
fn tokens_are_shown_until_their_reply_is_known() {
    let mut watched = Watched::after(0);
    watched.token(RUN, 1, 1);
    watched.write(3);
    watched.token(RunId::from_u128(8), 1, 1);
    let expected = [places(1..=3), vec!["token 1.1".to_owned()]].concat();
    assert_eq!(watched.seen(), expected, "of this run only");
    watched.write(1);
    watched.token(RUN, 1, 1);
    watched.token(RUN, 1, 2);
    watched.token(RUN, 2, 1);
    assert_eq!(watched.seen(), ["4", "token 1.2", "token 2.1"], "a reply that is known is not shown again");
}

#[test]
fn a_watcher_that_begins_later_knows_what_was_used_before() {
    let mut watched = Watched::after(9);
    watched.write(20);
    let update = watched.events.next().now_or_never().unwrap().unwrap().unwrap();
    let RunEvent::ModelReplied { usage, .. } = update.event else { panic!("{update:?}") };
    assert_eq!((update.seq, usage.model_calls), (Some(Seq(10)), 2));
}
