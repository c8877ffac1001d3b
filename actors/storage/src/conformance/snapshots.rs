//! Snapshots: a cache.

use playhouse_types::{Lane, RunId, Seq};

use super::sample::admitted;
use super::{FIRST, Harness};
use crate::{Snapshot, Store};

fn snapshot(run: RunId, lane: &str, seq: u64) -> Snapshot {
    Snapshot {
        run,
        lane: Lane::new(lane).unwrap(),
        seq: Seq(seq),
        fold_version: u32::MAX,
        state_hash: [u8::try_from(seq).unwrap(); 32],
        state: format!("{lane} at {seq}").into_bytes(),
    }
}

/// One per lane; an older one that arrives late is dropped.
pub async fn the_newest_snapshot_of_a_lane_wins(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let (one, two) = (admitted(&store, FIRST, 1).await.id, admitted(&store, FIRST, 2).await.id);
    let newest = snapshot(one, "run", 7);
    let writer = snapshot(one, "writer", 1);
    for snapshot in [snapshot(one, "run", 3), newest.clone(), snapshot(one, "run", 5), writer.clone()] {
        store.put_snapshot(1, snapshot).await.unwrap();
    }
    assert_eq!(store.snapshot(one, &newest.lane).await.unwrap(), Some(newest.clone()));
    assert_eq!(store.snapshot(one, &writer.lane).await.unwrap(), Some(writer));
    assert_eq!(store.snapshot(two, &newest.lane).await.unwrap(), None);
    let same_place = Snapshot { fold_version: 1, ..newest };
    store.put_snapshot(1, same_place.clone()).await.unwrap();
    assert_eq!(store.snapshot(one, &same_place.lane).await.unwrap(), Some(same_place));
}

/// A process that lost the run, or never knew it, leaves none.
pub async fn a_snapshot_of_a_stale_epoch_is_ignored(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let run = admitted(&store, FIRST, 0).await.id;
    store.claim(run, false).await.unwrap();
    let stale = snapshot(run, "run", 1);
    store.put_snapshot(1, stale.clone()).await.unwrap();
    assert_eq!(store.snapshot(run, &stale.lane).await.unwrap(), None);
    let unknown = snapshot(RunId::from_u128(77), "run", 1);
    store.put_snapshot(1, unknown.clone()).await.unwrap();
    assert_eq!(store.snapshot(unknown.run, &unknown.lane).await.unwrap(), None);
}
