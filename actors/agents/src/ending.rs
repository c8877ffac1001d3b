//! How a turn ends on record: a pure function, so that replay derives the same records.

use playhouse_types::{Brief, ReplyTo, TurnOutcome};

use crate::reply::MAX_REJECTIONS;
use crate::{AgentDecision, AgentDefinition, AgentState};

/// What a decision that ends a turn, or a step of it, puts on record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The turn ends, with a message if there is one.
    Turn {
        /// What is said in the conversation.
        content: Option<String>,
        /// How the turn ended.
        outcome: TurnOutcome,
    },
    /// The reply does not fit: the model is asked again.
    Rejected {
        /// What is wrong, for the model.
        feedback: String,
    },
}

/// Returns what a decision to end the turn comes to; `None` for any other decision.
#[must_use]
pub fn ending(definition: &AgentDefinition, state: &AgentState, decision: &AgentDecision) -> Option<Ending> {
    let brief = state.brief().map(AsRef::as_ref);
    match decision {
        AgentDecision::Post { content, .. } => Some(match definition.check_reply(brief, content) {
            Ok(()) => replied(brief, content),
            Err(detail) if state.n_rejected() >= MAX_REJECTIONS => {
                Ending::Turn { content: None, outcome: TurnOutcome::Unfit { detail } }
            }
            Err(feedback) => Ending::Rejected { feedback },
        }),
        AgentDecision::HandOff { to, content } => {
            let is_private = brief.is_some_and(|brief| brief.reply_to.is_private());
            let content = (!is_private).then(|| content.clone());
            Some(Ending::Turn { content, outcome: TurnOutcome::HandedOff { to: to.clone() } })
        }
        AgentDecision::End { outcome } => Some(Ending::Turn { content: None, outcome: outcome.clone() }),
        _ => None,
    }
}

fn replied(brief: Option<&Brief>, content: &str) -> Ending {
    let content = content.to_owned();
    match brief.map(|brief| brief.reply_to).unwrap_or_default() {
        ReplyTo::Conversation => Ending::Turn { content: Some(content), outcome: TurnOutcome::Replied },
        ReplyTo::ConversationTogether | ReplyTo::Pattern | ReplyTo::Caller(_) => {
            Ending::Turn { content: None, outcome: TurnOutcome::Answered { content } }
        }
    }
}
