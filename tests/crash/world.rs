//! What is outside of a process, and stays when it ends: the store, the destinations of effects, the model's bill.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::executor::block_on;
use playhouse_journal::{JournalRead, Record, RunRow};
use playhouse_storage::{MemoryStore, Store};
use playhouse_types::{AgentName, BootId, RunId, Seq, Step, Timestamp, TurnId};

/// One asking of a model.
pub(super) type Asked = (AgentName, TurnId, Step);

/// An effect as its destination names it: tool and subject.
pub(super) type Subject = (String, String);

#[derive(Default)]
struct Outside {
    /// The keys of all sends of each effect, in order.
    sent: BTreeMap<Subject, Vec<String>>,
    asked: Vec<Asked>,
}

/// What destinations and models have seen. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Outside>>);

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Outside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn send(&self, tool: &str, subject: &str, key: &str) {
        let subject = (tool.to_owned(), subject.to_owned());
        self.lock().sent.entry(subject).or_default().push(key.to_owned());
    }

    pub(super) fn holds(&self, tool: &str, subject: &str, key: &str) -> bool {
        let subject = (tool.to_owned(), subject.to_owned());
        self.lock().sent.get(&subject).is_some_and(|keys| keys.iter().any(|sent| sent == key))
    }

    pub(super) fn ask(&self, agent: AgentName, turn: TurnId, step: Step) {
        self.lock().asked.push((agent, turn, step));
    }

    pub(super) fn sent(&self) -> BTreeMap<Subject, Vec<String>> {
        self.lock().sent.clone()
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }
}

/// The outside of one run, for as many processes as it takes. Clones share it.
#[derive(Clone)]
pub(super) struct World {
    root: Arc<MemoryStore>,
    pub(super) ledger: Ledger,
    n_boots: Arc<AtomicU64>,
    micros: Arc<AtomicU64>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            root: Arc::new(MemoryStore::new(BootId::from_u128(0))),
            ledger: Ledger::default(),
            n_boots: Arc::default(),
            // Some day.
            micros: Arc::new(AtomicU64::new(1_800_000_000_000_000)),
        }
    }

    /// Opens the store for another process.
    pub(super) fn boot(&self) -> (BootId, Arc<MemoryStore>) {
        let boot = BootId::from_u128(u128::from(self.n_boots.fetch_add(1, Ordering::Relaxed)) + 1);
        (boot, Arc::new(self.root.second_owner(boot)))
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.micros.load(Ordering::Relaxed)).unwrap())
    }

    pub(super) fn pass(&self, time: std::time::Duration) {
        self.micros.fetch_add(u64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
    }

    /// Returns the only run, if it was admitted.
    pub(super) fn row(&self) -> Option<RunRow> {
        block_on(self.root.runs()).unwrap().into_iter().next()
    }

    /// Returns its durable records.
    pub(super) fn records(&self) -> Vec<Record> {
        self.row()
            .map_or_else(Vec::new, |row| block_on(self.root.records(row.run, Seq(0), usize::MAX)).unwrap())
    }

    /// Takes a run for a process that ends at once.
    pub(super) fn take_for_another(&self, owner: &MemoryStore, run: RunId) {
        owner.kill();
        let (_, rival) = self.boot();
        // A run that is about to be admitted can be nobody's yet.
        let _ = block_on(rival.claim(run, false));
    }

    /// Returns the replies that are on record: nobody may ask for them again.
    pub(super) fn replied(&self) -> BTreeSet<Asked> {
        let records = self.records();
        let replies = records.iter().filter(|record| record.key.kind == playhouse_journal::Kind::ModelResult);
        replies
            .filter_map(|record| {
                Some((AgentName::new(record.lane.as_str()).ok()?, record.key.turn, record.key.step))
            })
            .collect()
    }
}
