//! Runs in memory: for ephemeral runs, tests and benchmarks.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use playhouse_journal::{
    Command, CommandId, CommandInbox, JournalRead, PendingCommand, ReadError, Record, RunRow,
};
use playhouse_types::{BootId, CallId, Lane, RunId, Seq, Timestamp};

use self::runs::{InboxEntry, Run, Shared, size};
use crate::check;
use crate::{
    AppendError, Claim, ClaimError, IntentRow, LateError, LateResult, LateResults, Now, RESERVE_BYTES,
    RunAppend, Snapshot, Store, StoreCheck, StoreError,
};

mod runs;

/// A store in memory, seen by one process.
///
/// Every call is done when it returns, and its future is ready. Nothing outlives the last handle. For tests, further
/// handles stand for further processes on the same store ([`MemoryStore::second_owner`]); a process counts as dead when
/// its handle is dropped or [`kill`](MemoryStore::kill)ed.
pub struct MemoryStore {
    boot: BootId,
    now: Now,
    limit_bytes: Option<usize>,
    is_full: AtomicBool,
    /// Whether the room that is held back has been given away.
    is_reserve_used: AtomicBool,
    shared: Arc<Mutex<Shared>>,
}

impl MemoryStore {
    /// Makes an empty store for the process `boot`; its clock stands still, so that no owner ever becomes stale.
    #[must_use]
    pub fn new(boot: BootId) -> Self {
        let store = Self {
            boot,
            now: Arc::new(|| Timestamp(0)),
            limit_bytes: None,
            is_full: AtomicBool::new(false),
            is_reserve_used: AtomicBool::new(false),
            shared: Arc::default(),
        };
        store.beat();
        store
    }

    /// Takes the time of heartbeats from `now`.
    #[must_use]
    pub fn with_clock(mut self, now: Now) -> Self {
        self.now = now;
        self.beat();
        self
    }

    /// Bounds headers and bodies to `limit_bytes` bytes together; a commit beyond it is [`StoreError::Full`], as is
    /// every later one through this handle, but for one [`Store::commit_last`] with [`RESERVE_BYTES`] more.
    #[must_use]
    pub const fn with_limit(mut self, limit_bytes: usize) -> Self {
        self.limit_bytes = Some(limit_bytes);
        self
    }

    /// Returns a handle on the same runs for another process, without a limit.
    #[must_use]
    pub fn second_owner(&self, boot: BootId) -> Self {
        let store = Self {
            boot,
            now: Arc::clone(&self.now),
            limit_bytes: None,
            is_full: AtomicBool::new(false),
            is_reserve_used: AtomicBool::new(false),
            shared: Arc::clone(&self.shared),
        };
        store.beat();
        store
    }

    /// Makes the process dead to the others, who may then claim its runs; the handle still works, so that a test can
    /// show that it is fenced.
    pub fn kill(&self) {
        self.lock().alive.remove(&self.boot);
    }

    /// Returns how many large bodies are kept for a run.
    #[must_use]
    pub fn n_bodies(&self, run: RunId) -> usize {
        self.lock().runs.get(&run).map_or(0, |run| run.bodies.len())
    }

    fn beat(&self) {
        let now = (self.now)();
        self.lock().alive.insert(self.boot, now);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Nothing below panics between two writes that belong together.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_all(&self, appends: Vec<RunAppend>) -> Result<Vec<Result<(), AppendError>>, StoreError> {
        if self.is_full.load(Ordering::Relaxed) || !self.has_room(&appends, 0) {
            self.is_full.store(true, Ordering::Relaxed);
            return Err(StoreError::Full { path: PathBuf::from(":memory:") });
        }
        let mut shared = self.lock();
        Ok(appends.into_iter().map(|append| shared.append(append)).collect())
    }

    fn append_last(&self, appends: Vec<RunAppend>) -> Result<Vec<Result<(), AppendError>>, StoreError> {
        if !self.is_full.load(Ordering::Relaxed) {
            return self.append_all(appends);
        }
        if self.is_reserve_used.swap(true, Ordering::Relaxed) || !self.has_room(&appends, RESERVE_BYTES) {
            return Err(StoreError::Full { path: PathBuf::from(":memory:") });
        }
        let mut shared = self.lock();
        Ok(appends.into_iter().map(|append| shared.append(append)).collect())
    }

    fn has_room(&self, appends: &[RunAppend], reserve_bytes: u64) -> bool {
        let Some(limit_bytes) = self.limit_bytes else { return true };
        let n_bytes = appends.iter().flat_map(|append| &append.records).map(size).sum::<usize>();
        let needed = self.lock().n_bytes.saturating_add(n_bytes) as u64;
        needed <= (limit_bytes as u64).saturating_add(reserve_bytes)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("boot", &self.boot).finish_non_exhaustive()
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        self.kill();
    }
}

impl JournalRead for MemoryStore {
    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<RunRow>, ReadError>> {
        ready(Ok(self.lock().runs.get(&run).map(|run| run.row.clone()))).boxed()
    }

    fn runs(&self) -> BoxFuture<'_, Result<Vec<RunRow>, ReadError>> {
        let mut rows: Vec<RunRow> = self.lock().runs.values().map(|run| run.row.clone()).collect();
        rows.sort_by_key(|row| (row.started_at, row.run));
        ready(Ok(rows)).boxed()
    }

    fn records(&self, run: RunId, after: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        let records = self.lock().read(run).and_then(|stored| {
            stored.records(after, limit).map_err(|source| ReadError::Corrupt { run, source })
        });
        ready(records).boxed()
    }
}

impl CommandInbox for MemoryStore {
    fn submit(&self, run: RunId, id: CommandId, command: Command) -> BoxFuture<'_, Result<(), ReadError>> {
        let mut shared = self.lock();
        let Some(stored) = shared.runs.get_mut(&run) else {
            return ready(Err(ReadError::UnknownRun { run })).boxed();
        };
        if stored.inbox.iter().all(|entry| entry.id != id) {
            stored.inbox.push(InboxEntry { id, command: Some(command) });
        }
        ready(Ok(())).boxed()
    }

    fn pending(&self, run: RunId) -> BoxFuture<'_, Result<Vec<PendingCommand>, ReadError>> {
        let commands = self.lock().read(run).map(Run::pending);
        ready(commands).boxed()
    }
}

impl Store for MemoryStore {
    fn commit(
        &self,
        appends: Vec<RunAppend>,
    ) -> BoxFuture<'_, Result<Vec<Result<(), AppendError>>, StoreError>> {
        ready(self.append_all(appends)).boxed()
    }

    fn claim(&self, run: RunId, takeover: bool) -> BoxFuture<'_, Result<Claim, ClaimError>> {
        let now = (self.now)();
        ready(self.lock().claim(run, self.boot, now, takeover)).boxed()
    }

    fn release(&self, run: RunId, epoch: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        if let Some(stored) = self.lock().runs.get_mut(&run)
            && stored.epoch == epoch
            && stored.owner == Some(self.boot)
        {
            stored.owner = None;
        }
        ready(Ok(())).boxed()
    }

    fn heartbeat(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        let now = (self.now)();
        // The dead stay dead.
        if let Some(heartbeat) = self.lock().alive.get_mut(&self.boot) {
            *heartbeat = now;
        }
        ready(Ok(())).boxed()
    }

    fn put_snapshot(&self, epoch: u64, snapshot: Snapshot) -> BoxFuture<'_, Result<(), StoreError>> {
        if let Some(stored) = self.lock().runs.get_mut(&snapshot.run)
            && stored.epoch == epoch
            && stored.snapshots.get(&snapshot.lane).is_none_or(|kept| kept.seq <= snapshot.seq)
        {
            stored.snapshots.insert(snapshot.lane.clone(), snapshot);
        }
        ready(Ok(())).boxed()
    }

    fn snapshot(&self, run: RunId, lane: &Lane) -> BoxFuture<'_, Result<Option<Snapshot>, StoreError>> {
        let snapshot = self.lock().runs.get(&run).and_then(|run| run.snapshots.get(lane).cloned());
        ready(Ok(snapshot)).boxed()
    }

    fn commit_last(
        &self,
        appends: Vec<RunAppend>,
    ) -> BoxFuture<'_, Result<Vec<Result<(), AppendError>>, StoreError>> {
        ready(self.append_last(appends)).boxed()
    }

    fn keep_late(&self, run: RunId, late: LateResult) -> BoxFuture<'_, Result<(), LateError>> {
        ready(self.lock().keep_late(run, &late)).boxed()
    }

    fn late(&self, run: RunId) -> BoxFuture<'_, Result<LateResults, StoreError>> {
        let late = self.lock().late.get(&run).map(|lines| LateResults::from_lines(run, lines));
        ready(Ok(late.unwrap_or_default())).boxed()
    }

    fn earlier_intent(
        &self,
        key: &str,
        run: RunId,
        call: CallId,
    ) -> BoxFuture<'_, Result<Option<IntentRow>, ReadError>> {
        ready(self.lock().earlier_intent(key, run, call)).boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<StoreCheck, StoreError>> {
        Box::pin(async move {
            let mut check = check::scan(self).await?;
            let shared = self.lock();
            check.owners = shared.owners((self.now)());
            check.read.intents = shared.n_intents();
            check.read.snapshots = shared.runs.values().map(|run| run.snapshots.len() as u64).sum();
            Ok(check)
        })
    }

    fn path(&self) -> Option<PathBuf> {
        None
    }
}

#[cfg(test)]
mod tests;
