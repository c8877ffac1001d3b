//! Strict durability: how many commits a turn takes, and how well runs share them.

use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use playhouse::{Runtime, RuntimeOptions};
use tempfile::TempDir;

use crate::Effort;
use crate::crew::{on_actors, round_robin, run};
use crate::measure::elapsed;
use playhouse_tests::{Figure, Table};

/// How much longer a commit takes, as on a slow disk.
const COMMIT_DELAY: Duration = Duration::from_millis(2);

/// How many runs share the commits.
const N_RUNS: usize = 64;

pub(crate) fn measure(effort: Effort, table: &mut Table) {
    let (few, many) = (on_actors(commits(20)), on_actors(commits(60)));
    let measured = (many - few) as f64 / 40.0;
    table.at_most(
        "commits per turn, strict, without tools",
        2.0,
        Figure { measured, floor: Some(1.0), unit: "" },
    );
    let n_turns = u32::try_from(effort.times(60).max(20)).unwrap();
    let one = on_actors(turns_per_second(1, n_turns));
    let all = on_actors(turns_per_second(N_RUNS, n_turns));
    eprintln!("{one:.0} and {all:.0} turns a second");
    let figure = Figure { measured: all / one, floor: None, unit: "times" };
    table.at_least("turns per second of 64 runs at once against one run, 2 ms more per commit", 20.0, figure);
}

/// Returns how many commits a run of so many turns takes, as the write-ahead log counts them.
async fn commits(n_turns: u32) -> usize {
    let dir = TempDir::new().unwrap();
    let runtime = Runtime::open_with(RuntimeOptions::new(dir.path())).await.unwrap();
    run(&runtime, &round_robin(n_turns)).await;
    let count = committed(&dir.path().join("playhouse.db-wal"));
    runtime.close().await.unwrap();
    count
}

/// Counts the frames of a write-ahead log that end a transaction.
///
/// Source: "SQLite Database File Format", section 4.1: a header of 32 bytes, then frames of 24 bytes and a page; the second
/// number of a frame is not 0 if it ends a transaction. The runs here are too short for a checkpoint.
fn committed(path: &Path) -> usize {
    let log = std::fs::read(path).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let frame_bytes = 24 + number(8) as usize;
    log[32..].chunks_exact(frame_bytes).filter(|frame| frame[4..8] != [0; 4]).count()
}

async fn turns_per_second(n_runs: usize, n_turns: u32) -> f64 {
    let dir = TempDir::new().unwrap();
    let options = RuntimeOptions { commit_delay: COMMIT_DELAY, ..RuntimeOptions::new(dir.path()) };
    let runtime = Runtime::open_with(options).await.unwrap();
    let scenario = round_robin(n_turns);
    run(&runtime, &scenario).await;
    let took = elapsed(async {
        join_all((0..n_runs).map(|_| run(&runtime, &scenario))).await;
    });
    let took = took.await;
    runtime.close().await.unwrap();
    n_runs as f64 * f64::from(n_turns) / took.as_secs_f64()
}
