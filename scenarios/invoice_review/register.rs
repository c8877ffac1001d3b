//! The invoices of all cases, to find those that were sent twice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    document::{Document, DocumentKind, Invoice},
    load::{CaseFolder, read_file},
    names::{CaseName, InvoiceNumber, Supplier},
};

/// The most invoices of other cases that are kept for one; the first decides.
const MAX_SAME: usize = 20;

/// What makes two invoices the same: supplier and number, however they are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InvoiceKey {
    supplier: String,
    invoice_number: String,
}

impl InvoiceKey {
    /// Returns the key of an invoice.
    pub(crate) fn new(supplier: &Supplier, invoice_number: &InvoiceNumber) -> Self {
        Self { supplier: supplier.key(), invoice_number: invoice_number.key() }
    }
}

/// An invoice of some case; of two with one key, the lesser is the original.
///
/// Ordered by date and then by the name of the case; the other fields come last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RegisterEntry {
    /// When the invoice was written.
    #[schemars(with = "String")]
    pub(crate) date: Date,
    /// The case it belongs to.
    pub(crate) case: CaseName,
    /// Who wrote it.
    pub(crate) supplier: Supplier,
    /// The supplier's number for it.
    pub(crate) invoice_number: InvoiceNumber,
}

impl RegisterEntry {
    /// Makes the entry of a case's invoice.
    pub(crate) fn of(case: CaseName, invoice: &Invoice) -> Self {
        Self {
            date: invoice.date,
            case,
            supplier: invoice.supplier.clone(),
            invoice_number: invoice.invoice_number.clone(),
        }
    }

    /// Returns what makes two entries the same invoice.
    pub(crate) fn key(&self) -> InvoiceKey {
        InvoiceKey::new(&self.supplier, &self.invoice_number)
    }
}

/// The invoices of all cases by supplier and number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Register(BTreeMap<InvoiceKey, BTreeSet<RegisterEntry>>);

impl Register {
    /// Reads the invoices of all cases; one that cannot be read is left out, because its own case
    /// reports it.
    pub(crate) fn build(folders: &[CaseFolder]) -> Self {
        let mut register = Self::default();
        for folder in folders {
            for file in &folder.files {
                if DocumentKind::of(&file.name) != Some(DocumentKind::Invoice) {
                    continue;
                }
                if let Ok(Document::Invoice(invoice)) = read_file(folder, &file.name) {
                    register.add(RegisterEntry::of(folder.name.clone(), &invoice));
                }
            }
        }
        register
    }

    /// Returns for each case the invoices of other cases with supplier and number of one of its own,
    /// the original first, at most twenty.
    pub(crate) fn same_by_case(&self) -> BTreeMap<CaseName, Vec<RegisterEntry>> {
        let mut same: BTreeMap<CaseName, Vec<RegisterEntry>> = BTreeMap::new();
        for entries in self.0.values() {
            let cases: BTreeSet<&CaseName> = entries.iter().map(|entry| &entry.case).collect();
            for case in cases {
                let others = entries.iter().filter(|entry| entry.case != *case).take(MAX_SAME).cloned();
                same.entry(case.clone()).or_default().extend(others);
            }
        }
        same
    }

    /// Adds an invoice.
    pub(crate) fn add(&mut self, entry: RegisterEntry) {
        self.0.entry(entry.key()).or_default().insert(entry);
    }

    /// Returns the invoices with this supplier and number, the original first.
    pub(crate) fn same(&self, supplier: &Supplier, invoice_number: &InvoiceNumber) -> Vec<RegisterEntry> {
        let entries = self.0.get(&InvoiceKey::new(supplier, invoice_number));
        entries.map_or_else(Vec::new, |entries| entries.iter().cloned().collect())
    }
}

impl FromIterator<RegisterEntry> for Register {
    fn from_iter<Entries: IntoIterator<Item = RegisterEntry>>(entries: Entries) -> Self {
        let mut register = Self::default();
        entries.into_iter().for_each(|entry| register.add(entry));
        register
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{super::load, *};

    const INVOICE: &str = r#"{"invoice_number": "A-1", "supplier": "Ahorn GmbH", "supplier_iban": "1",
        "date": "2026-03-31", "currency": "EUR", "net": 1, "vat_rate": 0, "vat": 0, "gross": 1,
        "lines": [{"sku": "a", "quantity": 1, "unit_price": 1}]}"#;

    #[test]
    fn invoices_are_found_by_supplier_and_number_with_the_original_first() {
        let root = tempfile::TempDir::new().unwrap();
        let texts = [
            ("a", INVOICE.to_owned()),
            ("b", INVOICE.replace("Ahorn", "AHORN").replace("03-31", "03-30")),
            ("c", INVOICE.replace("A-1", "A-2")),
            ("d", INVOICE.replace("Ahorn", "Birke")),
            ("e", INVOICE.replace("A-1", "a-1 ")),
            ("f", "{".to_owned()),
        ];
        fs::write(root.path().join("policy.md"), "").unwrap();
        for (name, text) in texts {
            fs::create_dir(root.path().join(name)).unwrap();
            fs::write(root.path().join(name).join("invoice.json"), text).unwrap();
        }
        let register = Register::build(&load::cases(root.path()).unwrap());
        let same = |supplier, number| -> Vec<String> {
            let same = register.same(&Supplier::new(supplier), &InvoiceNumber::new(number));
            same.iter().map(|entry| entry.case.to_string()).collect()
        };
        assert_eq!(same("Ahorn GmbH", "A-1"), ["b", "a", "e"]);
        assert_eq!(same("Birke GmbH", "A-1"), ["d"]);
        assert_eq!(same("Birke GmbH", "A-2"), Vec::<String>::new());
    }
}
