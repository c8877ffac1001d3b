//! Currencies and their minor units.

use std::fmt;

use rust_decimal::{Decimal, prelude::ToPrimitive};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::amount::Amount;

/// An ISO 4217 currency code: three upper case letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub(crate) struct Currency(String);

/// A text that is not three letters.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is not a currency code of three letters")]
pub(crate) struct CurrencyError {
    text: String,
}

impl TryFrom<String> for Currency {
    type Error = CurrencyError;

    fn try_from(text: String) -> Result<Self, CurrencyError> {
        let code = text.trim().to_ascii_uppercase();
        if code.len() == 3 && code.chars().all(|c| c.is_ascii_uppercase()) {
            Ok(Self(code))
        } else {
            Err(CurrencyError { text })
        }
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Currency {
    /// Returns how many decimals an amount of this currency has.
    ///
    /// Source: ISO 4217:2015, list one (minor unit); codes not named here have two.
    pub(crate) fn decimals(&self) -> u32 {
        match self.0.as_str() {
            "CLP" | "ISK" | "JPY" | "KRW" | "PYG" | "UGX" | "VND" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }

    /// Returns the amount in minor units, or nothing if it has more decimals than the currency.
    pub(crate) fn minor(&self, amount: Amount) -> Option<i64> {
        let minor = amount.value() * Decimal::from(10_i64.pow(self.decimals()));
        if minor.is_integer() { minor.to_i64() } else { None }
    }

    /// Writes an amount of minor units for people: `1,234.56 EUR`.
    pub(crate) fn written(&self, amount_minor: i64) -> String {
        let digits = Decimal::new(amount_minor, self.decimals()).abs().to_string();
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, format!(".{fraction}")),
            None => (digits.as_str(), String::new()),
        };
        let mut grouped = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let sign = if amount_minor < 0 { "-" } else { "" };
        format!("{sign}{grouped}{fraction} {self}")
    }

    /// Returns the size of one minor unit, such as `0.01`.
    pub(crate) fn minor_unit(&self) -> Decimal {
        Decimal::new(1, self.decimals())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, amount: &str, minor: Option<i64>) {
        let currency = Currency::try_from(code.to_owned()).unwrap();
        let amount = Amount::try_from(Decimal::from_str_exact(amount).unwrap()).unwrap();
        assert_eq!(currency.minor(amount), minor, "{code} {amount}");
    }

    #[test]
    fn minor_units_follow_the_currency() {
        check("EUR", "1234.56", Some(123_456));
        check("eur", "-0.01", Some(-1));
        check("JPY", "1234", Some(1234));
        check("KRW", "1234.00", Some(1234));
        check("JPY", "1.5", None);
        check("KWD", "1.234", Some(1234));
        check("EUR", "1.234", None);
        check("BHD", "999999999999999.999", Some(999_999_999_999_999_999));
    }

    #[test]
    fn amounts_are_written_with_the_decimals_of_their_currency() {
        let written = |code: &str, minor| Currency::try_from(code.to_owned()).unwrap().written(minor);
        assert_eq!(written("EUR", 123_456_789), "1,234,567.89 EUR");
        assert_eq!(written("EUR", -5), "-0.05 EUR");
        assert_eq!(written("JPY", 999), "999 JPY");
        assert_eq!(written("KWD", 1_000_000), "1,000.000 KWD");
        assert_eq!(written("EUR", i64::MIN), "-92,233,720,368,547,758.08 EUR");
    }

    #[test]
    fn codes_are_three_letters() {
        for text in ["", "EU", "EURO", "E1R", "€"] {
            assert!(Currency::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
