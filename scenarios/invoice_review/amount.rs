//! Reading decimal numbers as people write them.

use std::{borrow::Cow, fmt};

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The exclusive upper bound of a number's size, 10^15.
///
/// It keeps an amount in minor units within an `i64`.
const BOUND: i64 = 1_000_000_000_000_000;

/// An exact decimal number below 10^15 in size: a price, a sum, a quantity or a rate.
///
/// Serialized as a plain string such as `"1234.56"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub(crate) struct Amount(Decimal);

impl Amount {
    /// Returns the number itself.
    pub(crate) fn value(self) -> Decimal {
        self.0
    }
}

impl TryFrom<Decimal> for Amount {
    type Error = AmountError;

    fn try_from(value: Decimal) -> Result<Self, AmountError> {
        if value.abs() < Decimal::from(BOUND) { Ok(Self(value)) } else { Err(AmountError::TooLarge) }
    }
}

impl From<Amount> for Decimal {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// Written by hand because the schema is that of the string it is stored as.
impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Amount")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// Why a text is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum AmountError {
    /// The text does not follow one of the three forms.
    #[error("not a number of the form 1234.56, 1,234.56 or 1.234,56")]
    Malformed,
    /// The number is 10^15 or more in size, or has too many digits.
    #[error("number too large")]
    TooLarge,
}

/// Which character stands before the decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NumberForm {
    /// `1234.56` or `1,234.56`.
    Point,
    /// `1234,56` or `1.234,56`.
    Comma,
}

/// What one written number can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// No separator, so it tells nothing of the form of other numbers.
    Whole(Amount),
    /// A separator that can only be read one way.
    Formed(Amount, NumberForm),
    /// One separator with three digits behind it, such as `1,234`.
    Ambiguous {
        /// The value if the separator groups thousands.
        grouped: Amount,
        /// The value if the separator stands before the decimals.
        decimal: Amount,
        /// The form under which the separator stands before the decimals.
        decimal_form: NumberForm,
    },
}

/// How sure a number's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// The number, or other numbers of its document, leave one reading.
    Sure,
    /// Nothing decides between two readings.
    Doubtful,
}

impl Written {
    /// Returns the form this number shows, if it shows one.
    pub(crate) fn form(&self) -> Option<NumberForm> {
        match self {
            Self::Formed(_, form) => Some(*form),
            Self::Whole(_) | Self::Ambiguous { .. } => None,
        }
    }

    /// Returns the value under the form the other numbers of the document show.
    ///
    /// Without one an ambiguous number is read as grouped thousands, which is the likelier reading
    /// of money, and is [`Certainty::Doubtful`].
    pub(crate) fn settle(&self, form: Option<NumberForm>) -> (Amount, Certainty) {
        match (*self, form) {
            (Self::Whole(amount) | Self::Formed(amount, _), _) => (amount, Certainty::Sure),
            (Self::Ambiguous { grouped, .. }, None) => (grouped, Certainty::Doubtful),
            (Self::Ambiguous { grouped, decimal, decimal_form }, Some(form)) => {
                let amount = if form == decimal_form { decimal } else { grouped };
                (amount, Certainty::Sure)
            }
        }
    }
}

/// Reads one number in the form `1234.56`, `1,234.56` or `1.234,56`, with an optional sign.
///
/// # Errors
/// [`AmountError::Malformed`] or [`AmountError::TooLarge`].
pub(crate) fn read(text: &str) -> Result<Written, AmountError> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let written = read_unsigned(digits)?;
    Ok(if negative { negate(written) } else { written })
}

fn negate(written: Written) -> Written {
    let minus = |amount: Amount| Amount(-amount.0);
    match written {
        Written::Whole(amount) => Written::Whole(minus(amount)),
        Written::Formed(amount, form) => Written::Formed(minus(amount), form),
        Written::Ambiguous { grouped, decimal, decimal_form } => {
            Written::Ambiguous { grouped: minus(grouped), decimal: minus(decimal), decimal_form }
        }
    }
}

fn read_unsigned(text: &str) -> Result<Written, AmountError> {
    let separators: Vec<char> = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    if separators.iter().any(|c| !matches!(c, '.' | ',')) {
        return Err(AmountError::Malformed);
    }
    let groups: Vec<&str> = text.split(['.', ',']).collect();
    if groups.iter().any(|group| group.is_empty()) {
        return Err(AmountError::Malformed);
    }
    let Some((last, earlier)) = separators.split_last() else {
        return Ok(Written::Whole(plain(&groups, None)?));
    };
    let Some((decimals, whole)) = groups.split_last() else {
        return Err(AmountError::Malformed);
    };
    match earlier.first() {
        None => read_one_separator(*last, &groups),
        Some(grouping) if earlier.iter().any(|c| c != grouping) => Err(AmountError::Malformed),
        Some(grouping) if grouping == last => {
            let amount = plain(thousands(&groups)?, None)?;
            Ok(Written::Formed(amount, form_grouped_by(*grouping)))
        }
        Some(grouping) => {
            let amount = plain(thousands(whole)?, Some(decimals))?;
            Ok(Written::Formed(amount, form_grouped_by(*grouping)))
        }
    }
}

fn read_one_separator(separator: char, groups: &[&str]) -> Result<Written, AmountError> {
    let Some((decimals, whole)) = groups.split_last() else {
        return Err(AmountError::Malformed);
    };
    let decimal = plain(whole, Some(decimals))?;
    let decimal_form = if separator == '.' { NumberForm::Point } else { NumberForm::Comma };
    if thousands(groups).is_err() {
        return Ok(Written::Formed(decimal, decimal_form));
    }
    Ok(Written::Ambiguous { grouped: plain(groups, None)?, decimal, decimal_form })
}

fn form_grouped_by(separator: char) -> NumberForm {
    if separator == ',' { NumberForm::Point } else { NumberForm::Comma }
}

/// Returns the groups unchanged if they are a thousands grouping: one to three digits without a
/// leading zero, then threes.
fn thousands<'a, 'b>(groups: &'a [&'b str]) -> Result<&'a [&'b str], AmountError> {
    match groups.split_first() {
        Some((first, rest))
            if first.len() <= 3 && !first.starts_with('0') && rest.iter().all(|group| group.len() == 3) =>
        {
            Ok(groups)
        }
        _ => Err(AmountError::Malformed),
    }
}

fn plain(whole: &[&str], decimals: Option<&str>) -> Result<Amount, AmountError> {
    let mut text = whole.concat();
    if let Some(decimals) = decimals {
        text.push('.');
        text.push_str(decimals);
    }
    let value = Decimal::from_str_exact(&text).map_err(|_| AmountError::TooLarge)?;
    Amount::try_from(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::try_from(Decimal::from_str_exact(text).unwrap()).unwrap()
    }

    #[track_caller]
    fn check(text: &str, value: &str, form: Option<NumberForm>) {
        let written = read(text).unwrap();
        assert_eq!(written.settle(None), (amount(value), Certainty::Sure), "{text}");
        assert_eq!(written.form(), form, "{text}");
    }

    #[test]
    fn each_form_is_read() {
        let (point, comma) = (Some(NumberForm::Point), Some(NumberForm::Comma));
        check("0", "0", None);
        check(" 1234 ", "1234", None);
        check("1234.56", "1234.56", point);
        check("1,234.56", "1234.56", point);
        check("1.234,56", "1234.56", comma);
        check("1234,56", "1234.56", comma);
        check("12,345,678", "12345678", point);
        check("12.345.678", "12345678", comma);
        check("1,234,567.891", "1234567.891", point);
        check("0,125", "0.125", comma);
        check("1234.567", "1234.567", point);
        check("-1.234,5", "-1234.5", comma);
        check("\u{2212}7", "-7", None);
        check("+7.5", "7.5", point);
    }

    #[test]
    fn text_that_is_no_number_is_refused() {
        for text in ["", "-", ".", "1.", ".5", "1,23,4", "1.23.456", "1,234.56,7", "1 234", "12a"] {
            assert_eq!(read(text), Err(AmountError::Malformed), "{text}");
        }
        assert_eq!(read("1.234,567,8"), Err(AmountError::Malformed));
        assert_eq!(read("1000000000000000"), Err(AmountError::TooLarge));
        assert_eq!(read(&"9".repeat(400)), Err(AmountError::TooLarge));
    }

    #[test]
    fn three_digits_behind_one_separator_are_decided_by_the_document() {
        let cases = [
            ("1,234", None, "1234", Certainty::Doubtful),
            ("1,234", Some(NumberForm::Point), "1234", Certainty::Sure),
            ("1,234", Some(NumberForm::Comma), "1.234", Certainty::Sure),
            ("1.234", None, "1234", Certainty::Doubtful),
            ("1.234", Some(NumberForm::Point), "1.234", Certainty::Sure),
            ("-1.234", Some(NumberForm::Comma), "-1234", Certainty::Sure),
        ];
        for (text, form, value, certainty) in cases {
            assert_eq!(read(text).unwrap().settle(form), (amount(value), certainty), "{text}");
        }
    }

    #[test]
    fn stored_amounts_are_bounded_like_written_ones() {
        assert_eq!(serde_json::to_string(&amount("1.50")).unwrap(), r#""1.50""#);
        assert!(serde_json::from_str::<Amount>(r#""1000000000000000""#).is_err());
    }

    proptest! {
        #[test]
        fn written_amounts_round_trip(cents in -99_999_999_999_i64..99_999_999_999) {
            let value = Decimal::new(cents, 2);
            let point = group(cents, ',', '.');
            let comma = group(cents, '.', ',');
            for text in [value.to_string(), point, comma] {
                prop_assert_eq!(read(&text).unwrap().settle(None).0.value(), value, "{}", text);
            }
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.,% a]{0,40}") {
            let _ = read(&text);
        }
    }

    fn group(cents: i64, grouping: char, decimal: char) -> String {
        let digits = (cents.abs() / 100).to_string();
        let mut text = String::from(if cents < 0 { "-" } else { "" });
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(grouping);
            }
            text.push(digit);
        }
        format!("{text}{decimal}{:02}", cents.abs() % 100)
    }
}
