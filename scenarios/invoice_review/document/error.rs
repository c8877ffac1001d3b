//! Why a document cannot be read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::super::names::FileName;

/// A document that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Error)]
#[error("cannot read `{file}`")]
pub(crate) struct DocumentError {
    /// The file at fault.
    pub(crate) file: FileName,
    /// What is wrong with it.
    #[serde(flatten)]
    #[source]
    pub(crate) problem: DocumentProblem,
}

/// What is wrong with a document.
///
/// The text follows the name of the file, as in "`invoice.csv` is empty".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub(crate) enum DocumentProblem {
    /// The name is not that of an invoice, a purchase order, a receipt or an email.
    #[error("has a name that tells no kind of document")]
    UnknownName,
    /// The name ends in something else than `.json`, `.csv` or `.txt` (emails: `.txt`).
    #[error("has a form that is not read")]
    UnknownForm,
    /// There is nothing but white space in it.
    #[error("is empty")]
    Empty,
    /// It is not UTF-8 text.
    #[error("is not UTF-8 text (from byte {offset_bytes})")]
    NotText {
        /// The number of readable bytes before the first unreadable one.
        offset_bytes: u64,
    },
    /// It is larger than any document that is read.
    #[error("is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The largest size that is read.
        limit_bytes: u64,
    },
    /// The file system refused it.
    #[error("cannot be opened: {reason}")]
    NotOpened {
        /// The file system's words.
        reason: String,
    },
    /// It does not follow its form.
    #[error("line {line}: expected {expected}")]
    Malformed {
        /// The line at fault, counted from one.
        line: u64,
        /// What should stand there.
        expected: String,
    },
    /// A field that must be there is not.
    #[error("lacks `{field}`")]
    MissingField {
        /// The field, such as `net` or `line 2 quantity`.
        field: String,
    },
    /// A field has a value of the wrong sort.
    #[error("has `{text}` as `{field}`, which is not {expected}")]
    BadField {
        /// The field, such as `net` or `line 2 quantity`.
        field: String,
        /// The value as written, cut to 80 characters.
        text: String,
        /// What should stand there.
        expected: String,
    },
    /// It gives one field two values.
    #[error("contradicts itself: `{field}` is both `{first}` and `{second}`")]
    Contradiction {
        /// The field, such as `net` or `line 2 quantity`.
        field: String,
        /// The first value as written, cut to 80 characters.
        first: String,
        /// A later, different value, cut to 80 characters.
        second: String,
    },
}
