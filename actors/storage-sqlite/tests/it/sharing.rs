//! Several callers and several processes on one file.

use std::fs;
use std::time::Duration;

use futures::future::join_all;
use futures::poll;
use playhouse_journal::{Command, CommandId, CommandInbox, ReadError};
use playhouse_storage::conformance::sample::{Run, admitted, commit, large, read, same};
use playhouse_storage::conformance::{FIRST, Harness, SECOND};
use playhouse_storage::{Store, StoreError};

use crate::place::Place;

/// Counts the transactions in the write-ahead log: frames that state the size of the file after them
/// (<https://www.sqlite.org/fileformat2.html#walformat>, section 4.1).
fn n_transactions(place: &Place) -> usize {
    let log = fs::read(place.dir().join("playhouse.db-wal")).unwrap();
    log[32..].chunks(24 + 4096).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test]
async fn commits_that_wait_share_one_transaction() {
    let place = Place::new();
    let store = place.store();
    let mut runs = Vec::new();
    for number in 0..64 {
        runs.push(admitted(&store, FIRST, number).await);
    }
    let n_before = n_transactions(&place);
    let other = place.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut commits: Vec<_> = runs.iter_mut().map(|run| store.commit(vec![run.append(&["next"])])).collect();
    for commit in &mut commits {
        assert!(poll!(commit).is_pending());
    }
    other.execute_batch("COMMIT").unwrap();
    for answers in join_all(commits).await {
        assert_eq!(answers.unwrap(), [Ok(())]);
    }
    // Those that were queued when the writer began to wait for the lock, and all others.
    let n_shared = n_transactions(&place) - n_before;
    assert!(n_shared <= 2, "{n_shared} transactions");
    for run in &runs {
        same(run, &read(&store, run).await);
    }
}

#[tokio::test]
async fn a_dropped_commit_is_written() {
    let place = Place::new();
    let store = place.store();
    let mut run = admitted(&store, FIRST, 0).await;
    {
        let mut dropped = store.commit(vec![run.append(&["dropped"])]);
        assert!(poll!(&mut dropped).is_pending());
    }
    commit(&store, vec![run.append(&["after it"])]).await;
    same(&run, &read(&store, &run).await);
}

#[tokio::test]
async fn a_store_ends_while_another_process_holds_the_lock() {
    let place = Place::new();
    let store = place.store();
    let run = admitted(&store, FIRST, 0).await;
    let other = place.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    {
        let mut waiting = store.commit(vec![run.clone().append(&["never acknowledged"])]);
        assert!(poll!(&mut waiting).is_pending());
    }
    drop(store);
    other.execute_batch("COMMIT").unwrap();
    same(&run, &read(&place.store(), &run).await);
}

#[tokio::test]
async fn a_lock_that_is_never_freed_ends_the_waiting_and_reads_go_on() {
    let place = Place::new();
    let patience = Duration::from_millis(20);
    let store = place.try_open(FIRST, patience).unwrap();
    let run = admitted(&store, FIRST, 0).await;
    let other = place.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..2 {
        let failure = store.commit(vec![run.clone().append(&["never acknowledged"])]).await.unwrap_err();
        assert!(
            matches!(&failure, StoreError::Busy { path, waited } if *path == place.dir() && *waited >= patience),
            "{failure}"
        );
        same(&run, &read(&store, &run).await);
    }
    // The lock is free again, but a process that has given up does not go on.
    other.execute_batch("COMMIT").unwrap();
    let failure = store.heartbeat().await.unwrap_err();
    assert!(matches!(failure, StoreError::Busy { .. }), "{failure}");
    drop(store);
    let store = place.store();
    same(&run, &read(&store, &run).await);
    commit(&store, vec![run.clone().append(&["the next process writes"])]).await;
}

#[tokio::test]
async fn processes_write_their_own_runs_side_by_side() {
    let place = Place::new();
    let stores = [place.open(FIRST), place.open(SECOND)];
    let runs = join_all(stores.iter().zip([FIRST, SECOND]).zip(1..).map(async |((store, boot), number)| {
        let mut run = Run::new(number);
        commit(store, vec![run.admit(boot, &["hello"])]).await;
        for _ in 0..50 {
            commit(store, vec![run.append(&["small", &large("long ")])]).await;
        }
        run
    }))
    .await;
    for (store, run) in stores.iter().rev().zip(&runs) {
        same(run, &read(store, run).await);
    }
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_written_and_reads_go_on() {
    let place = Place::new();
    let store = place.store();
    let run = admitted(&store, FIRST, 0).await;
    place.sql().execute_batch("ALTER TABLE inbox RENAME TO gone").unwrap();
    let command = Command::Cancel { reason: "enough".to_owned() };
    let failure = store.submit(run.id, CommandId("cancel".to_owned()), command).await.unwrap_err();
    assert!(matches!(failure, ReadError::Unavailable { .. }), "{failure}");
    // The cause is mended, but a process that has failed once does not go on.
    place.sql().execute_batch("ALTER TABLE gone RENAME TO inbox").unwrap();
    let failures = [
        store.commit(vec![run.clone().append(&["never acknowledged"])]).await.map(drop),
        store.heartbeat().await,
        store.release(run.id, 1).await,
    ];
    for failure in failures {
        assert!(
            matches!(&failure, Err(StoreError::Failed { path, .. }) if *path == place.dir()),
            "{failure:?}"
        );
    }
    same(&run, &read(&store, &run).await);
    drop(store);
    let store = place.store();
    commit(&store, vec![run.clone().append(&["the next process writes"])]).await;
}
