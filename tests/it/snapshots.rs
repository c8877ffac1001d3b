//! Going on with a run from a snapshot, and without one: the same conversation either way.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use playhouse::prelude::*;
use playhouse::{
    BusEvent, Definition, Event, Record, Resumed, RunId, Runtime, RuntimeOptions, Seq, StartRun, StreamItem,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// Two snapshots' worth of records.
const N_TURNS: u32 = 120;

#[derive(Serialize, Deserialize, JsonSchema)]
struct Topic {
    topic: u64,
}

/// Writes a note, one for each topic.
#[tool(effect = "idempotent", intent = "topic")]
async fn note(args: Topic, ctx: &ToolContext) -> Result<String, ToolError> {
    Ok(format!("topic {} noted by {}", args.topic, ctx.agent))
}

fn speak(request: &ModelRequest, ctx: &ScriptContext) -> ScriptReply {
    match request.exchanges().last().and_then(|exchange| exchange.calls.last()) {
        None if ctx.below(8) == 0 => ScriptReply::call("note", &Topic { topic: ctx.below(4) }),
        None => ScriptReply::say(format!("{}, having read {}", ctx.below(1_000), request.history().count())),
        Some(call) => ScriptReply::say(format!("{} ({})", call.answer, request.own.len())),
    }
}

fn crew() -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("long-talk");
    let agents = ["ann", "ben", "cora", "dan"]
        .map(|name| scenario.agent(name, |agent| agent.tool(note).script(speak)));
    scenario.crew(RoundRobin::new(), &agents).until(turns(N_TURNS)).limit(turns(N_TURNS + 1));
    scenario.build().unwrap().definition()
}

/// What a process does with a run before it stops.
#[derive(Clone, Copy)]
enum Stop {
    /// It ends with the run.
    AtEnd,
    /// It is asked to stop after so many records.
    InOrder(usize),
    /// It is gone after so many records, as if killed.
    Killed(usize),
}

/// Works on a run as a process would, then stops.
fn work(dir: &Path, run: Option<RunId>, seed: u64, stop: Stop) -> RunId {
    let executor =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let run = executor.block_on(async {
        let runtime = Runtime::open_with(RuntimeOptions::new(dir)).await.unwrap();
        let mut events = runtime.events();
        let handle = match run {
            None => {
                let start = StartRun { input: "\"Begin.\"".to_owned(), seed, model: None };
                runtime.start(crew(), start).await.unwrap()
            }
            Some(run) => {
                let resumed = runtime.resume(run, &|_, _| Ok(crew()), false).await.unwrap();
                let Resumed::Run(handle) = resumed else { unreachable!("{resumed:?}") };
                handle
            }
        };
        let run = handle.run;
        let n_records = match stop {
            Stop::AtEnd => usize::MAX,
            Stop::InOrder(n_records) | Stop::Killed(n_records) => n_records,
        };
        let mut seen = 0;
        tokio::select! {
            end = handle.finished() => drop(end.unwrap()),
            () = async {
                while seen < n_records {
                    let event = events.next().await.unwrap();
                    seen += usize::from(matches!(event, StreamItem::Event(BusEvent::Recorded(_))));
                }
            } => {}
        }
        if !matches!(stop, Stop::Killed(_)) {
            runtime.close().await.unwrap();
        }
        run
    });
    // What still runs is dropped where it stands; the store's thread ends with what it has.
    executor.shutdown_timeout(Duration::from_secs(60));
    run
}

fn records(dir: &Path, run: RunId) -> Vec<Record> {
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    executor.block_on(async {
        let runtime = Runtime::open_with(RuntimeOptions::new(dir)).await.unwrap();
        let records = runtime.journal().records(run, Seq(0), usize::MAX).await.unwrap();
        runtime.close().await.unwrap();
        records
    })
}

/// Returns what was said and done in a run, in order, and what it came to.
fn story(dir: &Path, run: RunId) -> Vec<String> {
    let tell = |record: Record| match record.event {
        Event::MessagePosted { message } => Some(format!("{} {}", message.from, message.content)),
        Event::TurnAssigned { turn, speaker, upto, .. } => Some(format!("turn {turn} {speaker} {upto}")),
        Event::ToolResult { call, output, recovered, .. } => Some(format!("{call} {output} {recovered}")),
        Event::RunConcluded { outcome, result, usage } => {
            Some(format!("{outcome:?} {result:?} {:?} {}", usage.model_calls, usage.tool_calls))
        }
        _ => None,
    };
    records(dir, run).into_iter().filter_map(tell).collect()
}

fn sql(dir: &Path) -> Connection {
    Connection::open(dir.join("playhouse.db")).unwrap()
}

/// Returns the last record that the newest snapshot of a run includes; there is one run.
fn snapshot_seq(dir: &Path) -> Option<i64> {
    sql(dir).query_row("SELECT max(seq) FROM snapshot", (), |row| row.get(0)).unwrap()
}

fn undisturbed(seed: u64) -> Vec<String> {
    let dir = TempDir::new().unwrap();
    let run = work(dir.path(), None, seed, Stop::AtEnd);
    story(dir.path(), run)
}

/// Copies a data directory that nobody uses.
fn copy(from: &Path) -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::copy(from.join("playhouse.db"), dir.path().join("playhouse.db")).unwrap();
    dir
}

#[test]
fn with_a_snapshot_or_without_or_with_a_useless_one_the_run_is_the_same() {
    let (expected, dir) = (undisturbed(3), TempDir::new().unwrap());
    let run = work(dir.path(), None, 3, Stop::InOrder(300));
    assert!(snapshot_seq(dir.path()) > Some(250), "{:?}", snapshot_seq(dir.path()));
    let other = TempDir::new().unwrap();
    work(other.path(), None, 4, Stop::InOrder(300));
    let other_snapshot = format!(
        "ATTACH '{}' AS other; UPDATE snapshot SET (seq, state_hash, state) = \
         (SELECT seq, state_hash, state FROM other.snapshot)",
        other.path().join("playhouse.db").display()
    );
    let changes = [
        "SELECT 1",
        "DELETE FROM snapshot",
        "UPDATE snapshot SET fold_version = fold_version + 1",
        "UPDATE snapshot SET state_hash = zeroblob(32)",
        "UPDATE snapshot SET state = zeroblob(length(state))",
        "UPDATE snapshot SET seq = seq + 1000",
        &other_snapshot,
    ];
    for change in changes {
        let dir = copy(dir.path());
        sql(dir.path()).execute_batch(change).unwrap();
        work(dir.path(), Some(run), 3, Stop::AtEnd);
        assert_eq!(story(dir.path(), run), expected, "{change}");
    }
}

#[tokio::test]
async fn records_before_the_snapshot_are_not_read_when_a_run_goes_on() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().to_owned();
    let run = tokio::task::spawn_blocking(move || work(&path, None, 5, Stop::InOrder(100))).await.unwrap();
    // Such damage is found when the run ends, and by `doctor`; here it shows who reads what.
    sql(dir.path()).execute_batch("UPDATE journal SET header = zeroblob(9) WHERE seq = 40").unwrap();
    let resume = async || {
        let runtime = Runtime::open_with(RuntimeOptions::new(dir.path())).await.unwrap();
        let resumed = runtime.resume(run, &|_, _| Ok(crew()), false).await.map(drop);
        runtime.close().await.unwrap();
        resumed
    };
    resume().await.unwrap();
    sql(dir.path()).execute_batch("DELETE FROM snapshot").unwrap();
    let error = resume().await.unwrap_err();
    assert!(error.to_string().contains("record 40"), "{error}");
}

#[test]
fn a_run_killed_again_and_again_goes_on_from_its_snapshots_to_the_same_end() {
    let seed = std::env::var("PLAYHOUSE_SEED").map_or(0, |seed| seed.parse().unwrap());
    let (mut random, expected, dir) =
        (ChaCha8Rng::seed_from_u64(seed), undisturbed(6), TempDir::new().unwrap());
    let mut run = None;
    for _ in 0..4 {
        let stop = Stop::Killed(random.random_range(1..200));
        run = Some(work(dir.path(), run, 6, stop));
    }
    assert!(snapshot_seq(dir.path()).is_none_or(|seq| seq > 250), "only long runs write one on the way");
    let run = work(dir.path(), run, 6, Stop::AtEnd);
    assert_eq!(story(dir.path(), run), expected, "seed {seed}");
    assert!(snapshot_seq(dir.path()) > Some(250));
}

#[test]
fn a_short_run_writes_none() {
    let dir = TempDir::new().unwrap();
    let mut scenario = Scenario::<String, String>::builder("short-talk");
    let agent = scenario.agent("ann", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "yes"));
    scenario.crew(RoundRobin::new(), [&agent]).until(turns(40)).limit(turns(41));
    let scenario = scenario.build().unwrap();
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    executor.block_on(async {
        let runtime = Runtime::open_with(RuntimeOptions::new(dir.path())).await.unwrap();
        runtime.run(&scenario, "Begin.".to_owned()).await.unwrap();
        runtime.close().await.unwrap();
    });
    assert_eq!(snapshot_seq(dir.path()), None);
}
