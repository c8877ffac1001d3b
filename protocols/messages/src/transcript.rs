//! The shared conversation of one run: each message once, for everybody.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use playhouse_types::Message;

/// A message with what requests need of it, computed once.
#[derive(Debug)]
pub struct TranscriptEntry {
    /// Its place in the conversation, from 0.
    pub ordinal: u32,
    /// The message.
    pub message: Message,
    /// BLAKE3 of all messages up to and including this one.
    pub prefix_hash: [u8; 32],
    for_author: OnceLock<Box<str>>,
    for_others: OnceLock<Box<str>>,
}

impl TranscriptEntry {
    /// Returns the message as a JSON object of the chat completions API, as its author sees it: its own words.
    #[must_use]
    pub fn for_author(&self) -> &str {
        self.for_author.get_or_init(|| chat_message("assistant", &self.message.content))
    }

    /// Returns the message as a JSON object of the chat completions API, as the others see it: the name, then the words.
    #[must_use]
    pub fn for_others(&self) -> &str {
        self.for_others.get_or_init(|| match &self.message.from {
            playhouse_types::Participant::User => chat_message("user", &self.message.content),
            from => chat_message("user", &format!("{from}: {}", self.message.content)),
        })
    }
}

/// Returns the hash of a message and of all before it.
fn chained(before: Option<[u8; 32]>, message: &Message) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    if let Some(before) = before {
        hasher.update(&before);
    }
    hasher.update(message.from.as_str().as_bytes()).update(&[0]).update(message.content.as_bytes());
    *hasher.finalize().as_bytes()
}

fn chat_message(role: &str, content: &str) -> Box<str> {
    serde_json::json!({ "role": role, "content": content }).to_string().into()
}

/// The conversation of one run. Append-only: the journal writer appends, everybody reads without a lock or a copy.
#[derive(Default)]
pub struct Transcript(boxcar::Vec<TranscriptEntry>);

impl Transcript {
    /// Appends a message. Only the journal writer does this, one at a time, in the order of the records.
    pub fn push(&self, message: Message) {
        let last = self.0.count().checked_sub(1).and_then(|last| self.0.get(last));
        let prefix_hash = chained(last.map(|last| last.prefix_hash), &message);
        let (for_author, for_others) = (OnceLock::new(), OnceLock::new());
        self.0.push(TranscriptEntry { ordinal: self.len(), message, prefix_hash, for_author, for_others });
    }

    /// Returns how many messages there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.0.count()).unwrap_or(u32::MAX)
    }

    /// Tells whether nobody has said anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript").field("len", &self.len()).finish()
    }
}

/// The first messages of a conversation: what one speaker sees in one turn. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TranscriptView {
    transcript: Arc<Transcript>,
    from: u32,
    upto: u32,
    /// The places between that are left out; within `from..upto`, and `from..from` if there are none.
    left_out: Range<u32>,
}

impl TranscriptView {
    /// Makes a view of the first `upto` messages.
    #[must_use]
    pub fn new(transcript: Arc<Transcript>, upto: u32) -> Self {
        let upto = upto.min(transcript.len());
        Self { transcript, from: 0, upto, left_out: 0..0 }
    }

    /// Leaves out the messages before place `from`.
    #[must_use]
    pub fn since(self, from: u32) -> Self {
        let from = from.clamp(self.from, self.upto);
        let left_out = self.left_out.start.max(from)..self.left_out.end.max(from);
        Self { from, left_out, ..self }
    }

    /// Leaves out the messages at these places, instead of those that were left out before. Other than after
    /// [`TranscriptView::since`], the view knows how many they are, and so does who reads it.
    #[must_use]
    pub fn without(self, places: Range<u32>) -> Self {
        let start = places.start.clamp(self.from, self.upto);
        let left_out = start..places.end.clamp(start, self.upto);
        let left_out = if left_out.is_empty() { self.from..self.from } else { left_out };
        Self { left_out, ..self }
    }

    /// Returns the places that are left out between the first and the last message.
    #[must_use]
    pub const fn left_out(&self) -> &Range<u32> {
        &self.left_out
    }

    /// Returns the place in its conversation at which the view begins.
    #[must_use]
    pub const fn from(&self) -> u32 {
        self.from
    }

    /// Tells whether what came right before the message at a place is seen, be there such a message yet or not.
    #[must_use]
    pub fn covers(&self, place: u32) -> bool {
        place >= self.from && !self.left_out.contains(&place)
    }

    /// Returns how many messages the view holds.
    #[must_use]
    pub const fn len(&self) -> u32 {
        (self.upto - self.from) - (self.left_out.end - self.left_out.start)
    }

    /// Tells whether the view holds no message.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the message at a place of the conversation, if the view holds it.
    #[must_use]
    pub fn get(&self, ordinal: u32) -> Option<&TranscriptEntry> {
        let is_seen = ordinal < self.upto && self.covers(ordinal);
        is_seen.then(|| self.transcript.0.get(ordinal as usize)).flatten()
    }

    /// Returns the newest message of the view.
    #[must_use]
    pub fn last(&self) -> Option<&TranscriptEntry> {
        self.iter().next_back()
    }

    /// Returns the messages, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &TranscriptEntry> {
        let places = (self.from..self.left_out.start).chain(self.left_out.end..self.upto);
        places.filter_map(|ordinal| self.get(ordinal))
    }

    /// Returns the hash of all messages of the view and of how many are left out; zeros if it is empty.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        if self.left_out.is_empty() {
            return self.hash_on(None, self.from..self.upto);
        }
        let head = self.hash_on(None, self.from..self.left_out.start);
        // No message has an empty name, so this is the link of none.
        let mut hasher = blake3::Hasher::new();
        hasher.update(&head).update(&[0]).update(&(self.left_out.len() as u64).to_le_bytes());
        self.hash_on(Some(*hasher.finalize().as_bytes()), self.left_out.end..self.upto)
    }

    /// Returns the hash of what is hashed `before` and the messages at these places.
    fn hash_on(&self, before: Option<[u8; 32]>, places: Range<u32>) -> [u8; 32] {
        let mut entries = places.clone().filter_map(|place| self.get(place));
        match before {
            // Ready in the last one: however many there are, it costs the same.
            None if places.start == 0 => {
                entries.next_back().map(|entry| entry.prefix_hash).unwrap_or_default()
            }
            before => entries
                .fold(before.unwrap_or_default(), |before, entry| chained(Some(before), &entry.message)),
        }
    }
}
