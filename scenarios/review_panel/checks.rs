//! What each reviewer looks for without a model. Every check reads the lines and nothing else.

use super::finding::{Finding, Severity};
use super::source::Line;

/// The most lines of a function.
const MAX_FUNCTION_LINES: usize = 40;

/// The most characters of a line.
const MAX_LINE_CHARS: usize = 120;

/// From how many characters on a text may be a secret.
const MIN_SECRET_CHARS: usize = 8;

/// Words in the names of secrets.
const SECRETS: &[&str] = &["password", "passwd", "secret", "token", "api_key", "apikey", "private_key"];

/// A piece of code that is a fault wherever it stands.
struct Piece {
    code: &'static str,
    severity: Severity,
    rule: &'static str,
    detail: &'static str,
}

const fn piece(code: &'static str, severity: Severity, rule: &'static str, detail: &'static str) -> Piece {
    Piece { code, severity, rule, detail }
}

const CORRECTNESS: &[Piece] = &[
    piece(".unwrap()", Severity::Major, "unwrap", "it panics if there is no value: return an error"),
    piece(
        ".expect(",
        Severity::Minor,
        "expect",
        "it panics: say in a comment why it cannot, or return an error",
    ),
    piece("panic!(", Severity::Major, "panic", "the caller cannot handle it: return an error"),
    piece("todo!(", Severity::Critical, "unfinished", "it panics when it is reached: finish it"),
    piece("unimplemented!(", Severity::Critical, "unfinished", "it panics when it is reached: finish it"),
    piece("let _ =", Severity::Major, "lost-error", "if this is an error, nobody hears of it: handle it"),
    piece(" as u8", Severity::Major, "cast", "it cuts off what does not fit: use `try_from`"),
    piece(" as u16", Severity::Major, "cast", "it cuts off what does not fit: use `try_from`"),
    piece(" as u32", Severity::Major, "cast", "it cuts off what does not fit: use `try_from`"),
    piece(" as i8", Severity::Major, "cast", "it cuts off what does not fit: use `try_from`"),
    piece(" as i16", Severity::Major, "cast", "it cuts off what does not fit: use `try_from`"),
    piece(" as i32", Severity::Major, "cast", "it cuts off what does not fit: use `try_from`"),
];

const SECURITY: &[Piece] = &[
    piece("unsafe", Severity::Major, "unsafe", "the compiler checks nothing here: use the safe function"),
    piece("md5", Severity::Major, "weak-hash", "it is broken: use SHA-256 or BLAKE3"),
    piece("sha1", Severity::Major, "weak-hash", "it is broken: use SHA-256 or BLAKE3"),
];

/// Looks for what fails, panics or gives a wrong answer.
pub(crate) fn correctness(lines: &[Line]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in before_tests(lines) {
        findings.extend(pieces(line, CORRECTNESS));
        if is_indexed(&line.code) {
            let detail = "it panics if there is no such element: use `get` or `first`";
            findings.push(finding(line, Severity::Major, "index", detail));
        }
    }
    findings
}

/// Looks for what an attacker can use.
pub(crate) fn security(lines: &[Line]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in before_tests(lines) {
        findings.extend(pieces(line, SECURITY));
        let (code, text) = (&line.code, line.text.to_lowercase());
        if holds_secret(code) {
            let detail = "a secret stands in the source: read it from the environment, and change it";
            findings.push(finding(line, Severity::Critical, "secret", detail));
        }
        let is_sql = ["select ", "insert ", "update ", "delete "].iter().any(|word| text.contains(word));
        if code.contains("format!(") && is_sql && text.contains('{') {
            let detail = "SQL is put together from values: use parameters";
            findings.push(finding(line, Severity::Critical, "sql-injection", detail));
        }
        if code.contains("Command::new(\"") && ["\"sh\"", "\"bash\""].iter().any(|shell| text.contains(shell))
        {
            let detail = "a shell reads the arguments: call the program itself";
            findings.push(finding(line, Severity::Critical, "shell", detail));
        }
        if code.contains('"') && text.contains("\"http://") && !text.contains("//localhost") {
            findings.push(finding(
                line,
                Severity::Minor,
                "plain-http",
                "everybody on the way reads it: use https",
            ));
        }
        if code.contains("print") && code.contains("!(") && SECRETS.iter().any(|name| text.contains(name)) {
            findings.push(finding(line, Severity::Major, "secret-in-log", "a secret must not be printed"));
        }
        if code.contains(".parse()") && code.contains(".unwrap()") {
            let detail = "what comes from outside stops the process";
            findings.push(finding(line, Severity::Critical, "unwrap", detail));
        }
    }
    findings
}

/// Looks for what makes a file hard to read and to keep.
pub(crate) fn style(lines: &[Line]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in before_tests(lines).iter().enumerate() {
        let before = lines.get(..at).unwrap_or_default();
        let comment = line.comment.as_deref().unwrap_or_default();
        if let Some(word) = ["TODO", "FIXME", "XXX"].iter().find(|word| comment.contains(**word)) {
            findings.push(finding(
                line,
                Severity::Minor,
                "todo",
                &format!("an open {word}: do it or file it"),
            ));
        }
        if comment.ends_with([';', '{']) && !comment.starts_with(['/', '!']) {
            findings.push(finding(line, Severity::Minor, "dead-code", "code in a comment: delete it"));
        }
        if line.text.chars().count() > MAX_LINE_CHARS {
            let detail = format!("it has more than {MAX_LINE_CHARS} characters: break it");
            findings.push(finding(line, Severity::Minor, "long-line", &detail));
        }
        if is_public_item(&line.code) && !is_documented(before) {
            findings.push(finding(line, Severity::Minor, "missing-docs", "say what it is or does"));
        }
        if has_word(&line.code, "unsafe") && !is_said_safe(before) {
            findings.push(finding(
                line,
                Severity::Major,
                "unsafe",
                "no `SAFETY` comment says why it is sound",
            ));
        }
        findings.extend(long_function(line, lines.get(at..).unwrap_or_default()));
    }
    findings
}

/// Returns the lines before the tests, which may panic.
fn before_tests(lines: &[Line]) -> &[Line] {
    let tests = lines.windows(2).position(|pair| match pair {
        [first, second] => first.code.trim() == "#[cfg(test)]" && has_word(&second.code, "mod"),
        _ => false,
    });
    lines.get(..tests.unwrap_or(lines.len())).unwrap_or_default()
}

fn finding(line: &Line, severity: Severity, rule: &str, detail: &str) -> Finding {
    Finding { line: line.number, severity, rule: rule.to_owned(), detail: detail.to_owned() }
}

fn pieces(line: &Line, pieces: &'static [Piece]) -> impl Iterator<Item = Finding> {
    let found = pieces.iter().filter(|piece| has_word(&line.code, piece.code));
    found.map(|piece| finding(line, piece.severity, piece.rule, piece.detail))
}

/// Tells whether `code` holds `word`, and not as a part of a longer word.
fn has_word(code: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code.get(..at).unwrap_or_default().ends_with(is_part);
        let after = code.get(at + word.len()..).unwrap_or_default().starts_with(is_part);
        !(before && word.starts_with(is_part) || after && word.ends_with(is_part))
    })
}

/// Tells whether something is taken out of a list by its place: a name or a call, then a bracket with something in it.
fn is_indexed(code: &str) -> bool {
    code.match_indices('[').any(|(at, _)| {
        let before = code.get(..at).unwrap_or_default();
        let inside = code.get(at + 1..).and_then(|rest| rest.split(']').next()).unwrap_or_default();
        let is_value = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ')' | ']'));
        is_value && !inside.trim().is_empty() && inside.trim() != ".."
    })
}

/// Tells whether a long enough text is given to a name that secrets have.
fn holds_secret(code: &str) -> bool {
    let Some((left, right)) = code.split_once('=') else { return false };
    let Some((_, text)) = right.split_once('"') else { return false };
    let n_chars = text.find('"').unwrap_or_default();
    let left = left.to_lowercase();
    n_chars >= MIN_SECRET_CHARS && SECRETS.iter().any(|name| left.contains(name))
}

fn is_public_item(code: &str) -> bool {
    let mut words = code.split_whitespace();
    let items = ["fn", "struct", "enum", "trait", "const", "static", "type", "async", "union"];
    words.next() == Some("pub") && words.next().is_some_and(|word| items.contains(&word))
}

/// Tells whether the lines before an item end with its docs; attributes may stand between.
fn is_documented(before: &[Line]) -> bool {
    let last = before.iter().rev().find(|line| !line.code.trim_start().starts_with("#["));
    last.and_then(|line| line.comment.as_deref()).is_some_and(|comment| comment.starts_with('/'))
}

/// Tells whether one of the comments right before says why it is sound.
fn is_said_safe(before: &[Line]) -> bool {
    let comments = before.iter().rev().map_while(|line| line.comment.as_deref());
    comments.take(10).any(|comment| comment.to_uppercase().contains("SAFETY"))
}

/// Measures the function that begins in a line, if one does: to the brace that closes its body.
fn long_function(line: &Line, from: &[Line]) -> Option<Finding> {
    let name = line.code.split_once("fn ").filter(|_| has_word(&line.code, "fn"))?.1;
    let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let (mut depth, mut n_lines) = (0_usize, 0_usize);
    'lines: for line in from {
        n_lines += 1;
        for c in line.code.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth <= 1 => break 'lines,
                '}' => depth -= 1,
                // A declaration without a body.
                ';' if depth == 0 => return None,
                _ => {}
            }
        }
    }
    let detail = format!("`{name}` has {n_lines} lines: {MAX_FUNCTION_LINES} can be read at once");
    (n_lines > MAX_FUNCTION_LINES).then(|| finding(line, Severity::Minor, "long-function", &detail))
}

#[cfg(test)]
mod tests {
    use super::{correctness, security, style};
    use crate::review_panel::finding::Finding;
    use crate::review_panel::source::{Line, opened, opening};

    #[track_caller]
    fn check(review: fn(&[Line]) -> Vec<Finding>, text: &str, expected: &[(usize, &str)]) {
        let found = review(&opened(&opening(text).unwrap()).unwrap());
        let found: Vec<(usize, &str)> = found.iter().map(|found| (found.line, found.rule.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn correctness_finds_what_panics_and_what_is_lost() {
        check(correctness, "a.unwrap();\n// a.unwrap()\nb(\".unwrap()\");\na.unwrap_or(1)", &[(1, "unwrap")]);
        check(
            correctness,
            "let _ = a();\nlet _b = a();\nlet c = d as u16;",
            &[(1, "lost-error"), (3, "cast")],
        );
        check(correctness, "a[0]; b()[i];\nlet c: [u8; 4] = [1];\n#[d]\nvec![1];", &[(1, "index")]);
        check(correctness, "a();\n#[cfg(test)]\nmod tests {\n    a.unwrap();\n}", &[]);
    }

    #[test]
    fn security_finds_secrets_injection_and_shells() {
        check(security, "const API_KEY: &str = \"0123456789\";\nlet token = \"\";", &[(1, "secret")]);
        check(security, "format!(\"SELECT a WHERE b = {c}\");\n\"SELECT a\";", &[(1, "sql-injection")]);
        check(security, "Command::new(\"sh\");\nCommand::new(\"git\");", &[(1, "shell")]);
        check(security, "unsafe { a() }\nlet not_unsafe_1 = b;", &[(1, "unsafe")]);
        check(
            security,
            "let a = \"http://b.c\";\nprintln!(\"{password}\");",
            &[(1, "plain-http"), (2, "secret-in-log")],
        );
    }

    #[test]
    fn style_finds_what_is_not_said_and_what_is_left_over() {
        check(
            style,
            "pub fn a() {}\n/// B.\n#[inline]\npub fn b() {}\npub(crate) fn c() {}",
            &[(1, "missing-docs")],
        );
        check(style, "// TODO: a\nlet todo = 1;\n// a();", &[(1, "todo"), (3, "dead-code")]);
        check(style, "// SAFETY: b\nunsafe { a() }\nb();\nunsafe { a() }", &[(4, "unsafe")]);
        check(
            style,
            &format!("fn a() {{\n{}}}\nfn b() {{}}", "    b();\n".repeat(39)),
            &[(1, "long-function")],
        );
        check(style, &format!("fn a();\nfn b() {{\n{}}}", "    b();\n".repeat(38)), &[]);
        check(style, &"a".repeat(121), &[(1, "long-line")]);
    }
}
