use std::time::Duration;

use playhouse_journal::CodecError;
use playhouse_storage::{CheckFinding, Counts, Fault, Owner, StoreCheck};
use playhouse_types::{BootId, RunId, Seq};

use super::{Finding, Verdict, checks, stored, text};
use crate::host::{RuntimeOptions, Secret};

#[test]
fn free_space_is_the_fourth_column() {
    let output = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 40 60 40% /\n";
    assert_eq!(checks::parse_df(output), Some(61_440));
    assert_eq!(checks::parse_df("nonsense"), None);
}

#[test]
fn a_key_is_never_shown() {
    let mut options = RuntimeOptions::new("data");
    options.model = Some("m".to_owned());
    options.api_key = Some(Secret::new("sk-secret".to_owned()));
    let shown = text(&checks::model(&options));
    assert!(shown.contains("OPENAI_API_KEY is set") && !shown.contains("sk-secret"), "{shown}");
}

#[test]
fn a_recording_and_a_script_need_no_endpoint() {
    let mut options = RuntimeOptions::new("data");
    for (model, status) in
        [("recorded:tape", Verdict::Ok), ("scripted", Verdict::Ok), ("gpt-x", Verdict::Fail)]
    {
        options.model = Some(model.to_owned());
        assert_eq!(checks::model(&options)[1].status, status, "{model}");
    }
}

#[test]
fn an_address_that_is_none_fails_without_being_repeated() {
    let mut options = RuntimeOptions::new("data");
    options.base_url = Some("ftp://secret".to_owned());
    let findings = checks::model(&options);
    assert_eq!(findings[1].status, Verdict::Fail);
    assert!(!text(&findings).contains("ftp"));
}

#[test]
fn a_file_is_no_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert_eq!(checks::data_directory(&file).status, Verdict::Fail);
    assert_eq!(checks::data_directory(folder.path()).status, Verdict::Ok);
    assert_eq!(checks::data_directory(&folder.path().join("absent")).status, Verdict::Ok);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

fn checked(findings: Vec<CheckFinding>) -> Vec<Finding> {
    let owner = |number, is_alive, seconds| Owner {
        boot: BootId::from_u128(number),
        is_alive,
        silent_for: Some(Duration::from_secs(seconds)),
    };
    let check = StoreCheck {
        engine: "SQLite 3".to_owned(),
        format: Some(2),
        owners: vec![owner(1, true, 0), owner(2, true, 3), owner(3, false, 90)],
        read: Counts { runs: 2, records: 9, ..Counts::default() },
        findings,
    };
    stored::stored(&check, BootId::from_u128(1))
}

#[test]
fn a_whole_store_tells_its_format_and_who_has_it_open() {
    let findings = checked(Vec::new());
    let shown = text(&findings);
    assert!(findings.iter().all(|finding| finding.status == Verdict::Ok), "{shown}");
    assert_eq!(findings[0].detail, "format 2, SQLite 3");
    let (living, dead) = (BootId::from_u128(2), BootId::from_u128(3));
    assert_eq!(
        findings[1].detail,
        format!(
            "`{living}` lives, last sign of life 3 s ago; `{dead}` has ended, last sign of life 90 s ago"
        )
    );
    assert!(findings[2].detail.starts_with("read: 2 runs, 9 records,"), "{shown}");
}

#[test]
fn damage_fails_and_what_is_left_over_does_not() {
    let run = RunId::from_u128(7);
    let findings = checked(vec![
        CheckFinding { run: Some(run), fault: Fault::Record(CodecError::BrokenChain { seq: Seq(4) }) },
        CheckFinding { run: None, fault: Fault::UnusedBodies(3) },
    ]);
    assert_eq!((findings[3].status, findings[4].status), (Verdict::Fail, Verdict::Warn));
    assert!(findings[3].detail.starts_with(&format!("run `{run}`: record 4 ")), "{}", findings[3].detail);
    assert_eq!(findings.len(), 5);
}

#[test]
fn thousands_of_findings_are_cut_and_counted() {
    let finding = CheckFinding { run: None, fault: Fault::File("odd page".to_owned()) };
    let findings = checked(vec![finding; 5_000]);
    assert_eq!(findings.len(), 104);
    assert_eq!(findings[103].detail, "4900 more");
}

#[test]
fn findings_are_a_stable_json() {
    let finding = Finding::warn("store", "slow", "wait");
    let expected =
        serde_json::json!({ "check": "store", "status": "warn", "detail": "slow", "advice": "wait" });
    assert_eq!(serde_json::to_value(finding).unwrap(), expected);
}
