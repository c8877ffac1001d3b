//! Going on with a long run that rests, with its snapshot and without.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use playhouse::prelude::*;
use playhouse::{BusEvent, Definition, Event, Resumed, RunId, Runtime, RuntimeOptions, StartRun, StreamItem};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::Effort;
use crate::crew::on_actors;
use crate::measure::elapsed;
use playhouse_tests::{Figure, Table};

/// How long the run is when it comes to rest.
const N_TURNS: u32 = 1_000;

/// Each message is about this long.
const MESSAGE_BYTES: usize = 100;

/// A crew of four that talks for long.
fn long_talk() -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("long-talk");
    let agents = ["ann", "ben", "cora", "dan"].map(|name| {
        let speak = |request: &ModelRequest, _: &ScriptContext| {
            format!("{:-<MESSAGE_BYTES$}", format!("This is turn {}.", request.turn))
        };
        scenario.agent(name, |agent| agent.script(speak))
    });
    scenario.crew(RoundRobin::new(), &agents).until(turns(10 * N_TURNS)).limit(turns(11 * N_TURNS));
    scenario.build().unwrap().definition()
}

pub(crate) fn measure(effort: Effort, table: &mut Table) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().to_owned();
    let run = on_actors(async move { talk(&path).await });
    let n_times = effort.times(30).max(5);
    let floor = millis(median((0..n_times).map(|_| sync(dir.path())).collect()));
    let times = |forget: bool| {
        let path = dir.path().to_owned();
        millis(median((0..n_times).map(|_| on_actors(reopen(path.clone(), run, forget))).collect()))
    };
    let (with, without) = (times(false), times(true));
    eprintln!("with a snapshot {with:.2} ms, without {without:.2} ms, one sync {floor:.2} ms");
    table.at_most(
        "going on with a run of 1,000 turns, store open already (median; floor: one sync of this disk)",
        5.0,
        Figure { measured: with, floor: Some(floor), unit: "ms" },
    );
    let cold = (0..n_times).map(|_| from_process_start(dir.path(), run)).collect();
    table.at_most(
        "the same from the start of the process",
        40.0,
        Figure { measured: millis(median(cold)), floor: Some(floor), unit: "ms" },
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Returns how long the disk takes to keep a page.
fn sync(dir: &Path) -> Duration {
    let file = std::fs::File::create(dir.join("floor")).unwrap();
    on_actors(elapsed(async move {
        std::io::Write::write_all(&mut &file, &[1; 4096]).unwrap();
        file.sync_data().unwrap();
    }))
}

/// Lets the crew talk, then rest.
async fn talk(dir: &Path) -> RunId {
    let runtime = Runtime::open_with(RuntimeOptions::new(dir)).await.unwrap();
    let mut events = runtime.events();
    let start = StartRun { input: "\"Begin.\"".to_owned(), seed: 1, model: None };
    let run = runtime.start(long_talk(), start).await.unwrap().run;
    let is_last = |event: &Event| matches!(event, Event::TurnEnded { turn, .. } if turn.0 == N_TURNS);
    loop {
        match events.next().await.unwrap() {
            StreamItem::Event(BusEvent::Recorded(record)) if is_last(&record.event) => break,
            _ => {}
        }
    }
    runtime.close().await.unwrap();
    run
}

/// Returns how long it takes until the run's actors work again; some turns follow before it rests again.
async fn reopen(dir: PathBuf, run: RunId, forget: bool) -> Duration {
    if forget {
        Connection::open(dir.join("playhouse.db")).unwrap().execute_batch("DELETE FROM snapshot").unwrap();
    }
    let runtime = Runtime::open_with(RuntimeOptions::new(dir)).await.unwrap();
    // A listing of runs, which opens the connection for reading.
    runtime.journal().runs().await.unwrap();
    let time = elapsed(resume(&runtime, run)).await;
    runtime.close().await.unwrap();
    time
}

async fn resume(runtime: &Runtime, run: RunId) {
    let resumed = runtime.resume(run, &|_, _| Ok(long_talk()), false).await.unwrap();
    assert!(matches!(resumed, Resumed::Run(_)), "{resumed:?}");
}

/// Starts this program again and returns how long it takes until the run's actors work.
fn from_process_start(dir: &Path, run: RunId) -> Duration {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["reopen", dir.to_str().unwrap(), &run.to_string()]).stdout(Stdio::piped());
    on_actors(async move {
        let mut child = None;
        let time = elapsed(async {
            let started = child.insert(command.spawn().unwrap());
            let mut line = String::new();
            BufReader::new(started.stdout.take().unwrap()).read_line(&mut line).unwrap();
            assert_eq!(line, "open\n");
        })
        .await;
        assert!(child.unwrap().wait().unwrap().success());
        time
    })
}

/// The other end of [`from_process_start`].
pub(crate) fn go_on(dir: &str, run: &str) {
    let (dir, run) = (dir.to_owned(), run.parse().unwrap());
    on_actors(async move {
        let runtime = Runtime::open_with(RuntimeOptions::new(dir)).await.unwrap();
        resume(&runtime, run).await;
        println!("open");
        runtime.close().await.unwrap();
    });
}
