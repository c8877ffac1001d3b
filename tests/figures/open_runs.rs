//! Many open runs, left by a process that was killed.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use playhouse::{Runtime, RuntimeOptions};
use playhouse_types::Seq;
use tempfile::TempDir;

use super::percentile::p99;
use super::store::{copy_files, half, leave_open};
use super::talk::talk;

/// How a new process goes on with open runs.
#[derive(Clone, Copy, Debug)]
pub struct OpenRuns {
    /// How many runs were open.
    pub n_runs: usize,
    /// How many of them got somewhere.
    pub n_progressed: usize,
    /// From the start of the process to the first reply on record of a run: the 99th of 100.
    pub first_progress: Duration,
    /// From the start of the process to its end.
    pub took: Duration,
    /// The processor time of that: what is left of `took` on a machine that does nothing else.
    pub cpu: Duration,
    /// The most memory that the process had in use, in bytes; at least that of any child of this process before it.
    pub peak_bytes: u64,
}

/// Leaves `n_runs` runs open on SQLite as a killed process does, starts the binary `playhouse-test-scenarios` to go on
/// with all of them, and reads from their journals when each got somewhere.
///
/// # Panics
/// If the runs cannot be started or read, or the binary cannot be started.
#[must_use]
pub fn open_runs(n_runs: usize, test_scenarios: &Path) -> OpenRuns {
    let dir = TempDir::new().unwrap();
    // A scenario of that binary, which ends it in its third turn.
    leave_open(dir.path(), &talk("endless-talk", 3, "Do go on."), n_runs, 2);
    let mut command = Command::new(test_scenarios);
    command.args(["resume", "--all", "--json", "--data-dir"]).arg(dir.path());
    let before = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let began = now_micros();
    let output = command.output().unwrap();
    let took = Duration::from_micros(now_micros().abs_diff(began));
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let cpu = processor_time(&usage).saturating_sub(processor_time(&before));
    // Linux counts kilobytes, macOS bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let peak_bytes = u64::try_from(usage.max_rss()).unwrap() * unit;
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let progress = progress_since(dir.path(), began);
    let n_progressed = progress.len();
    OpenRuns { n_runs, n_progressed, first_progress: p99(progress), took, cpu, peak_bytes }
}

/// Leaves a run open after `n_turns` turns as a killed process does, starts the binary `playhouse-test-scenarios` to go
/// on with it, and reads from its journal how long the next reply took from the start of the process: half of `n_times`
/// are shorter. At most 1,000 turns: then the scenario ends.
///
/// # Panics
/// If the run cannot be started, copied or read, or the binary cannot be started.
#[must_use]
pub fn reopen_from_process_start(n_turns: u32, n_times: usize, test_scenarios: &Path) -> Duration {
    let origin = TempDir::new().unwrap();
    leave_open(origin.path(), &talk("long-talk", n_turns + 1, "Go on."), 1, n_turns + 1);
    let mut times = Vec::with_capacity(n_times);
    for _ in 0..n_times {
        let copy = TempDir::new().unwrap();
        copy_files(origin.path(), copy.path());
        let mut command = Command::new(test_scenarios);
        command.args(["resume", "--all", "--json", "--data-dir"]).arg(copy.path());
        let began = now_micros();
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        times.extend(progress_since(copy.path(), began));
    }
    assert_eq!(times.len(), n_times, "a run did not go on");
    half(&times)
}

fn processor_time(usage: &Usage) -> Duration {
    let (user, system) = (usage.user_time(), usage.system_time());
    let micros = (user.tv_sec() + system.tv_sec()) * 1_000_000 + user.tv_usec() + system.tv_usec();
    Duration::from_micros(u64::try_from(micros).unwrap())
}

#[expect(clippy::disallowed_methods, reason = "compared with the times in journals, which are of the day")]
fn now_micros() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since_epoch.as_micros()).unwrap()
}

/// Returns for each run when its first progress after `began` was recorded.
fn progress_since(dir: &Path, began: u64) -> Vec<Duration> {
    let executor = playhouse::async_runtime().unwrap();
    executor.block_on(async {
        let runtime = Runtime::open_with(RuntimeOptions::new(dir)).await.unwrap();
        let journal = runtime.journal();
        let mut times = Vec::new();
        for row in journal.runs().await.unwrap() {
            let records = journal.records(row.run, Seq(0), usize::MAX).await.unwrap();
            let mut progress = records.iter().filter(|record| record.key.kind.is_progress());
            let time = progress.find_map(|record| u64::try_from(record.time.0).ok()?.checked_sub(began));
            times.extend(time.map(Duration::from_micros));
        }
        runtime.close().await.unwrap();
        times
    })
}
