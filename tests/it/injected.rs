//! A message from outside is one message, wherever the process that takes it ends.

use std::sync::Arc;

use playhouse::prelude::*;
use playhouse::{
    Command, CommandId, Definition, Event, OutcomeKind, Record, Resumed, RunId, RunRest, Runtime,
    RuntimeOptions, RuntimeParts, Seq, StartRun,
};
use playhouse_storage::{MemoryStore, Store};
use playhouse_tests::{End, FaultyStore, StoreFault};
use playhouse_types::{BootId, Timestamp};

use crate::held_model::MESSAGE;

/// Talks until somebody says the word, and a turn longer.
fn talk() -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("talk");
    let host = scenario.agent("host", |agent| {
        agent.script(|request: &ModelRequest, _: &ScriptContext| {
            let is_read = request.transcript.iter().any(|entry| entry.message.content == MESSAGE);
            // The inbox is looked at every second.
            ScriptReply::say(if is_read { "DONE" } else { "Not yet." }).after(milliseconds(400))
        })
    });
    scenario.crew(RoundRobin::new(), [&host]).until(says("DONE")).limit(turns(1_000));
    scenario.build().unwrap().definition()
}

/// Leaves the message, under the same id each time, as one does who has got no answer.
async fn leave(runtime: &Runtime, run: RunId) {
    let command = Command::Inject { text: MESSAGE.to_owned(), by: "ann".to_owned() };
    runtime.inbox().submit(run, CommandId("ann-1".to_owned()), command).await.unwrap();
}

fn executor() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

async fn open(boot: u128, store: Arc<dyn Store>) -> Runtime {
    let parts = RuntimeParts::new(BootId::from_u128(boot), store).simulated(Timestamp(1_800_000_000_000_000));
    Runtime::open_over(RuntimeOptions::ephemeral(), parts).await.unwrap()
}

/// Begins the run and leaves the message, in a process that ends at commit `n`. Tells whether it got that far.
fn first_process(root: &MemoryStore, n: u64, fault: StoreFault) -> bool {
    let (end, memory) = (End::default(), Arc::new(root.second_owner(BootId::from_u128(1))));
    let store = FaultyStore::new(Arc::clone(&memory) as Arc<dyn Store>, end.clone()).with(n, fault);
    let executor = executor();
    executor.block_on(async {
        let work = async {
            let runtime = open(1, Arc::new(store)).await;
            let start = StartRun { input: "\"Begin.\"".to_owned(), seed: 1, model: None };
            let handle = runtime.start(talk(), start).await.unwrap();
            leave(&runtime, handle.run).await;
            handle.finished().await.unwrap();
        };
        tokio::select! {
            biased;
            () = end.wait() => {}
            () = work => {}
        }
    });
    drop(executor);
    memory.kill();
    end.has_come()
}

/// Leaves the message again in another process, goes on to the end, and returns what is on record.
fn second_process(root: &MemoryStore) -> Option<Vec<Record>> {
    let memory = Arc::new(root.second_owner(BootId::from_u128(2)));
    executor().block_on(async {
        let runtime = open(2, memory).await;
        let row = runtime.journal().runs().await.unwrap().pop()?;
        leave(&runtime, row.run).await;
        let definition = talk();
        let find = move |_: &_, _: &str| Ok(Arc::clone(&definition));
        let end = match runtime.resume(row.run, &find, false).await.unwrap() {
            Resumed::Run(handle) => handle.finished().await.unwrap(),
            Resumed::Settled(end) => *end,
            Resumed::Batch(_) => unreachable!("it is a run"),
        };
        assert!(
            matches!(&end.rest, RunRest::Concluded(end) if end.kind == OutcomeKind::Concluded),
            "{end:?}"
        );
        let records = runtime.journal().records(row.run, Seq(0), usize::MAX).await.unwrap();
        runtime.close().await.unwrap();
        Some(records)
    })
}

fn count(records: &[Record], is_meant: impl Fn(&Event) -> bool) -> usize {
    records.iter().filter(|record| is_meant(&record.event)).count()
}

#[test]
fn a_message_is_there_once_wherever_the_process_that_takes_it_ends() {
    for fault in [StoreFault::Stop, StoreFault::CommitThenStop] {
        let mut n_met = 0;
        for n in 1.. {
            let root = MemoryStore::new(BootId::from_u128(0));
            if !first_process(&root, n, fault.clone()) {
                break;
            }
            // At the first commit it may end before there is a run.
            let Some(records) = second_process(&root) else { continue };
            n_met += 1;
            let is_message = |event: &Event| matches!(event, Event::MessagePosted { message } if message.content == MESSAGE);
            let is_taken = |event: &Event| matches!(event, Event::CommandAccepted { .. });
            let n_there = (count(&records, is_message), count(&records, is_taken));
            assert_eq!(n_there, (1, 1), "the process ended at commit {n}");
        }
        assert!(n_met >= 6, "the run ended after {n_met} commits");
    }
}
