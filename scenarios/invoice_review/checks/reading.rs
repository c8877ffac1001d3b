//! Whether the needed documents are there, readable and about the same thing.

use super::{
    super::{
        case::CaseFile,
        document::{Document, DocumentKind, DocumentProblem, Invoice, PurchaseOrder, Receipt},
        policy::Policy,
        rule::Rule,
    },
    Finding,
};

/// Finds missing and unreadable documents, contradictions, and instructions in documents.
pub(crate) fn reading_findings(case: &CaseFile, policy: &Policy) -> Vec<Finding> {
    let mut findings = unreadable_findings(case, policy);
    findings.extend(missing_findings(case, policy));
    findings.extend(repeated_findings(case, policy));
    findings.extend(contradiction_findings(case, policy));
    findings.extend(instruction_findings(case, policy));
    findings
}

/// Returns whether a receipt names the order that the invoice and the order name.
pub(super) fn orders_agree(receipt: &Receipt, invoice: &Invoice, order: &PurchaseOrder) -> bool {
    let key = receipt.purchase_order.key();
    key == order.number.key() && invoice.purchase_order.as_ref().is_none_or(|number| number.key() == key)
}

fn unreadable_findings(case: &CaseFile, policy: &Policy) -> Vec<Finding> {
    let kinds =
        [DocumentKind::Invoice, DocumentKind::PurchaseOrder, DocumentKind::Receipt, DocumentKind::Email];
    let failed = kinds.into_iter().flat_map(|kind| case.failed(kind).map(move |failed| (kind, failed)));
    failed
        .map(|(kind, (file, problem))| {
            let rule = match (kind, problem) {
                (DocumentKind::Email, _) => Rule::UnreadableEmail,
                (_, DocumentProblem::Contradiction { .. }) => Rule::Contradiction,
                _ => Rule::Documents,
            };
            Finding::new(policy, rule, format!("`{file}` {problem}"))
        })
        .collect()
}

fn missing_findings(case: &CaseFile, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !case.has(DocumentKind::Invoice) {
        let reason = "there is no invoice".to_owned();
        findings.push(Finding::new(policy, Rule::Documents, reason));
    }
    let has_order = case.has(DocumentKind::PurchaseOrder);
    match case.invoice().map(|invoice| &invoice.purchase_order) {
        Some(None) => {
            let reason = "the invoice names no purchase order".to_owned();
            findings.push(Finding::new(policy, Rule::NoOrder, reason));
        }
        Some(Some(number)) if !has_order => {
            let reason = format!("purchase order `{number}` is not among the documents");
            findings.push(Finding::new(policy, Rule::NoOrder, reason));
        }
        Some(Some(_)) | None => {}
    }
    if has_order && !case.has(DocumentKind::Receipt) {
        let reason = "there is no receipt for the purchase order".to_owned();
        findings.push(Finding::new(policy, Rule::Documents, reason));
    }
    findings
}

/// Several files with the same content are one document.
fn repeated_findings(case: &CaseFile, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (kind, name) in
        [(DocumentKind::Invoice, "invoices"), (DocumentKind::PurchaseOrder, "purchase orders")]
    {
        let documents: Vec<&Document> = case
            .read_documents()
            .filter(|(file, _)| DocumentKind::of(file) == Some(kind))
            .map(|(_, document)| document)
            .collect();
        if documents.windows(2).any(|pair| pair.first() != pair.last()) {
            let reason = format!("there are {} different {name}", documents.len());
            findings.push(Finding::new(policy, Rule::Contradiction, reason));
        }
    }
    findings
}

fn contradiction_findings(case: &CaseFile, policy: &Policy) -> Vec<Finding> {
    let (Some(invoice), Some(order)) = (case.invoice(), case.order()) else {
        return Vec::new();
    };
    let mut reasons = Vec::new();
    if invoice.supplier.key() != order.supplier.key() {
        reasons.push(format!(
            "the invoice is from `{}` but the purchase order is with `{}`",
            invoice.supplier, order.supplier
        ));
    }
    if let Some(number) = &invoice.purchase_order
        && number.key() != order.number.key()
    {
        reasons
            .push(format!("the invoice names purchase order `{number}` but the order is `{}`", order.number));
    }
    for (file, receipt) in case.receipts() {
        if !orders_agree(receipt, invoice, order) {
            let number = &receipt.purchase_order;
            reasons.push(format!("`{file}` is for purchase order `{number}`"));
        }
    }
    let findings = reasons.into_iter();
    findings.map(|reason| Finding::new(policy, Rule::Contradiction, reason)).collect()
}

fn instruction_findings(case: &CaseFile, policy: &Policy) -> Vec<Finding> {
    let instructions = case.read_documents().flat_map(|(file, document)| {
        document.notes().instructions.iter().map(move |instruction| (file, instruction))
    });
    instructions
        .map(|(file, instruction)| {
            let reason = format!(
                "`{file}` holds an instruction in `{}`, which was not followed: `{}`",
                instruction.place, instruction.excerpt
            );
            Finding::new(policy, Rule::Instructions, reason)
        })
        .collect()
}
