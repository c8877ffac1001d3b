//! What was said and done in a run, for a person: the main conversation, and behind a mark what is not part of it.

use std::collections::BTreeSet;
use std::fmt::Write;

use playhouse_types::{TurnId, TurnOutcome};

use crate::Conversation;
use crate::conversation::{ToolCall, Turn};
use crate::view::{Speaker, Style, block, call_end, call_name, turn_outcome};

/// Shows what was said, with the calls of each turn before its first message, and then the turns that ended otherwise.
pub(super) fn talk(conversation: &Conversation) -> String {
    let mut talk = Talk { conversation, seen: BTreeSet::new(), shown: String::new() };
    let mut answers: Vec<(usize, &Turn)> = conversation.private_answers().collect();
    // Turns at once end in any order.
    answers.sort_by_key(|(n_before, turn)| (*n_before, turn.turn));
    let mut answers = answers.into_iter().peekable();
    for (n_before, message) in conversation.messages().iter().enumerate() {
        while let Some((_, turn)) = answers.next_if(|(n_messages, _)| *n_messages <= n_before) {
            talk.answer(turn);
        }
        let speaker = Speaker::of_message(conversation.places(), message);
        talk.say(message.turn, &speaker, &message.content);
    }
    answers.for_each(|(_, turn)| talk.answer(turn));
    conversation.turns().for_each(|turn| talk.end(turn));
    talk.shown
}

struct Talk<'a> {
    conversation: &'a Conversation,
    /// The turns whose calls are shown.
    seen: BTreeSet<TurnId>,
    shown: String,
}

impl Talk<'_> {
    fn say(&mut self, turn: TurnId, speaker: &Speaker, content: &str) {
        if let Some(turn) = self.conversation.turn(turn) {
            self.calls(turn);
        }
        let (name, text) = (speaker.shown(Style::Plain), block(content, &speaker.indent()));
        // Writing to a string cannot fail.
        let _ = writeln!(self.shown, "{}{name}: {text}", speaker.mark());
    }

    /// Shows an answer that no conversation sees.
    fn answer(&mut self, turn: &Turn) {
        if let Some(TurnOutcome::Answered { content }) = &turn.outcome {
            self.say(turn.turn, &self.speaker(turn), content);
        }
    }

    fn end(&mut self, turn: &Turn) {
        self.calls(turn);
        let outcome = match &turn.outcome {
            Some(outcome) => turn_outcome(outcome),
            None => Some("open".to_owned()),
        };
        let Some(outcome) = outcome else { return };
        let speaker = self.speaker(turn);
        let (mark, name) = (speaker.mark(), speaker.shown(Style::Plain));
        // Writing to a string cannot fail.
        let _ = writeln!(self.shown, "{mark}  -- turn {} of {name}: {outcome}", turn.turn);
    }

    /// Shows the calls of a turn once.
    fn calls(&mut self, turn: &Turn) {
        if !self.seen.insert(turn.turn) {
            return;
        }
        let speaker = self.speaker(turn);
        let (mark, name) = (speaker.mark(), speaker.shown(Style::Plain));
        let line = |call: &ToolCall| {
            let (called, end) = (call_name(&call.tool, &call.arguments), call_end(call.end.as_ref()));
            format!("{mark}  {name} -> {called} {end}\n")
        };
        self.shown.extend(turn.calls.iter().map(line));
    }

    fn speaker(&self, turn: &Turn) -> Speaker {
        Speaker::of_turn(self.conversation.places(), turn.turn, turn.speaker.as_str())
    }
}

#[cfg(test)]
mod tests;
