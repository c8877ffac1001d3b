//! The cases: what a vendor is to be told.

use std::fs;

use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The folder of cases that come with the program; its path is that of the checkout it was built from.
pub(crate) const SHIPPED_CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/vendor-notice");

/// What the letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoticeKind {
    /// An invoice is not paid as it is.
    Rejected,
    /// The account that the vendor is paid to has changed in our books.
    BankDetails,
}

/// One case, as journaled when its run is admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// Who is written to.
    pub(crate) vendor: String,
    /// Where the letter goes; a person is asked if it is not known.
    #[serde(default)]
    pub(crate) address: Option<String>,
    /// What the letter is about.
    pub(crate) notice: NoticeKind,
    /// The invoice that is rejected.
    #[serde(default)]
    pub(crate) invoice: Option<String>,
    /// Its amount in minor units.
    #[serde(default)]
    pub(crate) amount_minor: Option<u64>,
    /// Its currency.
    #[serde(default)]
    pub(crate) currency: Option<String>,
    /// Why it is rejected.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// The last digits of the new account.
    #[serde(default)]
    pub(crate) account_ending: Option<String>,
}

/// Returns the first message of a run: the case, whole.
pub(crate) fn opening(case: &Case) -> String {
    // A case consists of texts and a number, so it has a JSON form.
    format!("Write to this vendor.\n{}", serde_json::to_string(case).unwrap_or_default())
}

/// Returns the case in a first message.
pub(crate) fn opened(opening: &str) -> Option<Case> {
    serde_json::from_str(opening.lines().next_back()?).ok()
}

/// Reads the cases of a folder: each `*.json` file is one, named after the file.
///
/// # Errors
/// Names the file at fault.
pub(crate) fn load_cases(folder: &Path) -> Result<Vec<(CaseName, Case)>, InputError> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| load(path)).collect()
}

fn load(path: &Path) -> Result<(CaseName, Case), InputError> {
    let in_file = |detail: String| InputError::new(format!("`{}`: {detail}", path.display()));
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = CaseName::new(stem).map_err(|error| in_file(error.to_string()))?;
    let text = fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
    let case: Case = serde_json::from_str(&text).map_err(|error| in_file(error.to_string()))?;
    let is_complete = match case.notice {
        NoticeKind::Rejected => case.invoice.is_some() && case.reason.is_some(),
        NoticeKind::BankDetails => case.account_ending.is_some(),
    };
    if !is_complete {
        let missing = "a rejection needs `invoice` and `reason`, changed bank details need `account_ending`";
        return Err(in_file(missing.to_owned()));
    }
    Ok((name, case))
}

#[cfg(test)]
mod tests {
    use super::{SHIPPED_CASES, load_cases, opened, opening};
    use std::path::Path;

    #[test]
    fn the_shipped_cases_load_and_open_as_what_they_are() {
        let cases = load_cases(Path::new(SHIPPED_CASES)).unwrap();
        assert_eq!(cases.len(), 4);
        for (_, case) in cases {
            assert_eq!(opened(&opening(&case)), Some(case));
        }
    }

    #[test]
    fn a_case_that_lacks_something_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("bad.json"), r#"{"vendor": "A", "notice": "rejected"}"#).unwrap();
        let error = load_cases(dir.path()).unwrap_err().to_string();
        assert!(error.contains("bad.json") && error.contains("invoice"), "{error}");
    }
}
