//! The trait that every store implements.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_journal::{
    ChainHead, CodecError, CommandId, CommandInbox, JournalRead, ReadError, RunRow, StoredRecord,
};
use playhouse_types::{BootId, CallId, Lane, RunId, Seq, Timestamp};

use crate::check::{self, StoreCheck};
use crate::intents::IntentRow;
use crate::late::{LateError, LateResult, LateResults};

/// Reads the injected clock: a store takes the time of heartbeats from it.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What one commit writes for one run.
#[derive(Clone, Debug)]
pub struct RunAppend {
    /// The run.
    pub run: RunId,
    /// The epoch under which the writer owns it. An admission makes the run with this epoch.
    pub epoch: u64,
    /// The end of the chain that the records follow.
    pub head: ChainHead,
    /// The records, in order, with their large bodies.
    pub records: Vec<StoredRecord>,
    /// The run's row from now on; `None` leaves it.
    pub row: Option<RunRow>,
    /// Whether the run is new: `row` is its first row, and this process (`owner`) owns it.
    pub admitted_by: Option<BootId>,
    /// Commands that leave the inbox.
    pub acknowledged: Vec<CommandId>,
    /// What the records say about effects that other runs may mean as well, in order; a later row of a call replaces
    /// the earlier one and keeps its place.
    pub intents: Vec<IntentRow>,
}

/// Why one run's part of a commit was not written, while its neighbors' parts were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Another process has claimed the run. Stop all work on it.
    #[error("run `{run}` is owned under epoch {current} now, not {epoch}")]
    Fenced {
        /// The run.
        run: RunId,
        /// The writer's epoch.
        epoch: u64,
        /// The store's epoch.
        current: u64,
    },
    /// The records do not follow the stored head: the writer's view is wrong and must be folded again.
    #[error("run `{run}` ends at record {stored}, not {expected}")]
    WrongHead {
        /// The run.
        run: RunId,
        /// The writer's head.
        expected: Seq,
        /// The store's head.
        stored: Seq,
    },
    /// No such run.
    #[error("there is no run `{run}`")]
    UnknownRun {
        /// The run.
        run: RunId,
    },
    /// The store's own notes on the run cannot be read: refuse the run.
    #[error("run `{run}` cannot be appended to")]
    Damaged {
        /// The run.
        run: RunId,
        /// What is wrong with it.
        #[source]
        source: CodecError,
    },
}

/// Why a store did nothing, or why nobody knows whether it did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A write or sync failed: nothing may be acknowledged, and it must not be tried again in this process.
    #[error("the store at `{path}` failed")]
    Failed {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The disk is full: as `Failed`, with a cause that a person can mend.
    #[error("the disk of the store at `{path}` is full: make room, then resume")]
    Full {
        /// Where it is.
        path: PathBuf,
    },
    /// Another process has held the lock for writing for too long: as `Failed`, but nothing is broken.
    #[error(
        "another process has kept the store at `{path}` locked for {waited:?}: let it go on or end it (a stopped one keeps its lock), then resume"
    )]
    Busy {
        /// Where it is.
        path: PathBuf,
        /// How long the lock was waited for.
        waited: Duration,
    },
    /// The store has been written by a newer version.
    #[error(
        "the data directory `{path}` has format {found}, this build knows up to {known}: use a newer playhouse"
    )]
    TooNew {
        /// Where it is.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format this build knows.
        known: u32,
    },
    /// The store has an older format and was to be read only: whoever opens it for writing brings it up to date.
    #[error(
        "the data directory `{path}` has format {found}, this build reads {known}: a command that works on runs, such as `resume`, brings it up to date"
    )]
    TooOld {
        /// Where it is.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format that this build reads.
        known: u32,
    },
    /// The store has an older format, and other processes use it in that format.
    #[error(
        "the data directory `{path}` has format {found}, this build writes {known}, and other processes still work with it ({owners}): stop them first, then start again"
    )]
    InUse {
        /// Where it is.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format it would get.
        known: u32,
        /// The processes, by the names of their lock files.
        owners: String,
    },
    /// The data directory cannot be made or opened.
    #[error(
        "the data directory `{path}` cannot be used: check that it exists and that you may write to it, or name another with `--data-dir`"
    )]
    Unusable {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A run that is ours now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The epoch of all our appends.
    pub epoch: u64,
    /// Whether the owner before us let go of it in order; if not, it crashed or was stopped.
    pub clean: bool,
    /// The row, with `starts_without_progress` counted up if the end was not clean, unless it is a case of a batch that
    /// nobody had started.
    pub row: RunRow,
}

/// Why a run cannot be ours.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// Its owner is alive.
    #[error(
        "run `{run}` is being worked on by another process (last sign of life {silent_for:?} ago); stop that one first, or use `resume --takeover` once it has been silent for {stale_after:?}"
    )]
    Owned {
        /// The run.
        run: RunId,
        /// How long its owner has been silent.
        silent_for: Duration,
        /// After how long a takeover is allowed.
        stale_after: Duration,
    },
    /// No such run.
    #[error("there is no run `{run}`; `playhouse runs` lists those there are")]
    UnknownRun {
        /// The run.
        run: RunId,
    },
    /// The store's own notes on the run cannot be read: refuse the run.
    #[error("run `{run}` cannot be claimed")]
    Damaged {
        /// The run.
        run: RunId,
        /// What is wrong with it.
        #[source]
        source: CodecError,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A folded state as of one record: a cache; deleting all of them changes nothing but time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The run.
    pub run: RunId,
    /// Whose state.
    pub lane: Lane,
    /// The last record it includes.
    pub seq: Seq,
    /// The version of the fold that made it: another version discards it.
    pub fold_version: u32,
    /// BLAKE3 of `state`.
    pub state_hash: [u8; 32],
    /// The encoded state.
    pub state: Vec<u8>,
}

/// Where runs are kept.
pub trait Store: JournalRead + CommandInbox {
    /// Writes the appends of many runs in one transaction, made durable before it returns, and answers for each in order.
    ///
    /// # Errors
    /// [`StoreError`]: nobody may rely on any of it; not safe to retry in this process.
    /// # Cancel safety
    /// Dropping the future does not stop the commit.
    fn commit(
        &self,
        appends: Vec<RunAppend>,
    ) -> BoxFuture<'_, Result<Vec<Result<(), AppendError>>, StoreError>>;

    /// Writes the last appends of this process after a commit has answered [`StoreError::Full`], for example why each
    /// run rests.
    ///
    /// It may use room that the store holds back for it: once, and about [`RESERVE_BYTES`], enough for [`LAST_APPENDS`]. What the failed commit held
    /// is not written again. After any other failure, and after one last commit, it answers what the next commit would
    /// answer; on a store that has not failed it is a commit. A store without a reserve need not implement it.
    /// # Errors
    /// As [`Store::commit`].
    /// # Cancel safety
    /// Dropping the future does not stop the commit.
    fn commit_last(
        &self,
        appends: Vec<RunAppend>,
    ) -> BoxFuture<'_, Result<Vec<Result<(), AppendError>>, StoreError>> {
        self.commit(appends)
    }

    /// Makes this process the owner of a run whose owner is gone; with `takeover` also of one whose owner is silent.
    ///
    /// A run that this process owns already gets the next epoch too, for a journal writer that starts anew; this is
    /// clean and counts as no start, because no process has ended.
    /// # Errors
    /// [`ClaimError`]; `Owned` is safe to retry later.
    fn claim(&self, run: RunId, takeover: bool) -> BoxFuture<'_, Result<Claim, ClaimError>>;

    /// Lets go of a run in order, if it is still ours under `epoch`.
    ///
    /// # Errors
    /// [`StoreError`]; without a release the next owner sees an unclean end.
    fn release(&self, run: RunId, epoch: u64) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Says that this process is alive; called at least every [`STALE_AFTER`] / 3 by the runtime.
    ///
    /// # Errors
    /// [`StoreError`]; a process that cannot renew stops dispatching by its monotonic clock.
    fn heartbeat(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Keeps a snapshot, replacing an older one of the same lane, if the run is still ours under `epoch`.
    ///
    /// # Errors
    /// [`StoreError`]; losing a snapshot costs time only.
    fn put_snapshot(&self, epoch: u64, snapshot: Snapshot) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Returns the newest snapshot of a lane.
    ///
    /// # Errors
    /// [`StoreError`]; safe to go on without one.
    fn snapshot(&self, run: RunId, lane: &Lane) -> BoxFuture<'_, Result<Option<Snapshot>, StoreError>>;

    /// Keeps a result that must not go into the journal any more: its run was taken over, or the store failed. Durable
    /// when it returns, also if commits fail; needs no ownership and no known run.
    ///
    /// # Errors
    /// [`LateError`]: it is not kept; [`LateError::TooMany`] once the run has [`LATE_LIMIT_BYTES`](crate::LATE_LIMIT_BYTES).
    /// # Cancel safety
    /// Dropping the future does not stop the write.
    fn keep_late(&self, run: RunId, late: LateResult) -> BoxFuture<'_, Result<(), LateError>>;

    /// Returns the late results of a run, oldest first; none for a run that has none or is not known.
    ///
    /// # Errors
    /// [`StoreError`], safe to retry.
    fn late(&self, run: RunId) -> BoxFuture<'_, Result<LateResults, StoreError>>;

    /// Returns the first intent with this key that another run has committed before the one of `call` of `run`, and whose
    /// effect has not surely failed to happen. The intent of `call` has to be durable: whichever of two runs committed
    /// first finds none, and the other one finds it.
    ///
    /// A store without this index, as this default, cannot tell and says so: whoever asks does nothing then.
    /// # Errors
    /// [`ReadError`], also if the intent of `call` is not there; safe to retry.
    fn earlier_intent(
        &self,
        key: &str,
        run: RunId,
        call: CallId,
    ) -> BoxFuture<'_, Result<Option<IntentRow>, ReadError>> {
        let (path, source) = (self.path().unwrap_or_default(), "it has no index of intents".into());
        let _ = (key, run, call);
        Box::pin(std::future::ready(Err(ReadError::Unavailable { path, source })))
    }

    /// Reads all that is stored and says what is damaged. It changes nothing, and damage is no error.
    ///
    /// A store that keeps more than rows, records, commands and late results, or that has a check of its own, adds those.
    /// # Errors
    /// [`StoreError`] if the store cannot be read at all; safe to retry.
    fn check(&self) -> BoxFuture<'_, Result<StoreCheck, StoreError>> {
        Box::pin(check::scan(self))
    }

    /// Brings what is kept into the form in which it rests, and tells whether the store still works; called when a
    /// runtime closes. What was acknowledged is durable without it, and writes may follow. A store that has nothing to
    /// bring anywhere need not implement it.
    ///
    /// # Errors
    /// [`StoreError`]: the store has failed, now or before; not safe to retry in this process.
    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Returns where the store is, for messages; `None` for memory.
    fn path(&self) -> Option<PathBuf>;
}

/// After how long without a sign of life an owner may be taken over.
pub const STALE_AFTER: Duration = Duration::from_secs(15);

/// How much room a store holds back for its last commit: enough for [`LAST_APPENDS`].
pub const RESERVE_BYTES: u64 = 256 << 10;

/// How many appends of one small record fit in [`RESERVE_BYTES`]. A commit is written whole or not at all, so that one
/// too many would be the loss of all; each can change some pages of 4 KiB.
pub const LAST_APPENDS: usize = 16;
