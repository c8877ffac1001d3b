//! What the agents say without a model: the same work, on any case of this form.

use playhouse::prelude::{Exchange, ModelRequest, Participant, ScriptContext, ScriptReply};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::case::{Case, NoticeKind, opened};
use super::outbox::{Letter, SEND_LETTER};
use super::{Settled, Status};

/// What an agent is told when a person has found that a call in doubt had no effect.
const FOUND_NOT_DONE: &str = "a person has found that this was not done";

/// Drafts the letter; asks a person for an address that the case lacks.
pub(crate) fn clerk(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let Some(case) = case(request) else { return ScriptReply::say("I find no case.") };
    let asked = request.exchanges().first().and_then(|exchange| exchange.calls.first());
    let address = match (&case.address, asked) {
        (Some(address), _) => address.clone(),
        (None, None) => {
            let question = format!("Which address does the letter to {} go to?", case.vendor);
            return ScriptReply::call("ask_person", &json!({ "question": question }));
        }
        (None, Some(answer)) if answer.failed => {
            return ScriptReply::say(format!(
                "I have no address for {}: {}",
                case.vendor,
                one_line(&answer.answer)
            ));
        }
        (None, Some(answer)) => one_line(&answer.answer),
    };
    let letter = Letter {
        body: body(&case),
        vendor: case.vendor,
        address,
        notice: case.notice,
        invoice: case.invoice,
        amount_minor: case.amount_minor,
    };
    say("This is my draft.", &letter)
}

fn body(case: &Case) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    match case.notice {
        NoticeKind::Rejected => format!(
            "Dear {}, we cannot pay invoice {}: {}. Please send a corrected one.",
            case.vendor,
            text(&case.invoice),
            text(&case.reason)
        ),
        NoticeKind::BankDetails => format!(
            "Dear {}, from now on we pay to the account ending in {}. Please call us if you did not ask for this.",
            case.vendor,
            text(&case.account_ending)
        ),
    }
}

/// Compares the draft with the case.
pub(crate) fn reviewer(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let (Some(case), Some(letter)) = (case(request), said::<Letter>(request, "clerk")) else {
        return ScriptReply::say("REFUSED: there is no draft to compare.");
    };
    let fields = [
        ("vendor", case.vendor == letter.vendor),
        ("kind", case.notice == letter.notice),
        ("invoice", case.invoice == letter.invoice),
        ("amount", case.amount_minor == letter.amount_minor),
        ("address", case.address.is_none_or(|address| address == letter.address)),
        ("account", case.account_ending.is_none_or(|account| letter.body.contains(&account))),
    ];
    match fields.iter().find(|(_, is_same)| !is_same) {
        None => ScriptReply::say("AGREED: the draft says what the case says."),
        Some((field, _)) => ScriptReply::say(format!("REFUSED: the {field} differs from the case.")),
    }
}

/// Sends the letter once, if the reviewer has agreed, and says what became of it.
pub(crate) fn sender(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let vendor = case(request).map(|case| case.vendor).unwrap_or_default();
    let close = |status, detail: String| say("CLOSED", &Settled { vendor: vendor.clone(), status, detail });
    let verdict = last(request, "reviewer").unwrap_or_default();
    let letter = said::<Letter>(request, "clerk");
    let (Some(letter), true) = (letter, verdict.starts_with("AGREED")) else {
        return close(Status::NotSent, one_line(verdict));
    };
    match request.exchanges().iter().flat_map(|exchange: &Exchange| &exchange.calls).next_back() {
        None => ScriptReply::call(SEND_LETTER, &letter),
        // Another call, which may be in doubt of its own: only a person's word that nothing left permits it.
        Some(call) if call.failed && call.answer.contains(FOUND_NOT_DONE) => {
            ScriptReply::call(SEND_LETTER, &letter)
        }
        Some(call) if call.failed => close(Status::NotSent, one_line(&call.answer)),
        Some(_) => close(Status::Sent, "the letter has left".to_owned()),
    }
}

fn case(request: &ModelRequest) -> Option<Case> {
    // The first message: a person may have said more since.
    let first = request.transcript.iter().find(|entry| entry.message.from == Participant::User)?;
    opened(&first.message.content)
}

fn last<'a>(request: &'a ModelRequest, agent: &str) -> Option<&'a str> {
    let said = request.transcript.iter().rev().find(|entry| entry.message.from.as_str() == agent)?;
    Some(&said.message.content)
}

/// Returns the value in the last line of the newest message of an agent.
fn said<T: DeserializeOwned>(request: &ModelRequest, agent: &str) -> Option<T> {
    let content = last(request, agent)?;
    // The value is the last line: no text of a case can stand behind it.
    serde_json::from_str(content.lines().next_back()?).ok()
}

/// Says a sentence and, on a line of its own, a value.
fn say(sentence: &str, value: &impl Serialize) -> ScriptReply {
    // The values are structs of texts and numbers, which have a JSON form.
    ScriptReply::say(format!("{sentence}\n{}", serde_json::to_string(value).unwrap_or_default()))
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
