//! Working memory: how much of its conversation an agent's model reads.

use std::ops::Range;

use playhouse_messages::{Exchange, ModelRequest, OwnTurn, TranscriptEntry};
use serde::Serialize;

/// How much of its conversation an agent's model reads; all of it, unless said otherwise.
///
/// What is left out is left out of the requests only: the conversation and the journal keep it, and the next turn chooses
/// anew. It is always one stretch of messages between the first ones ([`Memory::head`]) and the newest ones, with what the
/// agent did with tools in its turns there: a tool call and its result are kept or left out together. The model reads how
/// many messages are missing. The newest message, what the agent did since, its instruction and everything it did in the
/// open turn are always kept, however large they are.
///
/// Known as `BufferedChatCompletionContext`, `HeadAndTailChatCompletionContext` and `TokenLimitedChatCompletionContext` in
/// AutoGen.
///
/// Tokens are estimated as 4 bytes each, as no tokenizer is asked: about right for English prose, too few for source code,
/// JSON and Chinese or Japanese text. Leave room.
///
/// ```
/// use playhouse_agents::Memory;
///
/// // The newest 40 messages as far as they fit in 16,000 tokens, and the task that the conversation began with.
/// let memory = Memory::last(40).within(16_000).head(1);
/// assert_ne!(memory, Memory::whole());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Memory {
    /// The most tokens of the messages that are kept at the beginning; `None` if none is.
    head_tokens: Option<u64>,
    /// The most messages that are kept at the end.
    tail_messages: Option<u32>,
    /// The most tokens of the messages that are kept at the end.
    tail_tokens: Option<u64>,
}

impl Memory {
    /// Keeps everything.
    #[must_use]
    pub const fn whole() -> Self {
        Self { head_tokens: None, tail_messages: None, tail_tokens: None }
    }

    /// Keeps the newest messages up to this number.
    #[must_use]
    pub const fn last(n_messages: u32) -> Self {
        Self { tail_messages: Some(n_messages), ..Self::whole() }
    }

    /// Keeps the newest messages that fit in so many tokens, with what the agent did with tools between them.
    #[must_use]
    pub const fn tokens(n_tokens: u64) -> Self {
        Self::whole().within(n_tokens)
    }

    /// Keeps of the newest messages only those that fit in so many tokens, too.
    #[must_use]
    pub const fn within(self, n_tokens: u64) -> Self {
        Self { tail_tokens: Some(n_tokens), ..self }
    }

    /// Keeps besides the newest messages those at the beginning that fit in so many tokens, and the very first one, which is
    /// the task, even if it does not.
    #[must_use]
    pub const fn head(self, n_tokens: u64) -> Self {
        Self { head_tokens: Some(n_tokens), ..self }
    }

    /// Returns the places of the messages that a request is to leave out: a pure function, as replay asks it again.
    #[must_use]
    pub fn left_out(&self, request: &ModelRequest) -> Range<u32> {
        if self.tail_messages.is_none() && self.tail_tokens.is_none() {
            return 0..0;
        }
        let tail = self.tail(request);
        self.head_before(request, tail)..tail
    }

    /// Returns the place from which on the newest messages are kept.
    fn tail(&self, request: &ModelRequest) -> u32 {
        let mut own = request.earlier().rev().peekable();
        let mut tail = request.transcript.last().map_or(0, |entry| entry.ordinal + 1);
        let (mut n_messages, mut n_tokens) = (0_u32, 0_u64);
        for entry in request.transcript.iter().rev() {
            // What the agent did before a message stays with it; what it did since the newest one, with that.
            while let Some(turn) = own.next_if(|turn| turn.upto >= entry.ordinal) {
                n_tokens = n_tokens.saturating_add(tokens_of_turn(turn));
            }
            n_messages = n_messages.saturating_add(1);
            n_tokens = n_tokens.saturating_add(tokens_of_message(entry));
            let fits = self.tail_messages.is_none_or(|most| n_messages <= most)
                && self.tail_tokens.is_none_or(|most| n_tokens <= most);
            if n_messages > 1 && !fits {
                break;
            }
            tail = entry.ordinal;
        }
        tail
    }

    /// Returns the place up to which the first messages are kept, before those from `tail` on.
    fn head_before(&self, request: &ModelRequest, tail: u32) -> u32 {
        let from = request.transcript.from();
        let Some(most) = self.head_tokens else { return from.min(tail) };
        let mut own = request.earlier().peekable();
        let (mut head, mut n_tokens) = (from, 0_u64);
        for entry in request.transcript.iter().take_while(|entry| entry.ordinal < tail) {
            while let Some(turn) = own.next_if(|turn| turn.upto <= entry.ordinal) {
                n_tokens = n_tokens.saturating_add(tokens_of_turn(turn));
            }
            n_tokens = n_tokens.saturating_add(tokens_of_message(entry));
            if head > from && n_tokens > most {
                break;
            }
            head = entry.ordinal + 1;
        }
        head.min(tail)
    }
}

fn tokens_of_message(entry: &TranscriptEntry) -> u64 {
    tokens_of(entry.message.from.as_str()) + tokens_of(&entry.message.content)
}

fn tokens_of_turn(turn: &OwnTurn) -> u64 {
    turn.exchanges.iter().map(tokens_of_exchange).sum()
}

fn tokens_of_exchange(exchange: &Exchange) -> u64 {
    let calls = exchange.calls.iter().flat_map(|call| [&call.tool, &call.arguments, &call.answer]);
    calls.chain([&exchange.content]).chain(&exchange.feedback).map(|text| tokens_of(text)).sum()
}

/// Estimates the tokens of a text: one for each 4 bytes that it begins.
const fn tokens_of(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}

#[cfg(test)]
mod tests;
