//! The result of a ticket: what was done is read from the journal, not from what agents say of it.

use std::fmt::{self, Write};

use playhouse::prelude::*;
use playhouse::{CallEnd, ToolCall};
use serde::{Deserialize, Serialize};

use super::desk::in_units;
use super::refunds::{REFUND, Receipt, RefundStatus};
use super::ticket::Ticket;

/// How a ticket was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resolution {
    /// Who wrote it.
    pub(crate) customer: String,
    /// What was done.
    pub(crate) status: Status,
    /// Who had the floor, in order.
    pub(crate) handled_by: Vec<String>,
    /// What went back to the customer.
    pub(crate) refunds: Vec<Receipt>,
    /// Why a refund that an agent asked for was not made.
    pub(crate) refused: Vec<String>,
    /// What persons were asked, and what they answered.
    pub(crate) asked: Vec<Asked>,
    /// What the customer reads.
    pub(crate) reply: String,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Money went back.
    Refunded,
    /// A refund was refused, or had been made before.
    NotRefunded,
    /// The customer was answered; no refund was tried.
    Answered,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refunded => "refunded",
            Self::NotRefunded => "not refunded",
            Self::Answered => "answered",
        })
    }
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// Who asked.
    pub(crate) by: String,
    /// What.
    pub(crate) question: String,
    /// The answer; none if nobody gave one.
    pub(crate) answer: Option<String>,
}

#[derive(Deserialize)]
struct Question {
    question: String,
}

/// Draws the result from a conversation.
///
/// # Errors
/// If no agent has answered the customer.
pub(crate) fn resolution(conversation: &Conversation) -> Result<Resolution, ResultError> {
    let ticket: Ticket = conversation.input()?;
    let reply = conversation.last().ok_or_else(|| ResultError::new("nobody has answered the customer"))?;
    let receipts: Vec<Receipt> = conversation.calls_of(REFUND).filter_map(ToolCall::output_as).collect();
    let refunds = receipts.iter().filter(|receipt| receipt.status == RefundStatus::Refunded);
    let refunds: Vec<Receipt> = refunds.cloned().collect();
    let status = match (refunds.is_empty(), conversation.calls_of(REFUND).next()) {
        (false, _) => Status::Refunded,
        (true, Some(_)) => Status::NotRefunded,
        (true, None) => Status::Answered,
    };
    let asked = conversation.calls_of("ask_person").map(|call| Asked {
        by: call.agent.to_string(),
        question: call.arguments_as().map(|Question { question }| question).unwrap_or_default(),
        answer: call.output().map(str::to_owned),
    });
    Ok(Resolution {
        customer: ticket.customer,
        status,
        handled_by: conversation.turns().map(|turn| turn.speaker.to_string()).collect(),
        refunds,
        refused: conversation.calls_of(REFUND).filter_map(refusal).collect(),
        asked: asked.collect(),
        reply: reply.content.clone(),
    })
}

fn refusal(call: &ToolCall) -> Option<String> {
    match &call.end {
        Some(CallEnd::Failed(why) | CallEnd::Denied(why) | CallEnd::InDoubt(why)) => Some(why.clone()),
        _ => {
            let before: Receipt = call.output_as()?;
            let is_before = before.status == RefundStatus::RefundedBefore;
            is_before.then(|| format!("order {} had been refunded before", before.order))
        }
    }
}

/// Writes each ticket for people: what was done, by whom, and what the customer reads.
pub(crate) fn report(resolutions: &[(CaseName, Resolution)]) -> String {
    let mut text = String::new();
    for (case, resolution) in resolutions {
        let path = resolution.handled_by.join(" > ");
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{case}: {}, {} ({path})", resolution.customer, resolution.status);
        for Receipt { order, amount_cents, .. } in &resolution.refunds {
            let _ = writeln!(text, "  refunded: {} for order {order}", in_units(*amount_cents));
        }
        for why in &resolution.refused {
            let _ = writeln!(text, "  refused: {}", shown(why));
        }
        for Asked { by, question, answer } in &resolution.asked {
            let answer = answer.as_deref().unwrap_or("(no answer)");
            let _ = writeln!(text, "  {by} asked: {}\n  a person said: {}", shown(question), shown(answer));
        }
        for line in resolution.reply.lines() {
            let _ = writeln!(text, "  | {}", shown(line));
        }
    }
    text
}

/// Returns a text on one line, without characters that would steer a terminal.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
