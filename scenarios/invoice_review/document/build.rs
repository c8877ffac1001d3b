//! Turns named cells into documents.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{
    super::{
        amount::{self, Amount, NumberForm, Written},
        currency::Currency,
        injection::{self, Instruction},
        names::{Iban, InvoiceNumber, OrderNumber, Sku, Supplier},
    },
    DocumentProblem, Doubt, Invoice, InvoiceLine, InvoiceType, OrderLine, PurchaseOrder, ReadingNotes,
    Receipt, ReceiptLine,
    field::{Field, shorten, written},
    fields::{Cell, Fields, Record},
};

/// The fields whose numbers show the form of the document's other numbers.
const HEAD_AMOUNTS: [&str; 4] = ["gross", "net", "vat", "vat_rate"];
const LINE_AMOUNTS: [&str; 2] = ["quantity", "unit_price"];

/// What an amount must look like, for messages.
const NUMBER_FORMS: &str = "a number below 10^15 of the form 1234.56, 1,234.56 or 1.234,56";

/// How a document says that it gives money back.
const CREDIT_NOTE_TITLES: [&str; 4] = ["creditnote", "creditmemo", "creditinvoice", "gutschrift"];

/// Understands the cells as an invoice.
pub(super) fn invoice(fields: &Fields) -> Result<Invoice, DocumentProblem> {
    Builder::new(fields).invoice()
}

/// Understands the cells as a purchase order.
pub(super) fn order(fields: &Fields) -> Result<PurchaseOrder, DocumentProblem> {
    Builder::new(fields).order()
}

/// Understands the cells as a receipt.
pub(super) fn receipt(fields: &Fields) -> Result<Receipt, DocumentProblem> {
    Builder::new(fields).receipt()
}

struct Builder<'a> {
    fields: &'a Fields,
    /// The form that the document's numbers show, if they agree on one.
    form: Option<NumberForm>,
    doubts: Vec<Doubt>,
}

impl<'a> Builder<'a> {
    fn new(fields: &'a Fields) -> Self {
        let forms = number_forms(fields);
        let mut doubts = Vec::new();
        if forms.len() > 1 {
            doubts.push(Doubt::MixedNumberForms);
        }
        let form = if forms.len() == 1 { forms.first().copied() } else { None };
        Self { fields, form, doubts }
    }

    fn invoice(&mut self) -> Result<Invoice, DocumentProblem> {
        let number = Field::head(self.fields, "invoice_number");
        let invoice_number = number.required("a number", |text| Some(InvoiceNumber::new(text)))?;
        let order = Field::head(self.fields, "purchase_order");
        let purchase_order = order.one("a number", |text| Some(OrderNumber::new(text)))?;
        Ok(Invoice {
            invoice_number,
            invoice_type: invoice_type(self.fields),
            supplier: self.supplier()?,
            supplier_iban: self.iban()?,
            date: self.date()?,
            currency: self.currency()?,
            purchase_order,
            lines: self.lines(Self::invoice_line)?,
            net: self.head_amount("net")?,
            vat_rate: self.head_amount("vat_rate")?,
            vat: self.head_amount("vat")?,
            gross: self.head_amount("gross")?,
            notes: self.notes(),
        })
    }

    fn order(&mut self) -> Result<PurchaseOrder, DocumentProblem> {
        let number = Field::head(self.fields, "number");
        let order = PurchaseOrder {
            number: number.required("a number", |text| Some(OrderNumber::new(text)))?,
            supplier: self.supplier()?,
            supplier_iban: self.iban()?,
            currency: self.currency()?,
            lines: self.lines(Self::order_line)?,
            notes: self.notes(),
        };
        one_price_per_sku(&order.lines)?;
        Ok(order)
    }

    fn receipt(&mut self) -> Result<Receipt, DocumentProblem> {
        let order = Field::head(self.fields, "purchase_order");
        Ok(Receipt {
            purchase_order: order.required("a number", |text| Some(OrderNumber::new(text)))?,
            date: self.date()?,
            lines: self.lines(Self::receipt_line)?,
            notes: self.notes(),
        })
    }

    fn supplier(&self) -> Result<Supplier, DocumentProblem> {
        Field::head(self.fields, "supplier").required("a name", |text| Some(Supplier::new(text)))
    }

    fn iban(&self) -> Result<Iban, DocumentProblem> {
        Field::head(self.fields, "supplier_iban").required("an account", |text| Some(Iban::new(text)))
    }

    fn date(&self) -> Result<Date, DocumentProblem> {
        Field::head(self.fields, "date").required("a date such as 2026-03-31", parse_date)
    }

    fn currency(&self) -> Result<Currency, DocumentProblem> {
        Field::head(self.fields, "currency")
            .required("a currency code such as EUR", |text| text.to_owned().try_into().ok())
    }

    fn lines<T>(
        &mut self,
        line: impl Fn(&mut Self, &'a Record, usize) -> Result<T, DocumentProblem>,
    ) -> Result<Vec<T>, DocumentProblem> {
        let fields = self.fields;
        if fields.lines.is_empty() {
            return Err(DocumentProblem::MissingField { field: "lines".to_owned() });
        }
        let numbered = fields.lines.iter().enumerate();
        numbered.map(|(index, record)| line(self, record, index + 1)).collect()
    }

    fn invoice_line(&mut self, record: &'a Record, number: usize) -> Result<InvoiceLine, DocumentProblem> {
        let field = Field::line(record, number, "description");
        let description = field.one("a text", |text| Some(text.to_owned()))?;
        if description.is_none() {
            self.doubts.push(Doubt::MissingField { field: field.place });
        }
        Ok(InvoiceLine {
            sku: sku(record, number)?,
            description,
            quantity: self.line_amount(record, number, "quantity")?,
            unit_price: self.line_amount(record, number, "unit_price")?,
        })
    }

    fn order_line(&mut self, record: &'a Record, number: usize) -> Result<OrderLine, DocumentProblem> {
        Ok(OrderLine {
            sku: sku(record, number)?,
            quantity: self.line_amount(record, number, "quantity")?,
            unit_price: self.line_amount(record, number, "unit_price")?,
        })
    }

    fn receipt_line(&mut self, record: &'a Record, number: usize) -> Result<ReceiptLine, DocumentProblem> {
        Ok(ReceiptLine { sku: sku(record, number)?, quantity: self.line_amount(record, number, "quantity")? })
    }

    fn head_amount(&mut self, name: &str) -> Result<Amount, DocumentProblem> {
        self.amount(&Field::head(self.fields, name))
    }

    fn line_amount(
        &mut self,
        record: &'a Record,
        number: usize,
        name: &str,
    ) -> Result<Amount, DocumentProblem> {
        self.amount(&Field::line(record, number, name))
    }

    fn amount(&mut self, field: &Field<'_>) -> Result<Amount, DocumentProblem> {
        let amount = field
            .required_cell(NUMBER_FORMS, |cell| number(cell).map(|written| written.settle(self.form).0))?;
        if self.form.is_none() {
            let is_ambiguous = |cell: &&Cell| matches!(number(cell), Some(Written::Ambiguous { .. }));
            let ambiguous = field.cells.iter().filter(is_ambiguous);
            self.doubts.extend(ambiguous.map(|cell| Doubt::AmbiguousNumber {
                field: field.place.clone(),
                text: shorten(&written(cell)),
            }));
        }
        Ok(amount)
    }

    fn notes(&mut self) -> ReadingNotes {
        ReadingNotes { doubts: std::mem::take(&mut self.doubts), instructions: instructions(self.fields) }
    }
}

fn sku(record: &Record, number: usize) -> Result<Sku, DocumentProblem> {
    Field::line(record, number, "sku").required("an article", |text| Some(Sku::new(text)))
}

/// Reads a number that may have a percent sign; nothing if it is none, which the caller reports
/// with the field and the forms there are.
fn number(cell: &Cell) -> Option<Written> {
    match cell {
        // A JSON number has one reading, and says nothing of the form of numbers in texts.
        Cell::Number(amount) => Some(Written::Whole(*amount)),
        Cell::Text(text) => {
            let text = text.trim();
            amount::read(text.strip_suffix('%').unwrap_or(text)).ok()
        }
    }
}

fn number_forms(fields: &Fields) -> BTreeSet<NumberForm> {
    let head = HEAD_AMOUNTS.iter().flat_map(|name| fields.head.all(name));
    let lines =
        fields.lines.iter().flat_map(|record| LINE_AMOUNTS.iter().flat_map(move |name| record.all(name)));
    head.chain(lines).filter_map(|cell| number(cell)?.form()).collect()
}

/// Reads `2026-03-31` or `31.03.2026`; a date with slashes could be read two ways.
fn parse_date(text: &str) -> Option<Date> {
    Date::strptime("%Y-%m-%d", text).or_else(|_| Date::strptime("%d.%m.%Y", text)).ok()
}

fn one_price_per_sku(lines: &[OrderLine]) -> Result<(), DocumentProblem> {
    let mut prices: BTreeMap<String, Amount> = BTreeMap::new();
    for line in lines {
        let first = *prices.entry(line.sku.key()).or_insert(line.unit_price);
        if first != line.unit_price {
            return Err(DocumentProblem::Contradiction {
                field: format!("unit_price of `{}`", shorten(&line.sku.to_string())),
                first: first.to_string(),
                second: line.unit_price.to_string(),
            });
        }
    }
    Ok(())
}

/// A document says what it is in a title, in `document_type`, or in an unknown field.
fn invoice_type(fields: &Fields) -> InvoiceType {
    let types = fields.head.all("document_type").iter().map(written);
    let titled = types.chain(fields.remarks.iter().cloned()).any(|text| match text.split_once(':') {
        Some((name, value)) => is_credit_note_field(name, value),
        None => is_credit_note(&text),
    });
    if titled { InvoiceType::CreditNote } else { InvoiceType::Invoice }
}

fn is_credit_note_field(name: &str, value: &str) -> bool {
    let denied = matches!(value.trim().to_lowercase().as_str(), "false" | "no" | "none");
    !denied && (is_credit_note(name) || is_credit_note(value))
}

fn is_credit_note(text: &str) -> bool {
    let letters: String = text.to_lowercase().chars().filter(|c| c.is_alphabetic()).take(40).collect();
    CREDIT_NOTE_TITLES.iter().any(|title| letters.starts_with(title))
}

fn instructions(fields: &Fields) -> Vec<Instruction> {
    let mut found = Vec::new();
    for (name, text) in fields.head.texts() {
        found.extend(injection::find(name, text));
    }
    for (index, record) in fields.lines.iter().enumerate() {
        for (name, text) in record.texts() {
            found.extend(injection::find(&format!("line {} {name}", index + 1), text));
        }
    }
    found.extend(injection::find("remarks", &fields.remarks.join("\n")));
    found
}
