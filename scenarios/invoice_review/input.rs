//! What a run is admitted with: its case by content, so that nobody can change a document under it.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use playhouse::prelude::{CaseName as BatchName, InputError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    case::ReadOutcome,
    document::{DocumentProblem, MAX_DOCUMENT_BYTES, read_document},
    load::{self, CaseFolder, LoadError, POLICY_FILE},
    names::{CaseName, FileName},
    register::{Register, RegisterEntry},
};

/// The folder of cases that come with the program; its path is that of the checkout it was built from.
pub(crate) const SHIPPED_CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/invoice-review");

/// The case of one run, as journaled when the run is admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Case {
    /// Its name: that of its folder.
    pub(crate) name: CaseName,
    /// The absolute path of its folder.
    pub(crate) folder: PathBuf,
    /// Its documents in the order of their names.
    pub(crate) documents: Vec<AdmittedDocument>,
    /// The absolute path of the policy.
    pub(crate) policy: PathBuf,
    /// The policy's content.
    pub(crate) policy_content: Content,
    /// Invoices of other cases with supplier and number of an invoice of this one.
    pub(crate) same: Vec<RegisterEntry>,
}

/// A document as it was when the run was admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AdmittedDocument {
    /// The name of its file.
    pub(crate) file: FileName,
    /// Its content; none if the file could not be opened.
    pub(crate) content: Option<Content>,
}

/// What tells one content of a file from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// The length in bytes.
    pub(crate) len_bytes: u64,
    /// BLAKE3 of as many bytes as are ever read, in hexadecimal digits.
    pub(crate) blake3: String,
}

/// A file that is not what it was when the run was admitted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ChangedFile {
    /// Its content is another one.
    #[error("`{file}` has changed since the run was admitted; admit a new run to use what it holds now")]
    Changed {
        /// The name or path of the file.
        file: String,
    },
    /// It cannot be opened any more.
    #[error("`{file}` could be opened when the run was admitted and now cannot")]
    Gone {
        /// The name or path of the file.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not one of the files of the case.
    #[error("the case has no document `{file}`; `list_documents` names those it has")]
    Unknown {
        /// The name that was given.
        file: String,
    },
}

impl Content {
    /// Reads at most `limit_bytes` of a file and tells what its content is.
    fn read(path: &Path, limit_bytes: u64) -> io::Result<(Self, Vec<u8>)> {
        let file = File::open(path)?;
        let len_bytes = file.metadata()?.len();
        let mut bytes = Vec::new();
        file.take(limit_bytes).read_to_end(&mut bytes)?;
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        Ok((Self { len_bytes, blake3 }, bytes))
    }
}

impl Case {
    /// Reads a document if it still is what it was when the run was admitted.
    ///
    /// # Errors
    /// [`ChangedFile`] names the file.
    pub(crate) fn read(&self, file: &FileName) -> Result<ReadOutcome, ChangedFile> {
        let name = || file.as_str().to_owned();
        let Some(admitted) = self.documents.iter().find(|document| document.file == *file) else {
            return Err(ChangedFile::Unknown { file: name() });
        };
        match (document_bytes(&self.folder, file), &admitted.content) {
            (Ok((content, bytes)), Some(admitted)) if content == *admitted => {
                Ok(read_document(file.as_str(), &bytes).into())
            }
            (Ok(_), _) => Err(ChangedFile::Changed { file: name() }),
            (Err(error), None) => {
                Ok(ReadOutcome::Failed(DocumentProblem::NotOpened { reason: error.to_string() }))
            }
            (Err(source), Some(_)) => Err(ChangedFile::Gone { file: name(), source }),
        }
    }

    /// Reads the policy's text if it still is what it was when the run was admitted.
    ///
    /// # Errors
    /// [`ChangedFile`] names the path.
    pub(crate) fn read_policy(&self) -> Result<String, ChangedFile> {
        let file = || self.policy.display().to_string();
        let (content, bytes) = Content::read(&self.policy, u64::MAX)
            .map_err(|source| ChangedFile::Gone { file: file(), source })?;
        if content != self.policy_content {
            return Err(ChangedFile::Changed { file: file() });
        }
        // The admitted text was parsed before the run began, so it is UTF-8.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Reads one byte more of a document than is allowed, so that the reader notices a large one.
fn document_bytes(folder: &Path, file: &FileName) -> io::Result<(Content, Vec<u8>)> {
    Content::read(&folder.join(file.as_str()), MAX_DOCUMENT_BYTES + 1)
}

/// Returns the first message of a run.
pub(crate) fn opening(case: &Case) -> String {
    format!("Settle case `{}`: {} documents in its folder.", case.name, case.documents.len())
}

/// Returns the case that a first message names.
pub(crate) fn opened_case(opening: &str) -> Option<CaseName> {
    let (name, _) = opening.strip_prefix("Settle case `")?.rsplit_once("`: ")?;
    Some(CaseName::new(name))
}

/// Reads the cases of a folder: each subfolder is one, `policy.md` beside them is their policy.
///
/// # Errors
/// Names the path at fault.
pub(crate) fn load_cases(input_dir: &Path) -> Result<Vec<(BatchName, Case)>, InputError> {
    if input_dir == Path::new(SHIPPED_CASES) && !input_dir.exists() {
        let text = format!("the shipped cases are not at `{SHIPPED_CASES}` any more; name a folder of cases");
        return Err(InputError::new(text));
    }
    // A run may be resumed from another working directory.
    let input_dir = std::path::absolute(input_dir)?;
    let folders = load::cases(&input_dir)?;
    // A policy that cannot be used is reported before anything is admitted.
    load::policy(&input_dir)?;
    let policy = input_dir.join(POLICY_FILE);
    let (policy_content, _) = Content::read(&policy, u64::MAX)
        .map_err(|source| LoadError::NotOpened { path: policy.clone(), source })?;
    let mut same = Register::build(&folders).same_by_case();
    let mut taken = BTreeSet::new();
    let mut cases = Vec::new();
    for folder in folders {
        let case = Case {
            documents: admitted_documents(&folder),
            same: same.remove(&folder.name).unwrap_or_default(),
            name: folder.name,
            folder: folder.path,
            policy: policy.clone(),
            policy_content: policy_content.clone(),
        };
        cases.push((batch_name(&case.name, &mut taken)?, case));
    }
    Ok(cases)
}

fn admitted_documents(folder: &CaseFolder) -> Vec<AdmittedDocument> {
    let files = folder.files.iter();
    files
        .map(|entry| {
            // A file that cannot be opened is part of the case: reading it says so.
            let content = document_bytes(&folder.path, &entry.name).ok().map(|(content, _)| content);
            AdmittedDocument { file: entry.name.clone(), content }
        })
        .collect()
}

/// Returns the name of a case in its batch: that of its folder, with `-` for what a name may not hold.
fn batch_name(case: &CaseName, taken: &mut BTreeSet<BatchName>) -> Result<BatchName, InputError> {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let text: String = case.to_string().chars().map(allowed).take(56).collect();
    let mut name = BatchName::new(&text)?;
    let mut number = 2_u32;
    while !taken.insert(name.clone()) {
        name = BatchName::new(&format!("{text}-{number}"))?;
        number += 1;
    }
    Ok(name)
}

#[cfg(test)]
mod tests;
