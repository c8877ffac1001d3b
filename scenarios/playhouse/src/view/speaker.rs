//! Who says something, and where: what is not said in the main conversation must not look as if it were.

use playhouse_types::{AgentName, Message, Participant, ReplyTo, TurnId};

use super::style::Style;
use crate::conversation::Places;

/// What a line begins with that is not part of the main conversation. The main one is told apart by it even where a text
/// of several lines tries to look like it: those are indented by blanks.
const MARK: &str = "| ";

/// A speaker with its place: `clerk` in the main conversation, `| panel > clerk` in that of a crew, `| judge (to the
/// pattern)` and `| lab (to lead)` where nobody else hears it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Speaker {
    /// The crews around it, the outermost first.
    crews: Vec<String>,
    name: String,
    /// What stands behind the name: who is addressed if it is not the conversation.
    addressed: String,
}

impl Speaker {
    /// Names somebody who has a turn.
    pub(crate) fn of_turn(places: &Places, turn: TurnId, name: &str) -> Self {
        let addressed = match places.reply_to(turn) {
            ReplyTo::Pattern => " (to the pattern)".to_owned(),
            ReplyTo::Caller(call) => format!(" (to {})", name_of(places, call.turn)),
            ReplyTo::Conversation | ReplyTo::ConversationTogether => String::new(),
        };
        Self { crews: crews(places, turn), name: name.to_owned(), addressed }
    }

    /// Names who said a message. A crew is asked by nobody: what it is to do comes from around it.
    pub(crate) fn of_message(places: &Places, message: &Message) -> Self {
        let speaker = Self::of_turn(places, message.turn, message.from.as_str());
        match message.from {
            Participant::User => speaker.asked(),
            Participant::Agent(_) | Participant::Runtime => speaker,
        }
    }

    /// Names somebody of whom nobody has seen where its turn belongs.
    pub(crate) fn of_unknown_place(turn: TurnId, name: &str) -> Self {
        Self { crews: Vec::new(), name: name.to_owned(), addressed: format!(" (turn {turn})") }
    }

    fn asked(mut self) -> Self {
        if let Some(crew) = self.crews.pop() {
            (self.name, self.addressed) = (crew, " is asked".to_owned());
        }
        self
    }

    /// Returns what its lines begin with: nothing in the main conversation.
    pub(crate) const fn mark(&self) -> &'static str {
        if self.crews.is_empty() && self.addressed.is_empty() { "" } else { MARK }
    }

    /// Returns what the lines of its text after the first begin with.
    pub(crate) fn indent(&self) -> String {
        format!("{}  ", self.mark())
    }

    /// Shows its name and place, without the mark.
    pub(crate) fn shown(&self, style: Style) -> String {
        let path: String = self.crews.iter().map(|crew| format!("{crew} > ")).collect();
        let dim = |text: &str| if text.is_empty() { String::new() } else { style.dim(text) };
        format!("{}{}{}", dim(&path), style.name(&self.name), dim(&self.addressed))
    }
}

fn crews(places: &Places, turn: TurnId) -> Vec<String> {
    places.crew_turns(turn).into_iter().map(|crew| name_of(places, crew)).collect()
}

/// Returns who has a turn; one that began before anybody looked has only its number.
fn name_of(places: &Places, turn: TurnId) -> String {
    places.speaker(turn).map_or_else(|| format!("turn {turn}"), AgentName::to_string)
}
