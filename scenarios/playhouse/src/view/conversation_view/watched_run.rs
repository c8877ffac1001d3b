//! What a watcher knows of a run: where the turns belong that may still say something.

use playhouse_journal::Event;
use playhouse_types::{Message, ThreadId, TurnId};

use crate::conversation::Places;
use crate::view::speaker::Speaker;

/// How much of a run was seen before now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Seen {
    /// Nothing tells: what was not seen is taken for the main conversation.
    #[default]
    NotKnown,
    /// All of it.
    Whole,
    /// Not all: of earlier turns than this one it may be that nobody knows where they belong.
    From(Option<TurnId>),
}

/// The places of the turns of a run that goes on. Those of turns that nothing more is said in are forgotten.
#[derive(Debug, Default)]
pub(super) struct WatchedRun {
    places: Places,
    seen: Seen,
    /// The last turn that was given.
    last: TurnId,
}

impl WatchedRun {
    /// Takes in the next record's event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.places.apply(event);
        match event {
            Event::RunAdmitted(_) => self.seen = Seen::Whole,
            // A run that was begun elsewhere: turns may be open.
            Event::Resumed { .. } | Event::Forked(_) if self.seen == Seen::NotKnown => self.missed(),
            Event::Briefed { turn, .. } | Event::TurnAssigned { turn, .. } => {
                self.last = self.last.max(*turn);
                if self.seen == Seen::From(None) {
                    self.seen = Seen::From(Some(*turn));
                }
            }
            _ => {}
        }
    }

    /// Takes in that a turn has ended, after its end was shown. What is said in it later is said in its crew, or in the
    /// main conversation.
    pub(super) fn end(&mut self, turn: TurnId) {
        if self.places.thread(turn).is_main() {
            self.places.forget(turn);
        } else {
            self.places.forget_crew(ThreadId(turn));
        }
    }

    /// Takes in that some records were not seen.
    pub(super) fn missed(&mut self) {
        self.seen = Seen::From(None);
    }

    /// Tells whether nobody has seen yet where a turn belongs that has just begun: frames may come before records.
    pub(super) fn is_early(&self, turn: TurnId) -> bool {
        self.seen == Seen::Whole && turn > self.last
    }

    pub(super) const fn places(&self) -> &Places {
        &self.places
    }

    /// Names somebody who has a turn.
    pub(super) fn speaker(&self, turn: TurnId, name: &str) -> Speaker {
        if self.is_unknown(turn) {
            return Speaker::of_unknown_place(turn, name);
        }
        Speaker::of_turn(&self.places, turn, name)
    }

    /// Names who said a message.
    pub(super) fn author(&self, message: &Message) -> Speaker {
        if self.is_unknown(message.turn) {
            return Speaker::of_unknown_place(message.turn, message.from.as_str());
        }
        Speaker::of_message(&self.places, message)
    }

    fn is_unknown(&self, turn: TurnId) -> bool {
        let Seen::From(first) = self.seen else { return false };
        turn != TurnId(0)
            && !self.places.has(turn)
            && first.is_none_or(|first| turn < first || turn > self.last)
    }
}
