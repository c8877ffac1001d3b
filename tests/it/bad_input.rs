//! Command lines and data directories that make no sense: exit code 2 or 6, and nothing half done.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use playhouse_tests::{CaseFolder, Playhouse, playhouse_binary};
use rusqlite::Connection;
use serde_json::json;

use crate::shipped::{check_ledger, check_results};

/// Checks that a command of the shipped binary is refused, telling these, and leaves nothing behind.
#[track_caller]
fn check(arguments: &[&str], telling: &[&str]) {
    let playhouse = Playhouse::new();
    let refused = playhouse.run(arguments).with_code(2).telling(telling);
    assert_eq!(refused.stdout, "");
    check_empty(&playhouse);
}

#[track_caller]
fn check_empty(playhouse: &Playhouse) {
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    assert_eq!(runs, json!([]));
}

#[test]
fn an_unknown_scenario_is_answered_with_the_nearest() {
    check(&["run", "invoice-reviw"], &["`invoice-reviw`", "invoice-review"]);
}

#[test]
fn an_unknown_parameter_is_answered_with_the_nearest() {
    check(&["run", "invoice-review", "--set", "leger=a"], &["`leger`", "ledger"]);
}

#[test]
fn a_value_of_the_wrong_type_is_named() {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    for (setting, name) in
        [("max_turns=many", "max_turns"), ("max_turns=-1", "max_turns"), ("hurried=2", "hurried")]
    {
        let _ = playhouse.run(&["run", "asker", "--set", setting]).with_code(2).telling(&[name]);
    }
    check_empty(&playhouse);
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    check(&["run"], &["Usage"]);
    check(&["run", "invoice-review", "--concurrency", "0"], &["--concurrency"]);
    check(&["run", "invoice-review", "--seed", "x"], &["--seed"]);
    check(&["run", "invoice-review", "--prices", "missing.json"], &["missing.json"]);
    check(&["show", "abcdef"], &["`abcdef`"]);
    check(&["resume", "abcdef"], &["`abcdef`"]);
}

#[test]
fn resuming_takes_a_file_of_prices_and_names_one_that_is_missing() {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    assert_eq!(playhouse.run(&["run", "doubtful", "--no-input"]).code, Some(3));
    let missing = ["resume", "--all", "--no-input", "--prices", "missing.json"];
    let _ = playhouse.run(&missing).with_code(2).telling(&["missing.json"]);
    fs::write(playhouse.dir().join("prices.json"), "{}").unwrap();
    let _ = playhouse.run(&["resume", "last", "--no-input", "--prices", "prices.json"]).with_code(3);
}

#[test]
fn a_missing_folder_is_named() {
    check(&["run", "invoice-review", "--input-dir", "no/such/folder"], &["no/such/folder"]);
    check(&["run", "invoice-review", "--input-file", "no/such/file"], &["no/such/file"]);
}

#[test]
fn a_folder_without_policy_or_cases_is_named() {
    let folder = CaseFolder::new(&[]);
    check(&["run", "invoice-review", "--input-dir", folder.argument()], &[folder.argument()]);
    fs::remove_file(folder.path().join("policy.md")).unwrap();
    check(&["run", "invoice-review", "--input-dir", folder.argument()], &["policy.md"]);
}

#[test]
fn a_policy_that_cannot_be_used_is_named() {
    let folder =
        CaseFolder::new(&[("| 5.3 | payment limit | 10,000.00 |\n", "")]).copy("ahorn-4711", "a", &[]);
    check(&["run", "invoice-review", "--input-dir", folder.argument()], &["policy.md", "payment limit"]);
}

#[test]
fn a_model_without_an_endpoint_is_refused() {
    check(&["run", "invoice-review", "--model", "any-name"], &["OPENAI_API_KEY", "OPENAI_BASE_URL"]);
}

#[test]
fn an_address_that_is_none_is_refused_and_not_repeated() {
    let playhouse = Playhouse::new().with("OPENAI_BASE_URL", "secret.example");
    let refused =
        playhouse.run(&["run", "invoice-review", "--model", "m"]).with_code(2).telling(&["OPENAI_BASE_URL"]);
    assert!(!refused.stderr.contains("secret.example"), "{}", refused.stderr);
    check_empty(&playhouse);
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named() {
    let playhouse = Playhouse::new();
    // A file in the way stops everybody, also root, whom no permission stops.
    fs::write(playhouse.data_dir(), "in the way").unwrap();
    let path = playhouse.data_dir().display().to_string();
    let _ = playhouse.run(&["run", "invoice-review"]).with_code(2).telling(&[&path]);
    assert_eq!(fs::read_to_string(playhouse.data_dir()).unwrap(), "in the way");
}

#[test]
fn a_data_directory_that_may_not_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let playhouse = Playhouse::new();
    fs::create_dir(playhouse.data_dir()).unwrap();
    fs::set_permissions(playhouse.data_dir(), fs::Permissions::from_mode(0o555)).unwrap();
    let is_stopped = File::create(playhouse.data_dir().join("probe")).is_err();
    if is_stopped {
        let path = playhouse.data_dir().display().to_string();
        let _ = playhouse.run(&["run", "invoice-review"]).with_code(2).telling(&[&path]);
        assert_eq!(fs::read_dir(playhouse.data_dir()).unwrap().count(), 0);
    } else {
        // Root is stopped by no permission; it works as ever.
        let _ = playhouse.run(&["run", "invoice-review"]).with_code(0);
    }
    fs::set_permissions(playhouse.data_dir(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_data_directory_of_a_newer_version_is_left_alone() {
    let playhouse = Playhouse::new();
    let folder = CaseFolder::new(&[]).copy("ahorn-4711", "a", &[]);
    let arguments = ["run", "invoice-review", "--input-dir", folder.argument()];
    let _ = playhouse.run(&arguments).with_code(0);
    let file = playhouse.data_dir().join("playhouse.db");
    Connection::open(&file).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let before = fs::read(&file).unwrap();
    let path = playhouse.data_dir().display().to_string();
    let _ = playhouse.run(&arguments).with_code(2).telling(&[&path, "99"]);
    let _ = playhouse.run(&["runs"]).with_code(2).telling(&[&path]);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_data_directory_of_another_program_is_left_alone() {
    let playhouse = Playhouse::new();
    fs::create_dir(playhouse.data_dir()).unwrap();
    let file = playhouse.data_dir().join("playhouse.db");
    fs::write(&file, "not a database, but somebody's only copy".repeat(20)).unwrap();
    let before = fs::read(&file).unwrap();
    let path = playhouse.data_dir().display().to_string();
    let _ = playhouse.run(&["run", "invoice-review"]).with_code(2).telling(&[&path]);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_disk_that_fills_up_stops_the_store_and_loses_nothing() {
    let playhouse = Playhouse::new();
    let binary = playhouse_binary().display();
    // A limit on the size of files, whose signal is ignored, fails writes as a full disk does.
    let script = format!("trap '' XFSZ; ulimit -f 900; exec '{binary}' \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script, "sh", "run", "invoice-review", "--json", "--data-dir"])
        .arg(playhouse.data_dir())
        .env_remove("PLAYHOUSE_MODEL")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{stderr}");
    assert!(stderr.contains(&playhouse.data_dir().display().to_string()), "{stderr}");
    assert!(stderr.contains("resume") && !stderr.contains("panicked at"), "{stderr}");
    let resumed = playhouse.run(&["resume", "--all", "--json"]).with_code(0);
    // An array of all that was resumed: here, of one batch.
    check_results(&resumed.json()[0]);
    check_ledger(&playhouse.ledger());
}
