//! The shipped scenarios that show a pattern each: what they say, what they refuse, and that a kill changes nothing.

use std::fs;

use playhouse_tests::{Playhouse, without_ids, workspace_root};
use serde_json::{Value, json};

use crate::golden;
use crate::kills::{RESUME, is_admitted};

/// How many moments of a run are tried.
const N_KILLS: usize = 6;

/// What a run has come to, without what differs between two of them.
#[derive(PartialEq, Debug)]
struct Ended {
    shown: Value,
    journal: Vec<String>,
}

impl Ended {
    fn read(playhouse: &Playhouse) -> Self {
        let mut shown = playhouse.run(&["show", "last", "--json"]).with_code(0).json();
        without_ids(&mut shown);
        let journal = playhouse.run(&["journal", "last", "--canonical"]).with_code(0).stdout;
        // A model whose reply was lost with the process is asked once more, which is on record.
        let is_same = |line: &&str| !line.starts_with(r#"{"kind":"ModelIntent""#);
        Self { shown, journal: journal.lines().filter(is_same).map(str::to_owned).collect() }
    }
}

/// Kills a run at several moments, each time lets it end, and expects result, conversation and journal as without a kill.
#[track_caller]
fn check_killed(arguments: &[&str], code: i32) {
    let undisturbed = Playhouse::new();
    let n_lines = undisturbed.run(arguments).with_code(code).stderr.lines().count();
    let expected = Ended::read(&undisturbed);
    assert!(n_lines >= N_KILLS, "only {n_lines} lines");
    for line in (0..N_KILLS).map(|kill| kill * n_lines / N_KILLS) {
        let playhouse = Playhouse::new();
        let mut started = playhouse.start(arguments);
        assert!(started.wait_for_lines(line));
        let _ = started.kill().without_panic();
        let again = if is_admitted(&playhouse) { RESUME } else { arguments };
        let resumed = playhouse.run(again).without_panic();
        // Killed after its end, there is nothing to resume.
        assert!([Some(0), Some(code)].contains(&resumed.code), "killed after line {line}: {resumed:?}");
        let ended = Ended::read(&playhouse);
        assert_eq!(ended.shown, expected.shown, "killed after line {line}");
        for (record, expected) in ended.journal.iter().zip(&expected.journal) {
            assert_eq!(record, expected, "killed after line {line}");
        }
        assert_eq!(ended.journal.len(), expected.journal.len(), "killed after line {line}");
    }
}

/// Checks that an input is refused with exit code 2, telling these, and that nothing is admitted.
#[track_caller]
fn check_refused(arguments: &[&str], telling: &[&str]) {
    let playhouse = Playhouse::new();
    let _ = playhouse.run(arguments).with_code(2).telling(telling);
    assert!(!is_admitted(&playhouse));
}

/// Runs a scenario on what it comes with; the person reads these in the report.
#[track_caller]
fn check_shipped(scenario: &str, reported: &[&str]) {
    let playhouse = Playhouse::new();
    let finished = playhouse.run(&["run", scenario]).with_code(0);
    for text in reported {
        assert!(finished.stdout.contains(text), "`{text}` is missing\n{}", finished.stdout);
    }
    golden::check(&playhouse, scenario);
    assert!(playhouse.run(&["list"]).with_code(0).stdout.contains(scenario));
}

/// A file of 10 MB in the directory of a playhouse.
fn huge(playhouse: &Playhouse, text: &str) -> String {
    let path = playhouse.dir().join("huge");
    fs::write(&path, text.repeat(10_000_000 / text.len())).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_review_panel_finds_each_fault_once_the_worst_first() {
    check_shipped("review-panel", &["request changes (4 critical", "correctness, security", "sql-injection"]);
}

#[test]
fn a_review_panel_that_is_killed_goes_on() {
    check_killed(&["run", "review-panel"], 0);
}

#[test]
fn a_review_panel_reviews_the_files_of_a_folder() {
    let playhouse = Playhouse::new();
    let folder = workspace_root().join("scenarios/review_panel");
    let arguments = ["run", "review-panel", "--json", "--input-dir", folder.to_str().unwrap()];
    let reviews = playhouse.run(&arguments).with_code(0).json();
    let n_files = fs::read_dir(&folder).unwrap().count();
    assert_eq!(reviews.as_array().unwrap().len(), n_files);
    // What this repository does not let pass is not found in it.
    let found: Vec<&str> = reviews
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|review| review["findings"].as_array().unwrap())
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert!(!found.contains(&"unwrap") && !found.contains(&"unsafe"), "{found:?}");
}

#[test]
fn a_file_that_cannot_be_reviewed_is_refused() {
    check_refused(&["run", "review-panel", "--input", " "], &["the file is empty"]);
    check_refused(&["run", "review-panel", "--input-file", "no/such.rs"], &["no/such.rs"]);
    check_refused(&["run", "review-panel", "--input-dir", "no/such"], &["no/such"]);
    let playhouse = Playhouse::new();
    let huge = huge(&playhouse, "let a = 1;\n");
    check_refused(&["run", "review-panel", "--input-file", &huge], &["bytes", "131072"]);
}

#[test]
fn a_research_report_cites_what_was_read() {
    check_shipped("research-report", &["[backups.md:4]", "[backups.md:8]", "[restoring.md:3]"]);
}

#[test]
fn a_research_report_that_is_killed_goes_on() {
    check_killed(&["run", "research-report"], 0);
    check_killed(&["run", "research-report", "--input", "Is there any encryption?"], 0);
}

#[test]
fn a_search_that_finds_nothing_leads_to_a_new_plan() {
    let playhouse = Playhouse::new();
    let arguments = ["run", "research-report", "--json", "--input", "Is there any encryption?"];
    let report = playhouse.run(&arguments).with_code(0).json();
    assert_eq!(report["findings"][0]["document"], "backups.md", "{report:#}");
    let shown = playhouse.run(&["show", "last", "--json"]).with_code(0).json();
    let said: Vec<&str> = shown["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["content"].as_str().unwrap())
        .collect();
    let n_plans = said.iter().filter(|said| said.contains("The plan:")).count();
    assert_eq!(n_plans, 2, "{said:#?}");
    // The evidence is part of the new plan.
    assert!(said.iter().any(|said| said.contains("no document holds `encryption`")), "{said:#?}");
    golden::check(&playhouse, "research-report-replanned");
}

#[test]
fn a_question_that_no_document_answers_ends_as_limited_with_what_is_missing() {
    let playhouse = Playhouse::new();
    let arguments = ["run", "research-report", "--json", "--input", "Where do penguins nest?"];
    let report = playhouse.run(&arguments).with_code(4).telling(&["stalled after 1 new plan"]).json();
    assert_eq!(
        (&report["findings"], &report["missing"]),
        (&json!([]), &json!(["penguins", "nest"])),
        "{report:#}"
    );
}

#[test]
fn a_question_or_a_folder_that_cannot_be_used_is_refused() {
    check_refused(&["run", "research-report", "--input", ""], &["the question is empty"]);
    let playhouse = Playhouse::new();
    let huge = huge(&playhouse, "why?\n");
    check_refused(&["run", "research-report", "--input-file", &huge], &["9999999 bytes", "documents="]);
    let missing = playhouse.run(&["run", "research-report", "--set", "documents=no/such"]).with_code(1);
    let _ = missing.telling(&["no/such"]);
    fs::create_dir(playhouse.dir().join("empty")).unwrap();
    let empty = playhouse.run(&["run", "research-report", "--set", "documents=empty"]).with_code(1);
    let _ = empty.telling(&["empty", "no document"]);
    assert!(!is_admitted(&playhouse));
}

#[test]
fn a_design_debate_ends_with_a_decision_and_its_reasons() {
    check_shipped("design-debate", &["decision: SQLite", "for it", "against it"]);
}

#[test]
fn a_design_debate_that_is_killed_goes_on() {
    check_killed(&["run", "design-debate"], 0);
}

#[test]
fn of_two_options_a_third_voice_doubts_both() {
    let playhouse = Playhouse::new();
    let property = |score: u32| json!({ "score": score, "because": "it is so" });
    let question = json!({
        "question": "Tea or coffee?",
        "criteria": [{ "name": "calm", "weight": 2 }, { "name": "speed", "weight": 1 }],
        "options": [
            { "name": "tea", "properties": { "calm": property(8), "speed": property(3) } },
            { "name": "coffee", "properties": { "calm": property(4), "speed": property(9) } },
        ],
    });
    let arguments = ["run", "design-debate", "--json", "--input", &question.to_string()];
    let decision = playhouse.run(&arguments).with_code(0).json();
    assert_eq!(decision["choice"], "tea", "{decision:#}");
    let objections = decision["objections"].to_string();
    assert!(objections.contains("speed: coffee over tea") && objections.contains("3 of 10"), "{objections}");
}

#[test]
fn a_question_that_cannot_be_debated_is_refused() {
    check_refused(&["run", "design-debate", "--input", ""], &["the input"]);
    check_refused(&["run", "design-debate", "--input", "{}"], &["`question`"]);
    let none = r#"{"question": "?", "criteria": [], "options": []}"#;
    check_refused(&["run", "design-debate", "--input", none], &["2 or 3 options", "there are 0"]);
    check_refused(&["run", "design-debate", "--input-dir", "no/such"], &["no/such"]);
    let playhouse = Playhouse::new();
    let huge = playhouse.dir().join("huge.json");
    let long = "why? ".repeat(2_000_000);
    fs::write(&huge, json!({ "question": long, "criteria": [], "options": [] }).to_string()).unwrap();
    check_refused(&["run", "design-debate", "--input-file", huge.to_str().unwrap()], &["65536 are the most"]);
}
