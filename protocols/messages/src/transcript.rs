//! The shared conversation of one run: each message once, for everybody.

use std::fmt;
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
}

impl TranscriptView {
    /// Makes a view of the first `upto` messages.
    #[must_use]
    pub fn new(transcript: Arc<Transcript>, upto: u32) -> Self {
        let upto = upto.min(transcript.len());
        Self { transcript, from: 0, upto }
    }

    /// Leaves out the messages before place `from`.
    #[must_use]
    pub fn since(self, from: u32) -> Self {
        let from = from.clamp(self.from, self.upto);
        Self { from, ..self }
    }

    /// Returns the place of the first message of the view in its conversation.
    #[must_use]
    pub const fn from(&self) -> u32 {
        self.from
    }

    /// Returns how many messages the view holds.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.upto - self.from
    }

    /// Tells whether the view holds no message.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the message at a place of the conversation, if the view holds it.
    #[must_use]
    pub fn get(&self, ordinal: u32) -> Option<&TranscriptEntry> {
        (self.from..self.upto).contains(&ordinal).then(|| self.transcript.0.get(ordinal as usize)).flatten()
    }

    /// Returns the newest message of the view.
    #[must_use]
    pub fn last(&self) -> Option<&TranscriptEntry> {
        self.get(self.upto.checked_sub(1)?)
    }

    /// Returns the messages, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &TranscriptEntry> {
        (self.from..self.upto).filter_map(|ordinal| self.get(ordinal))
    }

    /// Returns the hash of all messages of the view; zeros if it is empty.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        if self.from == 0 {
            return self.last().map(|entry| entry.prefix_hash).unwrap_or_default();
        }
        let link = |before: [u8; 32], entry: &TranscriptEntry| chained(Some(before), &entry.message);
        self.iter().fold([0; 32], link)
    }
}
