//! How runs end that go wrong: the exit code says it, and what is on record stays.

use std::fs;

use playhouse_tests::Playhouse;

fn faults() -> Playhouse {
    Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"))
}

#[test]
fn a_limit_ends_a_run_with_4_and_keeps_what_was_said() {
    let playhouse = faults();
    let _ = playhouse.run(&["run", "endless-talk"]).with_code(4);
    let shown = playhouse.run(&["show", "last", "--json"]).with_code(0).json();
    assert_eq!((shown["status"].as_str(), shown["turns"].as_u64()), (Some("limited"), Some(3)), "{shown:#}");
    assert_eq!(shown["messages"].as_array().unwrap().len(), 4, "{shown:#}");
    // An ended run is told again, not run again.
    let _ = playhouse.run(&["resume", "last"]).with_code(4);
}

#[test]
fn a_call_in_doubt_waits_for_a_person_and_is_never_repeated() {
    let playhouse = faults();
    let finished = playhouse.run(&["run", "doubtful", "--no-input"]);
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let bell = playhouse.data_dir().join("bell");
    assert_eq!(fs::read_to_string(&bell).unwrap(), "ding\n");
    for _ in 0..4 {
        let resumed = playhouse.run(&["resume", "--all"]);
        assert_eq!(resumed.code, Some(3), "{resumed:?}");
    }
    assert_eq!(fs::read_to_string(&bell).unwrap(), "ding\n");
    let shown = playhouse.run(&["show", "last", "--json"]).with_code(0).json();
    assert_eq!(shown["status"], "waiting", "{shown:#}");
}

#[test]
fn a_panic_in_a_tool_is_told_to_the_agent() {
    let finished = faults().run(&["run", "panicking-tool", "--json"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = finished.json();
    assert!(result.as_str().unwrap().starts_with("failed: true: "), "{result}");
}

#[test]
fn a_panic_in_a_script_fails_the_run() {
    let playhouse = faults();
    let finished = playhouse.run(&["run", "panicking-script"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    assert_eq!(runs[0]["status"], "failed", "{runs:#}");
}

#[test]
fn a_crashed_coordinator_goes_on_from_its_journal() {
    let playhouse = faults();
    let finished = playhouse.run(&["run", "panicking-pattern", "--json"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let shown = playhouse.run(&["show", "last", "--json"]).with_code(0).json();
    assert_eq!((shown["restarts"].as_u64(), shown["turns"].as_u64()), (Some(2), Some(1)), "{shown:#}");
}

#[test]
fn a_run_of_an_unknown_scenario_is_not_resumed() {
    let playhouse = faults();
    let _ = playhouse.run(&["run", "doubtful", "--no-input"]);
    let other = playhouse_tests::playhouse_binary();
    let output = std::process::Command::new(other)
        .args(["resume", "--all", "--data-dir"])
        .arg(playhouse.data_dir())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("`doubtful`"), "{stderr}");
}
