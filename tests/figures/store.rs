//! What a run of a thousand turns costs on disk, and to be opened again.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use playhouse::{Definition, Runtime, RuntimeOptions, RuntimeParts};
use playhouse_journal::{Kind, RunRow};
use playhouse_messages::{Clock, Moment};
use playhouse_runtime::{SystemClock, new_boot_id};
use playhouse_storage_sqlite::SqliteStore;
use playhouse_types::RunId;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::percentile::p99;
use super::talk::{Act, ActingFaults, start, talk};

/// How long it takes to go on with a run whose process was killed.
#[derive(Clone, Copy, Debug)]
pub struct Reopened {
    /// From an open runtime until the run is loaded and its actors are told to start: half of the times are shorter.
    pub warm: Duration,
    /// The 99th of 100 of the same.
    pub warm_p99: Duration,
    /// From an open runtime until the agent goes on with its turn: half of the times are shorter.
    pub taken_up: Duration,
    /// From opening the store until then: half of the times are shorter.
    pub with_store: Duration,
}

/// The size of a store.
#[derive(Clone, Copy, Debug)]
pub struct StoreSize {
    /// What was said, in bytes.
    pub said_bytes: u64,
    /// The database after its log was written back, in bytes, with what is left of the log.
    pub store_bytes: u64,
    /// What is kept beside it, in bytes: room that is held back for the last commit on a full disk.
    pub reserve_bytes: u64,
}

/// A runtime on SQLite in `dir`; an agent that is about to ask in turn `stop_in` says so and stays there.
async fn open(dir: &Path, stop_in: u32) -> (Runtime, mpsc::UnboundedReceiver<RunId>) {
    let (tx, stopped) = mpsc::unbounded_channel();
    let faults = ActingFaults(move |run, moment: Moment<'_>| match moment {
        Moment::Before([record]) if record.key.kind == Kind::ModelIntent && record.key.turn.0 == stop_in => {
            // Nobody listens any more once the figure is taken.
            let _ = tx.send(run);
            Act::Stay
        }
        _ => Act::GoOn,
    });
    let (boot, clock) = (new_boot_id(), SystemClock::new());
    let store = SqliteStore::open(dir, boot, Arc::new(move || clock.now())).unwrap();
    let parts = RuntimeParts::new(boot, Arc::new(store)).with_faults(Arc::new(faults));
    (Runtime::open_over(RuntimeOptions::new(dir), parts).await.unwrap(), stopped)
}

/// Lets `n_runs` runs stop for ever in turn `stop_in`, then ends their process, so to say.
pub(super) fn leave_open(dir: &Path, scenario: &Arc<Definition>, n_runs: usize, stop_in: u32) {
    let executor = playhouse::async_runtime().unwrap();
    executor.block_on(async {
        let (runtime, mut stopped) = open(dir, stop_in).await;
        for _ in 0..n_runs {
            start(&runtime, scenario).await;
        }
        for _ in 0..n_runs {
            stopped.recv().await.unwrap();
        }
    });
    executor.shutdown_timeout(Duration::from_secs(5));
}

/// Opens a run of `n_turns` turns `n_times`, each time as its process left it.
///
/// # Panics
/// If the run cannot be started, copied or opened.
#[must_use]
pub fn reopen(n_turns: u32, n_times: usize) -> Reopened {
    let origin = TempDir::new().unwrap();
    let scenario = talk("reopened", n_turns + 1, "What I had to say about this, and then some more.");
    leave_open(origin.path(), &scenario, 1, n_turns + 1);
    let (mut warm, mut taken_up, mut with_store) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n_times {
        let copy = TempDir::new().unwrap();
        copy_files(origin.path(), copy.path());
        let times = reopen_once(copy.path(), &scenario, n_turns + 1);
        warm.push(times[0]);
        taken_up.push(times[1]);
        with_store.push(times[2]);
    }
    Reopened {
        warm: half(&warm),
        warm_p99: p99(warm),
        taken_up: half(&taken_up),
        with_store: half(&with_store),
    }
}

#[expect(clippy::disallowed_methods, reason = "real time is measured")]
fn reopen_once(dir: &Path, scenario: &Arc<Definition>, stop_in: u32) -> [Duration; 3] {
    let executor = playhouse::async_runtime().unwrap();
    let times = executor.block_on(async {
        let began = Instant::now();
        let (runtime, mut stopped) = open(dir, stop_in).await;
        let rows: Vec<RunRow> = runtime.journal().runs().await.unwrap();
        let scenario = Arc::clone(scenario);
        let find = move |_: &_, _: &str| Ok(Arc::clone(&scenario));
        let opened = Instant::now();
        runtime.resume(rows[0].run, &find, false).await.unwrap();
        let warm = opened.elapsed();
        stopped.recv().await.unwrap();
        [warm, opened.elapsed(), began.elapsed()]
    });
    executor.shutdown_timeout(Duration::from_secs(5));
    times
}

pub(super) fn half(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn files(dir: &Path) -> impl Iterator<Item = std::fs::DirEntry> {
    std::fs::read_dir(dir).unwrap().map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_file())
}

pub(super) fn copy_files(from: &Path, to: &Path) {
    for file in files(from) {
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Holds a conversation of `n_turns` turns with `said_bytes` in all, and closes the store.
///
/// # Panics
/// If the run cannot be started.
#[must_use]
pub fn store_size(n_turns: u32, said_bytes: usize) -> StoreSize {
    let dir = TempDir::new().unwrap();
    // No two agents of a real conversation say the same, but these do: messages this short are kept inline, so nothing
    // is saved by that.
    let text: String = "All was said. ".chars().cycle().take(said_bytes / n_turns as usize).collect();
    let scenario = talk("sized", n_turns, &text);
    let executor = playhouse::async_runtime().unwrap();
    executor.block_on(async {
        let (runtime, _) = open(dir.path(), u32::MAX).await;
        start(&runtime, &scenario).await.finished().await.unwrap();
        runtime.close().await.unwrap();
    });
    // The last connection to close writes the log back.
    executor.shutdown_timeout(Duration::from_secs(5));
    let (mut store_bytes, mut reserve_bytes) = (0, 0);
    for file in files(dir.path()) {
        let is_database = file.file_name().to_string_lossy().starts_with("playhouse.db");
        *(if is_database { &mut store_bytes } else { &mut reserve_bytes }) += file.metadata().unwrap().len();
    }
    StoreSize { said_bytes: u64::from(n_turns) * text.len() as u64, store_bytes, reserve_bytes }
}
