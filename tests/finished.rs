//! What a process left behind.

use serde_json::Value;

/// A process that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed as its result.
    pub stdout: String,
    /// What it told the person.
    pub stderr: String,
}

impl Finished {
    /// Checks the exit code, showing everything if it is another one.
    ///
    /// # Panics
    /// If it is.
    #[track_caller]
    #[must_use]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.shown());
        self.without_panic()
    }

    /// Checks that nothing panicked on the way.
    ///
    /// # Panics
    /// If something did.
    #[track_caller]
    #[must_use]
    pub fn without_panic(self) -> Self {
        assert!(!self.stderr.contains("panicked at"), "{}", self.shown());
        self
    }

    /// Checks that the person was told all of these.
    ///
    /// # Panics
    /// If one is missing.
    #[track_caller]
    #[must_use]
    pub fn telling(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not told\n{}", self.shown());
        }
        self
    }

    /// Returns the result.
    ///
    /// # Panics
    /// If it is not JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}", self.shown()))
    }

    fn shown(&self) -> String {
        // The end tells what went wrong.
        let lines: Vec<&str> = self.stderr.lines().collect();
        let last = lines[lines.len().saturating_sub(60)..].join("\n");
        format!("code {:?}\n--- stdout\n{}\n--- stderr\n{last}", self.code, self.stdout)
    }
}
