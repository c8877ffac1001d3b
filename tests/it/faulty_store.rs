//! The store that fails on plan.

use std::sync::Arc;

use futures::FutureExt;
use playhouse_journal::{Command, CommandId, CommandInbox, Event, Kind, RecordKey};
use playhouse_storage::conformance::sample::admitted;
use playhouse_storage::{LateResult, LateResults, MemoryStore, Snapshot, Store};
use playhouse_tests::{End, FaultyStore};
use playhouse_types::{BootId, Incarnation, Lane, Seq, Step, Timestamp, TurnId};

#[tokio::test]
async fn a_process_that_has_ended_changes_nothing_any_more() {
    let boot = BootId::from_u128(1);
    let memory = Arc::new(MemoryStore::new(boot));
    let run = admitted(&*memory, boot, 0).await.id;
    let end = End::default();
    let store = FaultyStore::new(Arc::clone(&memory) as Arc<dyn Store>, end.clone());
    end.come();
    let late = LateResult {
        key: RecordKey::new(TurnId(1), Step(0), 0, Kind::ToolResult),
        epoch: 1,
        incarnation: Incarnation(1),
        time: Timestamp(5),
        event: Event::Suspended { reason: String::new() },
    };
    let snapshot = Snapshot {
        run,
        lane: Lane::run(),
        seq: Seq(1),
        fold_version: 1,
        state_hash: [0; 32],
        state: Vec::new(),
    };
    let command = Command::Cancel { reason: String::new() };
    assert!(store.claim(run, true).now_or_never().is_none());
    assert!(store.release(run, 1).now_or_never().is_none());
    assert!(store.heartbeat().now_or_never().is_none());
    assert!(store.submit(run, CommandId("cancel".to_owned()), command).now_or_never().is_none());
    assert!(store.put_snapshot(1, snapshot).now_or_never().is_none());
    assert!(store.keep_late(run, late).now_or_never().is_none());
    assert_eq!(memory.pending(run).await.unwrap().len(), 0);
    assert_eq!(memory.snapshot(run, &Lane::run()).await.unwrap(), None);
    assert_eq!(memory.late(run).await.unwrap(), LateResults::default());
    // Neither claimed nor released: the epoch is the first, and it is still owned.
    let claim = memory.claim(run, false).await.unwrap();
    assert_eq!((claim.epoch, claim.clean), (2, true));
}
