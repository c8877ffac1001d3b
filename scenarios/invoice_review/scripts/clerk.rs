//! The clerk: reads every document and says what stands in it.

use playhouse::prelude::{ModelRequest, ScriptContext, ScriptReply};

use super::super::{
    case::{CaseFile, ReadOutcome},
    document::{DocumentKind, Invoice},
};
use super::{
    extract::Extract,
    gathering::Gathering,
    message::{count, name, reason, say},
};

/// Lists the documents, reads them all at once, and posts their figures.
pub(crate) fn clerk(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let mut gathering = Gathering::of(request);
    let documents = gathering.documents();
    if let Some(calls) = gathering.missing("") {
        return calls;
    }
    match documents {
        Some(Ok(case)) => say(&sentence(&case), &Extract::of(&case)),
        Some(Err(error)) => ScriptReply::say(reason(&error)),
        None => ScriptReply::say("There is nothing to read."),
    }
}

fn sentence(case: &CaseFile) -> String {
    let mut parts = vec![format!("I read {}.", count(case.documents.len(), "document"))];
    match case.invoice() {
        Some(invoice) => parts.push(format!(
            "Invoice {} of {}: {} gross, {}; {}.",
            name(&invoice.invoice_number),
            name(&invoice.supplier),
            gross(invoice),
            count(invoice.lines.len(), "line"),
            belongings(case),
        )),
        None => parts.push("There is no readable invoice.".to_owned()),
    }
    for (file, outcome) in &case.documents {
        if let ReadOutcome::Failed(problem) = outcome {
            parts.push(format!("`{}` {}.", name(file), reason(&problem.to_string())));
        }
    }
    let n_instructions: usize =
        case.read_documents().map(|(_, document)| document.notes().instructions.len()).sum();
    if n_instructions > 0 {
        parts.push(format!(
            "The documents hold {}, which I report and do not follow.",
            count(n_instructions, "instruction")
        ));
    }
    parts.join(" ")
}

fn gross(invoice: &Invoice) -> String {
    let minor = invoice.currency.minor(invoice.gross);
    // An amount with too many decimals is shown as it stands in the document.
    let written = minor.map(|amount_minor| invoice.currency.written(amount_minor));
    written.unwrap_or_else(|| format!("{} {}", invoice.gross, invoice.currency))
}

/// Says what lies beside the invoice.
fn belongings(case: &CaseFile) -> String {
    let order = match case.order() {
        Some(order) => format!("order {}", name(&order.number)),
        None if case.has(DocumentKind::PurchaseOrder) => "an unreadable order".to_owned(),
        None => "no order".to_owned(),
    };
    format!("{order}, {}", count(case.receipts().count(), "receipt"))
}
