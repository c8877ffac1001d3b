//! Which directories are taken, and what is left behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use playhouse_journal::JournalRead;
use playhouse_storage::conformance::sample::{admitted, large, read, same};
use playhouse_storage::conformance::{FIRST, Harness, SECOND};
use playhouse_storage::{RESERVE_BYTES, Store, StoreError};
use playhouse_storage_sqlite::SqliteStore;
use playhouse_types::{BootId, Timestamp};
use rusqlite::Connection;

use crate::place::Place;

fn open(dir: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(dir, FIRST, Arc::new(|| Timestamp(0)))
}

#[track_caller]
fn unusable(dir: &Path) {
    match open(dir) {
        Err(StoreError::Unusable { path, .. }) => assert_eq!(path, dir),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("`{}` was taken", dir.display()),
    }
}

#[test]
fn a_directory_is_made_with_all_above_it() {
    let place = Place::new();
    let dir = place.dir().join("a/b c/?d");
    let store = open(&dir).unwrap();
    assert_eq!(store.path(), Some(dir.clone()));
    assert!(dir.join("playhouse.db").is_file());
}

#[test]
fn a_file_in_the_way_is_refused_with_the_directory_named() {
    let place = Place::new();
    let dir = place.dir();
    fs::write(dir.join("file"), "text").unwrap();
    unusable(&dir.join("file"));
    unusable(&dir.join("file/below"));
    fs::write(dir.join("owners"), "text").unwrap();
    unusable(&dir);
}

#[test]
fn a_database_that_is_none_or_of_another_program_is_left_alone() {
    let place = Place::new();
    fs::create_dir(place.file()).unwrap();
    unusable(&place.dir());
    fs::remove_dir(place.file()).unwrap();

    let text = "not a database, but longer than the header of one, ".repeat(10);
    fs::write(place.file(), &text).unwrap();
    unusable(&place.dir());
    assert_eq!(fs::read_to_string(place.file()).unwrap(), text);
    fs::remove_file(place.file()).unwrap();

    place.sql().execute_batch("CREATE TABLE recipe (name TEXT)").unwrap();
    let before = fs::read(place.file()).unwrap();
    unusable(&place.dir());
    assert_eq!(fs::read(place.file()).unwrap(), before);
}

#[test]
fn a_directory_without_permission_is_refused() {
    let place = Place::new();
    let dir = place.dir().join("read-only");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
    // Permissions do not stop the superuser, under whom containers often test.
    let is_stopped = fs::write(dir.join("probe"), "").is_err();
    if is_stopped {
        unusable(&dir);
    }
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_newer_format_is_refused_and_not_touched() {
    let place = Place::new();
    drop(place.store());
    place.sql().pragma_update(None, "user_version", 4).unwrap();
    let before = fs::read(place.file()).unwrap();
    match open(&place.dir()) {
        Err(StoreError::TooNew { path, found, known }) => {
            assert_eq!((path, found, known), (place.dir(), 4, 3));
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("a newer format was opened"),
    }
    assert_eq!(fs::read(place.file()).unwrap(), before);
}

#[test]
fn many_processes_may_open_a_new_store_at_once() {
    let place = Place::new();
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (place, barrier) = (&place, &barrier);
            scope.spawn(move || {
                barrier.wait();
                drop(place.open(BootId::from_u128(number)));
            });
        }
    });
}

#[test]
fn one_boot_id_is_one_process() {
    let place = Place::new();
    let store = place.store();
    unusable(&place.dir());
    drop(store);
    drop(place.store());
}

#[tokio::test]
async fn a_closed_store_is_one_file_without_locks() {
    let place = Place::new();
    let store = place.store();
    let run = admitted(&store, FIRST, 0).await;
    same(&run, &read(&store, &run).await);
    store.close().await;
    let mut names: Vec<_> =
        fs::read_dir(place.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["owners", "playhouse.db", "reserve"]);
    assert_eq!(fs::read_dir(place.dir().join("owners")).unwrap().count(), 0);
}

#[tokio::test]
async fn locks_of_dead_processes_are_cleared_away() {
    let place = Place::new();
    let run = admitted(&place.store(), FIRST, 0).await;
    let owners = place.dir().join("owners");
    let (living, dead) = (place.open(SECOND), owners.join(format!("{FIRST}.lock")));
    // What a killed process leaves: the file, but no lock.
    fs::write(&dead, "").unwrap();
    let claim = living.claim(run.id, false).await.unwrap();
    assert_eq!((claim.epoch, claim.clean, dead.exists()), (2, false, false));
    fs::write(&dead, "").unwrap();
    let third = BootId::from_u128(103);
    let _store = place.open(third);
    let mut names: Vec<_> = fs::read_dir(&owners).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [format!("{SECOND}.lock"), format!("{third}.lock")].map(std::ffi::OsString::from));
    let n_owners: i64 = place.sql().query_row("SELECT count(*) FROM owner", (), |row| row.get(0)).unwrap();
    assert_eq!(n_owners, 2);
}

#[tokio::test]
async fn a_copy_without_its_log_or_locks_opens() {
    let place = Place::new();
    let store = place.store();
    let run = admitted(&store, FIRST, 0).await;
    store.close().await;
    let copy = Place::new();
    fs::copy(place.file(), copy.file()).unwrap();
    let store = copy.open(SECOND);
    same(&run, &read(&store, &run).await);
    let settings =
        |name| Connection::open(copy.file()).unwrap().query_row(name, (), |row| row.get::<_, String>(0));
    assert_eq!(settings("PRAGMA journal_mode").unwrap(), "wal");
    assert_eq!(store.runs().await.unwrap(), [run.row]);
}

#[tokio::test]
async fn a_file_that_was_cut_off_to_nothing_is_not_a_new_store() {
    let place = Place::new();
    drop(place.store());
    fs::write(place.file(), "").unwrap();
    unusable(&place.dir());
    assert_eq!(fs::metadata(place.file()).unwrap().len(), 0);
}

#[test]
fn the_reserve_is_held_back_again_when_there_is_room() {
    let place = Place::new();
    let reserve = place.dir().join("reserve");
    for before in [None, Some(0), Some(RESERVE_BYTES - 1)] {
        match before {
            None => assert!(!reserve.exists()),
            Some(n_bytes) => fs::write(&reserve, vec![0; usize::try_from(n_bytes).unwrap()]).unwrap(),
        }
        drop(place.store());
        assert_eq!(fs::metadata(&reserve).unwrap().len(), RESERVE_BYTES);
        if before.is_none() {
            fs::remove_file(&reserve).unwrap();
        }
    }
}

#[tokio::test]
async fn the_last_commit_of_a_full_store_gives_the_reserve_away() {
    let place = Place::new();
    let store = place.open_limited(FIRST, 1 << 20);
    let mut run = admitted(&store, FIRST, 0).await;
    let text = large("too much to keep ").repeat(100);
    store.commit(vec![run.clone().append(&[&text])]).await.unwrap_err();
    assert!(place.dir().join("reserve").exists());
    store.commit_last(vec![run.append(&["the disk is full"])]).await.unwrap()[0].clone().unwrap();
    assert!(!place.dir().join("reserve").exists());
    drop(store);
    let store = place.store();
    assert!(place.dir().join("reserve").exists());
    same(&run, &read(&store, &run).await);
}

#[test]
fn a_store_that_another_process_keeps_locked_says_so() {
    let place = Place::new();
    drop(place.store());
    let other = place.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = place.try_open(FIRST, Duration::from_millis(20)).unwrap_err();
    assert!(matches!(&refused, StoreError::Busy { path, .. } if *path == place.dir()), "{refused}");
    other.execute_batch("COMMIT").unwrap();
    drop(place.try_open(FIRST, Duration::from_millis(20)).unwrap());
}
