//! Who owns a run.

use std::time::Duration;

use playhouse_journal::JournalRead;
use playhouse_types::{BootId, RunId};

use super::sample::{Run, commit, read, same};
use super::{FIRST, Harness, SECOND};
use crate::{AppendError, Claim, ClaimError, STALE_AFTER, Store};

/// The claim that a run gets whose row is `run.row`, with `n_starts` starts without progress.
fn claim(run: &Run, epoch: u64, clean: bool, n_starts: u32) -> Claim {
    let mut row = run.row.clone();
    row.starts_without_progress = n_starts;
    Claim { epoch, clean, row }
}

/// Admits a run and starts it: there are records beyond its admission.
async fn started(store: &impl Store, owner: BootId, number: u8) -> Run {
    let mut run = Run::new(number);
    commit(store, vec![run.admit(owner, &["hello", "opening message", "first turn"])]).await;
    run
}

#[track_caller]
fn refused(claim: Result<Claim, ClaimError>, run: RunId, silent_for: Duration) {
    match claim.unwrap_err() {
        ClaimError::Owned { run: owned, silent_for: silent, stale_after } => {
            assert_eq!((owned, silent, stale_after), (run, silent_for, STALE_AFTER));
        }
        other => panic!("{other}"),
    }
}

/// Only the owner under the present epoch can let go.
pub async fn a_released_run_is_claimed_clean(harness: &impl Harness) {
    let (owner, other) = (harness.open(FIRST), harness.open(SECOND));
    let run = started(&owner, FIRST, 0).await;
    other.release(run.id, 1).await.unwrap();
    owner.release(run.id, 9).await.unwrap();
    refused(other.claim(run.id, false).await, run.id, Duration::ZERO);
    owner.release(run.id, 1).await.unwrap();
    assert_eq!(other.claim(run.id, false).await.unwrap(), claim(&run, 2, true, 0));
    refused(owner.claim(run.id, false).await, run.id, Duration::ZERO);
}

/// An unknown run cannot be claimed, a living process keeps its runs.
pub async fn a_run_of_a_living_process_is_refused(harness: &impl Harness) {
    let (owner, other) = (harness.open(FIRST), harness.open(SECOND));
    let mut run = started(&owner, FIRST, 0).await;
    harness.clock().advance(STALE_AFTER * 2);
    refused(other.claim(run.id, false).await, run.id, STALE_AFTER * 2);
    commit(&owner, vec![run.append(&["still mine"])]).await;
    let unknown = RunId::from_u128(77);
    let answer = other.claim(unknown, true).await.unwrap_err();
    assert!(matches!(answer, ClaimError::UnknownRun { run } if run == unknown), "{answer}");
}

/// Every unclean end counts, whoever comes next; the count is in the row.
pub async fn a_run_of_a_dead_process_is_claimed_and_its_start_counted(harness: &impl Harness) {
    let run = started(&harness.open(FIRST), FIRST, 0).await;
    for (boot, epoch) in [(SECOND, 2), (FIRST, 3)] {
        let next = harness.open(boot);
        let n_starts = u32::try_from(epoch - 1).unwrap();
        let expected = claim(&run, epoch, false, n_starts);
        assert_eq!(next.claim(run.id, false).await.unwrap(), expected);
        assert_eq!(next.run(run.id).await.unwrap(), Some(expected.row));
    }
    let last = harness.open(SECOND);
    last.claim(run.id, false).await.unwrap();
    last.release(run.id, 4).await.unwrap();
    assert_eq!(harness.open(FIRST).claim(run.id, false).await.unwrap(), claim(&run, 5, true, 3));
}

/// A case that waits for its turn in a batch is not why processes end; from its start on it may be. A run of its own is
/// started when it is admitted.
pub async fn a_start_counts_only_for_what_was_started(harness: &impl Harness) {
    let (mut case, mut run) = (Run::new(0), Run::new(1));
    run.row.parent = None;
    let admissions = [&mut case, &mut run].map(|run| run.admit(FIRST, &["hello", "opening message"]));
    commit(&harness.open(FIRST), admissions.into()).await;
    for (boot, epoch) in [(SECOND, 2), (FIRST, 3)] {
        let next = harness.open(boot);
        assert_eq!(next.claim(case.id, false).await.unwrap(), claim(&case, epoch, false, 0));
        let n_starts = u32::try_from(epoch - 1).unwrap();
        assert_eq!(next.claim(run.id, false).await.unwrap(), claim(&run, epoch, false, n_starts));
    }
    let store = harness.open(SECOND);
    assert_eq!(store.claim(case.id, false).await.unwrap(), claim(&case, 4, false, 0));
    let mut case = case.under(4);
    commit(&store, vec![case.append(&["resumed"])]).await;
    drop(store);
    assert_eq!(harness.open(FIRST).claim(case.id, false).await.unwrap(), claim(&case, 5, false, 1));
}

/// Silence alone takes no run away.
pub async fn a_silent_owner_is_taken_over_only_when_asked(harness: &impl Harness) {
    let (owner, other) = (harness.open(FIRST), harness.open(SECOND));
    let run = started(&owner, FIRST, 0).await;
    let nearly = STALE_AFTER - Duration::from_micros(1);
    harness.clock().advance(nearly);
    refused(other.claim(run.id, true).await, run.id, nearly);
    harness.clock().advance(Duration::from_micros(1));
    refused(other.claim(run.id, false).await, run.id, STALE_AFTER);
    assert_eq!(other.claim(run.id, true).await.unwrap(), claim(&run, 2, false, 1));
}

/// A sign of life counts from when it is given.
pub async fn a_heartbeat_prevents_a_takeover(harness: &impl Harness) {
    let (owner, other) = (harness.open(FIRST), harness.open(SECOND));
    let run = started(&owner, FIRST, 0).await;
    harness.clock().advance(STALE_AFTER);
    owner.heartbeat().await.unwrap();
    harness.clock().advance(Duration::from_secs(1));
    refused(other.claim(run.id, true).await, run.id, Duration::from_secs(1));
}

/// After a takeover the old owner writes nothing and lets go of nothing.
pub async fn an_owner_that_was_replaced_is_fenced(harness: &impl Harness) {
    let (old, new) = (harness.open(FIRST), harness.open(SECOND));
    let mut run = started(&old, FIRST, 0).await;
    let mut stale = run.clone();
    harness.clock().advance(STALE_AFTER);
    run.epoch = new.claim(run.id, true).await.unwrap().epoch;
    let answers = old.commit(vec![stale.append(&["x"])]).await.unwrap();
    assert_eq!(answers, [Err(AppendError::Fenced { run: run.id, epoch: 1, current: 2 })]);
    old.release(run.id, 1).await.unwrap();
    old.release(run.id, 2).await.unwrap();
    commit(&new, vec![run.append(&["mine now"])]).await;
    same(&run, &read(&old, &run).await);
    new.heartbeat().await.unwrap();
    refused(old.claim(run.id, true).await, run.id, Duration::ZERO);
}

/// A new journal writer in the same process fences the one before it; no process has ended.
pub async fn our_own_run_is_claimed_again_without_counting(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let run = started(&store, FIRST, 0).await;
    assert_eq!(store.claim(run.id, false).await.unwrap(), claim(&run, 2, true, 0));
    assert_eq!(store.claim(run.id, true).await.unwrap(), claim(&run, 3, true, 0));
}

/// Test and set are one step.
pub async fn only_one_of_two_claims_wins(harness: &impl Harness) {
    let dead = BootId::from_u128(103);
    let run = started(&harness.open(dead), dead, 0).await;
    let (one, two) = (harness.open(FIRST), harness.open(SECOND));
    let (first, second) = futures::join!(one.claim(run.id, false), two.claim(run.id, false));
    let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
    assert_eq!(won.unwrap(), claim(&run, 2, false, 1));
    refused(lost, run.id, Duration::ZERO);
}

/// A claim and commits of the old owner at the same moment: each commit is before the claim or refused.
pub async fn an_owner_that_is_replaced_while_it_writes_leaves_a_whole_chain(harness: &impl Harness) {
    let (old, new) = (harness.open(FIRST), harness.open(SECOND));
    for number in 0..10 {
        let mut run = started(&old, FIRST, number).await;
        harness.clock().advance(STALE_AFTER);
        let mut after = run.clone();
        let (claimed, written) =
            futures::join!(new.claim(run.id, true), old.commit(vec![after.append(&["of the old owner"])]));
        let claim = claimed.unwrap();
        match &written.unwrap()[0] {
            Ok(()) => run = after,
            Err(refused) => assert_eq!(*refused, AppendError::Fenced { run: run.id, epoch: 1, current: 2 }),
        }
        let mut run = run.under(claim.epoch);
        commit(&new, vec![run.append(&["of the new owner"])]).await;
        same(&run, &read(&old, &run).await);
    }
}

/// Two processes take one run away from each other; whoever has the newest epoch writes, the other never.
pub async fn of_two_owners_that_race_only_one_writes(harness: &impl Harness) {
    let (one, two) = (harness.open(FIRST), harness.open(SECOND));
    let mut run = started(&one, FIRST, 0).await;
    for round in 0..10 {
        harness.clock().advance(STALE_AFTER);
        let (old, new) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let mut stale = run.clone();
        run.epoch = new.claim(run.id, true).await.unwrap().epoch;
        let (refused, written) = futures::join!(
            old.commit(vec![stale.append(&["stale"])]),
            new.commit(vec![run.append(&["fresh"])])
        );
        let fenced = AppendError::Fenced { run: run.id, epoch: run.epoch - 1, current: run.epoch };
        assert_eq!(refused.unwrap(), [Err(fenced)]);
        assert_eq!(written.unwrap(), [Ok(())]);
        // Its memory of the run is of no use to it either.
        let mut pretender = run.clone().under(run.epoch - 1);
        assert!(old.commit(vec![pretender.append(&["stale"])]).await.unwrap()[0].is_err());
    }
    same(&run, &read(&two, &run).await);
}
