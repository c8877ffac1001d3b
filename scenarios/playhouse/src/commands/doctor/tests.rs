use super::{Finding, Verdict, checks, text};
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

#[test]
fn findings_are_a_stable_json() {
    let finding = Finding::warn("store", "slow", "wait");
    let expected =
        serde_json::json!({ "check": "store", "status": "warn", "detail": "slow", "advice": "wait" });
    assert_eq!(serde_json::to_value(finding).unwrap(), expected);
}
