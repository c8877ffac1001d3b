//! Which appends are written, and which are not.

use std::future::Future;
use std::pin::pin;

use futures::future::{Either, select};
use playhouse_journal::JournalRead;
use playhouse_types::{RunId, Seq};

use super::sample::{Run, admitted, commit, large, read, same};
use super::{FIRST, Harness, SECOND};
use crate::{AppendError, RunAppend, Store, StoreError};

/// Several runs in one commit, each with its own chain.
pub async fn one_commit_writes_many_runs(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut runs: Vec<Run> = (0..20).map(Run::new).collect();
    commit(&store, runs.iter_mut().map(|run| run.admit(FIRST, &["a", "b"])).collect()).await;
    commit(&store, runs.iter_mut().map(|run| run.append(&["c"])).collect()).await;
    for run in &runs {
        same(run, &read(&store, run).await);
    }
}

/// A later append of a commit sees the earlier one.
pub async fn one_commit_may_append_twice_to_a_run(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut run = Run::new(0);
    let admission = run.admit(FIRST, &["a"]);
    commit(&store, vec![admission, run.append(&["b"]), run.append(&["c"])]).await;
    same(&run, &read(&store, &run).await);
}

/// Whoever looks meanwhile sees no run of a batch or all of them.
pub async fn a_batch_becomes_visible_as_a_whole(harness: &impl Harness) {
    const N_RUNS: u8 = 50;
    let (writer, reader) = (harness.open(FIRST), harness.open(SECOND));
    let mut runs: Vec<Run> = (0..N_RUNS).map(Run::new).collect();
    let appends = runs.iter_mut().map(|run| run.admit(FIRST, &["case"])).collect();
    let mut commit = pin!(writer.commit(appends));
    loop {
        // The read is finished even if the commit ends first: it is the race that is tested.
        let read = reader.runs();
        let (is_done, rows) = both(commit.as_mut(), read).await;
        let n_rows = rows.unwrap().len();
        assert!(n_rows == 0 || n_rows == usize::from(N_RUNS), "{n_rows} of {N_RUNS} runs are visible");
        if is_done {
            break;
        }
    }
    assert_eq!(reader.runs().await.unwrap().len(), usize::from(N_RUNS));
}

/// Waits for `second` while `first` goes on, and tells whether `first` ended meanwhile.
async fn both<A, B>(
    first: impl Future<Output = A> + Unpin,
    second: impl Future<Output = B> + Unpin,
) -> (bool, B) {
    match select(first, second).await {
        Either::Left((_, second)) => (true, second.await),
        Either::Right((output, _)) => (false, output),
    }
}

/// Without room for all runs of a batch none is admitted.
pub async fn a_full_store_writes_no_part_of_a_batch(harness: &impl Harness) {
    let store = harness.open_limited(FIRST, 1 << 20);
    let text = large("too much to keep ");
    let mut runs: Vec<Run> = (0..200).map(Run::new).collect();
    let appends: Vec<RunAppend> = runs.iter_mut().map(|run| run.admit(FIRST, &["case", &text])).collect();
    let failure = store.commit(appends).await.unwrap_err();
    assert!(matches!(failure, StoreError::Full { .. }), "{failure}");
    drop(store);
    assert_eq!(harness.open(SECOND).runs().await.unwrap(), []);
}

/// After a failed write nothing is acknowledged, and what was durable can be read.
pub async fn a_full_store_takes_nothing_more_and_still_reads(harness: &impl Harness) {
    let store = harness.open_limited(FIRST, 1 << 20);
    let mut run = admitted(&store, FIRST, 0).await;
    let durable = run.clone();
    let text = large("too much to keep ").repeat(100);
    let failure = store.commit(vec![run.append(&[&text])]).await.unwrap_err();
    assert!(matches!(failure, StoreError::Full { .. }), "{failure}");
    let mut next = durable.clone();
    let failure = store.commit(vec![next.append(&["small"])]).await.unwrap_err();
    assert!(matches!(failure, StoreError::Full { .. } | StoreError::Failed { .. }), "{failure}");
    same(&durable, &read(&store, &durable).await);
    drop(store);
    let store = harness.open(SECOND);
    same(&durable, &read(&store, &durable).await);
}

/// After a full disk one last commit says why the runs rest; after it nothing is taken.
pub async fn a_full_store_takes_one_last_commit(harness: &impl Harness) {
    let store = harness.open_limited(FIRST, 1 << 20);
    let mut runs = [admitted(&store, FIRST, 0).await, admitted(&store, FIRST, 1).await];
    let text = large("too much to keep ").repeat(100);
    let failure = store.commit(vec![runs[0].clone().append(&[&text])]).await.unwrap_err();
    assert!(matches!(failure, StoreError::Full { .. }), "{failure}");
    let last = runs.each_mut().map(|run| {
        run.row.turns += 1;
        RunAppend { row: Some(run.row.clone()), ..run.append(&["the disk is full"]) }
    });
    assert_eq!(store.commit_last(last.into()).await.unwrap(), [Ok(()), Ok(())]);
    let failure = store.commit_last(vec![runs[0].clone().append(&["one more"])]).await.unwrap_err();
    assert!(matches!(failure, StoreError::Full { .. }), "{failure}");
    let failure = store.commit(vec![runs[0].clone().append(&["small"])]).await.unwrap_err();
    assert!(matches!(failure, StoreError::Full { .. }), "{failure}");
    drop(store);
    let store = harness.open(SECOND);
    for run in &runs {
        same(run, &read(&store, run).await);
        assert_eq!(store.run(run.id).await.unwrap().as_ref(), Some(&run.row));
    }
}

/// Without a failure nothing is special about a last commit.
pub async fn a_last_commit_on_a_store_that_works_is_a_commit(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut run = admitted(&store, FIRST, 0).await;
    for text in ["one", "two"] {
        assert_eq!(store.commit_last(vec![run.append(&[text])]).await.unwrap(), [Ok(())]);
    }
    commit(&store, vec![run.append(&["three"])]).await;
    same(&run, &read(&store, &run).await);
}

/// Commits `refused` between two good appends, returns its answer and expects that the neighbors are written.
async fn beside_neighbors(store: &impl Store, refused: RunAppend) -> AppendError {
    let mut left = admitted(store, FIRST, 201).await;
    let mut right = admitted(store, FIRST, 202).await;
    let answers = store.commit(vec![left.append(&["l"]), refused, right.append(&["r"])]).await.unwrap();
    assert_eq!((answers.len(), &answers[0], &answers[2]), (3, &Ok(()), &Ok(())));
    for run in [left, right] {
        same(&run, &read(store, &run).await);
    }
    answers[1].clone().unwrap_err()
}

/// A writer whose view is behind is told where the run ends.
pub async fn a_wrong_head_is_refused_and_its_neighbors_are_written(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut run = admitted(&store, FIRST, 0).await;
    let mut behind = run.clone();
    commit(&store, vec![run.append(&["b", "c"])]).await;
    let mut refused = behind.append(&["x"]);
    refused.row = Some(run.row.clone());
    let answer = beside_neighbors(&store, refused).await;
    assert_eq!(answer, AppendError::WrongHead { run: run.id, expected: Seq(1), stored: Seq(3) });
    same(&run, &read(&store, &run).await);
}

/// The hash of the head is compared, not only its place.
pub async fn a_forked_head_of_the_right_length_is_refused(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let run = admitted(&store, FIRST, 0).await;
    let mut fork = Run::new(0);
    let _other_first_record = fork.append(&["something else"]);
    let answer = beside_neighbors(&store, fork.append(&["x"])).await;
    assert_eq!(answer, AppendError::WrongHead { run: run.id, expected: Seq(1), stored: Seq(1) });
    same(&run, &read(&store, &run).await);
}

/// A store never makes a gap.
pub async fn records_with_a_gap_are_refused(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let run = admitted(&store, FIRST, 0).await;
    let mut gap = run.clone().append(&["b", "c", "d"]);
    gap.records.remove(1);
    let answer = beside_neighbors(&store, gap).await;
    assert_eq!(answer, AppendError::WrongHead { run: run.id, expected: Seq(3), stored: Seq(2) });
    same(&run, &read(&store, &run).await);
}

/// An old epoch writes nothing: no record, no row.
pub async fn a_fenced_epoch_is_refused_and_its_neighbors_are_written(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let run = admitted(&store, FIRST, 0).await;
    let claim = store.claim(run.id, false).await.unwrap();
    assert_eq!(claim.epoch, 2);
    let mut old = run.clone();
    old.row.turns = 99;
    let refused = RunAppend { row: Some(old.row.clone()), ..old.append(&["x"]) };
    let answer = beside_neighbors(&store, refused).await;
    assert_eq!(answer, AppendError::Fenced { run: run.id, epoch: 1, current: 2 });
    same(&run, &read(&store, &run).await);
    assert_eq!(store.run(run.id).await.unwrap(), Some(run.row));
}

/// A second admission of an id changes nothing, whatever its epoch.
pub async fn a_run_is_admitted_once(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let run = admitted(&store, FIRST, 0).await;
    let mut again = Run::new(0);
    let answer = beside_neighbors(&store, again.admit(FIRST, &["again"])).await;
    assert_eq!(answer, AppendError::WrongHead { run: run.id, expected: Seq(0), stored: Seq(1) });
    let mut other = Run::new(0).under(5);
    let answers = store.commit(vec![other.admit(SECOND, &["again"])]).await.unwrap();
    assert_eq!(answers, [Err(AppendError::Fenced { run: run.id, epoch: 5, current: 1 })]);
    same(&run, &read(&store, &run).await);
}

/// An append to a run that nobody admitted, and an admission without a row, are refused.
pub async fn an_unknown_run_is_refused(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let id = RunId::from_u128(1);
    let unknown = AppendError::UnknownRun { run: id };
    assert_eq!(beside_neighbors(&store, Run::new(0).append(&["x"])).await, unknown);
    let without_row = RunAppend { row: None, ..Run::new(0).admit(FIRST, &["x"]) };
    assert_eq!(store.commit(vec![without_row]).await.unwrap(), [Err(unknown)]);
    assert_eq!(store.run(id).await.unwrap(), None);
}
