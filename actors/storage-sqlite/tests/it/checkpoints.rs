//! Moving the log into the database file.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;

use playhouse_storage::conformance::sample::{Run, admitted, commit, read, same};
use playhouse_storage::conformance::{FIRST, Harness, SECOND};
use playhouse_storage::{Store, StoreError};

use crate::place::Place;

/// From here on the log is moved.
const LONG_BYTES: u64 = 16 << 20;

fn log(place: &Place) -> PathBuf {
    place.dir().join("playhouse.db-wal")
}

/// A text of 2 MiB.
fn text(number: usize) -> String {
    format!("{number:064}").repeat(1 << 15)
}

/// Fills the log to just below the limit, so that it may be moved into the file from outside.
async fn filled(store: &impl Store) -> Run {
    let mut run = admitted(store, FIRST, 0).await;
    for number in 0..7 {
        commit(store, vec![run.append(&[&text(number)])]).await;
    }
    run
}

/// Moves the log into the file, then cuts the file off: SQLite refuses to move a log into a file that is too short.
fn break_file(place: &Place) -> Vec<u8> {
    place.sql().query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(())).unwrap();
    let whole = fs::read(place.file()).unwrap();
    OpenOptions::new().write(true).open(place.file()).unwrap().set_len(4096).unwrap();
    whole
}

#[tokio::test]
async fn a_log_that_cannot_be_moved_ends_the_writing_and_is_left_alone() {
    let place = Place::new();
    let store = place.store();
    let mut run = filled(&store).await;
    let whole = break_file(&place);
    let mut n_written = 0;
    let failure = loop {
        let mut next = run.clone();
        let append = next.append(&[&text(100 + n_written)]);
        match store.commit(vec![append]).await {
            Ok(_) => run = next,
            Err(failure) => break failure,
        }
        n_written += 1;
        assert!(n_written < 20, "the failure was kept from the writer");
    };
    assert!(matches!(failure, StoreError::Failed { .. }), "{failure}");
    store.heartbeat().await.unwrap_err();
    assert!(n_written > 6, "{n_written} commits do not make a long log");
    store.close().await;
    assert!(fs::metadata(log(&place)).unwrap().len() > LONG_BYTES);
    // All that was acknowledged is in the log.
    fs::write(place.file(), whole).unwrap();
    same(&run, &read(&place.open(SECOND), &run).await);
}

#[tokio::test]
async fn a_log_that_cannot_be_moved_at_the_close_is_left_alone() {
    let place = Place::new();
    let store = place.store();
    let mut run = filled(&store).await;
    let whole = break_file(&place);
    commit(&store, vec![run.append(&["last"])]).await;
    let n_bytes = fs::metadata(log(&place)).unwrap().len();
    store.close().await;
    assert_eq!(fs::metadata(log(&place)).unwrap().len(), n_bytes);
    fs::write(place.file(), whole).unwrap();
    same(&run, &read(&place.open(SECOND), &run).await);
}

#[tokio::test]
async fn a_log_that_cannot_be_moved_at_a_flush_is_told_and_ends_the_writing() {
    let place = Place::new();
    let store = place.store();
    let mut run = filled(&store).await;
    let whole = break_file(&place);
    commit(&store, vec![run.append(&["last"])]).await;
    for _ in 0..2 {
        let failure = store.flush().await.unwrap_err();
        assert!(matches!(failure, StoreError::Failed { .. }), "{failure}");
    }
    // Nobody knows what the file holds, even if the cause is gone.
    fs::write(place.file(), whole).unwrap();
    store.heartbeat().await.unwrap_err();
    store.close().await;
    assert_ne!(fs::metadata(log(&place)).unwrap().len(), 0);
    same(&run, &read(&place.open(SECOND), &run).await);
}

#[tokio::test]
async fn a_flush_empties_the_log_and_writes_may_follow() {
    let place = Place::new();
    let store = place.store();
    let mut run = admitted(&store, FIRST, 0).await;
    assert_ne!(fs::metadata(log(&place)).unwrap().len(), 0);
    store.flush().await.unwrap();
    assert_eq!(fs::metadata(log(&place)).unwrap().len(), 0);
    commit(&store, vec![run.append(&["after"])]).await;
    store.close().await;
    assert!(!log(&place).exists());
    same(&run, &read(&place.open(SECOND), &run).await);
}

#[tokio::test]
async fn a_long_log_is_moved_and_begins_anew() {
    let place = Place::new();
    let store = place.store();
    let mut run = filled(&store).await;
    for number in 100..120 {
        commit(&store, vec![run.append(&[&text(number)])]).await;
    }
    assert!(fs::metadata(log(&place)).unwrap().len() < 2 * LONG_BYTES);
    same(&run, &read(&store, &run).await);
}
