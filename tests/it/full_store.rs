//! A store that becomes full: every open run says so, and goes on once there is room. One that fails at the last moment
//! says so as well.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use playhouse::prelude::*;
use playhouse::{
    Definition, Resumed, RunId, RunRest, RunStatus, Runtime, RuntimeOptions, RuntimeParts, Seq, StartRun,
};
use playhouse_journal::Event;
use playhouse_messages::{Clock, JournalError};
use playhouse_runtime::{SystemClock, new_boot_id};
use playhouse_storage_sqlite::{SqliteOptions, SqliteStore};
use playhouse_tests::Playhouse;
use tempfile::TempDir;

/// More than the data directory below may hold: two runs of about 8 KiB for each turn.
const N_TURNS: u32 = 120;
const MAX_SIZE_BYTES: u64 = 1 << 20;

fn talk() -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("talk");
    let speak = |_: &ModelRequest, ctx: &ScriptContext| format!("{} ", ctx.below(1_000_000)).repeat(1_200);
    let agents = ["ann", "ben"].map(|name| scenario.agent(name, |agent| agent.script(speak)));
    scenario.crew(RoundRobin::new(), &agents).until(turns(N_TURNS)).limit(turns(N_TURNS + 1));
    scenario.build().unwrap().definition()
}

async fn open(dir: &Path, max_size_bytes: Option<u64>) -> Runtime {
    let (boot, clock) = (new_boot_id(), SystemClock::new());
    let options = SqliteOptions { max_size_bytes, ..SqliteOptions::default() };
    let store = SqliteStore::open_with(dir, boot, Arc::new(move || clock.now()), options).unwrap();
    Runtime::open_over(RuntimeOptions::new(dir), RuntimeParts::new(boot, Arc::new(store))).await.unwrap()
}

/// Returns why a run rests, as its last record says.
async fn last_words(runtime: &Runtime, run: RunId) -> String {
    let records = runtime.journal().records(run, Seq(0), usize::MAX).await.unwrap();
    match &records.last().unwrap().event {
        Event::Suspended { reason } => reason.clone(),
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_of_a_full_store_say_why_they_rest_and_go_on_when_there_is_room() {
    let dir = TempDir::new().unwrap();
    let runtime = open(dir.path(), Some(MAX_SIZE_BYTES)).await;
    let mut handles = Vec::new();
    for seed in 0..2 {
        let start = StartRun { input: "\"Begin.\"".to_owned(), seed, model: None };
        handles.push(runtime.start(talk(), start).await.unwrap());
    }
    let runs: Vec<RunId> = handles.iter().map(|handle| handle.run).collect();
    for handle in handles {
        let end = handle.finished().await.unwrap();
        assert!(matches!(end.rest, RunRest::Lost(JournalError::StoreFailed)), "{:?}", end.rest);
    }
    assert_eq!(runtime.close().await.unwrap_err().exit_code().code(), 6);
    let runtime = open(dir.path(), None).await;
    for run in &runs {
        let row = runtime.journal().run(*run).await.unwrap().unwrap();
        let reason = "the disk is full: make room, then resume";
        assert_eq!((row.status, row.outcome.unwrap().detail.as_str()), (RunStatus::Waiting, reason));
        assert_eq!(last_words(&runtime, *run).await, reason);
    }
    for run in runs {
        let resumed = runtime.resume(run, &|_, _| Ok(talk()), false).await.unwrap();
        let Resumed::Run(handle) = resumed else { unreachable!("{resumed:?}") };
        let end = handle.finished().await.unwrap();
        assert_eq!((end.row.status, end.row.turns), (RunStatus::Concluded, N_TURNS));
    }
    runtime.close().await.unwrap();
}

/// Lets a command write no file beyond this size, as on a disk that fails there.
fn limited(command: &Command, max_kib: u64) -> Command {
    let script = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
    let mut limited = Command::new("bash");
    limited.args(["-c", script, "bash", &max_kib.to_string()]).arg(command.get_program());
    limited.args(command.get_args());
    limited
}

#[test]
fn a_store_that_fails_when_it_is_closed_ends_with_code_6_and_says_what_to_do() {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    let input = "x".repeat(100_000);
    let words = ["run", "greeting", "--no-input", "--input", &input];
    for _ in 0..4 {
        let _ = playhouse.run(&words).with_code(0);
    }
    // The log of one more run is shorter than the file, which has to grow to take it.
    let size = fs::metadata(playhouse.data_dir().join("playhouse.db")).unwrap().len();
    let failed = limited(&playhouse.command(&words), size >> 10).output().unwrap();
    let stderr = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(6), "{stderr}");
    assert!(stderr.contains("error: the store at") && stderr.contains("resume --all"), "{stderr}");
    assert_eq!(String::from_utf8_lossy(&failed.stdout), "Hello.\n", "what was done is told all the same");
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    let statuses: Vec<_> = runs.as_array().unwrap().iter().map(|run| run["status"].clone()).collect();
    assert_eq!(statuses, ["concluded"; 5]);
}
