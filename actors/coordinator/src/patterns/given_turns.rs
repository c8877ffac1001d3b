//! The turns that a pattern has given: what the patterns that ask agents for something fold in the same way.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_journal::Event;
use playhouse_types::{AgentName, Message, Participant, TurnId, TurnOutcome};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A turn that has no end on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct OpenTurn {
    speaker: AgentName,
    note: String,
    said: Option<String>,
}

/// A turn that has ended, or a message of the pattern's own that was said.
pub(super) struct EndedTurn<'e> {
    pub(super) turn: TurnId,
    pub(super) speaker: AgentName,
    /// What the pattern had noted for itself.
    pub(super) note: String,
    outcome: &'e TurnOutcome,
    said: Option<String>,
}

/// The fold of the turns of one crew, as its pattern sees them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct GivenTurns {
    /// What stands before the next turn, or before what the pattern itself says.
    told: Option<(TurnId, String)>,
    open: BTreeMap<TurnId, OpenTurn>,
    dropped: BTreeSet<AgentName>,
}

impl GivenTurns {
    /// Takes in the next record and returns the turn that has ended with it.
    pub(super) fn apply<'e>(&mut self, event: &'e Event) -> Option<EndedTurn<'e>> {
        match event {
            Event::Briefed { turn, brief } => self.told = Some((*turn, brief.note.clone())),
            Event::TurnAssigned { turn, speaker, .. } => {
                let note = self.take_note(*turn).unwrap_or_default();
                self.open.insert(*turn, OpenTurn { speaker: speaker.clone(), note, said: None });
            }
            Event::MessagePosted { message } => match self.open.get_mut(&message.turn) {
                Some(open) if message.from == Participant::Agent(open.speaker.clone()) => {
                    open.said = Some(message.content.clone());
                }
                Some(_) => {}
                None => return self.said(message),
            },
            Event::TurnEnded { turn, outcome } => {
                let OpenTurn { speaker, note, said } = self.open.remove(turn)?;
                return Some(EndedTurn { turn: *turn, speaker, note, outcome, said });
            }
            Event::AgentDropped { agent, .. } => drop(self.dropped.insert(agent.clone())),
            _ => {}
        }
        None
    }

    /// Returns a message that was said without a turn of an agent, if the pattern wanted it.
    fn said(&mut self, message: &Message) -> Option<EndedTurn<'static>> {
        let note = self.take_note(message.turn)?;
        let Participant::Agent(speaker) = message.from.clone() else { return None };
        let said = Some(message.content.clone());
        Some(EndedTurn { turn: message.turn, speaker, note, outcome: &TurnOutcome::Replied, said })
    }

    fn take_note(&mut self, turn: TurnId) -> Option<String> {
        self.told.take_if(|(told, _)| *told == turn).map(|(_, note)| note)
    }

    /// Tells whether an agent takes no further part.
    pub(super) fn is_dropped(&self, agent: &AgentName) -> bool {
        self.dropped.contains(agent)
    }
}

impl EndedTurn<'_> {
    /// Returns the reply; else why there is none. What is said with a handoff is none.
    pub(super) fn reply(&self) -> Result<&str, String> {
        match (self.outcome, &self.said) {
            (TurnOutcome::Answered { content }, _) => Ok(content),
            (TurnOutcome::Replied, Some(said)) => Ok(said),
            (TurnOutcome::Replied, None) => Err("nothing was said".to_owned()),
            (TurnOutcome::HandedOff { to }, _) => Err(format!("`{}` handed over to `{to}`", self.speaker)),
            (TurnOutcome::Limited { limit }, _) => Err(shortened(limit)),
            (TurnOutcome::Unfit { detail } | TurnOutcome::ModelFailed { detail }, _) => {
                Err(shortened(detail))
            }
            (TurnOutcome::Skipped { reason }, _) => Err(shortened(reason)),
            (TurnOutcome::Cancelled, _) => Err("the turn was cancelled".to_owned()),
        }
    }

    /// Returns to whom the speaker gave the floor, if to anybody.
    pub(super) const fn handed_to(&self) -> Option<&AgentName> {
        match self.outcome {
            TurnOutcome::HandedOff { to } => Some(to),
            _ => None,
        }
    }

    /// Reads what was replied as JSON; else says what is wrong.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        let value = playhouse_tools::read_reply(self.reply()?)?;
        serde_json::from_value(value).map_err(|error| format!("the reply does not fit: {error}"))
    }
}

/// The most characters of a reason that a decision repeats: details may hold whole replies.
const MAX_REASON: usize = 300;

fn shortened(text: &str) -> String {
    text.chars().take(MAX_REASON).collect()
}

/// Writes the state of a pattern down.
pub(super) fn save(state: &impl Serialize) -> Option<Vec<u8>> {
    // A state of plain data is always written; if not, all records are folded.
    postcard::to_stdvec(state).ok()
}

/// Reads the state of a pattern; tells whether that worked.
pub(super) fn restore<T: DeserializeOwned>(state: &mut T, saved: &[u8]) -> bool {
    postcard::from_bytes(saved).map(|saved| *state = saved).is_ok()
}
