//! A store whose index of intents cannot be read.

use std::path::PathBuf;

use futures::future::BoxFuture;
use playhouse::{Command, CommandId, CommandInbox, JournalRead, Record, RunId, RunRow, Seq};
use playhouse_journal::{PendingCommand, ReadError};
use playhouse_storage::{
    AppendError, Claim, ClaimError, LateError, LateResult, LateResults, MemoryStore, RunAppend, Snapshot,
    Store, StoreError,
};
use playhouse_types::Lane;

/// A store in memory that leaves the index to the trait, as one would that was written before there was one.
pub(super) struct UnreadableIndex(pub(super) MemoryStore);

impl JournalRead for UnreadableIndex {
    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<RunRow>, ReadError>> {
        self.0.run(run)
    }
    fn runs(&self) -> BoxFuture<'_, Result<Vec<RunRow>, ReadError>> {
        self.0.runs()
    }
    fn records(&self, run: RunId, after: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        self.0.records(run, after, limit)
    }
}

impl CommandInbox for UnreadableIndex {
    fn submit(&self, run: RunId, id: CommandId, command: Command) -> BoxFuture<'_, Result<(), ReadError>> {
        self.0.submit(run, id, command)
    }
    fn pending(&self, run: RunId) -> BoxFuture<'_, Result<Vec<PendingCommand>, ReadError>> {
        self.0.pending(run)
    }
}

impl Store for UnreadableIndex {
    fn commit(
        &self,
        appends: Vec<RunAppend>,
    ) -> BoxFuture<'_, Result<Vec<Result<(), AppendError>>, StoreError>> {
        self.0.commit(appends)
    }
    fn claim(&self, run: RunId, takeover: bool) -> BoxFuture<'_, Result<Claim, ClaimError>> {
        self.0.claim(run, takeover)
    }
    fn release(&self, run: RunId, epoch: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.release(run, epoch)
    }
    fn heartbeat(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.heartbeat()
    }
    fn put_snapshot(&self, epoch: u64, snapshot: Snapshot) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.put_snapshot(epoch, snapshot)
    }
    fn snapshot(&self, run: RunId, lane: &Lane) -> BoxFuture<'_, Result<Option<Snapshot>, StoreError>> {
        self.0.snapshot(run, lane)
    }
    fn keep_late(&self, run: RunId, late: LateResult) -> BoxFuture<'_, Result<(), LateError>> {
        self.0.keep_late(run, late)
    }
    fn late(&self, run: RunId) -> BoxFuture<'_, Result<LateResults, StoreError>> {
        self.0.late(run)
    }
    fn path(&self) -> Option<PathBuf> {
        None
    }
}
