//! The documents of a case, read from bytes.

mod build;
mod csv;
mod error;
mod field;
mod fields;
mod file;
mod json;
#[cfg(test)]
mod tests;
mod txt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    error::{DocumentError, DocumentProblem},
    file::DocumentKind,
};
use self::{fields::Fields, file::FileForm};
use super::{
    amount::Amount,
    currency::Currency,
    injection::{self, Instruction},
    names::{FileName, Iban, InvoiceNumber, OrderNumber, Sku, Supplier},
};

/// The largest document that is read, in bytes (1 MiB).
pub(crate) const MAX_DOCUMENT_BYTES: u64 = 1024 * 1024;

/// A document, as far as its text says; nothing in it is checked against anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "document", rename_all = "snake_case")]
pub(crate) enum Document {
    /// A supplier's claim for money.
    Invoice(Invoice),
    /// What was ordered, and at which price.
    PurchaseOrder(PurchaseOrder),
    /// What was delivered.
    Receipt(Receipt),
    /// Free text.
    Email(Email),
}

/// A supplier's claim for money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Invoice {
    /// The supplier's number for it.
    pub(crate) invoice_number: InvoiceNumber,
    /// Whether it claims money or gives it back.
    pub(crate) invoice_type: InvoiceType,
    /// Who wrote it.
    pub(crate) supplier: Supplier,
    /// The account to pay to.
    pub(crate) supplier_iban: Iban,
    /// When it was written.
    #[schemars(with = "String")]
    pub(crate) date: Date,
    /// The currency of all its amounts.
    pub(crate) currency: Currency,
    /// The order it belongs to, if it names one.
    pub(crate) purchase_order: Option<OrderNumber>,
    /// What it charges; at least one line.
    pub(crate) lines: Vec<InvoiceLine>,
    /// The sum of the lines, before tax.
    pub(crate) net: Amount,
    /// The value added tax rate in percent.
    pub(crate) vat_rate: Amount,
    /// The value added tax.
    pub(crate) vat: Amount,
    /// The amount to pay.
    pub(crate) gross: Amount,
    /// What was noticed while reading.
    pub(crate) notes: ReadingNotes,
}

/// Whether an invoice claims money or gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InvoiceType {
    /// Claims money.
    Invoice,
    /// Says of itself that it is a credit note, whatever the sign of its amounts.
    CreditNote,
}

/// One line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct InvoiceLine {
    /// The article.
    pub(crate) sku: Sku,
    /// What the supplier calls the article.
    pub(crate) description: Option<String>,
    /// How many units are charged.
    pub(crate) quantity: Amount,
    /// The price of one unit, before tax.
    pub(crate) unit_price: Amount,
}

/// What was ordered, and at which price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PurchaseOrder {
    /// The number of the order.
    pub(crate) number: OrderNumber,
    /// Who shall deliver.
    pub(crate) supplier: Supplier,
    /// The supplier's account on file.
    pub(crate) supplier_iban: Iban,
    /// The currency of the prices.
    pub(crate) currency: Currency,
    /// What was ordered; at least one line, and one price per article.
    pub(crate) lines: Vec<OrderLine>,
    /// What was noticed while reading.
    pub(crate) notes: ReadingNotes,
}

/// One line of a purchase order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct OrderLine {
    /// The article.
    pub(crate) sku: Sku,
    /// How many units were ordered.
    pub(crate) quantity: Amount,
    /// The agreed price of one unit, before tax.
    pub(crate) unit_price: Amount,
}

/// What was delivered on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Receipt {
    /// The order the delivery belongs to.
    pub(crate) purchase_order: OrderNumber,
    /// When it arrived.
    #[schemars(with = "String")]
    pub(crate) date: Date,
    /// What arrived; at least one line.
    pub(crate) lines: Vec<ReceiptLine>,
    /// What was noticed while reading.
    pub(crate) notes: ReadingNotes,
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ReceiptLine {
    /// The article.
    pub(crate) sku: Sku,
    /// How many units arrived.
    pub(crate) quantity: Amount,
}

/// Free text sent along with a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Email {
    /// The whole text.
    pub(crate) text: String,
    /// What was noticed while reading.
    pub(crate) notes: ReadingNotes,
}

/// What was noticed while a document was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ReadingNotes {
    /// Places that could have been read otherwise.
    pub(crate) doubts: Vec<Doubt>,
    /// Sentences that try to direct the reader; they are reported and never followed.
    pub(crate) instructions: Vec<Instruction>,
}

/// A place in a document that could have been read otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "doubt", rename_all = "snake_case")]
pub(crate) enum Doubt {
    /// A number such as `1,234` in a document whose other numbers do not decide how to read it.
    AmbiguousNumber {
        /// The field, such as `net` or `line 2 quantity`.
        field: String,
        /// The number as written.
        text: String,
    },
    /// Some numbers have a decimal point and others a decimal comma.
    MixedNumberForms,
    /// A field that may be absent is absent.
    MissingField {
        /// The field, such as `line 2 description`.
        field: String,
    },
}

impl Document {
    /// Returns what was noticed while reading.
    pub(crate) fn notes(&self) -> &ReadingNotes {
        match self {
            Self::Invoice(invoice) => &invoice.notes,
            Self::PurchaseOrder(order) => &order.notes,
            Self::Receipt(receipt) => &receipt.notes,
            Self::Email(email) => &email.notes,
        }
    }
}

/// Reads a document; its kind and form follow from the file's name.
///
/// # Errors
/// [`DocumentError`] names the file and what is wrong with it; reading again gives the same.
pub(crate) fn read_document(file_name: &str, bytes: &[u8]) -> Result<Document, DocumentError> {
    let file = FileName::new(file_name);
    read(&file, bytes).map_err(|problem| DocumentError { file, problem })
}

fn read(file: &FileName, bytes: &[u8]) -> Result<Document, DocumentProblem> {
    let kind = DocumentKind::of(file).ok_or(DocumentProblem::UnknownName)?;
    let form = FileForm::of(file, kind).ok_or(DocumentProblem::UnknownForm)?;
    let text = text_of(bytes)?;
    match kind {
        DocumentKind::Invoice => build::invoice(&fields(form, text)?).map(Document::Invoice),
        DocumentKind::PurchaseOrder => build::order(&fields(form, text)?).map(Document::PurchaseOrder),
        DocumentKind::Receipt => build::receipt(&fields(form, text)?).map(Document::Receipt),
        DocumentKind::Email => Ok(Document::Email(email(text))),
    }
}

fn fields(form: FileForm, text: &str) -> Result<Fields, DocumentProblem> {
    match form {
        FileForm::Json => json::fields(text),
        FileForm::Csv => csv::fields(text),
        FileForm::Txt => txt::fields(text),
    }
}

fn email(text: &str) -> Email {
    let notes = ReadingNotes { doubts: Vec::new(), instructions: injection::find("text", text) };
    Email { text: text.to_owned(), notes }
}

fn text_of(bytes: &[u8]) -> Result<&str, DocumentProblem> {
    if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
        return Err(DocumentProblem::TooLarge { limit_bytes: MAX_DOCUMENT_BYTES });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| DocumentProblem::NotText { offset_bytes: error.valid_up_to() as u64 })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() { Err(DocumentProblem::Empty) } else { Ok(text) }
}
