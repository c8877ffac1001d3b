//! A reply as it grows from chunks, or comes whole.

use playhouse_types::{FinishReason, TokenUsage, ToolCallRequest};

use crate::failure::{AttemptFailure, quote};
use crate::settings::ReplyCaps;
use crate::wire::{CallDelta, Choice, Completion, Delta};

/// What has arrived of a reply.
#[derive(Debug)]
pub(crate) struct ReplyBuilder {
    caps: ReplyCaps,
    content: String,
    refusal: String,
    calls: Vec<PartialCall>,
    finish: Option<String>,
    usage: Option<TokenUsage>,
    model: Option<String>,
    has_choice: bool,
}

/// A tool call that may still grow.
#[derive(Debug, Default)]
struct PartialCall {
    index: Option<u64>,
    id: Option<String>,
    name: String,
    arguments: String,
}

/// A complete reply, before its price.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) content: String,
    pub(crate) tool_calls: Vec<ToolCallRequest>,
    pub(crate) finish: FinishReason,
    /// `None` if the endpoint did not say.
    pub(crate) usage: Option<TokenUsage>,
    pub(crate) model: Option<String>,
}

impl ReplyBuilder {
    pub(crate) fn new(caps: ReplyCaps) -> Self {
        Self {
            caps,
            content: String::new(),
            refusal: String::new(),
            calls: Vec::new(),
            finish: None,
            usage: None,
            model: None,
            has_choice: false,
        }
    }

    /// Takes a completion or chunk; the text that it added begins at the returned byte.
    ///
    /// # Errors
    /// An error object, or a reply above its caps.
    pub(crate) fn add(&mut self, completion: Completion) -> Result<usize, AttemptFailure> {
        if let Some(error) = completion.error {
            return Err(AttemptFailure::from_error_object(error.get().as_bytes()));
        }
        let before = self.content.len();
        if let Some(usage) = completion.usage {
            self.usage = Some(usage.into());
        }
        if self.model.is_none() {
            self.model = completion.model;
        }
        for (place, choice) in completion.choices.unwrap_or_default().into_iter().enumerate() {
            // We ask for one choice; a second one is not part of the reply.
            if choice.index.unwrap_or(place as i64) == 0 {
                self.add_choice(choice)?;
            }
        }
        Ok(before)
    }

    /// Returns the text so far.
    pub(crate) fn content(&self) -> &str {
        &self.content
    }

    /// Tells whether the endpoint said why it stopped, after which only usage may follow.
    pub(crate) const fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Tells whether anything of a reply has arrived.
    pub(crate) const fn has_choice(&self) -> bool {
        self.has_choice
    }

    fn add_choice(&mut self, choice: Choice) -> Result<(), AttemptFailure> {
        self.has_choice = true;
        if let Some(delta) = choice.delta {
            self.add_delta(delta, Self::place_of_delta)?;
        }
        if let Some(message) = choice.message {
            self.add_delta(message, |_, _| None)?;
        }
        if let Some(finish) = choice.finish_reason.filter(|finish| !finish.is_empty()) {
            self.finish = Some(finish);
        }
        Ok(())
    }

    fn add_delta(
        &mut self,
        delta: Delta,
        place_of: fn(&Self, &CallDelta) -> Option<usize>,
    ) -> Result<(), AttemptFailure> {
        if let Some(content) = delta.content {
            self.content.push_str(&content.into_text());
        }
        if let Some(refusal) = delta.refusal {
            self.refusal.push_str(&refusal);
        }
        if self.content.len().max(self.refusal.len()) > self.caps.text_bytes {
            return Err(AttemptFailure::malformed(format!(
                "its text is longer than {} bytes",
                self.caps.text_bytes
            )));
        }
        for call in delta.tool_calls.unwrap_or_default() {
            let place = place_of(self, &call);
            self.add_call(place, call)?;
        }
        Ok(())
    }

    /// Returns the call that a delta continues; `None` if it begins a new one.
    ///
    /// The index decides. Endpoints that send none, or 0 for every call, are recognised by a new id or name.
    fn place_of_delta(&self, delta: &CallDelta) -> Option<usize> {
        let id = delta.id.as_deref().filter(|id| !id.is_empty());
        let name = delta.function.as_ref().and_then(|function| function.name.as_deref());
        let name = name.filter(|name| !name.is_empty());
        let place = match (delta.index, id) {
            (Some(index), _) => self.calls.iter().rposition(|call| call.index == Some(index))?,
            (None, Some(id)) if name.is_none() => {
                self.calls.iter().rposition(|call| call.id.as_deref() == Some(id))?
            }
            (None, None) if name.is_none() => self.calls.len().checked_sub(1)?,
            (None, _) => return None,
        };
        let call = self.calls.get(place)?;
        let has_other_id = id.is_some() && call.id.is_some() && call.id.as_deref() != id;
        let has_other_name = name.is_some_and(|name| !call.arguments.is_empty() && call.name != name);
        (!has_other_id && !has_other_name).then_some(place)
    }

    fn add_call(&mut self, place: Option<usize>, delta: CallDelta) -> Result<(), AttemptFailure> {
        if place.is_none() {
            if self.calls.len() >= self.caps.tool_calls {
                return Err(AttemptFailure::malformed(format!(
                    "it makes more than {} tool calls",
                    self.caps.tool_calls
                )));
            }
            self.calls.push(PartialCall { index: delta.index, ..PartialCall::default() });
        }
        let place = place.unwrap_or(self.calls.len() - 1);
        let Some(call) = self.calls.get_mut(place) else { return Ok(()) };
        call.id = delta.id.filter(|id| !id.is_empty()).or(call.id.take());
        let function = delta.function.unwrap_or_default();
        // Some endpoints repeat the name with every piece.
        if let Some(name) = function.name.filter(|name| *name != call.name) {
            call.name.push_str(&name);
        }
        if let Some(arguments) = function.arguments {
            call.arguments.push_str(&arguments.into_text());
        }
        if call.arguments.len().max(call.name.len()) > self.caps.argument_bytes {
            let limit = self.caps.argument_bytes;
            return Err(AttemptFailure::malformed(format!(
                "the arguments of a tool call are longer than {limit} bytes"
            )));
        }
        Ok(())
    }

    /// Returns the reply.
    ///
    /// # Errors
    /// A refusal, or an answer without a choice.
    pub(crate) fn finish(self) -> Result<Reply, AttemptFailure> {
        if !self.has_choice {
            return Err(AttemptFailure::malformed("its answer has no choices"));
        }
        let is_silent = self.content.is_empty() && self.calls.is_empty();
        let finish = match self.finish.as_deref() {
            Some("content_filter") if is_silent => {
                return Err(AttemptFailure::refusal("its content filter withheld the answer"));
            }
            _ if is_silent && !self.refusal.is_empty() => {
                return Err(AttemptFailure::refusal(format!("the model declined: {}", quote(&self.refusal))));
            }
            Some("length") => FinishReason::Length,
            Some("content_filter") => FinishReason::ContentFilter,
            // Endpoints have reasons of their own, and some say `stop` after tool calls: the content decides.
            _ if self.calls.is_empty() => FinishReason::Stop,
            _ => FinishReason::ToolCalls,
        };
        let calls = self.calls.into_iter();
        let tool_calls =
            calls.map(|call| ToolCallRequest { tool: call.name, arguments: call.arguments }).collect();
        Ok(Reply { content: self.content, tool_calls, finish, usage: self.usage, model: self.model })
    }
}

#[cfg(test)]
mod tests;
