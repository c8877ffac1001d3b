//! What a file's name tells of the document in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::names::FileName;

/// The kind of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DocumentKind {
    /// `invoice.*`
    Invoice,
    /// `purchase_order.*`
    PurchaseOrder,
    /// `receipt*.*`
    Receipt,
    /// `email*.*`
    Email,
}

impl DocumentKind {
    /// Returns the kind that a file's name tells, in any case.
    pub(crate) fn of(file: &FileName) -> Option<Self> {
        let name = file.as_str().to_ascii_lowercase();
        let (stem, _) = name.rsplit_once('.')?;
        match stem {
            "invoice" => Some(Self::Invoice),
            "purchase_order" => Some(Self::PurchaseOrder),
            _ if stem.starts_with("receipt") => Some(Self::Receipt),
            _ if stem.starts_with("email") => Some(Self::Email),
            _ => None,
        }
    }
}

/// The form of a file's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileForm {
    /// One JSON object.
    Json,
    /// `field,value` rows, an empty line, then a header and line rows.
    Csv,
    /// `Field name: value` lines, then a table; for emails, free text.
    Txt,
}

impl FileForm {
    /// Returns the form that a file's name tells, if documents of this kind may have it.
    pub(super) fn of(file: &FileName, kind: DocumentKind) -> Option<Self> {
        let name = file.as_str().to_ascii_lowercase();
        match (name.rsplit_once('.')?.1, kind) {
            ("txt", _) => Some(Self::Txt),
            (_, DocumentKind::Email) => None,
            ("json", _) => Some(Self::Json),
            ("csv", _) => Some(Self::Csv),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, kind: Option<DocumentKind>, form: Option<FileForm>) {
        let file = FileName::new(name);
        assert_eq!(DocumentKind::of(&file), kind, "{name}");
        assert_eq!(kind.and_then(|kind| FileForm::of(&file, kind)), form, "{name}");
    }

    #[test]
    fn names_tell_kind_and_form() {
        check("invoice.json", Some(DocumentKind::Invoice), Some(FileForm::Json));
        check("INVOICE.CSV", Some(DocumentKind::Invoice), Some(FileForm::Csv));
        check("purchase_order.txt", Some(DocumentKind::PurchaseOrder), Some(FileForm::Txt));
        check("receipt-2.csv", Some(DocumentKind::Receipt), Some(FileForm::Csv));
        check("email.reply.txt", Some(DocumentKind::Email), Some(FileForm::Txt));
        check("email.json", Some(DocumentKind::Email), None);
        check("invoice.pdf", Some(DocumentKind::Invoice), None);
        check("invoice", None, None);
        check("notes.txt", None, None);
    }
}
