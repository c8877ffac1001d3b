//! Cases that take the process down: each is blamed for its own crashes only.

use std::path::PathBuf;
use std::sync::Arc;

use playhouse::prelude::*;
use playhouse::{
    BatchEnd, CaseInput, Definition, Resumed, RunStatus, Runtime, RuntimeOptions, RuntimeParts, StartBatch,
};
use playhouse_journal::{JournalRead, RunRow};
use playhouse_storage::{MemoryStore, Store};
use playhouse_tests::{End, FaultyStore};
use playhouse_types::{BootId, Timestamp};

/// A crew whose only agent ends the process as soon as it is asked.
fn deadly(end: &End) -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("deadly");
    let end = end.clone();
    let agent = scenario.agent("clerk", |agent| {
        agent.script(move |_: &ModelRequest, _: &ScriptContext| {
            end.come();
            "never on record"
        })
    });
    scenario.crew(RoundRobin::new(), [&agent]).until(turns(1));
    scenario.build().unwrap().definition()
}

async fn work(runtime: &Runtime, definition: Arc<Definition>, batch: Option<RunRow>) -> BatchEnd {
    let handle = match batch {
        None => {
            let case =
                |name| CaseInput { case: CaseName::new(name).unwrap(), input: "\"Hello.\"".to_owned() };
            let cases = ["ahorn", "birke"].map(case).into();
            let input_path = PathBuf::from("cases");
            let start = StartBatch { cases, input_path, seed: 1, model: None, concurrency: 1 };
            runtime.start_batch(definition, start).await.unwrap()
        }
        Some(row) => {
            let find = move |_: &_, _: &str| Ok(Arc::clone(&definition));
            let resumed = runtime.resume(row.run, &find, false).await.unwrap();
            let Resumed::Batch(handle) = resumed else { unreachable!("{resumed:?}") };
            handle
        }
    };
    handle.finished().await.unwrap()
}

/// Works on the batch in a process of its own; `None` if that ends before the batch rests.
fn process(root: &MemoryStore, number: u128, batch: Option<RunRow>) -> Option<BatchEnd> {
    let (boot, end) = (BootId::from_u128(number), End::default());
    let memory = Arc::new(root.second_owner(boot));
    let store = Arc::new(FaultyStore::new(Arc::clone(&memory) as Arc<dyn Store>, end.clone()));
    let executor =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let rested = executor.block_on(async {
        let parts = RuntimeParts::new(boot, store as Arc<dyn Store>).simulated(Timestamp(0));
        let work = async {
            let runtime = Runtime::open_over(RuntimeOptions::ephemeral(), parts).await.unwrap();
            let rested = work(&runtime, deadly(&end), batch).await;
            runtime.close().await.unwrap();
            rested
        };
        tokio::select! {
            biased;
            () = end.wait() => None,
            rested = work => Some(rested),
        }
    });
    drop(executor);
    memory.kill();
    rested
}

#[test]
fn a_case_that_waits_for_its_turn_is_not_blamed_for_the_crashes_of_another() {
    let root = MemoryStore::new(BootId::from_u128(99));
    let rows = || futures::executor::block_on(root.runs()).unwrap();
    let n_starts = || {
        let cases = rows().into_iter().filter(|row| !row.is_batch);
        let mut cases: Vec<_> = cases.map(|row| (row.case.unwrap(), row.starts_without_progress)).collect();
        cases.sort();
        cases.into_iter().map(|(_, n_starts)| n_starts).collect::<Vec<_>>()
    };
    let mut seen = Vec::new();
    for number in 1..=6 {
        let batch = rows().into_iter().find(|row| row.is_batch);
        assert!(process(&root, number, batch).is_none(), "process {number} rests: {seen:?}");
        seen.push(n_starts());
    }
    // Three processes for each case: the first starts it, the two others start it again.
    assert_eq!(seen, [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1], [3, 2]]);
    let batch = rows().into_iter().find(|row| row.is_batch);
    let end = process(&root, 7, batch).unwrap();
    assert_eq!(n_starts(), [3, 3]);
    let statuses = end.cases.iter().map(|(_, case)| case.as_ref().unwrap().row.status);
    assert_eq!(statuses.collect::<Vec<_>>(), [RunStatus::Quarantined; 2]);
}
