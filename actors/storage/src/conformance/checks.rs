//! Looking through the whole store.

use std::time::Duration;

use playhouse_journal::{Command, CommandId, CommandInbox, JournalRead};
use playhouse_types::{Lane, Seq};

use super::sample::{admitted, commit, large};
use super::{FIRST, Harness, SECOND};
use crate::{Counts, Snapshot, Store, StoreCheck};

/// An empty store has nothing to say.
pub async fn an_empty_store_is_whole(harness: &impl Harness) {
    let check = harness.open(FIRST).check().await.unwrap();
    assert_eq!((check.read, check.findings), (Counts::default(), Vec::new()));
}

/// Everything is read, and nothing is changed by it.
pub async fn a_whole_store_has_no_findings(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let (mut one, two) = (admitted(&store, FIRST, 1).await, admitted(&store, FIRST, 2).await);
    let texts: Vec<String> = (0..1_500).map(|number| format!("message {number}")).collect();
    commit(&store, vec![one.append(&texts.iter().map(String::as_str).collect::<Vec<_>>())]).await;
    commit(&store, vec![one.append(&[&large("apart ")])]).await;
    let cancel = Command::Cancel { reason: "enough".to_owned() };
    store.submit(two.id, CommandId("cancel".to_owned()), cancel).await.unwrap();
    let (state_hash, state) = ([1; 32], b"state".to_vec());
    let snapshot =
        Snapshot { run: one.id, lane: Lane::run(), seq: Seq(2), fold_version: 1, state_hash, state };
    store.put_snapshot(1, snapshot).await.unwrap();
    let other = harness.open(SECOND);
    harness.clock().advance(Duration::from_secs(4));
    other.heartbeat().await.unwrap();
    let StoreCheck { owners, read, findings, .. } = store.check().await.unwrap();
    assert_eq!(read, Counts { runs: 2, records: 1_503, snapshots: 1, commands: 1, late: 0, intents: 0 });
    assert_eq!(findings, []);
    let owner = |boot| owners.iter().find(|owner| owner.boot == boot).unwrap();
    assert!(owner(FIRST).is_alive && owner(SECOND).is_alive);
    assert_eq!(owner(FIRST).silent_for, Some(Duration::from_secs(4)));
    assert_eq!(owner(SECOND).silent_for, Some(Duration::ZERO));
    assert_eq!(store.runs().await.unwrap(), [one.row, two.row]);
}
