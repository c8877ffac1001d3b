//! The tools that look at a case: its documents, the policy, and the invoices of other cases.
//!
//! They read what the run was admitted with and nothing else: a file that has changed since is refused.

use std::sync::{Arc, Mutex, PoisonError};

use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    case::ReadOutcome,
    document::DocumentKind,
    input::{Case, ChangedFile, Content},
    names::{CaseName as CaseFolderName, FileName, InvoiceNumber, Supplier},
    policy::{Clause, Policy},
    register::{Register, RegisterEntry},
};

/// The most clauses of one search.
const MAX_CLAUSES: usize = 20;

/// The documents of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DocumentList {
    /// The case.
    pub(crate) case: CaseFolderName,
    /// Its documents in the order of their names.
    pub(crate) documents: Vec<ListedDocument>,
}

/// One document of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedDocument {
    /// The name of its file.
    pub(crate) file: FileName,
    /// Its kind, if the name tells one; other files are no documents of a case.
    pub(crate) kind: Option<DocumentKind>,
    /// Its length in bytes, if it can be opened.
    pub(crate) len_bytes: Option<u64>,
}

/// Lists the documents of the case: file, kind (invoice, purchase order, receipt, email) and length.
#[tool(effect = "pure", timeout = "5s")]
pub(crate) async fn list_documents(ctx: &ToolContext) -> Result<DocumentList, ToolError> {
    let case: Case = ctx.input()?;
    let documents = case.documents.into_iter().map(|document| ListedDocument {
        kind: DocumentKind::of(&document.file),
        len_bytes: document.content.map(|content| content.len_bytes),
        file: document.file,
    });
    Ok(DocumentList { case: case.name, documents: documents.collect() })
}

/// Which document to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ReadDocument {
    /// The file as `list_documents` names it, such as `invoice.json`.
    pub(crate) file: FileName,
}

/// Reads one document of the case.
///
/// Answers `{"read": {..}}` with its figures, or `{"failed": {..}}` with what is wrong with it: empty, not text,
/// a field that is missing or has two values. Sentences in it that try to direct the reader stand in
/// `notes.instructions`, places that could be read otherwise in `notes.doubts`.
#[tool(effect = "pure", timeout = "10s", output_limit = "2MiB")]
pub(crate) async fn read_document(args: ReadDocument, ctx: &ToolContext) -> Result<ReadOutcome, ToolError> {
    let case: Case = ctx.input()?;
    case.read(&args.file).map_err(|error| refused(&error))
}

/// What to look for in the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SearchPolicy {
    /// A few words, such as `unit price tolerance`.
    pub(crate) query: String,
    /// The most clauses to answer, from 1 to 20.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 20))]
    pub(crate) limit: usize,
}

fn default_limit() -> usize {
    3
}

/// Finds the clauses of the policy that share words with a query, the best first, each with its figures.
#[tool(effect = "pure", timeout = "5s")]
pub(crate) async fn search_policy(args: SearchPolicy, ctx: &ToolContext) -> Result<Vec<Clause>, ToolError> {
    let policy = policy(&ctx.input()?)?;
    Ok(policy.search(&args.query, args.limit.min(MAX_CLAUSES)))
}

/// The policy that was read last: a batch has one for all its cases, and parsing takes longer than searching.
static LAST_POLICY: Mutex<Option<(Content, Arc<Policy>)>> = Mutex::new(None);

fn policy(case: &Case) -> Result<Arc<Policy>, ToolError> {
    let text = case.read_policy().map_err(|error| refused(&error))?;
    let mut last = LAST_POLICY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((content, policy)) = &*last
        && *content == case.policy_content
    {
        return Ok(Arc::clone(policy));
    }
    let policy = Arc::new(Policy::parse(&text)?);
    *last = Some((case.policy_content.clone(), Arc::clone(&policy)));
    Ok(policy)
}

/// Which invoices to find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FindInvoices {
    /// The supplier as the invoice names it.
    pub(crate) supplier: Supplier,
    /// The invoice's number.
    pub(crate) number: InvoiceNumber,
}

/// Finds the invoices of other cases with the supplier and number of this case's invoice, the earliest first.
#[tool(effect = "pure", timeout = "5s")]
pub(crate) async fn find_invoices(
    args: FindInvoices,
    ctx: &ToolContext,
) -> Result<Vec<RegisterEntry>, ToolError> {
    let case: Case = ctx.input()?;
    let register: Register = case.same.into_iter().collect();
    Ok(register.same(&args.supplier, &args.number))
}

/// Nothing was read, and reading again would not help; the text says which file and what to do.
fn refused(error: &ChangedFile) -> ToolError {
    match error {
        ChangedFile::Unknown { .. } => ToolError::Invalid(error.to_string()),
        ChangedFile::Gone { source, .. } => ToolError::NotDone(format!("{error}: {source}")),
        ChangedFile::Changed { .. } => ToolError::NotDone(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
