//! What an agent has learnt from its tools in the open turn, and the calls that are still missing.

use playhouse::ExchangeCall;
use playhouse::prelude::{ModelRequest, ScriptReply};
use serde::de::DeserializeOwned;

use super::super::{
    case::{CaseFile, ReadOutcome},
    document::{DocumentProblem, Invoice},
    policy::{Clause, Policy},
    register::RegisterEntry,
    rule::Rule,
    tools::{DocumentList, FindInvoices, ReadDocument, SearchPolicy},
};

/// The answers so far, and the reply that asks for what is missing.
///
/// Nothing is asked twice in a turn: a call that failed is answered, too.
pub(super) struct Gathering<'a> {
    answered: Vec<&'a ExchangeCall>,
    missing: ScriptReply,
}

impl<'a> Gathering<'a> {
    /// Looks at the open turn.
    pub(super) fn of(request: &'a ModelRequest) -> Self {
        let answered = request.exchanges().iter().flat_map(|exchange| &exchange.calls).collect();
        Self { answered, missing: ScriptReply::default() }
    }

    /// Returns the calls that are missing, if any are.
    pub(super) fn missing(self, content: &str) -> Option<ScriptReply> {
        let is_complete = self.missing.tool_calls.is_empty();
        (!is_complete).then(|| ScriptReply { content: content.to_owned(), ..self.missing })
    }

    /// Returns the newest answer of a tool; the error is the text of its failure.
    pub(super) fn answer<T: DeserializeOwned>(&self, tool: &str) -> Option<Result<T, String>> {
        self.answers(tool).next_back().map(|call| answer(call))
    }

    /// Returns the documents of the case; the error says why they cannot be listed.
    pub(super) fn documents(&mut self) -> Option<Result<CaseFile, String>> {
        let list = match self.answer::<DocumentList>("list_documents") {
            Some(Ok(list)) => list,
            Some(Err(error)) => return Some(Err(format!("the documents cannot be listed: {error}"))),
            None => {
                self.ask("list_documents", &serde_json::json!({}));
                return None;
            }
        };
        let mut case = CaseFile::new(list.case);
        let mut is_complete = true;
        // A file whose name tells no kind of document is none.
        for document in list.documents.into_iter().filter(|document| document.kind.is_some()) {
            let wanted = ReadDocument { file: document.file };
            match self.answer_to::<_, ReadOutcome>("read_document", &wanted) {
                Some(outcome) => {
                    let not_opened = |reason| ReadOutcome::Failed(DocumentProblem::NotOpened { reason });
                    case.add(wanted.file, outcome.unwrap_or_else(not_opened));
                }
                None => {
                    is_complete = false;
                    self.ask("read_document", &wanted);
                }
            }
        }
        is_complete.then_some(Ok(case))
    }

    /// Returns the policy as far as the rules need it; the error says why there is none.
    pub(super) fn policy(&mut self) -> Option<Result<Policy, String>> {
        let mut clauses: Vec<Clause> = Vec::new();
        let mut is_complete = true;
        for rule in Rule::ALL {
            let wanted = SearchPolicy { query: rule.query().to_owned(), limit: 1 };
            match self.answer_to::<_, Vec<Clause>>("search_policy", &wanted) {
                Some(Ok(found)) => clauses.extend(found),
                Some(Err(error)) => return Some(Err(format!("the policy cannot be searched: {error}"))),
                None => {
                    is_complete = false;
                    self.ask("search_policy", &wanted);
                }
            }
        }
        is_complete.then(|| Policy::from_clauses(clauses).map_err(|error| error.to_string()))
    }

    /// Returns the invoices of other cases with supplier and number of this one; without one there are none.
    pub(super) fn same(&mut self, invoice: Option<&Invoice>) -> Option<Result<Vec<RegisterEntry>, String>> {
        let Some(invoice) = invoice else { return Some(Ok(Vec::new())) };
        let wanted =
            FindInvoices { supplier: invoice.supplier.clone(), number: invoice.invoice_number.clone() };
        let same = self.answer_to("find_invoices", &wanted);
        if same.is_none() {
            self.ask("find_invoices", &wanted);
        }
        same.map(|same| same.map_err(|error| format!("other invoices cannot be found: {error}")))
    }

    fn answers(&self, tool: &str) -> impl DoubleEndedIterator<Item = &'a ExchangeCall> {
        self.answered.iter().copied().filter(move |call| call.tool == tool)
    }

    /// Returns the newest answer to a call with these arguments.
    fn answer_to<A: DeserializeOwned + PartialEq, T: DeserializeOwned>(
        &self,
        tool: &str,
        arguments: &A,
    ) -> Option<Result<T, String>> {
        // Arguments of another form belong to another call.
        let is_it = |call: &&ExchangeCall| {
            serde_json::from_str(&call.arguments).is_ok_and(|found: A| found == *arguments)
        };
        self.answers(tool).rev().find(is_it).map(|call| answer(call))
    }

    fn ask(&mut self, tool: &str, arguments: &impl serde::Serialize) {
        self.missing = std::mem::take(&mut self.missing).and_call(tool, arguments);
    }
}

fn answer<T: DeserializeOwned>(call: &ExchangeCall) -> Result<T, String> {
    if call.failed {
        return Err(call.answer.clone());
    }
    serde_json::from_str(&call.answer).map_err(|error| format!("the answer cannot be read: {error}"))
}
