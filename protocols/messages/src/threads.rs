//! The conversations of one run: the main one, and those of the crews within it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use playhouse_journal::{Event, Record};
use playhouse_types::{Message, ThreadId, TurnId};

use crate::Transcript;

/// All conversations of one run, each message in exactly one. The journal writer appends, everybody reads.
#[derive(Default)]
pub struct Threads {
    main: Arc<Transcript>,
    others: RwLock<BTreeMap<ThreadId, Arc<Transcript>>>,
}

impl Threads {
    /// Returns the conversation that the run began with.
    #[must_use]
    pub const fn main(&self) -> &Arc<Transcript> {
        &self.main
    }

    /// Returns a conversation; an empty one if nobody has said anything there.
    #[must_use]
    pub fn get(&self, thread: ThreadId) -> Arc<Transcript> {
        if thread.is_main() {
            return Arc::clone(&self.main);
        }
        // Whole after a panic: entries are only ever added.
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        others.get(&thread).cloned().unwrap_or_default()
    }

    /// Appends a message. Only the journal writer does this, one at a time, in the order of the records.
    pub fn push(&self, thread: ThreadId, message: Message) {
        if thread.is_main() {
            return self.main.push(message);
        }
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        others.entry(thread).or_default().push(message);
    }
}

/// The fold of a run's records into its conversations.
#[derive(Default, Debug)]
pub struct ThreadFold {
    of_turns: BTreeMap<TurnId, ThreadId>,
    threads: Threads,
}

impl ThreadFold {
    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        match &record.event {
            Event::Briefed { turn, brief } if !brief.thread.is_main() => {
                self.of_turns.insert(*turn, brief.thread);
            }
            Event::MessagePosted { message } => {
                let thread = self.of_turns.get(&message.turn).copied().unwrap_or_default();
                self.threads.push(thread, message.clone());
            }
            _ => {}
        }
    }

    /// Returns the conversations so far.
    #[must_use]
    pub const fn threads(&self) -> &Threads {
        &self.threads
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").field("main", &self.main).finish_non_exhaustive()
    }
}
