//! Commands that only look: beside a process that works, in a directory that may not be written, and without a trace.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use playhouse_tests::Playhouse;
use rusqlite::{Connection, OpenFlags};

/// Every command that only looks. `last` is a run that waits for a person.
const LOOKS: [&[&str]; 9] = [
    &["runs"],
    &["show", "last"],
    &["journal", "last"],
    &["journal", "last", "--canonical"],
    &["replay", "last"],
    &["review", "list"],
    &["review", "show", "last"],
    &["quarantine", "list"],
    &["doctor", "--check-store"],
];

/// A fresh directory with a run that has ended and one that waits for a person.
fn closed() -> Playhouse {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    let _ = playhouse.run(&["run", "greeting"]).with_code(0);
    assert_eq!(playhouse.run(&["run", "doubtful", "--no-input"]).code, Some(3));
    playhouse
}

/// What is in the data directory: all files with their content.
fn content(playhouse: &Playhouse) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut folders = vec![playhouse.data_dir()];
    let mut content = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap_or_default();
                content.insert(path, bytes);
            }
        }
    }
    content
}

/// Runs every command that only looks, expects each to succeed, and returns what it told.
#[track_caller]
fn look(playhouse: &Playhouse) -> Vec<String> {
    LOOKS.iter().map(|words| look_with(playhouse, words)).collect()
}

#[track_caller]
fn look_with(playhouse: &Playhouse, words: &[&str]) -> String {
    let looked = playhouse.run(words).without_panic();
    if words[0] == "doctor" {
        // It also tells of scenarios that are invalid on purpose, of the disk and of rights.
        let has_read =
            ["none yet", "opens and reads; runs: 2"].iter().any(|told| looked.stdout.contains(told));
        assert!(has_read && !looked.stdout.contains("damaged"), "{looked:?}");
        return String::new();
    }
    assert_eq!(looked.code, Some(0), "{words:?}: {looked:?}");
    looked.stdout
}

#[test]
fn looking_leaves_no_trace() {
    let playhouse = closed();
    let before = content(&playhouse);
    let _ = look(&playhouse);
    let after = content(&playhouse);
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert!(after == before, "a file has changed");
}

#[test]
fn looking_where_nothing_is_makes_nothing() {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    for words in [&["runs"][..], &["review", "list"], &["quarantine", "list"], &["doctor"]] {
        let _ = look_with(&playhouse, words);
    }
    let _ = playhouse.run(&["show", "last"]).with_code(2);
    assert!(!playhouse.data_dir().exists());
    fs::create_dir(playhouse.data_dir()).unwrap();
    let _ = look_with(&playhouse, &["runs"]);
    assert!(content(&playhouse).is_empty());
}

#[test]
fn looking_waits_for_no_process_that_writes_and_joins_none() {
    let playhouse = closed();
    let owners = || content(&playhouse).into_keys().filter(|path| path.parent().unwrap().ends_with("owners"));
    let before: Vec<_> = owners().collect();
    // Whoever wanted to write, be it only to say that it is there, would wait for this and then fail.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let other = Connection::open_with_flags(playhouse.data_dir().join("playhouse.db"), flags).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let _ = look(&playhouse);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(owners().collect::<Vec<_>>(), before);
}

#[test]
fn a_store_whose_process_was_killed_is_looked_at_and_left_as_it_is() {
    let playhouse = closed();
    let mut started = playhouse.start(&["run", "endless-talk"]);
    assert!(started.wait_for_lines(3));
    let _ = started.kill();
    let files = || {
        ["playhouse.db", "playhouse.db-wal"].map(|name| fs::read(playhouse.data_dir().join(name)).unwrap())
    };
    let before = files();
    assert!(!before[1].is_empty(), "what was written last is in the log");
    for words in LOOKS {
        let _ = playhouse.run(words).without_panic();
    }
    assert!(files() == before, "a file has changed");
    let _ = playhouse.run(&["show", "last"]).with_code(0);
}

#[test]
fn a_directory_that_may_not_be_written_is_looked_at() {
    let playhouse = closed();
    let told = look(&playhouse);
    let (dir, file) = (playhouse.data_dir(), playhouse.data_dir().join("playhouse.db"));
    // The superuser may write everywhere: what keeps even it from making the index of a log is a link to nowhere.
    symlink("nowhere/at-all", dir.join("playhouse.db-shm")).unwrap();
    let set = |file_mode, dir_mode| {
        fs::set_permissions(&file, fs::Permissions::from_mode(file_mode)).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(dir_mode)).unwrap();
    };
    set(0o444, 0o555);
    let looked = catch_unwind(AssertUnwindSafe(|| look(&playhouse)));
    // Otherwise the directory could not be removed.
    set(0o644, 0o755);
    assert_eq!(looked.unwrap(), told);
}
