//! The cashier's tools: pay, hold, or leave it to a person.

use std::{error::Error, path::PathBuf};

use playhouse::prelude::{EffectKeys, Probe, StartContext, ToolContext, ToolError, tools};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    case::ReadOutcome,
    confidence::Confidence,
    currency::Currency,
    document::{Document, DocumentKind, Invoice},
    input::Case,
    ledger::{Appended, Ledger, LedgerError, LedgerLine},
    names::{CaseName, InvoiceNumber, Supplier},
    policy::ClauseNumber,
    register::InvoiceKey,
    rule::Decision,
    settlement::Settlement,
};

/// The ledger's name in the data directory, if no other is set.
const DEFAULT_LEDGER: &str = "invoice-review-ledger.jsonl";

/// An invoice to pay, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Payment {
    /// The case.
    pub(crate) case: CaseName,
    /// The supplier as the invoice names it.
    pub(crate) supplier: Supplier,
    /// The invoice's number.
    pub(crate) invoice: InvoiceNumber,
    /// The gross amount in minor units of the currency: cents for EUR, whole units for JPY.
    pub(crate) amount_minor: i64,
    /// The currency code, such as EUR.
    pub(crate) currency: Currency,
    /// How sure the reading of the documents is, from 0 to 1.
    pub(crate) confidence: Confidence,
    /// The numbers of the clauses that apply.
    pub(crate) clauses: Vec<ClauseNumber>,
    /// Why it is paid, one sentence each.
    pub(crate) reasons: Vec<String>,
}

/// A case in which nothing is paid now, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Refusal {
    /// The case.
    pub(crate) case: CaseName,
    /// The gross amount in minor units of the currency, if it is known.
    #[serde(default)]
    pub(crate) amount_minor: Option<i64>,
    /// The currency code, if it is known.
    #[serde(default)]
    pub(crate) currency: Option<Currency>,
    /// How sure the reading of the documents is, from 0 to 1.
    pub(crate) confidence: Confidence,
    /// The numbers of the clauses that apply.
    pub(crate) clauses: Vec<ClauseNumber>,
    /// Why it is not paid now, one sentence each.
    pub(crate) reasons: Vec<String>,
}

/// What the ledger says of a payment: its line without the key, which differs from run to run and concerns nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// Whether this call paid.
    pub(crate) status: PaymentStatus,
    /// The case that was settled.
    pub(crate) case: CaseName,
    /// Who was paid.
    pub(crate) supplier: Supplier,
    /// The supplier's number of the invoice.
    pub(crate) invoice: InvoiceNumber,
    /// The amount in minor units of the currency.
    pub(crate) amount_minor: i64,
    /// The currency.
    pub(crate) currency: Currency,
}

/// Whether a call paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentStatus {
    /// It did.
    Paid,
    /// The ledger already held a payment of the invoice, by another call; nothing was paid now.
    AlreadyPaid,
}

/// A decision that needs nothing but to be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// The case.
    pub(crate) case: CaseName,
    /// What was decided.
    pub(crate) decision: Decision,
}

/// The tools of the cashier, around one ledger.
#[derive(Debug)]
pub(crate) struct Payments {
    ledger: Ledger,
}

#[tools]
impl Payments {
    /// Opens the ledger; the one in the data directory if none is given.
    pub(crate) async fn open(ctx: StartContext, ledger: Option<PathBuf>) -> Result<Self, ToolError> {
        let path = ledger.unwrap_or_else(|| ctx.data_dir.join(DEFAULT_LEDGER));
        Ok(Self { ledger: Ledger::open(path)? })
    }

    /// Pays an invoice, at most once for each supplier and number.
    ///
    /// Supplier, number, amount and currency must be those of the invoice. Answers `paid`, or `already_paid` with
    /// the earlier payment, which may be of another case or amount; then nothing was paid now.
    #[tool(
        effect = "reconcile",
        probe = Self::paid,
        intent = "supplier, invoice",
        scope = "destination",
        timeout = "20s"
    )]
    pub(crate) async fn release_payment(
        &self,
        args: Payment,
        ctx: &ToolContext,
    ) -> Result<Receipt, ToolError> {
        args.check(&ctx.input()?)?;
        let payment = LedgerLine {
            key: ctx.keys.idempotency.clone(),
            case: args.case,
            supplier: args.supplier,
            invoice: args.invoice,
            amount_minor: args.amount_minor,
            currency: args.currency,
        };
        match self.ledger.append(&payment) {
            Ok(Appended::Now) => Ok(Receipt::of(payment, &ctx.keys)),
            Ok(Appended::Earlier(earlier)) => Ok(Receipt::of(earlier, &ctx.keys)),
            Err(error @ LedgerError::Unsure { .. }) => Err(ToolError::InDoubt(with_cause(&error))),
            Err(error) => Err(ToolError::NotDone(with_cause(&error))),
        }
    }

    async fn paid(&self, args: &Payment, keys: &EffectKeys) -> Result<Probe<Receipt>, ToolError> {
        let found = self.ledger.find(&args.supplier, &args.invoice)?;
        Ok(found.map_or(Probe::Absent, |earlier| Probe::Landed(Receipt::of(earlier, keys))))
    }

    /// Holds an invoice: it is not paid until the supplier has corrected it.
    #[tool(effect = "pure", timeout = "5s")]
    pub(crate) async fn hold_payment(&self, args: Refusal, ctx: &ToolContext) -> Result<Noted, ToolError> {
        noted(args, &ctx.input()?, Decision::Hold)
    }

    /// Leaves the invoice to a person, who decides with the reasons given.
    #[tool(effect = "pure", timeout = "5s")]
    pub(crate) async fn ask_person(&self, args: Refusal, ctx: &ToolContext) -> Result<Noted, ToolError> {
        noted(args, &ctx.input()?, Decision::Ask)
    }
}

impl Receipt {
    /// Makes the receipt of a payment that the ledger holds, for the call with these keys.
    fn of(payment: LedgerLine, keys: &EffectKeys) -> Self {
        let is_own = payment.key == keys.idempotency;
        let LedgerLine { case, supplier, invoice, amount_minor, currency, .. } = payment;
        let status = if is_own { PaymentStatus::Paid } else { PaymentStatus::AlreadyPaid };
        Self { status, case, supplier, invoice, amount_minor, currency }
    }

    /// Tells whether the ledger holds just what was to be paid.
    pub(crate) fn is_of(&self, payment: &Payment) -> bool {
        let Self { case, amount_minor, currency, .. } = self;
        (case, amount_minor, currency) == (&payment.case, &payment.amount_minor, &payment.currency)
    }
}

impl Payment {
    /// Checks the figures against the invoice: whoever asks may have been talked into others.
    fn check(&self, case: &Case) -> Result<(), ToolError> {
        check_case(&self.case, case)?;
        if self.amount_minor <= 0 {
            return Err(ToolError::Invalid("an `amount_minor` to pay is above 0".to_owned()));
        }
        for document in &case.documents {
            if DocumentKind::of(&document.file) != Some(DocumentKind::Invoice) {
                continue;
            }
            let read = case.read(&document.file).map_err(|error| ToolError::NotDone(error.to_string()))?;
            if matches!(&read, ReadOutcome::Read(Document::Invoice(invoice)) if self.is_of(invoice)) {
                return Ok(());
            }
        }
        let text = "no invoice of the case has this supplier, number, gross amount and currency";
        Err(ToolError::Invalid(text.to_owned()))
    }

    fn is_of(&self, invoice: &Invoice) -> bool {
        InvoiceKey::new(&self.supplier, &self.invoice)
            == InvoiceKey::new(&invoice.supplier, &invoice.invoice_number)
            && self.currency == invoice.currency
            && invoice.currency.minor(invoice.gross) == Some(self.amount_minor)
    }
}

impl From<Settlement> for Refusal {
    fn from(settlement: Settlement) -> Self {
        Self {
            case: settlement.case,
            amount_minor: settlement.amount_minor,
            currency: settlement.currency,
            confidence: settlement.confidence,
            clauses: settlement.clauses,
            reasons: settlement.reasons,
        }
    }
}

fn noted(args: Refusal, case: &Case, decision: Decision) -> Result<Noted, ToolError> {
    check_case(&args.case, case)?;
    Ok(Noted { case: args.case, decision })
}

fn check_case(named: &CaseName, case: &Case) -> Result<(), ToolError> {
    if *named == case.name {
        return Ok(());
    }
    Err(ToolError::Invalid(format!("the case is `{}`, not `{named}`", case.name)))
}

fn with_cause(error: &LedgerError) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests;
