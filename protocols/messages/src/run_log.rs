//! The shared view of one live run: its records in order, its conversation, and how far both are durable.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use playhouse_journal::{Event, Record};
use playhouse_types::{Lane, Message, RunId, Seq, ThreadId};
use tokio::sync::watch;

use crate::concerns::Concerns;
use crate::{JournalError, RunFacts, Threads, Transcript};

/// How far the log is committed.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Durability {
    /// All records up to here are committed.
    Upto(Seq),
    /// A commit failed or its outcome is unknown: what this process holds beyond the store is void.
    Torn(JournalError),
}

/// A run's records as this process knows them. The journal writer appends; actors read from their own cursor.
///
/// A record is *appended* (visible here, in its final order) before it is *durable*. Commits are prefixes, so a durable
/// record never follows one that is not.
///
/// A log may begin with the state as of its *base* instead of the records up to there: conversation and facts are whole,
/// but of those records only the first and the last one are here.
pub struct RunLog {
    run: RunId,
    base: Seq,
    /// The run's first record, if `records` begins after it.
    first: Option<Arc<Record>>,
    /// The records from the base on; from the first on if the base is 0.
    records: boxcar::Vec<Arc<Record>>,
    threads: Arc<Threads>,
    facts: RwLock<RunFacts>,
    concerns: Concerns,
    durability: watch::Sender<Durability>,
}

impl RunLog {
    /// Makes the empty log of a run.
    #[must_use]
    pub fn new(run: RunId) -> Self {
        Self {
            run,
            base: Seq(0),
            first: None,
            records: boxcar::Vec::new(),
            threads: Arc::default(),
            facts: RwLock::default(),
            concerns: Concerns::default(),
            durability: watch::Sender::new(Durability::Upto(Seq(0))),
        }
    }

    /// Makes the log of a run whose history up to `newest` is known by its conversation and its facts, all of it durable.
    #[must_use]
    pub fn with_base(
        first: Arc<Record>,
        newest: Arc<Record>,
        messages: Vec<(ThreadId, Message)>,
        facts: RunFacts,
    ) -> Self {
        let log = Self {
            base: newest.seq,
            facts: RwLock::new(facts),
            durability: watch::Sender::new(Durability::Upto(newest.seq)),
            first: Some(first),
            ..Self::new(newest.run)
        };
        messages.into_iter().for_each(|(thread, message)| log.threads.push(thread, message));
        log.records.push(newest);
        log
    }

    /// Returns the run.
    #[must_use]
    pub const fn run(&self) -> RunId {
        self.run
    }

    /// Returns the main conversation.
    #[must_use]
    pub fn transcript(&self) -> &Arc<Transcript> {
        self.threads.main()
    }

    /// Returns all conversations.
    #[must_use]
    pub const fn threads(&self) -> &Arc<Threads> {
        &self.threads
    }

    /// Looks something up in the facts, which include every record up to the head.
    ///
    /// Short: the journal writer waits meanwhile.
    pub fn facts<T>(&self, look: impl FnOnce(&RunFacts) -> T) -> T {
        // Facts are whole after a panic: nobody but the journal writer changes them, and it is gone then.
        look(&self.facts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the last record that is part of the state with which the log began; 0 if it began with nothing. A fold
    /// that starts with that state goes on after this record.
    #[must_use]
    pub const fn base(&self) -> Seq {
        self.base
    }

    /// Returns the place of the newest record; 0 if there is none.
    #[must_use]
    pub fn head(&self) -> Seq {
        Seq(self.begin() - 1 + self.records.count() as u64)
    }

    /// Returns one record; `None` for those before the base, except the run's first.
    #[must_use]
    pub fn get(&self, seq: Seq) -> Option<&Arc<Record>> {
        match seq.0.checked_sub(self.begin()) {
            Some(index) => self.records.get(usize::try_from(index).ok()?),
            None => self.first.as_ref().filter(|first| first.seq == seq),
        }
    }

    /// Returns the records that follow `after` and the base, oldest first.
    pub fn after(&self, after: Seq) -> impl DoubleEndedIterator<Item = &Arc<Record>> {
        (after.max(self.base).0 + 1..=self.head().0).filter_map(|seq| self.get(Seq(seq)))
    }

    /// Returns the records that follow `after` and the base, up to `upto`, and that an agent has to fold, oldest first: its
    /// own, and those that give, answer and end its turns. How many others there are costs nothing.
    pub fn concerning(&self, agent: &Lane, after: Seq, upto: Seq) -> impl Iterator<Item = &Arc<Record>> {
        let places = self.concerns.of(agent, after.max(self.base), upto);
        places.into_iter().filter_map(|seq| self.get(seq))
    }

    /// Returns the place of the first of `records`.
    fn begin(&self) -> u64 {
        self.base.0.max(1)
    }

    /// Returns the place up to which all records are durable; 0 once the log is torn, so that nothing more is used.
    #[must_use]
    pub fn durable(&self) -> Seq {
        match &*self.durability.borrow() {
            Durability::Upto(seq) => *seq,
            Durability::Torn(_) => Seq(0),
        }
    }

    /// Returns why the log is void, if it is: the run must be folded again from the store.
    #[must_use]
    pub fn torn(&self) -> Option<JournalError> {
        match &*self.durability.borrow() {
            Durability::Upto(_) => None,
            Durability::Torn(why) => Some(why.clone()),
        }
    }

    /// Waits until the record at `seq` is durable.
    ///
    /// # Errors
    /// [`JournalError::StoreFailed`] or [`JournalError::Fenced`] if a commit failed; not safe to retry in this process.
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn wait_durable(&self, seq: Seq) -> Result<(), JournalError> {
        let mut watcher = self.durability.subscribe();
        let reached = watcher
            .wait_for(|state| match state {
                Durability::Upto(upto) => *upto >= seq,
                Durability::Torn(_) => true,
            })
            .await;
        match reached.as_deref() {
            Ok(Durability::Upto(_)) => Ok(()),
            Ok(Durability::Torn(why)) => Err(why.clone()),
            Err(_) => Err(JournalError::Stopped),
        }
    }

    /// Appends a record. Only the journal writer does this, one at a time, in order.
    pub fn push(&self, record: Arc<Record>) {
        let mut facts = self.facts.write().unwrap_or_else(PoisonError::into_inner);
        facts.apply(&record);
        if let Event::MessagePosted { message } = &record.event {
            self.threads.push(facts.thread_of(message.turn), message.clone());
        }
        drop(facts);
        self.concerns.add(&record);
        self.records.push(record);
    }

    /// Says that all records up to `seq` are committed. Only the journal writer does this.
    pub fn mark_durable(&self, seq: Seq) {
        self.durability.send_if_modified(|state| match state {
            Durability::Upto(upto) if *upto < seq => {
                *upto = seq;
                true
            }
            _ => false,
        });
    }

    /// Says that a commit failed: everybody who waits or folds stops. Only the journal writer does this.
    pub fn mark_torn(&self, why: JournalError) {
        self.durability.send_replace(Durability::Torn(why));
    }
}

impl fmt::Debug for RunLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunLog").field("run", &self.run).field("head", &self.head()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use playhouse_journal::{ChainHash, Event, Record, RecordKey};
    use playhouse_types::{
        Incarnation, Label, Lane, Message, Participant, RunId, Seq, Step, TenantId, ThreadId, Timestamp,
        TurnId,
    };

    use super::RunLog;
    use crate::RunFacts;

    fn said(seq: u64) -> Arc<Record> {
        let message = Message {
            turn: TurnId(1),
            from: Participant::User,
            content: format!("words {seq}"),
            label: Label::default(),
        };
        let event = Event::MessagePosted { message };
        Arc::new(Record {
            run: RunId::from_u128(1),
            seq: Seq(seq),
            prev_hash: ChainHash::default(),
            hash: ChainHash::default(),
            epoch: 1,
            incarnation: Incarnation(1),
            lane: Lane::run(),
            lane_prev: None,
            key: RecordKey::new(TurnId(1), Step(0), 0, event.kind()),
            schema_version: 1,
            time: Timestamp(0),
            tenant: TenantId::default(),
            label: Label::default(),
            causation: None,
            event,
        })
    }

    fn places<'a>(records: impl Iterator<Item = &'a Arc<Record>>) -> Vec<u64> {
        records.map(|record| record.seq.0).collect()
    }

    /// Makes the log of a run with 6 records of which those up to `base` are known by their state.
    fn log(base: u64) -> RunLog {
        let mut facts = RunFacts::default();
        let messages = (1..=base).map(|seq| match &said(seq).event {
            Event::MessagePosted { message } => (ThreadId::MAIN, message.clone()),
            _ => unreachable!(),
        });
        let messages = messages.collect();
        (1..=base).for_each(|seq| facts.apply(&said(seq)));
        let log = RunLog::with_base(said(1), said(base), messages, facts);
        (base + 1..=6).for_each(|seq| log.push(said(seq)));
        log
    }

    #[test]
    fn a_log_with_a_base_has_the_whole_conversation_and_the_records_since() {
        for base in 1..=6 {
            let log = log(base);
            assert_eq!((log.base(), log.head(), log.durable()), (Seq(base), Seq(6), Seq(base)));
            assert_eq!(log.transcript().len(), 6);
            assert_eq!(log.facts(|facts| facts.n_messages(ThreadId::MAIN)), 6);
            assert_eq!(places(log.after(Seq(0))), (base + 1..=6).collect::<Vec<_>>());
            assert_eq!(
                places(log.after(Seq(4)).rev()),
                [6, 5].into_iter().filter(|seq| *seq > base).collect::<Vec<_>>()
            );
            let held: Vec<u64> =
                (0..9).filter(|seq| log.get(Seq(*seq)).is_some_and(|r| r.seq.0 == *seq)).collect();
            let expected: Vec<u64> = (1..=6).filter(|seq| *seq == 1 || *seq >= base).collect();
            assert_eq!(held, expected);
        }
    }

    #[test]
    fn a_log_without_a_base_has_all_records() {
        let log = RunLog::new(RunId::from_u128(1));
        assert_eq!((log.base(), log.head()), (Seq(0), Seq(0)));
        (1..=3).for_each(|seq| log.push(said(seq)));
        assert_eq!(places(log.after(Seq(0))), [1, 2, 3]);
        assert_eq!(log.get(Seq(3)).map(|record| record.seq), Some(Seq(3)));
        assert_eq!(log.get(Seq(4)).map(|record| record.seq), None);
    }
}
