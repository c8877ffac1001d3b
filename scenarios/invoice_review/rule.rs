//! The rules a decision rests on.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to do with an invoice; a later one outweighs an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    /// Pay it.
    Pay,
    /// Do not pay it until the supplier corrected it.
    Hold,
    /// A person decides.
    Ask,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pay => "pay",
            Self::Hold => "hold",
            Self::Ask => "ask",
        })
    }
}

/// A situation the policy has a clause on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rule {
    /// Order, receipts and invoice agree.
    Agreement,
    /// Instructions stand in a document; a remark that changes no decision.
    Instructions,
    /// An email cannot be read; a remark that changes no decision.
    UnreadableEmail,
    /// A unit price lies above the ordered one.
    Price,
    /// An article was not ordered, so its price cannot agree.
    NotOrdered,
    /// More is invoiced than was received or ordered.
    Quantity,
    /// The tax rate is not allowed.
    VatRate,
    /// The tax is wrongly computed.
    VatAmount,
    /// Lines, net, tax and gross do not add up.
    Sums,
    /// The invoice's currency is not the order's.
    Currency,
    /// An earlier invoice of the supplier has the same number.
    Duplicate,
    /// There is no purchase order.
    NoOrder,
    /// The account is not the order's.
    BankDetails,
    /// The amount is above the limit.
    Limit,
    /// The supplier gives money back.
    CreditNote,
    /// A needed document is missing or cannot be read.
    Documents,
    /// Documents contradict themselves or each other.
    Contradiction,
    /// The documents were read with too little confidence.
    Confidence,
}

impl Rule {
    /// All rules, in the order they are checked and named.
    pub(crate) const ALL: [Self; 18] = [
        Self::Agreement,
        Self::Instructions,
        Self::UnreadableEmail,
        Self::Price,
        Self::NotOrdered,
        Self::Quantity,
        Self::VatRate,
        Self::VatAmount,
        Self::Sums,
        Self::Currency,
        Self::Duplicate,
        Self::NoOrder,
        Self::BankDetails,
        Self::Limit,
        Self::CreditNote,
        Self::Documents,
        Self::Contradiction,
        Self::Confidence,
    ];

    /// Returns what the rule decides.
    pub(crate) fn decision(self) -> Decision {
        match self {
            Self::Agreement | Self::Instructions | Self::UnreadableEmail => Decision::Pay,
            Self::Price
            | Self::NotOrdered
            | Self::Quantity
            | Self::VatRate
            | Self::VatAmount
            | Self::Sums
            | Self::Currency
            | Self::Duplicate => Decision::Hold,
            Self::NoOrder
            | Self::BankDetails
            | Self::Limit
            | Self::CreditNote
            | Self::Documents
            | Self::Contradiction
            | Self::Confidence => Decision::Ask,
        }
    }

    /// Returns the words by which the rule's clause is searched in a policy.
    pub(crate) fn query(self) -> &'static str {
        match self {
            Self::Agreement => "agree agreement pay",
            Self::Instructions => "instructions text data followed reported",
            Self::UnreadableEmail => "unreadable email",
            Self::Price => "unit price tolerance",
            Self::NotOrdered => "article not ordered",
            Self::Quantity => "quantity tolerance received",
            Self::VatRate => "allowed VAT rate",
            Self::VatAmount => "VAT computed tax amount",
            Self::Sums => "sums add up lines net gross",
            Self::Currency => "currency",
            Self::Duplicate => "second invoice same number duplicate original",
            Self::NoOrder => "no purchase order",
            Self::BankDetails => "bank details account IBAN",
            Self::Limit => "payment limit",
            Self::CreditNote => "credit note",
            Self::Documents => "documents missing empty unreadable",
            Self::Contradiction => "contradict contradiction",
            Self::Confidence => "minimum confidence",
        }
    }
}
