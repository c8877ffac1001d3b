//! A folder of cases that a test makes.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::binary::workspace_root;

/// A folder of cases with its policy; it goes with this value.
#[derive(Debug)]
pub struct CaseFolder {
    dir: TempDir,
}

impl CaseFolder {
    /// Returns the folder of the shipped cases.
    #[must_use]
    pub fn shipped() -> PathBuf {
        workspace_root().join("scenarios/data/invoice-review")
    }

    /// Makes a folder without cases, with the shipped policy after these changes.
    ///
    /// # Panics
    /// If the policy does not hold what is to be changed.
    #[must_use]
    #[track_caller]
    pub fn new(changes: &[(&str, &str)]) -> Self {
        let policy = replaced(Self::shipped().join("policy.md"), changes);
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("policy.md"), policy).unwrap();
        Self { dir }
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Returns its path as an argument.
    ///
    /// # Panics
    /// If it is not UTF-8 text.
    #[must_use]
    pub fn argument(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    /// Copies a shipped case under another name, with these changes in those of its documents that hold them.
    ///
    /// # Panics
    /// If none of its documents holds one of them.
    #[must_use]
    #[track_caller]
    pub fn copy(self, shipped: &str, case: &str, changes: &[(&str, &str)]) -> Self {
        let folder = self.dir.path().join(case);
        std::fs::create_dir(&folder).unwrap();
        let mut is_used = vec![false; changes.len()];
        for entry in std::fs::read_dir(Self::shipped().join(shipped)).unwrap() {
            let path = entry.unwrap().path();
            let mut text = std::fs::read_to_string(&path).unwrap();
            for (used, (from, to)) in is_used.iter_mut().zip(changes) {
                *used |= text.contains(from);
                text = text.replace(from, to);
            }
            std::fs::write(folder.join(path.file_name().unwrap()), text).unwrap();
        }
        assert!(is_used.iter().all(|used| *used), "`{shipped}` does not hold all of {changes:?}");
        self
    }

    /// Writes a document of a case.
    ///
    /// # Panics
    /// If that is not possible.
    #[must_use]
    pub fn document(self, case: &str, file: &str, bytes: &[u8]) -> Self {
        std::fs::create_dir_all(self.dir.path().join(case)).unwrap();
        std::fs::write(self.dir.path().join(case).join(file), bytes).unwrap();
        self
    }
}

#[track_caller]
fn replaced(path: PathBuf, changes: &[(&str, &str)]) -> String {
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "there is no `{from}`");
        text = text.replace(from, to);
    }
    text
}
