//! A store that fails on plan, around any other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_journal::{
    Command, CommandId, CommandInbox, DamagedRun, JournalRead, PendingCommand, ReadError, Record, RunRow,
};
use playhouse_messages::Clock;
use playhouse_runtime::SystemClock;
use playhouse_storage::{
    AppendError, Claim, ClaimError, IntentRow, LateError, LateResult, LateResults, RunAppend, Snapshot,
    Store, StoreCheck, StoreError,
};
use playhouse_types::{CallId, Lane, RunId, Seq};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::watch;

/// Takes a run for another owner.
pub type Rival = Arc<dyn Fn(RunId) + Send + Sync>;

/// What goes wrong with one commit.
#[derive(Clone)]
pub enum StoreFault {
    /// Nothing is written; the answer is an error.
    Fail,
    /// The disk is full; nothing is written but the last commit.
    Full,
    /// It is written, and the answer is an error.
    CommitThenFail,
    /// It is written, later.
    Slow(Duration),
    /// Another owner takes the runs just before.
    Fence(Rival),
    /// The process ends before anything is written.
    Stop,
    /// It is written, and the process ends before it hears of it.
    CommitThenStop,
}

/// The end of a simulated process: once it has come, nothing of that process reaches a store. Clones share it.
#[derive(Clone, Debug)]
pub struct End(Arc<watch::Sender<bool>>);

impl Default for End {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl End {
    /// Ends the process: whoever waits for that drops the async runtime with all that runs in it.
    pub fn come(&self) {
        self.0.send_replace(true);
    }

    /// Tells whether the process has ended.
    #[must_use]
    pub fn has_come(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the end.
    pub async fn wait(&self) {
        // The sender lives as long as this value.
        let _ = self.0.subscribe().wait_for(|has_come| *has_come).await;
    }
}

/// A store whose commits go as planned: the n-th one, or a seeded choice.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    plan: BTreeMap<u64, StoreFault>,
    end: End,
    n_commits: AtomicU64,
    has_failed: AtomicBool,
    is_full: AtomicBool,
    n_after_failure: AtomicU64,
}

impl FaultyStore {
    /// Wraps a store; without a plan it does what that one does. `end` is the process whose store this is.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, end: End) -> Self {
        Self {
            inner,
            plan: BTreeMap::new(),
            end,
            n_commits: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
            n_after_failure: AtomicU64::new(0),
        }
    }

    /// Plans what happens at commit `n`, from 1.
    #[must_use]
    pub fn with(mut self, n: u64, fault: StoreFault) -> Self {
        self.plan.insert(n, fault);
        self
    }

    /// Plans a fault for about one in `one_in` of the first thousand commits, by the seed: slow ones, and at last one
    /// that fails.
    #[must_use]
    pub fn seeded(mut self, seed: u64, one_in: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for n in 1..=1_000 {
            if random.random_range(0..one_in.max(1)) != 0 {
                continue;
            }
            match random.random_range(0..6) {
                0 => return self.with(n, StoreFault::Fail),
                1 => return self.with(n, StoreFault::CommitThenFail),
                2 => return self.with(n, StoreFault::Full),
                _ => {
                    let delay = Duration::from_millis(random.random_range(1..2_000));
                    self.plan.insert(n, StoreFault::Slow(delay));
                }
            }
        }
        self
    }

    /// Returns how many commits were asked for.
    #[must_use]
    pub fn n_commits(&self) -> u64 {
        self.n_commits.load(Ordering::Relaxed)
    }

    /// Returns how many commits were asked for after one had failed: a writer must not go on.
    #[must_use]
    pub fn n_after_failure(&self) -> u64 {
        self.n_after_failure.load(Ordering::Relaxed)
    }

    fn fail(&self, error: StoreError) -> StoreError {
        self.has_failed.store(true, Ordering::Relaxed);
        error
    }

    /// Does what the inner store does, unless the process has ended: then nothing is done and nobody answers.
    fn alive<'a, T: Send + 'a>(
        &'a self,
        call: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, T> + Send + 'a,
    ) -> BoxFuture<'a, T> {
        Box::pin(async move {
            if self.end.has_come() {
                return std::future::pending().await;
            }
            call(&*self.inner).await
        })
    }

    async fn stop<T>(&self) -> T {
        self.end.come();
        std::future::pending().await
    }

    async fn commit_as_planned(
        &self,
        appends: Vec<RunAppend>,
    ) -> Result<Vec<Result<(), AppendError>>, StoreError> {
        if self.end.has_come() {
            return std::future::pending().await;
        }
        let n = self.n_commits.fetch_add(1, Ordering::Relaxed) + 1;
        if self.has_failed.load(Ordering::Relaxed) {
            self.n_after_failure.fetch_add(1, Ordering::Relaxed);
        }
        match self.plan.get(&n) {
            None => self.inner.commit(appends).await,
            Some(StoreFault::Fail) => Err(self.fail(failed())),
            Some(StoreFault::Full) => {
                self.is_full.store(true, Ordering::Relaxed);
                Err(self.fail(StoreError::Full { path: PathBuf::from("planned") }))
            }
            Some(StoreFault::CommitThenFail) => {
                self.inner.commit(appends).await?;
                Err(self.fail(failed()))
            }
            Some(StoreFault::Slow(delay)) => {
                SystemClock::new().sleep(*delay).await;
                self.inner.commit(appends).await
            }
            Some(StoreFault::Fence(rival)) => {
                appends.iter().for_each(|append| rival(append.run));
                self.inner.commit(appends).await
            }
            Some(StoreFault::Stop) => self.stop().await,
            Some(StoreFault::CommitThenStop) => {
                self.inner.commit(appends).await?;
                self.stop().await
            }
        }
    }
}

fn failed() -> StoreError {
    let source = std::io::Error::other("as planned").into();
    StoreError::Failed { path: PathBuf::from("planned"), source }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").field("n_commits", &self.n_commits()).finish_non_exhaustive()
    }
}

impl JournalRead for FaultyStore {
    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<RunRow>, ReadError>> {
        self.inner.run(run)
    }
    fn runs(&self) -> BoxFuture<'_, Result<Vec<RunRow>, ReadError>> {
        self.inner.runs()
    }
    fn damaged_runs(&self) -> BoxFuture<'_, Result<Vec<DamagedRun>, ReadError>> {
        self.inner.damaged_runs()
    }
    fn records(&self, run: RunId, after: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        self.inner.records(run, after, limit)
    }
}

impl CommandInbox for FaultyStore {
    fn submit(&self, run: RunId, id: CommandId, command: Command) -> BoxFuture<'_, Result<(), ReadError>> {
        self.alive(move |inner| inner.submit(run, id, command))
    }
    fn pending(&self, run: RunId) -> BoxFuture<'_, Result<Vec<PendingCommand>, ReadError>> {
        self.inner.pending(run)
    }
}

impl Store for FaultyStore {
    fn commit(
        &self,
        appends: Vec<RunAppend>,
    ) -> BoxFuture<'_, Result<Vec<Result<(), AppendError>>, StoreError>> {
        Box::pin(self.commit_as_planned(appends))
    }
    fn commit_last(
        &self,
        appends: Vec<RunAppend>,
    ) -> BoxFuture<'_, Result<Vec<Result<(), AppendError>>, StoreError>> {
        // The one commit that a full disk has room for.
        if self.is_full.swap(false, Ordering::Relaxed) && !self.end.has_come() {
            return self.alive(move |inner| inner.commit(appends));
        }
        Box::pin(self.commit_as_planned(appends))
    }
    fn claim(&self, run: RunId, takeover: bool) -> BoxFuture<'_, Result<Claim, ClaimError>> {
        self.alive(move |inner| inner.claim(run, takeover))
    }
    fn release(&self, run: RunId, epoch: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        self.alive(move |inner| inner.release(run, epoch))
    }
    fn heartbeat(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.alive(|inner| inner.heartbeat())
    }
    fn put_snapshot(&self, epoch: u64, snapshot: Snapshot) -> BoxFuture<'_, Result<(), StoreError>> {
        self.alive(move |inner| inner.put_snapshot(epoch, snapshot))
    }
    fn snapshot(&self, run: RunId, lane: &Lane) -> BoxFuture<'_, Result<Option<Snapshot>, StoreError>> {
        self.inner.snapshot(run, lane)
    }
    fn keep_late(&self, run: RunId, late: LateResult) -> BoxFuture<'_, Result<(), LateError>> {
        self.alive(move |inner| inner.keep_late(run, late))
    }
    fn late(&self, run: RunId) -> BoxFuture<'_, Result<LateResults, StoreError>> {
        self.inner.late(run)
    }
    fn earlier_intent(
        &self,
        key: &str,
        run: RunId,
        call: CallId,
    ) -> BoxFuture<'_, Result<Option<IntentRow>, ReadError>> {
        self.inner.earlier_intent(key, run, call)
    }
    fn check(&self) -> BoxFuture<'_, Result<StoreCheck, StoreError>> {
        self.inner.check()
    }
    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.alive(|inner| inner.flush())
    }
    fn path(&self) -> Option<PathBuf> {
        self.inner.path()
    }
}
