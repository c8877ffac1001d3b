//! The figures of a case, cut to a size that a message can hold.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::{
    case::{CaseFile, ReadOutcome},
    document::{Document, ReadingNotes},
    names::Sku,
};

/// The most lines of all documents together.
const MAX_LINES: usize = 45;
/// The most remarks of one sort about one document.
const MAX_REMARKS: usize = 3;
/// The most bytes as JSON; beyond it only the names of the files are said.
const MAX_BYTES: usize = 16 * 1024;

/// What the clerk says of a case; the documents hold more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extract {
    /// The documents without texts and descriptions, and with the lines of as many articles as fit: all lines of
    /// an article or none, so that its prices and quantities can be compared.
    pub(super) case: CaseFile,
    /// How many lines are left out.
    pub(super) lines_left_out: usize,
}

impl Extract {
    /// Cuts a case to size.
    pub(super) fn of(case: &CaseFile) -> Self {
        let articles = articles_that_fit(case);
        let keeps = |sku: &Sku| articles.contains(&sku.key());
        let mut extract = Self { case: case.clone(), lines_left_out: 0 };
        for outcome in extract.case.documents.values_mut() {
            let ReadOutcome::Read(document) = outcome else { continue };
            extract.lines_left_out += cut(document, &keeps);
        }
        if serde_json::to_string(&extract).map_or(0, |text| text.len()) <= MAX_BYTES {
            return extract;
        }
        let lines_left_out = case.read_documents().map(|(_, document)| skus(document).count()).sum();
        Self { case: CaseFile::new(case.name.clone()), lines_left_out }
    }
}

/// Returns the keys of the first articles whose lines fit.
fn articles_that_fit(case: &CaseFile) -> BTreeSet<String> {
    let lines: Vec<String> =
        case.read_documents().flat_map(|(_, document)| skus(document)).map(Sku::key).collect();
    let mut articles = BTreeSet::new();
    let mut n_lines = 0;
    for article in &lines {
        if articles.contains(article) {
            continue;
        }
        n_lines += lines.iter().filter(|other| *other == article).count();
        if n_lines > MAX_LINES {
            break;
        }
        articles.insert(article.clone());
    }
    articles
}

fn skus(document: &Document) -> Box<dyn Iterator<Item = &Sku> + '_> {
    match document {
        Document::Invoice(invoice) => Box::new(invoice.lines.iter().map(|line| &line.sku)),
        Document::PurchaseOrder(order) => Box::new(order.lines.iter().map(|line| &line.sku)),
        Document::Receipt(receipt) => Box::new(receipt.lines.iter().map(|line| &line.sku)),
        Document::Email(_) => Box::new(std::iter::empty()),
    }
}

/// Cuts a document and returns how many lines it lost.
fn cut(document: &mut Document, keeps: &impl Fn(&Sku) -> bool) -> usize {
    let n_lines = skus(document).count();
    let notes = match document {
        Document::Invoice(invoice) => {
            invoice.lines.retain(|line| keeps(&line.sku));
            invoice.lines.iter_mut().for_each(|line| line.description = None);
            &mut invoice.notes
        }
        Document::PurchaseOrder(order) => {
            order.lines.retain(|line| keeps(&line.sku));
            &mut order.notes
        }
        Document::Receipt(receipt) => {
            receipt.lines.retain(|line| keeps(&line.sku));
            &mut receipt.notes
        }
        Document::Email(email) => {
            // Nobody needs the words of an email to settle a case, and they may be meant to mislead.
            email.text.clear();
            &mut email.notes
        }
    };
    let ReadingNotes { doubts, instructions } = notes;
    doubts.truncate(MAX_REMARKS);
    instructions.truncate(MAX_REMARKS);
    n_lines - skus(document).count()
}
