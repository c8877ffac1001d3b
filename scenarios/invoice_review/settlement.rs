//! The result of a run: what was decided about one case.

use playhouse::prelude::{Conversation, ResultError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    confidence::Confidence,
    currency::Currency,
    input::Case,
    names::CaseName,
    payments::{Payment, Receipt, Refusal},
    policy::ClauseNumber,
    rule::Decision,
};

/// What was decided about one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Settlement {
    /// The case.
    pub(crate) case: CaseName,
    /// What to do with the invoice.
    pub(crate) decision: Decision,
    /// The gross amount in minor units of the currency, if it could be read.
    pub(crate) amount_minor: Option<i64>,
    /// The currency, if it could be read.
    pub(crate) currency: Option<Currency>,
    /// The numbers of the clauses that apply.
    pub(crate) clauses: Vec<ClauseNumber>,
    /// How sure the reading is, from 0 to 1.
    pub(crate) confidence: Confidence,
    /// Why, the weightiest reason first.
    pub(crate) reasons: Vec<String>,
}

impl Settlement {
    /// Tells what a payment settles.
    pub(crate) fn paid(payment: Payment) -> Self {
        Self {
            case: payment.case,
            decision: Decision::Pay,
            amount_minor: Some(payment.amount_minor),
            currency: Some(payment.currency),
            clauses: payment.clauses,
            confidence: payment.confidence,
            reasons: payment.reasons,
        }
    }

    /// Tells what a refusal settles.
    pub(crate) fn refused(refusal: Refusal, decision: Decision) -> Self {
        Self {
            case: refusal.case,
            decision,
            amount_minor: refusal.amount_minor,
            currency: refusal.currency,
            clauses: refusal.clauses,
            confidence: refusal.confidence,
            reasons: refusal.reasons,
        }
    }
}

/// Draws the result from a conversation: what the cashier did decides, what it said explains.
///
/// # Errors
/// Says what is missing: an answered call, or a JSON object in the cashier's last message.
pub(crate) fn settlement(conversation: &Conversation) -> Result<Settlement, ResultError> {
    let case: Case = conversation.input()?;
    let settlement = agreed(done(conversation), conversation.last_json_from("cashier"))?;
    Ok(Settlement { case: case.name, ..settlement })
}

fn agreed(
    done: Option<Settlement>,
    said: Result<Settlement, ResultError>,
) -> Result<Settlement, ResultError> {
    match (done, said) {
        (Some(done), Ok(said)) if said.decision == done.decision => Ok(said),
        (Some(done), _) => Ok(done),
        (None, Ok(said)) if said.decision != Decision::Pay => Ok(said),
        (None, Ok(_)) => {
            Err(ResultError::new("the cashier says `pay`, but the ledger holds no such payment by this run"))
        }
        (None, Err(error)) => {
            let calls = "`release_payment`, `hold_payment` or `ask_person`";
            Err(ResultError::new(format!("no call of {calls} was answered, and {error}")))
        }
    }
}

/// Returns what the cashier's calls settled: money that was paid outweighs all else, then the last call counts.
fn done(conversation: &Conversation) -> Option<Settlement> {
    let paid = conversation.calls_of("release_payment").find_map(|call| {
        let receipt: Receipt = call.output_as()?;
        let payment: Payment = call.arguments_as()?;
        receipt.is_of(&payment).then(|| Settlement::paid(payment))
    });
    paid.or_else(|| {
        conversation.calls().rev().find_map(|call| {
            let decision = match call.tool.as_str() {
                "hold_payment" => Decision::Hold,
                "ask_person" => Decision::Ask,
                _ => return None,
            };
            call.output()?;
            Some(Settlement::refused(call.arguments_as()?, decision))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settlement(decision: Decision, reason: &str) -> Settlement {
        Settlement {
            case: CaseName::new("a"),
            decision,
            amount_minor: None,
            currency: None,
            clauses: Vec::new(),
            confidence: Confidence::NONE,
            reasons: vec![reason.to_owned()],
        }
    }

    #[track_caller]
    fn check(done: Option<Decision>, said: Option<Decision>, expected: Result<(Decision, &str), &str>) {
        let done = done.map(|decision| settlement(decision, "done"));
        let said = said.map(|decision| settlement(decision, "said"));
        let agreed = agreed(done, said.ok_or_else(|| ResultError::new("`cashier` has said nothing")));
        let agreed = agreed.map(|settlement| (settlement.decision, settlement.reasons.concat()));
        let expected = expected.map(|(decision, reason)| (decision, reason.to_owned()));
        assert_eq!(agreed.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn what_was_done_decides_and_what_was_said_explains() {
        use Decision::{Ask, Hold, Pay};
        check(Some(Pay), Some(Pay), Ok((Pay, "said")));
        check(Some(Pay), Some(Hold), Ok((Pay, "done")));
        check(Some(Ask), Some(Pay), Ok((Ask, "done")));
        check(Some(Hold), None, Ok((Hold, "done")));
        check(None, Some(Hold), Ok((Hold, "said")));
        let unpaid = "the cashier says `pay`, but the ledger holds no such payment by this run";
        check(None, Some(Pay), Err(unpaid));
        let nothing = "no call of `release_payment`, `hold_payment` or `ask_person` was answered, and \
                       `cashier` has said nothing";
        check(None, None, Err(nothing));
    }
}
