//! A source file: how it is read and shown to the reviewers, and what of each line is code and what comment.

use std::fs;

use playhouse::prelude::*;

/// The file that comes with the program.
pub(crate) const SHIPPED_FILE: &str = include_str!("../data/review-panel/session_store.rs");

/// The largest file that is reviewed: what is larger does not fit into what models read at once.
const MAX_BYTES: u64 = 128 * 1024;

/// The first message up to the first line of the file.
const REQUEST: &str = "Review this file.";

/// A line as checks look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its place, from 1.
    pub(crate) number: usize,
    /// All of it.
    pub(crate) text: String,
    /// Its code: comments are left out, what texts hold is blank.
    pub(crate) code: String,
    /// Its comment without the first two slashes; so that of a doc comment begins with `/` or `!`.
    pub(crate) comment: Option<String>,
}

/// Returns the first message of a run: the file with numbered lines.
///
/// # Errors
/// Says why the file is none to be reviewed.
pub(crate) fn opening(text: &str) -> Result<String, InputError> {
    if text.trim().is_empty() {
        return Err(InputError::new("the file is empty"));
    }
    check_size(text.len() as u64)?;
    let numbered =
        (1..).zip(text.lines()).map(|(number, line): (usize, &str)| format!("\n{number:>4}| {line}"));
    Ok(format!("{REQUEST}{}", numbered.collect::<String>()))
}

fn check_size(n_bytes: u64) -> Result<(), InputError> {
    if n_bytes > MAX_BYTES {
        let error =
            format!("the file has {n_bytes} bytes, and {MAX_BYTES} are the most that is reviewed at once");
        return Err(InputError::new(error));
    }
    Ok(())
}

/// Returns the lines of the file in a first message.
pub(crate) fn opened(opening: &str) -> Option<Vec<Line>> {
    let numbered = opening.strip_prefix(REQUEST)?;
    let texts = numbered.split('\n').skip(1).map(|line| line.split_once("| ").unwrap_or_default().1);
    let mut scanner = Scanner::default();
    Some((1..).zip(texts).map(|(number, text)| scanner.line(number, text)).collect())
}

/// Reads the `*.rs` files of a folder, each a case.
///
/// # Errors
/// Names the file at fault.
pub(crate) fn load_files(folder: &Path) -> Result<Vec<(CaseName, String)>, InputError> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths.sort();
    paths.iter().map(|path| load(path)).collect()
}

fn load(path: &Path) -> Result<(CaseName, String), InputError> {
    let in_file = |detail: String| InputError::new(format!("`{}`: {detail}", path.display()));
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = CaseName::new(stem).map_err(|error| in_file(error.to_string()))?;
    // Before it is read: it may be larger than the memory.
    let n_bytes = fs::metadata(path).map_err(|error| in_file(error.to_string()))?.len();
    check_size(n_bytes).map_err(|error| in_file(error.to_string()))?;
    let text = fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
    opening(&text).map_err(|error| in_file(error.to_string()))?;
    Ok((name, text))
}

/// What a line begins within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Code,
    /// Block comments, one in the other.
    Comment(usize),
    Text,
    /// A raw text that ends in a quote and this many `#`.
    RawText(usize),
}

/// Tells code from comments and texts, line by line.
#[derive(Debug, Default)]
struct Scanner {
    within: Within,
}

impl Scanner {
    fn line(&mut self, number: usize, text: &str) -> Line {
        let chars: Vec<char> = text.chars().collect();
        let (mut code, mut comment, mut at) = (String::new(), None, 0);
        while let Some(rest) = chars.get(at..).filter(|rest| !rest.is_empty()) {
            if self.within == Within::Code && rest.starts_with(&['/', '/']) {
                comment = Some(rest.iter().skip(2).collect());
                break;
            }
            let n = match self.within {
                Within::Code => self.code(rest, &mut code),
                Within::Comment(depth) => self.comment(rest, depth),
                Within::Text => self.text(rest, &mut code),
                Within::RawText(n_hashes) => self.raw_text(rest, n_hashes, &mut code),
            };
            at += n;
        }
        Line { number, text: text.to_owned(), code, comment }
    }

    /// Takes in the next characters of code and returns how many.
    fn code(&mut self, rest: &[char], code: &mut String) -> usize {
        let n_hashes = rest.iter().skip(1).take_while(|c| **c == '#').count();
        let is_raw = rest.first() == Some(&'r') && rest.get(1 + n_hashes) == Some(&'"');
        match rest {
            ['/', '*', ..] => {
                self.within = Within::Comment(1);
                2
            }
            ['"', ..] => {
                self.within = Within::Text;
                code.push('"');
                1
            }
            _ if is_raw && !code.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                self.within = Within::RawText(n_hashes);
                code.push('"');
                2 + n_hashes
            }
            // A character, not a lifetime: it is closed.
            ['\'', '\\', _, '\'', ..] => blank(code, 4),
            ['\'', _, '\'', ..] => blank(code, 3),
            [next, ..] => {
                code.push(*next);
                1
            }
            [] => 0,
        }
    }

    fn comment(&mut self, rest: &[char], depth: usize) -> usize {
        match rest {
            ['*', '/', ..] => {
                self.within = if depth > 1 { Within::Comment(depth - 1) } else { Within::Code };
                2
            }
            ['/', '*', ..] => {
                self.within = Within::Comment(depth + 1);
                2
            }
            _ => 1,
        }
    }

    fn text(&mut self, rest: &[char], code: &mut String) -> usize {
        match rest {
            ['\\', _, ..] => blank(code, 2),
            ['"', ..] => {
                self.within = Within::Code;
                code.push('"');
                1
            }
            _ => blank(code, 1),
        }
    }

    fn raw_text(&mut self, rest: &[char], n_hashes: usize, code: &mut String) -> usize {
        let is_end = rest.first() == Some(&'"')
            && rest.iter().skip(1).take(n_hashes).filter(|c| **c == '#').count() == n_hashes;
        if !is_end {
            return blank(code, 1);
        }
        self.within = Within::Code;
        code.push('"');
        1 + n_hashes
    }
}

fn blank(code: &mut String, n: usize) -> usize {
    code.extend(std::iter::repeat_n(' ', n));
    n
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, SHIPPED_FILE, load_files, opened, opening};

    #[test]
    fn a_file_is_opened_as_what_it_is() {
        let lines = opened(&opening(SHIPPED_FILE).unwrap()).unwrap();
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, SHIPPED_FILE.lines().collect::<Vec<_>>());
        assert!(lines.iter().zip(1..).all(|(line, number)| line.number == number));
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let lines = opened(&opening(text).unwrap()).unwrap();
        assert_eq!(lines.iter().map(|line| line.code.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn comments_are_left_out_and_texts_are_blank() {
        check("a(); // b\nc /* d\n e */ f", &["a(); ", "c ", " f"]);
        check(r#"a("x\"y", 'z', &'b c)"#, &[r#"a("    ",    , &'b c)"#]);
        check("a(r#\"x\"y\"#) b", &["a(\"   \") b"]);
        check("a(\"x\ny\") b", &["a(\" ", " \") b"]);
        check("a(\"// x\") // \"y", &["a(\"    \") "]);
    }

    #[test]
    fn an_empty_and_a_huge_file_are_refused() {
        assert!(opening(" \n\t").unwrap_err().to_string().contains("empty"));
        let huge = "a".repeat(10_000_000);
        assert!(opening(&huge).unwrap_err().to_string().contains("10000000 bytes"));
        assert!(opening(&"a".repeat(usize::try_from(MAX_BYTES).unwrap())).is_ok());
    }

    #[test]
    fn a_file_of_a_folder_that_cannot_be_reviewed_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("good.rs"), "fn a() {}").unwrap();
        std::fs::write(dir.path().join("notes.md"), "").unwrap();
        assert_eq!(load_files(dir.path()).unwrap().len(), 1);
        std::fs::write(dir.path().join("binary.rs"), [0xff, 0xfe]).unwrap();
        assert!(load_files(dir.path()).unwrap_err().to_string().contains("binary.rs"));
    }
}
