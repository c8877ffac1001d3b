//! The figures a policy decides by.

use std::{collections::BTreeSet, fmt};

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        amount::{self, Amount, Certainty, NumberForm},
        currency::Currency,
    },
    Clause, Figure, PolicyError,
};

/// One hundredth, which turns percent into a factor.
const PERCENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// The figures of a policy's table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Figures {
    /// How far a unit price may lie above the order's, in percent of that.
    pub(crate) price_tolerance_percent: Amount,
    /// How far an invoiced quantity may lie above the received one.
    pub(crate) quantity_tolerance: QuantityTolerance,
    /// The largest gross amount that is paid without a person.
    pub(crate) payment_limit: PaymentLimit,
    /// The value added tax rates that may be charged, in percent.
    pub(crate) vat_rates_percent: BTreeSet<Amount>,
    /// The least confidence a decision may rest on, from 0 to 1.
    pub(crate) minimum_confidence: Amount,
}

/// How far an invoiced quantity may lie above the received one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "unit", content = "amount", rename_all = "snake_case")]
pub(crate) enum QuantityTolerance {
    /// A number of units of the article, whatever its unit is.
    Units(Amount),
    /// A percentage of the received quantity.
    Percent(Amount),
}

/// The largest gross amount that is paid without a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PaymentLimit {
    /// The amount.
    pub(crate) amount: Amount,
    /// The only currency that may be paid; without one the amount holds in any currency.
    pub(crate) currency: Option<Currency>,
}

impl QuantityTolerance {
    /// Returns the largest quantity that agrees with a received or ordered one.
    pub(crate) fn upper(self, quantity: Decimal) -> Decimal {
        match self {
            Self::Units(units) => quantity.saturating_add(units.value()),
            Self::Percent(percent) => above(quantity, percent),
        }
    }
}

impl fmt::Display for QuantityTolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Units(units) => write!(f, "{units} units"),
            Self::Percent(percent) => write!(f, "{percent} %"),
        }
    }
}

impl fmt::Display for PaymentLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.currency {
            Some(currency) => write!(f, "{} {currency}", self.amount),
            None => self.amount.fmt(f),
        }
    }
}

impl Figures {
    /// Reads the figures from the rows that stand with the clauses.
    pub(super) fn read(clauses: &[Clause]) -> Result<Self, PolicyError> {
        let rows: Vec<&Figure> = clauses.iter().flat_map(|clause| &clause.figures).collect();
        let form = number_form(&rows);
        let row = |name, words| Row::find(&rows, form, name, words);
        Ok(Self {
            price_tolerance_percent: row("price tolerance", &["price", "tolerance"])?.percent()?,
            quantity_tolerance: row("quantity tolerance", &["quantity", "tolerance"])?
                .quantity_tolerance()?,
            payment_limit: row("payment limit", &["payment", "limit"])?.payment_limit()?,
            vat_rates_percent: row("allowed VAT rates", &["vat", "rate"])?.rates()?,
            minimum_confidence: row("minimum confidence", &["minimum", "confidence"])?.confidence()?,
        })
    }

    /// Returns the largest unit price that agrees with an ordered one.
    pub(crate) fn upper_price(&self, ordered: Amount) -> Decimal {
        above(ordered.value(), self.price_tolerance_percent)
    }
}

fn above(value: Decimal, percent: Amount) -> Decimal {
    let share = value.saturating_mul(percent.value().saturating_mul(PERCENT));
    value.saturating_add(share)
}

/// Returns the form that the numbers of the rows show, if they agree on one.
fn number_form(rows: &[&Figure]) -> Option<NumberForm> {
    let forms: BTreeSet<NumberForm> =
        rows.iter().flat_map(|figure| numbers(&figure.value)).filter_map(shown_form).collect();
    if forms.len() == 1 { forms.first().copied() } else { None }
}

fn shown_form(text: &str) -> Option<NumberForm> {
    // A text that is no number shows no form; reading its row will say so.
    amount::read(text).ok()?.form()
}

/// Returns the parts of a value that may be numbers.
fn numbers(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(|c: char| c.is_whitespace() || matches!(c, '%' | ';' | '/'))
        .map(|part| part.trim_end_matches(','))
        .filter(|part| part.chars().any(|c| c.is_ascii_digit()))
}

/// One row that is being understood.
struct Row<'a> {
    figure: &'a Figure,
    form: Option<NumberForm>,
}

impl<'a> Row<'a> {
    /// Finds the one row whose rule has all the words, in any case and order.
    fn find(
        rows: &[&'a Figure],
        form: Option<NumberForm>,
        name: &str,
        words: &[&str],
    ) -> Result<Self, PolicyError> {
        let mut found = rows.iter().filter(|figure| {
            let rule = figure.rule.to_lowercase();
            words.iter().all(|word| rule.contains(word))
        });
        match (found.next(), found.next()) {
            (None, _) => Err(PolicyError::MissingRow { rule: name.to_owned() }),
            (Some(figure), None) => Ok(Self { figure, form }),
            (Some(first), Some(second)) => Err(PolicyError::RepeatedRow {
                rule: name.to_owned(),
                first: first.value.clone(),
                second: second.value.clone(),
            }),
        }
    }

    fn percent(&self) -> Result<Amount, PolicyError> {
        let expected = "a percentage of 0 or more, such as `2.0 %`";
        match self.words().as_slice() {
            [number] | [number, "%" | "percent"] => self.amount(number, expected),
            _ => Err(self.bad(expected)),
        }
    }

    fn quantity_tolerance(&self) -> Result<QuantityTolerance, PolicyError> {
        let expected = "a quantity of 0 or more, such as `1 unit` or `2.0 %`";
        match self.words().as_slice() {
            [number, "%" | "percent"] => self.amount(number, expected).map(QuantityTolerance::Percent),
            [number] | [number, "unit" | "units"] => {
                self.amount(number, expected).map(QuantityTolerance::Units)
            }
            _ => Err(self.bad(expected)),
        }
    }

    fn payment_limit(&self) -> Result<PaymentLimit, PolicyError> {
        let expected = "an amount of 0 or more, such as `10,000.00` or `10,000.00 EUR`";
        match self.words().as_slice() {
            [number] => Ok(PaymentLimit { amount: self.amount(number, expected)?, currency: None }),
            [number, code] | [code, number] if Currency::try_from((*code).to_owned()).is_ok() => {
                let currency = Currency::try_from((*code).to_owned()).ok();
                Ok(PaymentLimit { amount: self.amount(number, expected)?, currency })
            }
            _ => Err(self.bad(expected)),
        }
    }

    fn rates(&self) -> Result<BTreeSet<Amount>, PolicyError> {
        let expected = "a list of rates, such as `0 %; 7 %; 19 %`";
        let rates: Result<BTreeSet<Amount>, PolicyError> =
            numbers(&self.figure.value).map(|number| self.amount(number, expected)).collect();
        rates.and_then(|rates| if rates.is_empty() { Err(self.bad(expected)) } else { Ok(rates) })
    }

    fn confidence(&self) -> Result<Amount, PolicyError> {
        let expected = "a confidence from 0 to 1, such as `0.80` or `80 %`";
        let confidence = match self.words().as_slice() {
            [number] => self.amount(number, expected)?.value(),
            [number, "%" | "percent"] => self.amount(number, expected)?.value().saturating_mul(PERCENT),
            _ => return Err(self.bad(expected)),
        };
        let amount = Amount::try_from(confidence).map_err(|_| self.bad(expected))?;
        if confidence <= Decimal::ONE { Ok(amount) } else { Err(self.bad(expected)) }
    }

    /// Returns the words of the value, a percent sign being one.
    fn words(&self) -> Vec<&'a str> {
        let value = self.figure.value.as_str();
        let (number, sign) = match value.trim_end().strip_suffix('%') {
            Some(number) => (number, Some("%")),
            None => (value, None),
        };
        number.split_whitespace().chain(sign).collect()
    }

    fn amount(&self, number: &str, expected: &str) -> Result<Amount, PolicyError> {
        let written = amount::read(number).map_err(|_| self.bad(expected))?;
        match written.settle(self.form) {
            (amount, Certainty::Sure) if amount.value() >= Decimal::ZERO => Ok(amount),
            (_, Certainty::Doubtful) => Err(self.bad("a number with only one reading")),
            _ => Err(self.bad(expected)),
        }
    }

    fn bad(&self, expected: &str) -> PolicyError {
        PolicyError::BadValue {
            rule: self.figure.rule.clone(),
            value: self.figure.value.clone(),
            expected: expected.to_owned(),
        }
    }
}
