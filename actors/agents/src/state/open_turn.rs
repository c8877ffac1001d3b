//! How the open turn of an agent stands: its steps and their tool calls.

use std::sync::Arc;

use playhouse_journal::ToolIntent;
use playhouse_messages::{Exchange, ExchangeCall};
use playhouse_types::{
    AgentName, Brief, CallId, ModelFailure, ModelReply, Step, ToolCallRequest, TurnId, Verdict,
};
use serde::{Deserialize, Serialize};

use super::AgentDecision;
use crate::consult::Consulted;
use crate::handoff;

/// How one tool call stands.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct CallState {
    pub(super) intent: Option<ToolIntent>,
    /// The answer, and whether it is a failure.
    pub(super) answer: Option<(String, bool)>,
    pub(super) is_in_doubt: bool,
    pub(super) review: Option<CallReview>,
    /// The colleague that was called, and what that one came to.
    pub(super) colleague: Option<(AgentName, Option<Consulted>)>,
}

/// How the review of a call stands that has not been made yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum CallReview {
    Asked { subject_hash: [u8; 32] },
    Answered { subject_hash: [u8; 32], verdict: Verdict },
}

impl CallState {
    /// Tells whether the next step is ours: nothing is on record, or a person has answered.
    pub(super) fn is_to_prepare(&self) -> bool {
        let may_go_on = !matches!(self.review, Some(CallReview::Asked { .. })) && !self.waits_for_colleague();
        self.intent.is_none() && self.answer.is_none() && !self.is_in_doubt && may_go_on
    }

    pub(super) fn waits_for_colleague(&self) -> bool {
        self.answer.is_none() && matches!(self.colleague, Some((_, None)))
    }

    /// Tells whether a person has to act.
    pub(super) fn waits_for_person(&self) -> bool {
        self.is_in_doubt
            || self.answer.is_none()
                && self.intent.is_none()
                && matches!(self.review, Some(CallReview::Asked { .. }))
    }
}

/// How one step stands.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct StepState {
    pub(super) attempts: u32,
    pub(super) outcome: Option<Result<ModelReply, ModelFailure>>,
    pub(super) calls: Vec<CallState>,
    /// What is wrong with the reply, if it does not fit what was asked for.
    pub(super) rejected: Option<String>,
}

/// A turn that was assigned and has not ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct OpenTurn {
    pub(super) turn: TurnId,
    pub(super) upto: u32,
    pub(super) brief: Option<Arc<Brief>>,
    pub(super) steps: Vec<StepState>,
}

impl StepState {
    /// Returns to whom the reply gives the floor: the first handoff that was not refused. What is said then is the text
    /// beside the calls, or the reason of the handoff.
    pub(super) fn handed_off(&self) -> Option<AgentDecision> {
        let Some(Ok(reply)) = &self.outcome else { return None };
        reply.tool_calls.iter().zip(&self.calls).find_map(|(request, call)| {
            let (_, failed) = call.answer.as_ref()?;
            let is_passed = call.intent.is_none() && !failed;
            let to = handoff::target(&request.tool).filter(|_| is_passed)?;
            let content = handoff::words(&to, &reply.content, &request.arguments);
            Some(AgentDecision::HandOff { to, content })
        })
    }
}

impl OpenTurn {
    /// Returns a step, making it and those before it if there are none: steps count from 1.
    #[expect(clippy::indexing_slicing, reason = "the steps have just been made long enough")]
    pub(super) fn step(&mut self, step: Step) -> &mut StepState {
        let index = (step.0 as usize).saturating_sub(1);
        if self.steps.len() <= index {
            self.steps.resize_with(index + 1, StepState::default);
        }
        &mut self.steps[index]
    }

    pub(super) fn call(&mut self, call: CallId) -> Option<&mut CallState> {
        let index = (call.step.0 as usize).checked_sub(1)?;
        self.steps.get_mut(index)?.calls.get_mut(call.ordinal as usize)
    }

    /// Returns the exchange of a step whose calls all have an answer.
    pub(super) fn exchange(&self, step: Step) -> Option<Exchange> {
        let number = step;
        let step = self.steps.get((step.0 as usize).checked_sub(1)?)?;
        let reply = step.outcome.as_ref()?.as_ref().ok()?;
        if let Some(feedback) = step.rejected.clone() {
            let content = reply.content.clone();
            return Some(Exchange { content, calls: Vec::new(), feedback: Some(feedback) });
        }
        let calls = (0u32..).zip(reply.tool_calls.iter().zip(&step.calls));
        let calls: Option<Vec<ExchangeCall>> = calls
            .map(|(ordinal, (request, state))| {
                let (answer, failed) = state.answer.clone()?;
                let call = CallId { turn: self.turn, step: number, ordinal };
                let ToolCallRequest { tool, arguments } = request.clone();
                Some(ExchangeCall { call, tool, arguments, answer, failed })
            })
            .collect();
        Some(Exchange { content: reply.content.clone(), calls: calls?, feedback: None })
    }
}
