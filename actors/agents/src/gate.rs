//! The gate between what a model asks of tools and what may happen: check, policy, a person's answer.

use playhouse_journal::{Event, Fork, GateVerdict, ToolIntent};
use playhouse_review::{Gate, GateQuery, ReviewPolicy, subject_hash};
use playhouse_tools::KeyPlace;
use playhouse_types::{
    CallId, Effect, Label, OnExpiry, ReviewId, ReviewRequest, Timestamp, ToolCallRequest, ToolFailure,
    ToolFailureKind, Verdict,
};

use crate::consult;
use crate::handoff;
use crate::intents::OfferedTools;
use crate::question::{self, ASK_PERSON};
use crate::{AgentDefinition, AgentState};

/// Whether tools that change anything outside may run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Effects {
    /// They may. The default.
    #[default]
    On,
    /// Only pure tools run, as in a fork.
    Off,
}

/// What a person has said, and the hash of what it was said about.
type Answer<'a> = (&'a Verdict, [u8; 32]);

impl Effects {
    /// Returns what holds in a fork.
    #[must_use]
    pub const fn of(fork: &Fork) -> Self {
        if fork.effects { Self::On } else { Self::Off }
    }
}

/// What decides about the calls of one agent.
#[derive(Clone, Copy, Debug)]
pub struct CallGate<'a> {
    /// The agent.
    pub agent: &'a AgentDefinition,
    /// The tools that it may call.
    pub offered: &'a OfferedTools,
    /// Which calls a person is asked about.
    pub policy: &'a ReviewPolicy,
    /// Whether tools that are not pure may run.
    pub effects: Effects,
    /// Whose calls they are.
    pub place: KeyPlace<'a>,
    /// Now: what a person is asked expires some time after it.
    pub now: Timestamp,
    /// The last moment at which a call that is allowed now may be sent.
    pub dispatch_by: Timestamp,
}

impl CallGate<'_> {
    /// Returns what a call of the last reply leads to in a state of the agent in which it is to be prepared; `None` if there
    /// is no such call. A pure function: replay asks it again.
    #[must_use]
    pub fn prepare_call(&self, state: &AgentState, call: CallId) -> Option<Event> {
        let request = state.requested(call.ordinal)?;
        Some(match state.consulted(call.ordinal) {
            Some(consulted) => consult::end(call, consulted),
            None => self.pass(call, request, state.verdict(call.ordinal)),
        })
    }

    /// Returns what a call of the last reply leads to: an intent, a question to a person or a colleague, or its end without
    /// a run. `verdict` is what a person has said about it, if one was asked.
    fn pass(&self, call: CallId, request: &ToolCallRequest, verdict: Option<Answer<'_>>) -> Event {
        let Some((verdict, asked)) = verdict else {
            return self.first(call, request);
        };
        match verdict {
            Verdict::Approve => self.allow(call, request, request, asked),
            Verdict::ApproveWith { arguments } => {
                let edited = ToolCallRequest { arguments: arguments.clone(), ..request.clone() };
                self.allow(call, request, &edited, asked)
            }
            Verdict::Answer { text } => Event::ToolResult {
                call,
                output: text.clone(),
                full_bytes: None,
                recovered: false,
                duration_micros: 0,
            },
            Verdict::Reject { reason } => denied(call, format!("a person has refused: {reason}")),
            // No other answer fits a call that waits; one that came in all the same permits nothing.
            other => denied(call, format!("a person has answered \"{}\"", other.as_str())),
        }
    }

    fn first(&self, call: CallId, request: &ToolCallRequest) -> Event {
        if self.agent.may_ask && request.tool == ASK_PERSON {
            self.ask(call, request)
        } else if !self.agent.handoffs.is_empty() && handoff::target(&request.tool).is_some() {
            self.hand_off(call, request)
        } else if let Some(whom) = consult::colleague(self.agent, &request.tool) {
            consult::ask(call, whom, &request.arguments)
        } else {
            self.judge(call, request)
        }
    }

    fn judge(&self, call: CallId, request: &ToolCallRequest) -> Event {
        let intent = match self.prepare(call, request) {
            Ok(intent) => intent,
            Err(end) => return *end,
        };
        let Some(tool) = self.offered.get(intent.tool.as_str()) else { return Event::ToolIntent(intent) };
        let query = GateQuery {
            agent: &self.agent.name,
            tool: tool.spec(),
            arguments: &intent.arguments,
            label: Label::default(),
        };
        match self.policy.gate(&query) {
            Gate::Auto => Event::ToolIntent(intent),
            Gate::Deny { reason } => denied(call, reason),
            Gate::Approve { reason, within, on_expiry } => {
                let request = ReviewRequest {
                    agent: self.agent.name.clone(),
                    tool: intent.tool.to_string(),
                    subject_hash: subject_hash(tool.spec(), &intent.arguments),
                    arguments: intent.arguments,
                    effect: intent.effect,
                    reason,
                    expires_at: within.map(|within| self.now.plus(within)),
                    on_expiry,
                };
                Event::ReviewOpened { review: ReviewId::Approval(call), request: Box::new(request) }
            }
        }
    }

    /// A person has approved: what is asked for is checked again, as arguments, tool and policy may be others by now.
    ///
    /// `requested` is what the model asked for and the person saw, `allowed` what the person permits.
    fn allow(
        &self,
        call: CallId,
        requested: &ToolCallRequest,
        allowed: &ToolCallRequest,
        asked: [u8; 32],
    ) -> Event {
        let is_same = self.subject(requested).is_some_and(|subject| subject == asked);
        if !is_same {
            let reason = format!("`{}` has changed since a person was asked: ask again", requested.tool);
            return denied(call, reason);
        }
        match self.prepare(call, allowed) {
            Ok(intent) => match self.gate(&intent) {
                Some(Gate::Deny { reason }) => denied(call, reason),
                _ => Event::ToolIntent(ToolIntent { verdict: GateVerdict::Review, ..intent }),
            },
            Err(end) => *end,
        }
    }

    /// Returns the hash of what a person would be asked about now.
    fn subject(&self, request: &ToolCallRequest) -> Option<[u8; 32]> {
        let tool = self.offered.get(&request.tool)?;
        let arguments = tool.check(&request.arguments).ok()?;
        Some(subject_hash(tool.spec(), &arguments))
    }

    /// Asks policy about a call; `None` for a tool that is not offered, of which no intent is made.
    fn gate(&self, intent: &ToolIntent) -> Option<Gate> {
        let tool = self.offered.get(intent.tool.as_str())?;
        let query = GateQuery {
            agent: &self.agent.name,
            tool: tool.spec(),
            arguments: &intent.arguments,
            label: Label::default(),
        };
        Some(self.policy.gate(&query))
    }

    /// Makes the intent of a call, or its end if the call cannot be made.
    fn prepare(&self, call: CallId, request: &ToolCallRequest) -> Result<ToolIntent, Box<Event>> {
        match self.offered.prepare(self.place, call, request, self.dispatch_by) {
            Ok(intent) if self.effects == Effects::Off && intent.effect != Effect::Pure => {
                let tool = &intent.tool;
                let reason =
                    format!("`{tool}` changes something outside, and this fork was made without `--effects`");
                Err(Box::new(denied(call, reason)))
            }
            Ok(intent) => Ok(intent),
            Err(failure) => Err(Box::new(Event::ToolFailed { call, failure })),
        }
    }

    fn hand_off(&self, call: CallId, request: &ToolCallRequest) -> Event {
        match handoff::check(self.agent, &request.tool, &request.arguments) {
            Ok(to) => Event::ToolResult {
                call,
                output: format!("{to} has the floor."),
                full_bytes: None,
                recovered: false,
                duration_micros: 0,
            },
            Err(detail) => {
                let failure = ToolFailure { kind: ToolFailureKind::InvalidArguments, detail };
                Event::ToolFailed { call, failure }
            }
        }
    }

    fn ask(&self, call: CallId, request: &ToolCallRequest) -> Event {
        let question = match question::read(&request.arguments) {
            Ok(question) => question,
            Err(detail) => {
                let failure = ToolFailure { kind: ToolFailureKind::InvalidArguments, detail };
                return Event::ToolFailed { call, failure };
            }
        };
        let request = ReviewRequest {
            agent: self.agent.name.clone(),
            tool: ASK_PERSON.to_owned(),
            subject_hash: *blake3::hash(question.as_bytes()).as_bytes(),
            reason: "it asks a question".to_owned(),
            arguments: question,
            effect: Effect::Pure,
            expires_at: None,
            on_expiry: OnExpiry::Deny,
        };
        Event::ReviewOpened { review: ReviewId::Question(call), request: Box::new(request) }
    }
}

const fn denied(call: CallId, reason: String) -> Event {
    Event::ToolDenied { call, reason }
}
