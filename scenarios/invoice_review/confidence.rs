//! How sure the reading of a case is.

use std::fmt;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    case::CaseFile,
    document::{DocumentKind, Doubt},
};

/// What lowers confidence, in hundredths.
const AMBIGUOUS_NUMBER: u32 = 15;
const MIXED_NUMBER_FORMS: u32 = 10;
const MISSING_FIELD: u32 = 2;
const UNREADABLE_EMAIL: u32 = 10;
const UNREADABLE_DOCUMENT: u32 = 20;
const INSTRUCTIONS: u32 = 10;

/// A confidence from 0 to 1, in hundredths; serialized as a number such as `0.85`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub(crate) struct Confidence(u8);

/// A number outside 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("confidence {value} is not between 0 and 1")]
pub(crate) struct ConfidenceError {
    value: f64,
}

impl Confidence {
    /// No confidence: nothing could be read.
    pub(crate) const NONE: Self = Self(0);

    /// Returns the confidence as an exact number from 0 to 1.
    pub(crate) fn value(self) -> Decimal {
        Decimal::new(i64::from(self.0), 2)
    }

    /// Returns how sure the reading of a case is.
    ///
    /// It starts at 1. Each ambiguous number takes 0.15, a document with both number forms 0.10,
    /// each missing field that may be absent 0.02, an unreadable email 0.10 and any other
    /// unreadable document 0.20. Instructions found in documents take 0.10 once, however many
    /// there are, so that a text cannot decide a case by repeating itself.
    pub(crate) fn of(case: &CaseFile) -> Self {
        let doubts = case.read_documents().flat_map(|(_, document)| &document.notes().doubts);
        let doubtful = sum(doubts.map(weight));
        let has_instructions =
            case.read_documents().any(|(_, document)| !document.notes().instructions.is_empty());
        let instructed = if has_instructions { INSTRUCTIONS } else { 0 };
        let unreadable = sum([
            (DocumentKind::Invoice, UNREADABLE_DOCUMENT),
            (DocumentKind::PurchaseOrder, UNREADABLE_DOCUMENT),
            (DocumentKind::Receipt, UNREADABLE_DOCUMENT),
            (DocumentKind::Email, UNREADABLE_EMAIL),
        ]
        .into_iter()
        .flat_map(|(kind, loss)| case.failed(kind).map(move |_| loss)));
        let loss = doubtful.saturating_add(instructed).saturating_add(unreadable);
        let hundredths = 100_u32.saturating_sub(loss);
        Self(u8::try_from(hundredths).unwrap_or(100))
    }
}

fn weight(doubt: &Doubt) -> u32 {
    match doubt {
        Doubt::AmbiguousNumber { .. } => AMBIGUOUS_NUMBER,
        Doubt::MixedNumberForms => MIXED_NUMBER_FORMS,
        Doubt::MissingField { .. } => MISSING_FIELD,
    }
}

fn sum(losses: impl Iterator<Item = u32>) -> u32 {
    losses.fold(0, u32::saturating_add)
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl From<Confidence> for f64 {
    fn from(confidence: Confidence) -> Self {
        Self::from(confidence.0) / 100.0
    }
}

impl TryFrom<f64> for Confidence {
    type Error = ConfidenceError;

    fn try_from(value: f64) -> Result<Self, ConfidenceError> {
        (0..=100_u8)
            .find(|hundredths| (value * 100.0 - f64::from(*hundredths)).abs() <= 0.5)
            .map(Self)
            .ok_or(ConfidenceError { value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_stored_as_a_number_from_0_to_1() {
        for hundredths in 0..=100 {
            let text = serde_json::to_string(&Confidence(hundredths)).unwrap();
            assert_eq!(serde_json::from_str::<Confidence>(&text).unwrap(), Confidence(hundredths));
        }
        assert_eq!(serde_json::to_string(&Confidence(85)).unwrap(), "0.85");
        for text in ["1.2", "-1", "\"1\""] {
            assert!(serde_json::from_str::<Confidence>(text).is_err(), "{text}");
        }
    }
}
