//! Reading Rust as far as sizes and forbidden words need it.

/// Rust source in which the content of comments, texts and characters is blank. Lines keep their numbers.
pub(super) struct Code(Vec<u8>);

/// A function with its first line, counted from 1, and how many lines it has.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) n_lines: usize,
}

/// Where a scan stands.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    code: Vec<u8>,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Takes `count` bytes as code.
    fn keep(&mut self, count: usize) {
        for _ in 0..count.min(self.text.len() - self.at) {
            self.code.push(self.text[self.at]);
            self.at += 1;
        }
    }

    /// Takes `count` bytes as something else; line ends stay.
    fn blank(&mut self, count: usize) {
        for _ in 0..count.min(self.text.len() - self.at) {
            self.code.push(if self.text[self.at] == b'\n' { b'\n' } else { b' ' });
            self.at += 1;
        }
    }

    fn line_comment(&mut self) {
        while self.at < self.text.len() && self.peek(0) != b'\n' {
            self.blank(1);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.text.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.blank(2);
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.blank(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.blank(1),
            }
        }
    }

    /// Blanks a text or character from its opening quote on.
    fn quoted(&mut self, quote: u8) {
        self.keep(1);
        while self.at < self.text.len() && self.peek(0) != quote {
            let count = if self.peek(0) == b'\\' { 2 } else { 1 };
            self.blank(count);
        }
        self.keep(1);
    }

    /// Blanks a raw text from its `r` on, if it is one.
    fn raw(&mut self) -> bool {
        let n_hashes = (1..).take_while(|ahead| self.peek(*ahead) == b'#').count();
        if self.peek(1 + n_hashes) != b'"' {
            return false;
        }
        self.keep(2 + n_hashes);
        let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', n_hashes)).collect();
        while self.at < self.text.len() && !self.text[self.at..].starts_with(&end) {
            self.blank(1);
        }
        self.keep(end.len());
        true
    }

    /// Tells a character from a lifetime: a character is closed after one (possibly escaped) character.
    fn is_char(&self) -> bool {
        let rest = &self.text[self.at + 1..];
        match rest.first() {
            Some(b'\\') => true,
            Some(first) => {
                let len = match first {
                    0..=0x7f => 1,
                    0x80..=0xdf => 2,
                    0xe0..=0xef => 3,
                    _ => 4,
                };
                rest.get(len) == Some(&b'\'')
            }
            None => false,
        }
    }

    fn scan(mut self) -> Code {
        while self.at < self.text.len() {
            let is_word_start = !self.code.last().is_some_and(|last| is_word(*last));
            match (self.peek(0), self.peek(1)) {
                (b'/', b'/') => self.line_comment(),
                (b'/', b'*') => self.block_comment(),
                (b'"', _) => self.quoted(b'"'),
                (b'\'', _) if self.is_char() => self.quoted(b'\''),
                // `br` and `cr` end in an `r` whose predecessor is part of the prefix.
                (b'r', b'"' | b'#') if is_word_start || self.is_after_prefix() => {
                    if !self.raw() {
                        self.keep(1);
                    }
                }
                _ => self.keep(1),
            }
        }
        Code(self.code)
    }

    fn is_after_prefix(&self) -> bool {
        match self.code.as_slice() {
            [.., before, b'b' | b'c'] => !is_word(*before),
            [b'b' | b'c'] => true,
            _ => false,
        }
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl Code {
    pub(super) fn read(text: &str) -> Self {
        Scanner { text: text.as_bytes(), at: 0, code: Vec::with_capacity(text.len()) }.scan()
    }

    pub(super) fn n_lines(&self) -> usize {
        self.line_at(self.0.len()) - usize::from(self.0.last() == Some(&b'\n'))
    }

    fn line_at(&self, at: usize) -> usize {
        1 + self.0[..at].iter().filter(|byte| **byte == b'\n').count()
    }

    /// Returns where a text stands as whole words, as byte offsets.
    fn find(&self, text: &str) -> Vec<usize> {
        let text = text.as_bytes();
        let is_whole = |at: &usize| {
            let starts = *at == 0 || !is_word(self.0[at - 1]) || !is_word(text[0]);
            let ends = self
                .0
                .get(at + text.len())
                .is_none_or(|next| !is_word(*next) || !is_word(text[text.len() - 1]));
            starts && ends
        };
        let last = self.0.len().saturating_sub(text.len().saturating_sub(1));
        (0..last).filter(|at| self.0[*at..].starts_with(text)).filter(is_whole).collect()
    }

    /// Returns the lines on which a text stands as whole words.
    pub(super) fn lines_with(&self, text: &str) -> Vec<usize> {
        self.find(text).into_iter().map(|at| self.line_at(at)).collect()
    }

    /// Returns the first line of the module of unit tests, or one more than there are lines.
    pub(super) fn test_line(&self) -> usize {
        let is_module = |at: &usize| without_attributes(&self.0[*at..]).starts_with(b"mod ");
        let at = self.find("#[cfg(test)]").into_iter().find(is_module);
        at.map_or(self.n_lines() + 1, |at| self.line_at(at))
    }

    /// Returns all functions with a body.
    pub(super) fn functions(&self) -> Vec<Function> {
        self.find("fn").into_iter().filter_map(|at| self.function(at)).collect()
    }

    fn function(&self, at: usize) -> Option<Function> {
        let name_at = at + 2 + self.0[at + 2..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let name: Vec<u8> = self.0[name_at..].iter().copied().take_while(|byte| is_word(*byte)).collect();
        if name.is_empty() || name_at == at + 2 {
            // The type of a function pointer.
            return None;
        }
        let open = self.body(name_at)?;
        let close = self.closing(open)?;
        let (line, name) = (self.line_at(at), String::from_utf8_lossy(&name).into_owned());
        Some(Function { name, line, n_lines: self.line_at(close) - line + 1 })
    }

    /// Returns where the body opens, if there is one: the first brace outside of brackets.
    fn body(&self, from: usize) -> Option<usize> {
        let mut depth = 0;
        for (at, byte) in self.0.iter().enumerate().skip(from) {
            match byte {
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth -= 1,
                b'{' if depth == 0 => return Some(at),
                b';' if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0;
        for (at, byte) in self.0.iter().enumerate().skip(open) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(at);
            }
        }
        None
    }
}

/// Returns code from the first item on that is no attribute.
fn without_attributes(mut code: &[u8]) -> &[u8] {
    loop {
        code = code.trim_ascii_start();
        match code.iter().position(|byte| *byte == b']') {
            Some(end) if code.starts_with(b"#[") => code = &code[end + 1..],
            _ => return code,
        }
    }
}

/// Checks that a crate begins with its documentation.
pub(super) fn doc_faults(path: &str, text: &str) -> Option<String> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    (!first.starts_with("//! ")).then(|| format!("{path} does not begin with a crate doc"))
}

#[cfg(test)]
mod tests {
    use super::{Code, Function, doc_faults};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let Code(code) = Code::read(text);
        assert_eq!(String::from_utf8(code).unwrap(), expected);
    }

    #[test]
    fn comments_are_blank() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check("/// todo!()\n", "           \n");
    }

    #[test]
    fn texts_are_blank() {
        check(r#"a("} \" {", b)"#, r#"a("      ", b)"#);
        check("a(\"x\ny\")", "a(\" \n \")");
        check(r##"r#"a"b"# c"##, r##"r#"   "# c"##);
        check(r#"br"\" c"#, r#"br" " c"#);
        check("b\"{\" c\"}\"", "b\" \" c\" \"");
        check("for\"x\"", "for\" \"");
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        check("'{' '\\'' 'ä' '\\u{7d}'", "' ' '  ' '  ' '      '");
        check("fn a<'a>(b: &'a str) {}", "fn a<'a>(b: &'a str) {}");
        check("'a: loop { break 'a; }", "'a: loop { break 'a; }");
    }

    #[test]
    fn raw_identifiers_are_code() {
        check("r#type {}", "r#type {}");
    }

    #[test]
    fn functions_are_measured_from_name_to_brace() {
        let text = "fn a() {}\nfn b(\n    x: [u8; 2],\n) -> fn(u8) -> u8\nwhere\n    u8: Copy,\n{\n    if true { \"}\" } else { '}' }\n}\ntrait C {\n    fn d();\n}\n";
        let function = |name: &str, line, n_lines| Function { name: name.to_owned(), line, n_lines };
        assert_eq!(Code::read(text).functions(), [function("a", 1, 1), function("b", 2, 8)]);
    }

    #[test]
    fn only_a_module_begins_the_tests() {
        let text = "#[cfg(test)]\nfn a() {}\n\n#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests {}\n";
        assert_eq!(Code::read(text).test_line(), 4);
        assert_eq!(Code::read("fn a() {}\n").test_line(), 2);
    }

    #[test]
    fn words_are_found_whole() {
        let code = Code::read("// sleep(\nfn sleep() {}\nnot_sleep(1); sleep(2);\n");
        assert_eq!(code.lines_with("sleep("), [2, 3]);
        assert_eq!(code.n_lines(), 3);
    }

    #[test]
    fn a_crate_without_a_doc_is_a_fault() {
        assert_eq!(doc_faults("a.rs", "//! What it is.\n"), None);
        assert!(doc_faults("a.rs", "// What it is.\n//! Too late.\n").is_some());
        assert!(doc_faults("a.rs", "").is_some());
    }
}
