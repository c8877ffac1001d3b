//! Opening a store for reading only.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use playhouse_journal::JournalRead;
use playhouse_storage::conformance::sample::{Run, admitted, commit, large, read, same};
use playhouse_storage::conformance::{FIRST, Harness, SECOND};
use playhouse_storage::{Store, StoreError};
use playhouse_storage_sqlite::SqliteStore;
use playhouse_types::Timestamp;

use crate::place::Place;

fn open_to_read(place: &Place) -> Result<Option<SqliteStore>, StoreError> {
    SqliteStore::open_to_read(&place.dir(), Arc::new(|| Timestamp(0)))
}

fn reader(place: &Place) -> SqliteStore {
    open_to_read(place).unwrap().unwrap()
}

fn log(place: &Place) -> PathBuf {
    place.dir().join("playhouse.db-wal")
}

/// Keeps SQLite from making the file that it needs to read a log, whoever runs the test.
fn forbid_index(place: &Place) -> PathBuf {
    let index = place.dir().join("playhouse.db-shm");
    symlink("nowhere", &index).unwrap();
    index
}

/// A store that was closed, with one run.
async fn closed(place: &Place) -> Run {
    let store = place.store();
    let mut run = admitted(&store, FIRST, 0).await;
    commit(&store, vec![run.append(&[&large("x")])]).await;
    store.close().await;
    run
}

/// A store whose process was killed: what it wrote is in the log.
async fn killed(place: &Place) -> Run {
    let living = Place::new();
    let store = living.store();
    let run = admitted(&store, FIRST, 0).await;
    fs::copy(living.file(), place.file()).unwrap();
    fs::copy(log(&living), log(place)).unwrap();
    run
}

#[tokio::test]
async fn reading_sees_what_another_process_writes_and_takes_no_part() {
    let place = Place::new();
    let store = place.store();
    let mut run = admitted(&store, FIRST, 0).await;
    let reader = reader(&place);
    same(&run, &read(&reader, &run).await);
    commit(&store, vec![run.append(&["more"])]).await;
    same(&run, &read(&reader, &run).await);
    assert_eq!(fs::read_dir(place.dir().join("owners")).unwrap().count(), 1);
    reader.commit(vec![run.append(&["ours"])]).await.unwrap_err();
    reader.claim(run.id, true).await.unwrap_err();
    reader.heartbeat().await.unwrap_err();
    reader.flush().await.unwrap();
}

#[tokio::test]
async fn a_closed_store_is_read_where_no_file_can_be_made() {
    let place = Place::new();
    let run = closed(&place).await;
    forbid_index(&place);
    let before = fs::read(place.file()).unwrap();
    let reader = reader(&place);
    same(&run, &read(&reader, &run).await);
    assert_eq!(reader.runs().await.unwrap(), [run.row]);
    assert_eq!(reader.check().await.unwrap().findings, []);
    drop(reader);
    assert_eq!(fs::read(place.file()).unwrap(), before);
}

/// The names of what is in the directory.
fn names(place: &Place) -> Vec<String> {
    let names = fs::read_dir(place.dir()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn reading_leaves_nothing_behind() {
    let place = Place::new();
    let run = closed(&place).await;
    let (before, bytes) = (names(&place), fs::read(place.file()).unwrap());
    let reader = reader(&place);
    same(&run, &read(&reader, &run).await);
    futures::future::join_all((0..8).map(|_| reader.runs())).await;
    drop(reader);
    assert_eq!((names(&place), fs::read(place.file()).unwrap()), (before, bytes));
}

#[tokio::test]
async fn a_reader_that_goes_takes_nothing_from_the_owner() {
    let place = Place::new();
    let store = place.store();
    let mut run = admitted(&store, FIRST, 0).await;
    store.flush().await.unwrap();
    drop(reader(&place));
    assert_eq!(fs::metadata(log(&place)).unwrap().len(), 0);
    commit(&store, vec![run.append(&["more"])]).await;
    same(&run, &read(&reader(&place), &run).await);
    store.close().await;
    same(&run, &read(&reader(&place), &run).await);
}

#[tokio::test]
async fn a_log_is_read_before_anybody_moves_it_and_left_as_it_is() {
    let place = Place::new();
    let run = killed(&place).await;
    let before = fs::read(log(&place)).unwrap();
    let reader = reader(&place);
    same(&run, &read(&reader, &run).await);
    drop(reader);
    assert_eq!(fs::read(log(&place)).unwrap(), before);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_here_is_refused_with_what_to_do() {
    let place = Place::new();
    let run = killed(&place).await;
    let index = forbid_index(&place);
    let Err(StoreError::Unusable { path, source }) = open_to_read(&place) else {
        panic!("a file was read without its log");
    };
    assert_eq!(path, place.dir());
    let text = source.to_string();
    assert!(text.contains("playhouse.db-wal") && text.contains("make the directory writable"), "{text}");
    fs::remove_file(index).unwrap();
    same(&run, &read(&reader(&place), &run).await);
}

#[tokio::test]
async fn an_empty_log_does_not_keep_a_file_from_being_read_alone() {
    let place = Place::new();
    let run = closed(&place).await;
    fs::write(log(&place), "").unwrap();
    forbid_index(&place);
    same(&run, &read(&reader(&place), &run).await);
}

#[tokio::test]
async fn a_directory_without_permission_to_write_is_read() {
    let place = Place::new();
    let run = closed(&place).await;
    // Permissions do not stop the superuser, under whom containers often test: then it is any directory.
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(place.dir(), fs::Permissions::from_mode(0o555)).unwrap();
    let outcome = read(&reader(&place), &run).await;
    fs::set_permissions(place.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    same(&run, &outcome);
}

#[test]
fn what_is_no_store_is_not_made_one() {
    let place = Place::new();
    assert!(open_to_read(&place).unwrap().is_none());
    fs::write(place.file(), "").unwrap();
    assert!(open_to_read(&place).unwrap().is_none());
    assert_eq!(fs::metadata(place.file()).unwrap().len(), 0);
    drop(place.store());
    fs::write(place.file(), "").unwrap();
    assert!(matches!(open_to_read(&place), Err(StoreError::Unusable { .. })), "it was cut off to nothing");
    fs::write(place.file(), "not a database, but longer than the header of one, ".repeat(10)).unwrap();
    assert!(matches!(open_to_read(&place), Err(StoreError::Unusable { .. })));
}

#[test]
fn a_store_that_is_being_made_is_not_there_yet_or_whole() {
    for _ in 0..10 {
        let place = Place::new();
        let is_made = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let looking = scope.spawn(|| {
                while !is_made.load(Ordering::Relaxed) {
                    open_to_read(&place).unwrap();
                }
            });
            drop(place.store());
            is_made.store(true, Ordering::Relaxed);
            looking.join().unwrap();
        });
        drop(reader(&place));
    }
}

#[test]
fn other_formats_are_refused_and_not_touched() {
    let place = Place::new();
    drop(place.store());
    place.sql().pragma_update(None, "user_version", 4).unwrap();
    assert!(matches!(open_to_read(&place), Err(StoreError::TooNew { found: 4, known: 3, .. })));
    let place = Place::new();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/samples/format_2.sql");
    place.sql().execute_batch(&fs::read_to_string(sample).unwrap()).unwrap();
    assert!(matches!(open_to_read(&place), Err(StoreError::TooOld { found: 2, known: 3, .. })));
    drop(place.open(SECOND));
    drop(reader(&place));
}
