//! The files of a new project: real files under `templates/`, with placeholders.

use std::path::Path;

/// The words that no module can be named after.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// Tells whether a word belongs to Rust.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

/// What the placeholders stand for.
pub(super) struct Template {
    name: String,
    module: String,
    package: String,
}

impl Template {
    /// Makes the template of a project; `package` is the absolute path of the package `playhouse`.
    pub(super) fn new(name: &str, package: &Path) -> Self {
        // As the path stands in a TOML string and nowhere else.
        let package = package.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
        Self { name: name.to_owned(), module: name.replace('-', "_"), package }
    }

    /// Returns paths and texts of all files but the lock file.
    pub(super) fn files(&self) -> Vec<(&'static str, String)> {
        [
            ("Cargo.toml", include_str!("../../../templates/crew/Cargo.toml.template")),
            (".gitignore", include_str!("../../../templates/crew/gitignore.template")),
            ("README.md", include_str!("../../../templates/crew/README.md.template")),
            ("src/main.rs", include_str!("../../../templates/crew/src/main.rs.template")),
            ("src/scenario.rs", include_str!("../../../templates/crew/src/scenario.rs.template")),
            ("tests/crew.rs", include_str!("../../../templates/crew/tests/crew.rs.template")),
        ]
        .into_iter()
        .map(|(path, text)| (path, self.fill(text)))
        .collect()
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{{name}}", &self.name)
            .replace("{{module}}", &self.module)
            .replace("{{package}}", &self.package)
    }
}
