//! `playhouse replay` and `playhouse fork`, from outside.

use std::fs;

use playhouse_tests::{CaseFolder, Playhouse};
use serde_json::Value;

fn faults() -> Playhouse {
    Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"))
}

fn run_of(playhouse: &Playhouse, is_it: impl Fn(&Value) -> bool) -> String {
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    let run = runs.as_array().unwrap().iter().rev().find(|run| is_it(run)).expect("a run");
    run["run"].as_str().unwrap().to_owned()
}

/// Replays a run and expects nothing to differ.
#[track_caller]
fn check_equal(playhouse: &Playhouse, run: &str) -> Value {
    let finished = playhouse.run(&["replay", run, "--json"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let replayed = finished.json();
    assert_eq!(
        (&replayed["equal"], &replayed["changed"]),
        (&true.into(), &Value::Array(vec![])),
        "{replayed:#}"
    );
    replayed
}

#[test]
fn every_kind_of_run_is_what_its_records_lead_to() {
    let playhouse = faults();
    for scenario in
        ["greeting", "endless-talk", "panicking-tool", "panicking-script", "panicking-pattern", "doubtful"]
    {
        let _ = playhouse.run(&["run", scenario, "--no-input"]);
        let replayed = check_equal(&playhouse, "last");
        assert!(replayed["decisions"].as_u64().unwrap() > 3, "{scenario}: {replayed:#}");
    }
    // Resumed, and at rest again.
    let _ = playhouse.run(&["resume", "last"]);
    check_equal(&playhouse, "last");
}

#[test]
fn a_batch_that_was_killed_and_resumed_is_what_its_records_lead_to() {
    let playhouse = Playhouse::new();
    let mut started = playhouse.start(crate::settled::RUN);
    assert!(started.wait_for_lines(60));
    let _ = started.kill();
    let _ = playhouse.run(&["resume", "--all"]);
    let replayed = check_equal(&playhouse, "last");
    let cases = replayed["cases"].as_array().unwrap();
    assert!(
        cases.len() > 20 && cases.iter().all(|case| case["decisions"].as_u64().unwrap() > 3),
        "{replayed:#}"
    );
    let told = playhouse.run(&["replay", "last"]).with_code(0).stdout;
    assert!(told.contains("DECISIONS") && told.ends_with("equal\n"), "{told}");
}

#[test]
fn a_damaged_record_is_named() {
    let playhouse = faults();
    let _ = playhouse.run(&["run", "greeting"]).with_code(0);
    let store = rusqlite::Connection::open(playhouse.data_dir().join("playhouse.db")).unwrap();
    store.execute("UPDATE journal SET header = zeroblob(length(header)) WHERE seq = 3", ()).unwrap();
    drop(store);
    let finished = playhouse.run(&["replay", "last", "--json"]).with_code(1);
    assert!(finished.json()["damage"][0].as_str().unwrap().contains("record 3"), "{finished:?}");
}

#[test]
fn a_fork_shares_the_beginning_and_goes_on_by_itself() {
    let playhouse = faults();
    let _ = playhouse.run(&["run", "endless-talk"]).with_code(4);
    let source = run_of(&playhouse, |_| true);
    let before = playhouse.run(&["journal", &source]).with_code(0).stdout;
    // Record 9 is the intent of a model call.
    let _ = playhouse.run(&["fork", &source, "--at", "9"]).with_code(4).telling(&["at record 8"]);
    let shown = playhouse.run(&["show", "last", "--json"]).with_code(0).json();
    assert_eq!(shown["forked_from"], serde_json::json!({ "run": source, "at": 8 }), "{shown:#}");
    assert_eq!((shown["turns"].as_u64(), shown["status"].as_str()), (Some(3), Some("limited")), "{shown:#}");
    let fork = run_of(&playhouse, |run| run["forked_from"]["run"] == source.as_str());
    assert!(playhouse.run(&["runs"]).with_code(0).stdout.contains("fork of"));
    assert_eq!(playhouse.run(&["journal", &source]).with_code(0).stdout, before);
    let after = playhouse.run(&["journal", &fork]).with_code(0).stdout;
    assert!(before.lines().take(8).eq(after.lines().take(8)), "{after}");
    check_equal(&playhouse, &fork);
    // A fork of a fork, once after and once before the point where they part.
    let _ = playhouse.run(&["fork", &fork, "--at", "12", "--seed", "9"]).with_code(4);
    check_equal(&playhouse, "last");
    let _ = playhouse.run(&["fork", &fork, "--at", "6"]).with_code(4).telling(&[&source]);
    check_equal(&playhouse, "last");
}

#[test]
fn a_fork_that_cannot_be_made_is_refused() {
    let playhouse = faults();
    let _ = playhouse.run(&["run", "greeting"]).with_code(0);
    let _ = playhouse.run(&["fork", "last", "--at", "1"]).with_code(2).telling(&["can be forked at is 2"]);
    let _ = playhouse.run(&["fork", "last", "--at", "99"]).with_code(2).telling(&["its last one is 8"]);
    assert_eq!(playhouse.run(&["runs", "--json"]).with_code(0).json().as_array().unwrap().len(), 1);
}

#[test]
fn a_fork_does_nothing_outside_unless_it_may() {
    let playhouse = faults();
    let _ = playhouse.run(&["run", "doubtful", "--no-input"]);
    let source = run_of(&playhouse, |_| true);
    let bell = || fs::read_to_string(playhouse.data_dir().join("bell")).unwrap();
    assert_eq!(bell(), "ding\n");
    let mut forked = playhouse.start(&["fork", &source, "--at", "7"]);
    assert!(forked.wait_for_text("is a fork of"));
    // Wherever this kill falls: what holds for the fork holds for its resumption.
    let _ = forked.kill();
    let fork = run_of(&playhouse, |run| run["forked_from"].is_object());
    let _ = playhouse.run(&["resume", &fork]).with_code(0);
    let shown = playhouse.run(&["show", &fork, "--json"]).with_code(0).json();
    let denied = shown["messages"][1]["tool_calls"][0]["result"]["denied"].as_str().unwrap();
    assert!(denied.contains("--effects"), "{shown:#}");
    assert_eq!(bell(), "ding\n");
    check_equal(&playhouse, &fork);
    let finished = playhouse.run(&["fork", &source, "--at", "7", "--effects"]);
    assert_eq!((finished.code, bell().as_str()), (Some(3), "ding\nding\n"), "{finished:?}");
}

#[test]
fn a_forked_case_pays_nobody() {
    let playhouse = Playhouse::new();
    let folder = CaseFolder::new(&[]).copy("ahorn-4711", "ahorn-4711", &[]);
    let _ = playhouse
        .run(&["run", "invoice-review", "--no-input", "--input-dir", folder.argument()])
        .with_code(0);
    let ledger = playhouse.ledger();
    let case = run_of(&playhouse, |run| run["case"].is_string());
    let finished = playhouse.run(&["fork", &case, "--at", "3"]).without_panic();
    assert!(finished.stderr.contains("is a fork of"), "{finished:?}");
    assert_eq!(playhouse.ledger(), ledger);
    check_equal(&playhouse, "last");
    check_equal(&playhouse, &case);
}
