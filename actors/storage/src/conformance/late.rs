//! Results that arrive too late for the journal.

use playhouse_journal::{Event, Kind, RecordKey};
use playhouse_types::{Incarnation, RunId, Step, Timestamp, TurnId};

use super::sample::{Run, admitted, large, read, same};
use super::{FIRST, Harness, SECOND};
use crate::{LateResult, LateResults, STALE_AFTER, Store};

fn late(ordinal: u32, output: &str) -> LateResult {
    LateResult {
        key: RecordKey::new(TurnId(2), Step(1), ordinal, Kind::ToolResult),
        epoch: 1,
        incarnation: Incarnation(3),
        time: Timestamp(i64::from(ordinal)),
        event: Event::Suspended { reason: output.to_owned() },
    }
}

/// What comes back to an owner that was replaced is kept, and the journal is as it was.
pub async fn results_after_a_takeover_are_kept_apart(harness: &impl Harness) {
    let (old, new) = (harness.open(FIRST), harness.open(SECOND));
    let run = admitted(&old, FIRST, 0).await;
    harness.clock().advance(STALE_AFTER);
    new.claim(run.id, true).await.unwrap();
    let kept = [late(0, "one\nline \"quoted\""), late(1, &large("long ")), late(0, "one\nline \"quoted\"")];
    for late in &kept {
        old.keep_late(run.id, late.clone()).await.unwrap();
    }
    let unknown = RunId::from_u128(77);
    old.keep_late(unknown, late(9, "of a run that nobody knows")).await.unwrap();
    for store in [&old, &new] {
        assert_eq!(
            store.late(run.id).await.unwrap(),
            LateResults { results: kept.to_vec(), n_unreadable: 0 }
        );
        assert_eq!(store.late(unknown).await.unwrap().results, [late(9, "of a run that nobody knows")]);
        assert_eq!(store.late(RunId::from_u128(78)).await.unwrap(), LateResults::default());
        same(&run, &read(store, &run).await);
    }
}

/// A store that takes no commit any more still takes late results, and they outlive the process.
pub async fn results_are_kept_when_the_store_has_failed(harness: &impl Harness) {
    let store = harness.open_limited(FIRST, 1 << 20);
    let mut run = Run::new(0);
    let text = large("too much to keep ").repeat(100);
    store.commit(vec![run.admit(FIRST, &[&text])]).await.unwrap_err();
    store.keep_late(run.id, late(4, "it was sent")).await.unwrap();
    drop(store);
    assert_eq!(harness.open(SECOND).late(run.id).await.unwrap().results, [late(4, "it was sent")]);
}

/// Many results that arrive at once are all kept.
pub async fn results_that_arrive_at_once_are_all_kept(harness: &impl Harness) {
    let (one, two) = (harness.open(FIRST), harness.open(SECOND));
    let id = RunId::from_u128(1);
    let text = large("long ");
    let kept = futures::future::join_all((0..16).map(|ordinal| {
        let store = if ordinal % 2 == 0 { &one } else { &two };
        store.keep_late(id, late(ordinal, &text))
    }));
    for outcome in kept.await {
        outcome.unwrap();
    }
    let mut read = one.late(id).await.unwrap();
    read.results.sort_by_key(|late| late.time);
    let expected = (0..16).map(|ordinal| late(ordinal, &text)).collect();
    assert_eq!(read, LateResults { results: expected, n_unreadable: 0 });
}
