//! The documents, and the tools that look into them.

use std::collections::BTreeMap;
use std::fs;

use playhouse::prelude::{Path, PathBuf, ToolContext, ToolError, tools};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::{Comparison, held};

/// The documents that come with the program; the path is that of the checkout it was built from.
const SHIPPED_DOCUMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/research-report/documents");

/// The largest document, in bytes.
const MAX_DOCUMENT_BYTES: u64 = 1024 * 1024;

/// The most documents.
const MAX_DOCUMENTS: usize = 1_000;

/// The most lines of one reading, and the most characters of a line: what a model can take in at once.
const MAX_LINES: usize = 200;
const MAX_LINE_CHARS: usize = 1_000;

/// The most hits of one search.
const MAX_HITS: usize = 30;

/// A document as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedDocument {
    /// The name of its file.
    pub(crate) document: String,
    /// Its first heading, or else its first line.
    pub(crate) title: String,
    /// How many lines it has.
    pub(crate) n_lines: usize,
}

/// Which lines to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ReadDocument {
    /// The document as `list_documents` names it.
    pub(crate) document: String,
    /// The first line, from 1.
    #[serde(default = "first")]
    #[schemars(range(min = 1))]
    pub(crate) from_line: usize,
}

const fn first() -> usize {
    1
}

/// A line of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DocumentLine {
    /// Its place, from 1.
    pub(crate) line: usize,
    /// What it says.
    pub(crate) text: String,
}

/// Lines of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadLines {
    /// The document.
    pub(crate) document: String,
    /// The lines that are not empty.
    pub(crate) lines: Vec<DocumentLine>,
    /// Where to read on, if it has more.
    pub(crate) next_line: Option<usize>,
}

/// What to search for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Search {
    /// The words, each by itself.
    #[schemars(length(min = 1, max = 12))]
    pub(crate) words: Vec<String>,
    /// How they are compared.
    #[serde(default)]
    pub(crate) comparison: Comparison,
}

/// A line that holds some of the words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hit {
    /// The document.
    pub(crate) document: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What it says.
    pub(crate) text: String,
    /// Which words it holds.
    pub(crate) words: Vec<String>,
}

/// The tools of the reader: the documents as they were when the process began.
#[derive(Debug)]
pub(crate) struct Documents {
    /// The lines of each by its name.
    documents: BTreeMap<String, Vec<String>>,
}

#[tools]
impl Documents {
    /// Reads the documents of a folder; those that come with the program if none is given.
    pub(crate) async fn open(folder: Option<PathBuf>) -> Result<Self, ToolError> {
        let folder = folder.unwrap_or_else(|| PathBuf::from(SHIPPED_DOCUMENTS));
        let documents = read_folder(&folder).map_err(ToolError::Invalid)?;
        Ok(Self { documents })
    }

    /// Lists the documents: name, title and how many lines each has.
    #[tool(effect = "pure", timeout = "5s")]
    pub(crate) async fn list_documents(&self, _ctx: &ToolContext) -> Result<Vec<ListedDocument>, ToolError> {
        let listed = self.documents.iter().map(|(document, lines)| {
            let said = || lines.iter().filter(|line| !line.trim().is_empty());
            let title = said().find(|line| line.starts_with('#')).or_else(|| said().next());
            let title = title.map(|line| shortened(line.trim_start_matches('#').trim())).unwrap_or_default();
            ListedDocument { document: document.clone(), title, n_lines: lines.len() }
        });
        Ok(listed.collect())
    }

    /// Reads up to 200 lines of a document, each with its number.
    #[tool(effect = "pure", timeout = "5s", output_limit = "1MiB")]
    pub(crate) async fn read_document(
        &self,
        args: ReadDocument,
        _ctx: &ToolContext,
    ) -> Result<ReadLines, ToolError> {
        let lines = self.documents.get(&args.document).ok_or_else(|| {
            let document = &args.document;
            ToolError::Invalid(format!(
                "there is no document `{document}`; `list_documents` names those there are"
            ))
        })?;
        let from = args.from_line.max(1);
        let read = (from..).zip(lines.iter().skip(from - 1).take(MAX_LINES));
        let read = read.filter(|(_, text)| !text.trim().is_empty());
        let read = read.map(|(line, text)| DocumentLine { line, text: shortened(text) }).collect();
        let next = from.saturating_add(MAX_LINES);
        let next_line = (next <= lines.len()).then_some(next);
        Ok(ReadLines { document: args.document, lines: read, next_line })
    }

    /// Finds lines that hold words, those with the most of them first. Headings are not searched.
    #[tool(effect = "pure", timeout = "20s", output_limit = "256KiB")]
    pub(crate) async fn search(&self, args: Search, _ctx: &ToolContext) -> Result<Vec<Hit>, ToolError> {
        let words: Vec<String> = args.words.iter().map(|word| word.to_lowercase()).collect();
        let mut hits = Vec::new();
        for (document, lines) in &self.documents {
            let said = (1..).zip(lines).filter(|(_, text)| !text.starts_with('#'));
            hits.extend(said.filter_map(|(line, text)| {
                let words = Some(held(text, &words, args.comparison)).filter(|held| !held.is_empty())?;
                Some(Hit { document: document.clone(), line, text: shortened(text), words })
            }));
        }
        // A stable sort: equally good ones stay in the order of documents and lines.
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.words.len()));
        hits.truncate(MAX_HITS);
        Ok(hits)
    }
}

fn shortened(line: &str) -> String {
    line.chars().take(MAX_LINE_CHARS).collect()
}

/// Reads the documents of a folder; an error names the path.
fn read_folder(folder: &Path) -> Result<BTreeMap<String, Vec<String>>, String> {
    let in_folder = |error: std::io::Error| format!("documents in `{}`: {error}", folder.display());
    let mut documents = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(in_folder)? {
        let path = entry.map_err(in_folder)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if !matches!(extension, Some("md" | "txt")) {
            continue;
        }
        let in_file = |error: String| format!("`{}`: {error}", path.display());
        let n_bytes = fs::metadata(&path).map_err(|error| in_file(error.to_string()))?.len();
        if n_bytes > MAX_DOCUMENT_BYTES {
            return Err(in_file(format!("it has {n_bytes} bytes, and {MAX_DOCUMENT_BYTES} are the most")));
        }
        let text = fs::read_to_string(&path).map_err(|error| in_file(error.to_string()))?;
        documents.insert(name.to_owned(), text.lines().map(str::to_owned).collect());
        if documents.len() > MAX_DOCUMENTS {
            return Err(format!("`{}` holds more than {MAX_DOCUMENTS} documents", folder.display()));
        }
    }
    if documents.is_empty() {
        return Err(format!("`{}` holds no document: no `*.md` or `*.txt` file", folder.display()));
    }
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use super::{Path, SHIPPED_DOCUMENTS, read_folder};

    #[test]
    fn the_shipped_documents_are_read() {
        let documents = read_folder(Path::new(SHIPPED_DOCUMENTS)).unwrap();
        assert_eq!(documents.len(), 5);
        assert_eq!(documents["costs.md"][0], "# What the platform costs");
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read_folder(&dir.path().join("gone")).unwrap_err().contains("gone"));
        assert!(read_folder(dir.path()).unwrap_err().contains("holds no document"));
        std::fs::write(dir.path().join("big.md"), vec![b'a'; 10_000_000]).unwrap();
        assert!(read_folder(dir.path()).unwrap_err().contains("10000000 bytes"));
        std::fs::write(dir.path().join("big.md"), [0xff]).unwrap();
        assert!(read_folder(dir.path()).unwrap_err().contains("big.md"));
    }
}
