//! The documents of one case, as far as they could be read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    document::{Document, DocumentError, DocumentKind, DocumentProblem, Invoice, PurchaseOrder, Receipt},
    names::{CaseName, FileName},
};

/// What came of reading a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReadOutcome {
    /// The document.
    Read(Document),
    /// Why there is none.
    Failed(DocumentProblem),
}

impl From<Result<Document, DocumentError>> for ReadOutcome {
    fn from(read: Result<Document, DocumentError>) -> Self {
        match read {
            Ok(document) => Self::Read(document),
            Err(error) => Self::Failed(error.problem),
        }
    }
}

/// The documents of one case by the names of their files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CaseFile {
    /// The case.
    pub(crate) name: CaseName,
    /// What came of reading each document.
    pub(crate) documents: BTreeMap<FileName, ReadOutcome>,
}

impl CaseFile {
    /// Makes a case without documents.
    pub(crate) fn new(name: CaseName) -> Self {
        Self { name, documents: BTreeMap::new() }
    }

    /// Keeps what came of reading a document.
    pub(crate) fn add(&mut self, file: FileName, outcome: impl Into<ReadOutcome>) {
        self.documents.insert(file, outcome.into());
    }

    /// Returns the invoice: the first by file name, should there be several.
    pub(crate) fn invoice(&self) -> Option<&Invoice> {
        self.read_documents().find_map(|(_, document)| match document {
            Document::Invoice(invoice) => Some(invoice),
            _ => None,
        })
    }

    /// Returns the purchase order: the first by file name, should there be several.
    pub(crate) fn order(&self) -> Option<&PurchaseOrder> {
        self.read_documents().find_map(|(_, document)| match document {
            Document::PurchaseOrder(order) => Some(order),
            _ => None,
        })
    }

    /// Returns the receipts with their file names.
    pub(crate) fn receipts(&self) -> impl Iterator<Item = (&FileName, &Receipt)> {
        self.read_documents().filter_map(|(file, document)| match document {
            Document::Receipt(receipt) => Some((file, receipt)),
            _ => None,
        })
    }

    /// Returns the documents that could be read.
    pub(crate) fn read_documents(&self) -> impl Iterator<Item = (&FileName, &Document)> {
        self.documents.iter().filter_map(|(file, outcome)| match outcome {
            ReadOutcome::Read(document) => Some((file, document)),
            ReadOutcome::Failed(_) => None,
        })
    }

    /// Returns the documents of a kind that could not be read, and why.
    pub(crate) fn failed(&self, kind: DocumentKind) -> impl Iterator<Item = (&FileName, &DocumentProblem)> {
        self.documents.iter().filter_map(move |(file, outcome)| match outcome {
            ReadOutcome::Failed(problem) if DocumentKind::of(file) == Some(kind) => Some((file, problem)),
            _ => None,
        })
    }

    /// Returns whether there is a file of this kind, readable or not.
    pub(crate) fn has(&self, kind: DocumentKind) -> bool {
        self.documents.keys().any(|file| DocumentKind::of(file) == Some(kind))
    }
}
