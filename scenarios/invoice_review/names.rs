//! Names and numbers that documents use to point at each other.
//!
//! Each keeps the text as written for people and has a key for comparison,
//! because two documents seldom write one name in exactly the same way.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defines a text newtype: as written, trimmed.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub(crate) struct $name(String);

        impl $name {
            /// Keeps the text without the white space around it.
            pub(crate) fn new(text: &str) -> Self {
                Self(text.trim().to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of a case: that of its folder.
    CaseName
);
name!(
    /// The name of a document's file within its case folder.
    FileName
);
name!(
    /// A supplier's name.
    Supplier
);
name!(
    /// A supplier's bank account number.
    Iban
);
name!(
    /// The number a supplier gave an invoice.
    InvoiceNumber
);
name!(
    /// The number of a purchase order.
    OrderNumber
);
name!(
    /// The number of an article.
    Sku
);

impl FileName {
    /// Returns the text as written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Supplier {
    /// Returns the letters and digits in lower case.
    pub(crate) fn key(&self) -> String {
        alphanumeric(&self.0)
    }
}

impl Iban {
    /// Returns the letters and digits in lower case.
    pub(crate) fn key(&self) -> String {
        alphanumeric(&self.0)
    }
}

impl InvoiceNumber {
    /// Returns the text in lower case without white space; punctuation tells numbers apart.
    pub(crate) fn key(&self) -> String {
        without_space(&self.0)
    }
}

impl OrderNumber {
    /// Returns the text in lower case without white space; punctuation tells numbers apart.
    pub(crate) fn key(&self) -> String {
        without_space(&self.0)
    }
}

impl Sku {
    /// Returns the text in lower case without white space; punctuation tells articles apart.
    pub(crate) fn key(&self) -> String {
        without_space(&self.0)
    }
}

fn alphanumeric(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

fn without_space(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ignore_what_two_documents_write_differently() {
        assert_eq!(Supplier::new("Nordlicht GmbH").key(), Supplier::new("NORDLICHT  gmbh.").key());
        assert_eq!(Iban::new("DE02 1203 0000").key(), Iban::new("de0212030000").key());
        assert_eq!(Sku::new(" a-1").key(), Sku::new("A-1 ").key());
        assert_eq!(OrderNumber::new("PO 7").key(), OrderNumber::new("po7").key());
    }

    #[test]
    fn keys_of_different_numbers_differ() {
        assert_ne!(InvoiceNumber::new("1-12").key(), InvoiceNumber::new("11-2").key());
        assert_ne!(Sku::new("A-1").key(), Sku::new("A1").key());
    }
}
