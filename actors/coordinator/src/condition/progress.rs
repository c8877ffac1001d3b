//! Turns that brought nothing new, and turns that ended in silence.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_types::TurnId;
use serde::{Deserialize, Serialize};

/// What a turn has brought so far.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct TurnFacts {
    has_ended: bool,
    has_message: bool,
    /// Hashes of its results and messages, if somebody asks for progress.
    brought: BTreeSet<u64>,
}

/// How long a conversation has stood still.
///
/// Turns that are open at once are looked at in the order of their numbers when the last of them has ended: which of them
/// ended first changes nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    turns: BTreeMap<TurnId, TurnFacts>,
    /// Hashes of all results and messages of earlier turns, if somebody asks for progress.
    known: BTreeSet<u64>,
    without_progress: Streak,
    silent: Streak,
}

/// How many turns in a row.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Streak {
    current: u32,
    longest: u32,
}

impl Streak {
    fn next(&mut self, goes_on: bool) {
        self.current = if goes_on { self.current.saturating_add(1) } else { 0 };
        self.longest = self.longest.max(self.current);
    }
}

impl Progress {
    pub(super) fn begin(&mut self, turn: TurnId) {
        self.turns.entry(turn).or_default();
    }

    /// Notes a message of an agent; its content if somebody asks for progress.
    pub(super) fn hear(&mut self, turn: TurnId, content: Option<&str>) {
        if let Some(facts) = self.turns.get_mut(&turn) {
            facts.has_message = true;
            facts.brought.extend(content.map(message_hash));
        }
    }

    /// Notes a tool result, known by its hash.
    pub(super) fn take_result(&mut self, turn: TurnId, hash: u64) {
        if let Some(facts) = self.turns.get_mut(&turn) {
            facts.brought.insert(hash);
        }
    }

    pub(super) fn end(&mut self, turn: TurnId) {
        self.turns.entry(turn).or_default().has_ended = true;
        if self.turns.values().all(|facts| facts.has_ended) {
            for (_, facts) in std::mem::take(&mut self.turns) {
                let n_known = self.known.len();
                self.known.extend(facts.brought);
                self.without_progress.next(self.known.len() == n_known);
                self.silent.next(!facts.has_message);
            }
        }
    }

    /// Returns how many turns in a row brought nothing new, at most so far.
    pub(super) const fn turns_without_progress(&self) -> u32 {
        self.without_progress.longest
    }

    /// Returns how many turns in a row ended without a message, at most so far.
    pub(super) const fn silent_turns(&self) -> u32 {
        self.silent.longest
    }
}

/// Hashes a message so that spaces and line breaks make no difference, and no result is taken for one.
fn message_hash(content: &str) -> u64 {
    let words: Vec<&str> = content.split_whitespace().collect();
    short_hash(&[b"message", words.join(" ").as_bytes()])
}

/// Returns 64 bits of BLAKE3 of parts: what is kept of every result and message of a long run has to be short, and two
/// that are taken for one cost a turn's progress.
pub(super) fn short_hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
    let mut hash = [0; 8];
    hasher.finalize_xof().fill(&mut hash);
    u64::from_le_bytes(hash)
}
