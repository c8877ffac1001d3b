//! Scenarios that do not build, or cannot be started: everything that is wrong is told before anything is written.

use playhouse_tests::Playhouse;

/// Checks that a scenario is refused, telling these, and leaves nothing behind.
#[track_caller]
fn check(arguments: &[&str], telling: &[&str]) {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    let refused = playhouse.run(&[&["run"], arguments].concat()).with_code(2).telling(telling);
    assert_eq!(refused.stdout, "");
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    assert_eq!(runs, serde_json::json!([]));
}

#[test]
fn a_scenario_without_agents_is_refused() {
    check(&["empty"], &["`empty`", "no agents"]);
}

#[test]
fn two_agents_of_one_name_are_refused() {
    check(&["twins"], &["`twins`", "`twin`", "2 times"]);
}

#[test]
fn a_scenario_without_an_end_is_refused() {
    check(&["endless"], &["`endless`", "until"]);
}

#[test]
fn a_tool_that_is_listed_twice_is_refused() {
    check(&["tool-twice"], &["`speaker`", "`nothing`"]);
}

#[test]
fn an_agent_without_script_and_model_is_named() {
    check(&["silent"], &["`guest`", "--model"]);
}

#[test]
fn a_script_that_an_agent_lacks_cannot_be_asked_for() {
    check(&["silent", "--model", "scripted"], &["`guest`"]);
}

#[test]
fn all_faults_are_told_at_once() {
    check(&["everything"], &["`twin`", "`nothing`", "max_steps", "until"]);
}

#[test]
fn a_list_shows_the_valid_and_tells_the_invalid() {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    let finished = playhouse.run(&["list", "--json"]).with_code(2).telling(&["`twins`", "`empty`"]);
    let names: Vec<String> = finished
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.contains(&"asker".to_owned()), "{names:?}");
}
