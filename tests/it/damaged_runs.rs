//! A run whose row is damaged is named with what to do, and keeps no other from being served.

use playhouse_tests::Playhouse;
use rusqlite::Connection;

/// What every command tells of a damaged run.
const TOLD: &[&str] = &["is damaged", "doctor --check-store"];

/// Runs a scenario twice, damages the row of the first run, and returns the ids of both.
fn damaged() -> (Playhouse, [String; 2]) {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    let _ = playhouse.run(&["run", "greeting"]).with_code(0);
    assert_eq!(playhouse.run(&["run", "doubtful", "--no-input"]).code, Some(3));
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    let ids = [0, 1].map(|place| runs[place]["run"].as_str().unwrap().to_owned());
    let conn = Connection::open(playhouse.data_dir().join("playhouse.db")).unwrap();
    let sql = "UPDATE run SET turns = turns + 1 WHERE scenario = 'greeting'";
    assert_eq!(conn.execute(sql, ()).unwrap(), 1);
    drop(conn);
    (playhouse, ids)
}

#[test]
fn a_listing_names_damaged_runs_and_shows_the_others() {
    let (playhouse, [lost, kept]) = damaged();
    let listed = playhouse.run(&["runs"]).with_code(1).telling(TOLD).telling(&[&lost]);
    assert!(listed.stdout.contains(&kept) && !listed.stdout.contains(&lost), "{listed:?}");
    let listed = playhouse.run(&["runs", "--json"]).with_code(1).telling(TOLD).telling(&[&lost]).json();
    let ids: Vec<_> = listed.as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap()).collect();
    assert_eq!(ids, [kept]);
}

#[test]
fn a_damaged_run_that_is_named_is_not_called_unknown() {
    let (playhouse, [lost, kept]) = damaged();
    let end = &lost[lost.len() - 8..];
    for command in ["show", "resume", "journal"] {
        for text in [&lost, end, &lost.to_uppercase()] {
            let told = playhouse.run(&[command, text]).with_code(1).telling(TOLD).telling(&[&lost]);
            assert!(!told.stderr.contains("there is no run"), "{told:?}");
        }
    }
    let _ = playhouse.run(&["show", "zzzz"]).with_code(2).telling(&["there is no run `zzzz`"]);
    let _ = playhouse.run(&["show", &kept]).with_code(0);
}

#[test]
fn resuming_everything_goes_on_with_the_others_and_ends_with_1() {
    let (playhouse, [lost, kept]) = damaged();
    let resumed = playhouse.run(&["resume", "--all", "--no-input", "--json"]).with_code(1);
    let resumed = resumed.telling(TOLD).telling(&[&lost, &format!("run {kept} goes on")]);
    assert!(!resumed.stdout.contains(&lost), "{resumed:?}");
    let conn = Connection::open(playhouse.data_dir().join("playhouse.db")).unwrap();
    conn.execute("DELETE FROM run WHERE scenario <> 'greeting'", ()).unwrap();
    drop(conn);
    let nothing = playhouse.run(&["resume", "--all", "--json"]).with_code(1).telling(&[&lost]);
    assert_eq!(nothing.stdout.trim(), "[]");
    let listed = playhouse.run(&["runs"]).with_code(1).telling(&[&lost]);
    assert!(!listed.stderr.contains("there are no runs"), "{listed:?}");
}
