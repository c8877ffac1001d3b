//! What the agents say without a model: the same work, on any ticket of this form.

use playhouse::ExchangeCall;
use playhouse::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::desk::{Account, FindOrders, FindRemedies, FoundOrder, Remedy, in_units};
use super::refunds::{REFUND, Receipt, Refund, RefundStatus};
use super::ticket::Ticket;

/// The teams in the order in which they work on a ticket, with the words of customers who need them.
const TEAMS: [(&str, &[&str]); 3] = [
    (
        "technical",
        &["broke", "does not", "doesn't", "won't", "error", "leak", "stopped", "fault", "noise", "not work"],
    ),
    (
        "account",
        &[
            "password",
            "log in",
            "login",
            "sign in",
            "locked",
            "my account",
            "e-mail address",
            "email address",
        ],
    ),
    ("refunds", &["refund", "money back", "send it back", "return it", "reimburse"]),
];

/// Hands the ticket to whom it concerns first; asks a person if that cannot be told.
pub(crate) fn triage(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let Some(ticket) = ticket(request) else { return ScriptReply::say("I find no ticket.") };
    let answer = answers(request).next();
    match (teams(&ticket.message).next(), answer) {
        (Some(team), _) => hand_over("", team),
        (None, None) => {
            let question = format!("What does {} want? \"{}\"", ticket.customer, ticket.message.trim());
            ScriptReply::call("ask_person", &json!({ "question": question }))
        }
        (None, Some(answer)) if answer.failed => {
            ScriptReply::say(letter(request, "A colleague will write to you."))
        }
        (None, Some(answer)) => ScriptReply::say(letter(request, answer.answer.trim())),
    }
}

/// Finds a remedy; without one, and if no money is asked back, a person says what to do.
pub(crate) fn technical(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let Some(ticket) = ticket(request) else { return ScriptReply::say("I find no ticket.") };
    let wants_money = teams(&ticket.message).any(|team| team == "refunds");
    let order = match the_order(request, &ticket) {
        Found::Order(order) => order.order,
        Found::Asks(call) => return call,
        Found::Nothing(why) => return go_on(request, &ticket, &why),
    };
    let Some(remedies) = answer_as::<Vec<Remedy>>(request, "find_remedies") else {
        let find = FindRemedies { product: order.product, problem: ticket.message };
        return ScriptReply::call("find_remedies", &find);
    };
    let product = order.product;
    if let Some(remedy) = remedies.first() {
        return go_on(request, &ticket, &format!("A known remedy for your {product}: {}", remedy.steps));
    }
    if wants_money {
        return go_on(
            request,
            &ticket,
            &format!("No remedy is known for your {product}: we take it to be faulty."),
        );
    }
    match answers(request).find(|call| call.tool == "ask_person") {
        None => {
            let message = ticket.message.trim();
            let question =
                format!("No remedy is known for a {product}. What do we tell the customer? \"{message}\"");
            ScriptReply::call("ask_person", &json!({ "question": question }))
        }
        Some(answer) if answer.failed => go_on(
            request,
            &ticket,
            &format!("No remedy is known for your {product} yet; we will write to you."),
        ),
        Some(answer) => go_on(request, &ticket, &format!("Our technician says: {}", answer.answer.trim())),
    }
}

/// Explains sign-in; a person decides about everything that would change an account.
pub(crate) fn account(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let Some(ticket) = ticket(request) else { return ScriptReply::say("I find no ticket.") };
    let Some(account) = answer_as::<Option<Account>>(request, "look_up_account") else {
        return ScriptReply::call("look_up_account", &json!({}));
    };
    let Some(account) = account else {
        return go_on(request, &ticket, "We find no account under your customer number.");
    };
    let is_about = |words: &[&str]| has_any(&ticket.message, words);
    if !is_about(&["address", "close", "delete", "change", "another name"]) {
        let state = if account.is_locked {
            "Your account is locked after several wrong passwords. To unlock it, choose"
        } else {
            "Your account is not locked. If you cannot sign in, choose"
        };
        return go_on(
            request,
            &ticket,
            &format!("{state} a new password: 'Forgot password?' on the sign-in page."),
        );
    }
    match answers(request).find(|call| call.tool == "ask_person") {
        None => {
            let message = ticket.message.trim();
            let question = format!("May we do what {} asks of the account? \"{message}\"", account.name);
            ScriptReply::call("ask_person", &json!({ "question": question }))
        }
        Some(answer) if answer.failed => go_on(request, &ticket, "Your account stays as it is."),
        Some(answer) => go_on(request, &ticket, &format!("About your account: {}", answer.answer.trim())),
    }
}

/// Refunds what the terms allow, once.
pub(crate) fn refunds(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let Some(ticket) = ticket(request) else { return ScriptReply::say("I find no ticket.") };
    let found = match the_order(request, &ticket) {
        Found::Order(order) => order,
        Found::Asks(call) => return call,
        Found::Nothing(why) => return go_on(request, &ticket, &why),
    };
    let is_faulty = said_by(request, "technical").is_some_and(|said| said.contains("faulty"));
    let FoundOrder { order, in_return_window, in_warranty } = found;
    let is_refundable = in_return_window || (in_warranty && is_faulty);
    if !is_refundable {
        let number = order.number;
        let why = format!("We cannot refund order {number}: the 30 days for sending it back are over.");
        return go_on(request, &ticket, &why);
    }
    let reason = if in_return_window { "within 30 days of delivery" } else { "faulty within the warranty" };
    match answers(request).find(|call| call.tool == REFUND) {
        None => {
            let refund =
                Refund { order: order.number, amount_cents: order.paid_cents, reason: reason.to_owned() };
            ScriptReply::call(REFUND, &refund)
        }
        Some(call) if call.failed => {
            let number = order.number;
            go_on(
                request,
                &ticket,
                &format!("We could not refund order {number}; a colleague will write to you."),
            )
        }
        Some(call) => {
            let told = serde_json::from_str(&call.answer).map(|receipt| receipt_text(&receipt));
            // An answer of another form can only be what a person has put in its place.
            go_on(request, &ticket, &told.unwrap_or_else(|_| call.answer.clone()))
        }
    }
}

fn receipt_text(Receipt { order, amount_cents, status }: &Receipt) -> String {
    let amount = in_units(*amount_cents);
    match status {
        RefundStatus::Refunded => format!("We have refunded {amount} for order {order}."),
        RefundStatus::RefundedBefore => format!("We had refunded {amount} for order {order} before."),
    }
}

/// What a search for the order of a ticket has come to.
enum Found {
    Order(FoundOrder),
    /// The search is still to be made.
    Asks(ScriptReply),
    /// There is none, or no telling which: what to write to the customer.
    Nothing(String),
}

/// Returns the order that a ticket names, or the customer's only one.
fn the_order(request: &ModelRequest, ticket: &Ticket) -> Found {
    let number = order_number(&ticket.message);
    let Some(mut found) = answer_as::<Vec<FoundOrder>>(request, "find_orders") else {
        return Found::Asks(ScriptReply::call("find_orders", &FindOrders { number }));
    };
    match (found.len(), found.pop(), number) {
        (1, Some(order), _) => Found::Order(order),
        (_, _, Some(number)) => {
            Found::Nothing(format!("We find no order {number} of yours: please look at its number again."))
        }
        (0, ..) => Found::Nothing("We find no order of yours.".to_owned()),
        (count, ..) => Found::Nothing(format!(
            "You have {count} orders with us: please tell us the number of the one you mean."
        )),
    }
}

/// Returns the first word of a message that looks like the number of an order.
fn order_number(message: &str) -> Option<String> {
    let mut words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let is_number = |word: &&str| {
        let digits = word.strip_prefix("O-").or_else(|| word.strip_prefix("o-"));
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    words.find(is_number).map(str::to_uppercase)
}

/// Hands over to the next team that has not worked on the ticket yet; if there is none, answers the customer.
fn go_on(request: &ModelRequest, ticket: &Ticket, finding: &str) -> ScriptReply {
    let is_done = |team: &str| team == request.agent.as_str() || said_by(request, team).is_some();
    match teams(&ticket.message).find(|team| !is_done(team)) {
        Some(team) => hand_over(finding, team),
        None => ScriptReply::say(letter(request, finding)),
    }
}

fn hand_over(finding: &str, team: &str) -> ScriptReply {
    let handoff = ScriptReply::call(&format!("transfer_to_{team}"), &json!({}));
    ScriptReply { content: finding.to_owned(), ..handoff }
}

/// Writes to the customer what all teams have found.
fn letter(request: &ModelRequest, finding: &str) -> String {
    let earlier = TEAMS.iter().filter_map(|(team, _)| said_by(request, team));
    let findings: Vec<&str> = earlier.chain([finding]).collect();
    format!("Hello,\n\n{}\n\nYour support desk", findings.join("\n"))
}

/// Returns the teams that a message concerns.
fn teams(message: &str) -> impl Iterator<Item = &'static str> {
    TEAMS.iter().filter(|(_, words)| has_any(message, words)).map(|(team, _)| *team)
}

fn has_any(message: &str, words: &[&str]) -> bool {
    let message = message.to_lowercase();
    words.iter().any(|word| message.contains(word))
}

fn ticket(request: &ModelRequest) -> Option<Ticket> {
    // The first message: a person may have said more since.
    let first = request.transcript.iter().find(|entry| entry.message.from == Participant::User)?;
    Ticket::opened(&first.message.content)
}

fn said_by<'a>(request: &'a ModelRequest, agent: &str) -> Option<&'a str> {
    let said = request.transcript.iter().rev().find(|entry| entry.message.from.as_str() == agent)?;
    Some(&said.message.content)
}

/// Returns the calls of this turn that have been answered.
fn answers(request: &ModelRequest) -> impl Iterator<Item = &ExchangeCall> {
    request.exchanges().iter().flat_map(|exchange| &exchange.calls)
}

/// Reads the answer of a tool in this turn; a failed call has found nothing.
fn answer_as<T: DeserializeOwned + Default>(request: &ModelRequest, tool: &str) -> Option<T> {
    let call = answers(request).find(|call| call.tool == tool)?;
    // The tools of this scenario answer with a `T`; whatever else stands there is as good as nothing found.
    Some(serde_json::from_str(&call.answer).unwrap_or_default())
}
