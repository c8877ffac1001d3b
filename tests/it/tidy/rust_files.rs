//! The Rust files of the workspace, each with what it breaks.

use std::path::{Path, PathBuf};

use super::source::Code;

/// The folders that hold Rust.
const AREAS: &[&str] = &["protocols", "actors", "observability", "scenarios", "tests"];

/// The most lines of a file, its tests left out.
const MAX_FILE_LINES: usize = 500;

/// The most lines of a function.
const MAX_FUNCTION_LINES: usize = 80;

/// What stands nowhere, and what does instead.
const BANNED: &[(&str, &str)] = &[
    ("#[ignore", "a test runs or is not there"),
    ("todo!", "unfinished work is an issue"),
    ("unimplemented!", "unfinished work is an issue"),
    ("thread::sleep", "wait for an event"),
    ("time::sleep", "take the injected clock"),
    ("time::sleep_until", "take the injected clock"),
    ("unsafe", "it is forbidden"),
];

/// Where something banned may stand, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    // The clock that everything else takes.
    ("actors/runtime/src/clock.rs", "time::sleep"),
    // Its own timer: a call that user code starves is abandoned all the same.
    ("actors/runtime/src/user_pool.rs", "time::sleep"),
    // A slow disk blocks this thread, too; benchmarks and fault tests ask for one.
    ("actors/storage-sqlite/src/writer.rs", "thread::sleep"),
    // Clocks of tests.
    ("actors/models/tests/it/support.rs", "time::sleep"),
    ("actors/tools/tests/it/world.rs", "time::sleep_until"),
];

/// A Rust file.
pub(super) struct RustFile {
    /// Its path from the root.
    path: String,
    code: Code,
}

/// Returns all Rust files below the root.
pub(super) fn all(root: &Path) -> Vec<RustFile> {
    let mut folders: Vec<PathBuf> =
        AREAS.iter().map(|area| root.join(area)).filter(|path| path.exists()).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            // Code in the data of scenarios is something that agents look at; nobody builds it.
            let is_left_out =
                name.starts_with('.') || name == "target" || path == root.join("scenarios/data");
            if path.is_dir() && !is_left_out {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push(RustFile::new(path.strip_prefix(root).unwrap().to_str().unwrap(), &text));
            }
        }
    }
    files
}

/// Returns exceptions that nothing needs any more.
pub(super) fn unused_exceptions(files: &[RustFile]) -> Vec<String> {
    let is_used = |path: &str, word: &str| {
        files.iter().any(|file| file.path == path && !file.code.lines_with(word).is_empty())
    };
    let unused = EXCEPTIONS.iter().filter(|(path, word)| !is_used(path, word));
    unused.map(|(path, word)| format!("{path} needs no exception for `{word}`")).collect()
}

impl RustFile {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), code: Code::read(text) }
    }

    /// Tells whether the whole file is a test.
    fn is_test(&self) -> bool {
        let mut parts = self.path.split('/').rev();
        parts.next() == Some("tests.rs") || parts.any(|part| part == "tests")
    }

    /// Returns what is too long.
    pub(super) fn size_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let n_lines = self.code.test_line() - 1;
        if !self.is_test() && n_lines > MAX_FILE_LINES {
            faults.push(format!("{}: {n_lines} lines without tests, at most {MAX_FILE_LINES}", self.path));
        }
        for function in self.code.functions() {
            if function.n_lines > MAX_FUNCTION_LINES {
                let (path, line, name, n_lines) =
                    (&self.path, function.line, function.name, function.n_lines);
                faults.push(format!(
                    "{path}:{line}: `{name}` has {n_lines} lines, at most {MAX_FUNCTION_LINES}"
                ));
            }
        }
        faults
    }

    /// Returns what must not stand anywhere.
    pub(super) fn banned_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (word, instead) in
            BANNED.iter().filter(|(word, _)| !EXCEPTIONS.contains(&(self.path.as_str(), *word)))
        {
            for line in self.code.lines_with(word) {
                faults.push(format!("{}:{line}: `{word}`: {instead}", self.path));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::RustFile;

    #[track_caller]
    fn check(path: &str, text: &str, n_size_faults: usize, n_banned: usize) {
        let file = RustFile::new(path, text);
        let found = (file.size_faults(), file.banned_faults());
        assert_eq!((found.0.len(), found.1.len()), (n_size_faults, n_banned), "{found:?}");
    }

    #[test]
    fn a_file_of_501_lines_is_too_long_unless_they_are_tests() {
        check("a/src/b.rs", &"\n".repeat(500), 0, 0);
        check("a/src/b.rs", &"\n".repeat(501), 1, 0);
        check("a/src/b/tests.rs", &"\n".repeat(501), 0, 0);
        check("a/tests/it/b.rs", &"\n".repeat(501), 0, 0);
        check(
            "a/src/b.rs",
            &format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(400), "\n".repeat(200)),
            0,
            0,
        );
        check("a/src/b.rs", &format!("#[cfg(test)]\nfn a() {{}}\n{}", "\n".repeat(500)), 1, 0);
    }

    #[test]
    fn a_function_of_81_lines_is_too_long_even_in_a_test() {
        check("a/src/b.rs", &format!("fn a() {{\n{}}}\n", "\n".repeat(78)), 0, 0);
        check("a/src/b.rs", &format!("fn a() {{\n{}}}\n", "\n".repeat(79)), 1, 0);
        check("a/tests/it/b.rs", &format!("fn a() {{\n{}}}\n", "\n".repeat(79)), 1, 0);
    }

    #[test]
    fn banned_words_are_found_outside_of_texts_and_comments() {
        check("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() { todo!() }\n", 0, 2);
        check("a.rs", "// todo!\nfn a() { let b = \"unimplemented!\"; }\n", 0, 0);
        check("a.rs", "fn a() { std::thread::sleep(b); unimplemented!(); }\n", 0, 2);
        check("a.rs", "async fn a() { tokio::time::sleep(b).await }\nuse std::thread::sleep;\n", 0, 2);
        check("a.rs", "unsafe fn a() {}\n#![forbid(unsafe_code)]\n", 0, 1);
    }

    #[test]
    fn an_exception_holds_for_one_file_and_one_word() {
        check("actors/runtime/src/clock.rs", "fn a() { tokio::time::sleep(b); }\n", 0, 0);
        check("actors/runtime/src/clock.rs", "fn a() { std::thread::sleep(b); }\n", 0, 1);
        check("actors/runtime/src/calls.rs", "fn a() { tokio::time::sleep(b); }\n", 0, 1);
    }
}
