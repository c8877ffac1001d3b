//! Stored samples: every format that was ever released keeps loading, and today's is the newest sample.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use playhouse_journal::{Command, CommandId, CommandInbox, Event, JournalRead, PendingCommand, ReadError};
use playhouse_storage::conformance::sample::{Run, commit};
use playhouse_storage::conformance::{FIRST, Harness, SECOND};
use playhouse_storage::{IntentRow, IntentState, RunAppend, Snapshot, Store};
use playhouse_types::{CallId, Lane, RunId, Seq, Step, TurnId};
use rusqlite::Connection;

use crate::place::Place;

/// Rewrites the sample of today's format: for a format that is not released yet.
const UPDATE: &str = "PLAYHOUSE_UPDATE_SAMPLES";

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/samples").join(name)
}

fn long() -> String {
    "a text that is stored apart ".repeat(20)
}

fn cancel(name: &str) -> PendingCommand {
    PendingCommand {
        id: CommandId(name.to_owned()),
        command: Command::Cancel { reason: "enough".to_owned() },
    }
}

fn snapshot(run: &Run) -> Snapshot {
    Snapshot {
        run: run.id,
        lane: Lane::run(),
        seq: Seq(2),
        fold_version: 1,
        state_hash: [5; 32],
        state: b"state".to_vec(),
    }
}

const KEY: &str = "tenant:local:00ff";
const CALL: CallId = CallId { turn: TurnId(1), step: Step(2), ordinal: 3 };

/// Writes something into every table.
async fn fill(store: &impl Store) -> Run {
    let mut run = Run::new(1);
    commit(store, vec![run.admit(FIRST, &["short", &long()])]).await;
    for name in ["taken", "waiting"] {
        let command = cancel(name);
        store.submit(run.id, command.id, command.command).await.unwrap();
    }
    run.row.turns += 1;
    let row = Some(run.row.clone());
    let acknowledged = vec![CommandId("taken".to_owned())];
    commit(store, vec![RunAppend { row, acknowledged, ..run.append(&[&long()]) }]).await;
    store.put_snapshot(1, snapshot(&run)).await.unwrap();
    let (open, done) = (run.intend(KEY, CALL, IntentState::Open), run.intend(KEY, CALL, IntentState::Done));
    commit(store, vec![open, done]).await;
    run
}

/// Opens the sample `name` and expects what [`fill`] wrote, in the row with `open_reviews`, and as many records about
/// an effect.
async fn loads(name: &str, open_reviews: u32, n_intended: usize) {
    let place = Place::new();
    place.sql().execute_batch(&std::fs::read_to_string(sample(name)).unwrap()).unwrap();
    let store = place.open(SECOND);
    let mut run = Run::new(1);
    run.row.turns += 1;
    run.row.open_reviews = open_reviews;
    assert_eq!(store.runs().await.unwrap(), [run.row.clone()]);
    assert_eq!(store.damaged_runs().await.unwrap(), []);
    let records = store.records(run.id, Seq(0), 100).await.unwrap();
    let events: Vec<Event> = records.into_iter().map(|record| record.event).collect();
    let about = std::iter::repeat_n("about an effect".to_owned(), n_intended);
    let texts = ["short".to_owned(), long(), long()].into_iter().chain(about);
    assert_eq!(events, texts.map(|reason| Event::Suspended { reason }).collect::<Vec<_>>());
    assert_eq!(store.pending(run.id).await.unwrap(), [cancel("waiting")]);
    assert_eq!(store.snapshot(run.id, &Lane::run()).await.unwrap(), Some(snapshot(&run)));
    let claim = store.claim(run.id, false).await.unwrap();
    assert_eq!((claim.epoch, claim.clean), (2, false));
    finds_intents(&store, run.id, n_intended).await;
    // What was migrated is protected from then on.
    place.sql().execute("UPDATE run SET turns = turns + 1", ()).unwrap();
    assert!(matches!(store.run(run.id).await, Err(ReadError::Corrupt { .. })));
}

/// Expects what [`fill`] meant, if it did, and that another run may mean something from now on.
async fn finds_intents(store: &impl Store, run: RunId, n_intended: usize) {
    let mut other = Run::new(2);
    commit(store, vec![other.admit(SECOND, &["other"])]).await;
    commit(store, vec![other.intend(KEY, CALL, IntentState::Open)]).await;
    let (key, state) = (KEY.to_owned(), IntentState::Done);
    let done = IntentRow { key, run, call: CALL, seq: Seq(5), state };
    let earlier = store.earlier_intent(KEY, other.id, CALL).await.unwrap();
    assert_eq!(earlier, (n_intended > 0).then_some(done));
}

#[tokio::test]
async fn format_1_loads() {
    loads("format_1.sql", 0, 0).await;
}

#[tokio::test]
async fn format_2_loads() {
    loads("format_2.sql", u32::MAX, 0).await;
}

#[tokio::test]
async fn format_3_loads() {
    loads("format_3.sql", u32::MAX, 2).await;
}

#[tokio::test]
async fn what_is_written_today_is_the_newest_sample() {
    let place = Place::new();
    let store = place.store();
    fill(&store).await;
    store.close().await;
    let dump = dump(&place.sql());
    let path = sample("format_3.sql");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &dump).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        dump, stored,
        "the stored form has changed: a released one needs a new format and a new sample"
    );
}

/// Returns the SQL that makes the same file.
fn dump(conn: &Connection) -> String {
    let list = |sql: &str| -> Vec<String> {
        let mut statement = conn.prepare(sql).unwrap();
        statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut dump = String::new();
    for pragma in ["application_id", "user_version"] {
        let value: i64 = conn.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
        writeln!(dump, "PRAGMA {pragma} = {value};").unwrap();
    }
    for table in list("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
        let schema = list(&format!("SELECT sql FROM sqlite_schema WHERE name = '{table}'"));
        writeln!(dump, "{};", schema[0]).unwrap();
        let columns = list(&format!("SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('{table}')"));
        let rows = list(&format!("SELECT concat_ws(', ', {}) FROM {table}", columns.join(", ")));
        for row in rows {
            writeln!(dump, "INSERT INTO {table} VALUES ({row});").unwrap();
        }
    }
    dump
}
