//! Runs that are set aside, end to end: why, and what each decision does.

use playhouse_tests::Playhouse;
use serde_json::{Value, json};

/// A fresh directory in which `crashing` was set aside, as its agent crashed again and again.
fn set_aside() -> Playhouse {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    let finished = playhouse.run(&["run", "crashing", "--no-input"]);
    assert_eq!(finished.code, Some(5), "{finished:?}");
    let _ = finished.telling(&["walker is given up after start 3", "quarantined", "quarantine list"]);
    playhouse
}

/// The same after the cause of the crashes has gone.
fn mended(playhouse: Playhouse) -> Playhouse {
    playhouse.with("PLAYHOUSE_TESTS_MENDED", "yes")
}

fn listed(playhouse: &Playhouse) -> Vec<Value> {
    playhouse.run(&["quarantine", "list", "--json"]).with_code(0).json().as_array().unwrap().clone()
}

fn decide(playhouse: &Playhouse, words: &[&str]) {
    let words = [&["quarantine"], words, &["--by", "ann"]].concat();
    let _ = playhouse.run(&words).with_code(0);
    assert_eq!(listed(playhouse), Vec::<Value>::new());
}

/// Goes on to the end and returns who said what.
fn conversation_after_resume(playhouse: &Playhouse) -> Vec<(String, String)> {
    assert_eq!(playhouse.run(&["resume", "last", "--json"]).with_code(0).json(), json!("DONE"));
    let shown = playhouse.run(&["show", "last", "--json"]).with_code(0).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let messages = shown["messages"].as_array().unwrap();
    messages.iter().map(|message| (text(&message["from"]), text(&message["content"]))).collect()
}

#[track_caller]
fn check(said: &[(String, String)], expected: &[(&str, &str)]) {
    let said: Vec<(&str, &str)> = said.iter().map(|(from, text)| (from.as_str(), text.as_str())).collect();
    assert_eq!(said, expected);
}

const SKIPPED: (&str, &str) = ("runtime", "Turn 1 of walker brought nothing: skipped by ann.");

#[test]
fn a_run_whose_agent_always_crashes_is_set_aside_and_stays_there() {
    let playhouse = set_aside();
    let listed = listed(&playhouse);
    assert_eq!((listed.len(), &listed[0]["kind"]), (1, &json!("quarantine")), "{listed:#?}");
    assert!(listed[0]["reason"].as_str().unwrap().contains("walker"), "{listed:#?}");
    // Going on with everything leaves it to the person, mended or not.
    let playhouse = mended(playhouse);
    let _ = playhouse.run(&["resume", "last"]).with_code(5);
    assert_eq!(playhouse.run(&["runs", "--json"]).with_code(0).json()[0]["status"], "quarantined");
}

#[test]
fn a_reopened_run_is_set_aside_again_until_the_cause_is_mended() {
    let playhouse = set_aside();
    decide(&playhouse, &["reopen", "last"]);
    let again = playhouse.run(&["resume", "last"]);
    assert_eq!(again.code, Some(5), "{again:?}");
    assert_eq!(listed(&playhouse).len(), 1);
    let playhouse = mended(playhouse);
    decide(&playhouse, &["reopen", "last"]);
    let said = conversation_after_resume(&playhouse);
    check(&said, &[("user", "Walk."), ("walker", "The first step is taken."), ("walker", "DONE")]);
}

#[test]
fn a_skipped_turn_leaves_a_note_and_the_next_one_is_taken() {
    let playhouse = set_aside();
    decide(&playhouse, &["skip", "last"]);
    let said = conversation_after_resume(&playhouse);
    check(&said, &[("user", "Walk."), SKIPPED, ("walker", "DONE")]);
}

#[test]
fn an_amended_run_goes_on_with_one_more_message() {
    let playhouse = set_aside();
    decide(&playhouse, &["amend", "last", "--text", "Take care."]);
    let said = conversation_after_resume(&playhouse);
    check(&said, &[("user", "Walk."), SKIPPED, ("user", "Take care."), ("walker", "DONE")]);
}

#[test]
fn an_abandoned_run_has_ended() {
    let playhouse = mended(set_aside());
    decide(&playhouse, &["abandon", "last"]);
    let _ = playhouse.run(&["resume", "last"]).with_code(1).telling(&["abandoned by ann"]);
    assert_eq!(playhouse.run(&["runs", "--json"]).with_code(0).json()[0]["status"], "cancelled");
    let _ = playhouse.run(&["quarantine", "reopen", "last"]).with_code(1);
}

#[test]
fn an_approval_that_must_not_lapse_sets_its_run_aside_when_nobody_answers() {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    let first = playhouse.run(&["run", "escalating", "--no-input"]).without_panic();
    // Its time may be over only after the run rests.
    assert!(matches!(first.code, Some(3 | 5)), "{first:?}");
    let _ = playhouse.run(&["resume", "last", "--no-input"]).with_code(5);
    let listed = listed(&playhouse);
    assert_eq!(listed[0]["reason"], "nobody has answered approval-1.1.0 in time", "{listed:#?}");
    decide(&playhouse, &["skip", "last"]);
    let said = conversation_after_resume(&playhouse);
    let note = "Turn 1 of porter brought nothing: skipped by ann.";
    check(&said, &[("user", "Open."), ("runtime", note), ("porter", "DONE")]);
}
