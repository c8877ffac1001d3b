use std::fs;

use super::super::testing::{Folder, INVOICE};
use super::*;

fn error(input_dir: &Path) -> String {
    load_cases(input_dir).unwrap_err().to_string()
}

#[test]
fn a_case_names_its_documents_by_content_and_its_policy() {
    let folder = Folder::with_case();
    let case = folder.case();
    assert_eq!(case.folder, folder.0.path().join("a"));
    assert_eq!(case.policy, folder.0.path().join("policy.md"));
    let invoice = Content {
        len_bytes: INVOICE.len() as u64,
        blake3: blake3::hash(INVOICE.as_bytes()).to_hex().to_string(),
    };
    let expected = AdmittedDocument { file: FileName::new("invoice.json"), content: Some(invoice) };
    assert_eq!((case.documents.len(), &case.documents[0]), (3, &expected));
    let stored = serde_json::to_string(&case).unwrap();
    assert_eq!(serde_json::from_str::<Case>(&stored).unwrap(), case);
}

#[test]
fn a_case_knows_the_invoices_of_others_with_supplier_and_number_of_its_own() {
    let folder = Folder::with_case();
    folder.write("b/invoice.json", INVOICE.replace("A-1", "a-1").as_bytes());
    folder.write("c/invoice.json", INVOICE.replace("A-1", "A-2").as_bytes());
    let same = |case: &Case| case.same.iter().map(|entry| entry.case.to_string()).collect::<Vec<_>>();
    let cases = folder.cases();
    assert_eq!(cases.iter().map(same).collect::<Vec<_>>(), [vec!["b"], vec!["a"], vec![]]);
}

#[test]
fn folders_with_any_name_are_cases() {
    let folder = Folder::new();
    for name in ["März 1", "M-rz-1", "m.1", &"x".repeat(70)] {
        folder.write(&format!("{name}/invoice.json"), INVOICE.as_bytes());
    }
    let cases = load_cases(folder.0.path()).unwrap();
    let names: Vec<(&str, String)> =
        cases.iter().map(|(name, case)| (name.as_str(), case.name.to_string())).collect();
    let long = "x".repeat(56);
    assert_eq!(
        names,
        [
            ("M-rz-1", "M-rz-1".to_owned()),
            ("M-rz-1-2", "März 1".to_owned()),
            ("m-1", "m.1".to_owned()),
            (long.as_str(), "x".repeat(70))
        ]
    );
}

#[test]
fn what_cannot_be_used_is_reported_before_the_run_with_its_path() {
    let folder = Folder::with_case();
    let path = folder.0.path().display().to_string();
    assert_eq!(error(&folder.0.path().join("x")), format!("`{path}/x` is not a folder"));
    folder.write("policy.md", b"1.1 Pay everything.");
    let policy = error(folder.0.path());
    assert!(policy.starts_with(&format!("the policy at `{path}/policy.md` cannot be used: ")), "{policy}");
}

#[test]
fn an_opening_names_its_case() {
    for name in ["a", "`: x", "Settle case `b`: 3"] {
        let mut case = Folder::with_case().case();
        case.name = CaseName::new(name);
        assert_eq!(opened_case(&opening(&case)), Some(case.name));
    }
    assert_eq!(opened_case("Hello"), None);
}

#[test]
fn a_document_that_changed_or_went_away_is_refused_by_name() {
    let folder = Folder::with_case();
    let case = folder.case();
    let read = |file: &str| case.read(&FileName::new(file)).map_err(|error| error.to_string());
    assert!(matches!(read("invoice.json"), Ok(ReadOutcome::Read(_))));
    folder.write("a/invoice.json", INVOICE.replace("119.00", "911.00").as_bytes());
    fs::remove_file(folder.0.path().join("a/receipt.json")).unwrap();
    folder.write("a/new.json", b"{}");
    let changed =
        "`invoice.json` has changed since the run was admitted; admit a new run to use what it holds now";
    assert_eq!(read("invoice.json"), Err(changed.to_owned()));
    let gone = "`receipt.json` could be opened when the run was admitted and now cannot";
    assert_eq!(read("receipt.json"), Err(gone.to_owned()));
    for file in ["new.json", "../policy.md", ""] {
        let unknown = format!("the case has no document `{file}`; `list_documents` names those it has");
        assert_eq!(read(file), Err(unknown));
    }
    assert!(case.read_policy().is_ok());
    folder.write("policy.md", b"1.1 Pay everything.");
    assert!(matches!(case.read_policy(), Err(ChangedFile::Changed { .. })));
}

#[test]
fn a_document_that_is_too_large_is_said_to_be_so() {
    let folder = Folder::with_case();
    folder.write("a/email.txt", &vec![b'a'; 3 * 1024 * 1024]);
    let outcome = folder.case().read(&FileName::new("email.txt")).unwrap();
    let too_large = DocumentProblem::TooLarge { limit_bytes: MAX_DOCUMENT_BYTES };
    assert_eq!(outcome, ReadOutcome::Failed(too_large));
}
