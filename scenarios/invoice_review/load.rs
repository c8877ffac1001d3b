//! Finding and opening the cases of an input folder.

use std::{
    fs::{self, DirEntry, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

#[cfg(test)]
use super::case::CaseFile;
use super::{
    document::{Document, DocumentError, DocumentProblem, MAX_DOCUMENT_BYTES, read_document},
    names::{CaseName, FileName},
    policy::{Policy, PolicyError},
};

/// The file that holds the policy.
pub(crate) const POLICY_FILE: &str = "policy.md";

/// An input folder that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum LoadError {
    /// The path is not a folder.
    #[error("`{path}` is not a folder")]
    NoFolder {
        /// The path that was given.
        path: PathBuf,
    },
    /// The folder has no policy.
    #[error("there is no policy at `{path}`")]
    NoPolicy {
        /// The path where it should be.
        path: PathBuf,
    },
    /// The policy cannot be used.
    #[error("the policy at `{path}` cannot be used")]
    BadPolicy {
        /// The path of the policy.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: PolicyError,
    },
    /// The folder has no case.
    #[error("`{path}` has no folder with a case in it")]
    NoCase {
        /// The path that was given.
        path: PathBuf,
    },
    /// A name is not UTF-8 text.
    #[error("the name of `{path}` is not UTF-8 text")]
    BadName {
        /// The path with the name.
        path: PathBuf,
    },
    /// The file system refused a path.
    #[error("cannot open `{path}`")]
    NotOpened {
        /// The path that was refused.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A case folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CaseFolder {
    /// The name of the case: that of the folder.
    pub(crate) name: CaseName,
    /// Where the folder is.
    pub(crate) path: PathBuf,
    /// Its files in the order of their names.
    pub(crate) files: Vec<FileEntry>,
}

/// A file of a case folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FileEntry {
    /// Its name within the folder.
    pub(crate) name: FileName,
    /// Its size in bytes.
    pub(crate) len_bytes: u64,
}

/// Lists the cases of a folder in the order of their names.
///
/// Hidden files, and files beside the case folders, are left out.
/// # Errors
/// [`LoadError`] names the path at fault.
pub(crate) fn cases(input_dir: &Path) -> Result<Vec<CaseFolder>, LoadError> {
    if !input_dir.is_dir() {
        return Err(LoadError::NoFolder { path: input_dir.to_owned() });
    }
    let policy = input_dir.join(POLICY_FILE);
    if !policy.is_file() {
        return Err(LoadError::NoPolicy { path: policy });
    }
    let mut folders = Vec::new();
    for (name, path) in entries(input_dir)? {
        if path.is_dir() {
            folders.push(CaseFolder { name: CaseName::new(&name), files: files(&path)?, path });
        }
    }
    if folders.is_empty() {
        return Err(LoadError::NoCase { path: input_dir.to_owned() });
    }
    folders.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(folders)
}

/// Reads the policy of a folder.
///
/// # Errors
/// [`LoadError::NoPolicy`], [`LoadError::NotOpened`] or [`LoadError::BadPolicy`].
pub(crate) fn policy(input_dir: &Path) -> Result<Policy, LoadError> {
    let path = input_dir.join(POLICY_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(LoadError::NoPolicy { path });
        }
        Err(source) => return Err(LoadError::NotOpened { path, source }),
    };
    Policy::parse(&text).map_err(|source| LoadError::BadPolicy { path, source })
}

/// Reads all documents of a case.
#[cfg(test)]
pub(crate) fn read_case(folder: &CaseFolder) -> CaseFile {
    let mut case = CaseFile::new(folder.name.clone());
    for file in &folder.files {
        case.add(file.name.clone(), read_file(folder, &file.name));
    }
    case
}

/// Reads one document of a case; no more of it than fits the size limit.
///
/// # Errors
/// [`DocumentError`] names the file; a name that leads out of the folder is not opened.
pub(crate) fn read_file(folder: &CaseFolder, file: &FileName) -> Result<Document, DocumentError> {
    if !folder.files.iter().any(|entry| entry.name == *file) {
        let problem = DocumentProblem::NotOpened { reason: "no such document".to_owned() };
        return Err(DocumentError { file: file.clone(), problem });
    }
    let bytes = read_limited(&folder.path.join(file.as_str())).map_err(|error| DocumentError {
        file: file.clone(),
        problem: DocumentProblem::NotOpened { reason: error.to_string() },
    })?;
    read_document(file.as_str(), &bytes)
}

/// Reads one byte more than the limit, so that the reader notices.
fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn files(path: &Path) -> Result<Vec<FileEntry>, LoadError> {
    let mut files = Vec::new();
    for (name, path) in entries(path)? {
        let metadata =
            fs::metadata(&path).map_err(|source| LoadError::NotOpened { path: path.clone(), source })?;
        if metadata.is_file() {
            files.push(FileEntry { name: FileName::new(&name), len_bytes: metadata.len() });
        }
    }
    files.sort();
    Ok(files)
}

/// Returns the names and paths in a folder that are not hidden.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, LoadError> {
    let not_opened = |source| LoadError::NotOpened { path: folder.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(not_opened)? {
        let entry: DirEntry = entry.map_err(not_opened)?;
        let path = entry.path();
        match entry.file_name().into_string() {
            Ok(name) if name.starts_with('.') => {}
            Ok(name) => entries.push((name, path)),
            Err(_) => return Err(LoadError::BadName { path }),
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn write(root: &TempDir, path: &str, bytes: &[u8]) {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn cases_are_listed_by_name_without_hidden_files_and_files_beside_them() {
        let root = TempDir::new().unwrap();
        for path in ["policy.md", "README.md", ".git/x", "b/receipt.csv", "b/invoice.csv"] {
            write(&root, path, b"abc");
        }
        write(&root, "a/.hidden", b"");
        write(&root, "a/old/invoice.csv", b"");
        let folder = |name: &str, files: &[&str]| CaseFolder {
            name: CaseName::new(name),
            path: root.path().join(name),
            files: files.iter().map(|name| FileEntry { name: FileName::new(name), len_bytes: 3 }).collect(),
        };
        let expected = vec![folder("a", &[]), folder("b", &["invoice.csv", "receipt.csv"])];
        assert_eq!(cases(root.path()).unwrap(), expected);
    }

    #[test]
    fn errors_name_the_path() {
        let root = TempDir::new().unwrap();
        let path = |name: &str| root.path().join(name).display().to_string();
        let message = |dir: &Path| cases(dir).unwrap_err().to_string();
        assert_eq!(message(&root.path().join("x")), format!("`{}` is not a folder", path("x")));
        let no_policy = format!("there is no policy at `{}`", path("policy.md"));
        assert_eq!(message(root.path()), no_policy);
        assert_eq!(policy(root.path()).unwrap_err().to_string(), no_policy);
        write(&root, "policy.md", b"nothing");
        let no_case = format!("`{}` has no folder with a case in it", root.path().display());
        assert_eq!(message(root.path()), no_case);
        let bad_policy = format!("the policy at `{}` cannot be used", path("policy.md"));
        assert_eq!(policy(root.path()).unwrap_err().to_string(), bad_policy);
        write(&root, "policy.md", b"\xff");
        let not_opened = format!("cannot open `{}`", path("policy.md"));
        assert_eq!(policy(root.path()).unwrap_err().to_string(), not_opened);
    }

    #[test]
    fn only_listed_documents_are_opened_and_large_ones_are_refused() {
        let root = TempDir::new().unwrap();
        write(&root, "policy.md", b"abc");
        write(&root, "a/email.txt", &vec![b'a'; 5 * 1024 * 1024]);
        let folders = cases(root.path()).unwrap();
        let problem = |file: &str| read_file(&folders[0], &FileName::new(file)).unwrap_err().problem;
        let too_large = DocumentProblem::TooLarge { limit_bytes: MAX_DOCUMENT_BYTES };
        assert_eq!(problem("email.txt"), too_large);
        let unknown = DocumentProblem::NotOpened { reason: "no such document".to_owned() };
        assert_eq!(problem("../policy.md"), unknown);
        let case = read_case(&folders[0]);
        assert_eq!(case.documents.len(), 1);
    }
}
