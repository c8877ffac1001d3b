//! The store as its callers see it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use futures::future::BoxFuture;
use playhouse_journal::{
    Command, CommandId, CommandInbox, DamagedRun, JournalRead, PendingCommand, ReadError, Record, RunRow,
};
use playhouse_storage::{
    AppendError, Claim, ClaimError, IntentRow, LateError, LateResult, LateResults, Now, RunAppend, Snapshot,
    Store, StoreCheck, StoreError,
};
use playhouse_types::{BootId, CallId, Lane, RunId, Seq};
use tokio::sync::{mpsc, oneshot};

use crate::append::{Commit, LastCommit};
use crate::failure::{ReadFailure, WriteFailure};
use crate::inbox::{Submit, Submitted};
use crate::owner::{self, Heartbeat, OwnerLock, Release};
use crate::read_only::{self, Access};
use crate::reader::ReaderPool;
use crate::snapshot::PutSnapshot;
use crate::writer::{Asked, Message, QUEUE_LENGTH, Task, Writer};
use crate::{SqliteOptions, check, inbox, intent, late, records, reserve, run_row, schema, snapshot};

/// Runs in `<dir>/playhouse.db`, seen by one process.
///
/// Dropping it waits for the writer thread: for commits that are queued and one checkpoint, never for another process.
/// In async code [`close`](SqliteStore::close) waits without blocking.
pub struct SqliteStore {
    dir: PathBuf,
    readers: Arc<ReaderPool>,
    /// `None` while it is dropped, and if it only reads.
    queue: Option<mpsc::Sender<Message>>,
    writer: Option<JoinHandle<()>>,
    is_closing: Arc<AtomicBool>,
    now: Now,
    /// Freed after the writer has ended; `None` if there is none.
    _lock: Option<OwnerLock>,
}

impl SqliteStore {
    /// Opens the store in `dir` for the process `boot`, and makes it if there is none. Blocks for some milliseconds.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the directory cannot be made, read or written or holds something else;
    /// [`StoreError::TooNew`] if a newer version wrote it; [`StoreError::Full`].
    pub fn open(dir: &Path, boot: BootId, now: Now) -> Result<Self, StoreError> {
        Self::open_with(dir, boot, now, SqliteOptions::default())
    }

    /// Opens the store as [`open`](SqliteStore::open) does, with settings.
    ///
    /// # Errors
    /// As [`open`](SqliteStore::open).
    pub fn open_with(dir: &Path, boot: BootId, now: Now, options: SqliteOptions) -> Result<Self, StoreError> {
        let unusable = |error| schema::unusable(dir, error);
        owner::create_directories(dir).map_err(unusable)?;
        let conn = schema::open_writer(dir, &options)?;
        // The name of a new file has to be as durable as its content.
        late::sync_folder(dir).map_err(unusable)?;
        let lock = OwnerLock::enter(&conn, dir, boot, now())?;
        reserve::make(dir);
        let (queue, tasks) = mpsc::channel(QUEUE_LENGTH);
        let is_closing = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            conn,
            dir: dir.to_owned(),
            boot,
            now: Arc::clone(&now),
            options,
            queue: tasks,
            is_closing: Arc::clone(&is_closing),
        };
        let thread = std::thread::Builder::new()
            .name("playhouse-store".to_owned())
            .spawn(|| writer.run())
            .map_err(unusable)?;
        Ok(Self {
            dir: dir.to_owned(),
            readers: Arc::new(ReaderPool::new(dir.to_owned(), Access::Shared)),
            queue: Some(queue),
            writer: Some(thread),
            is_closing,
            now,
            _lock: Some(lock),
        })
    }

    /// Opens the store in `dir` for reading only, as far as it can be read there; `None` if there is none yet. It takes no
    /// lock of an owner and leaves nothing behind; all that writes fails. Blocks for some milliseconds.
    ///
    /// # Errors
    /// [`StoreError::TooOld`] and [`StoreError::TooNew`] if another version wrote it; [`StoreError::Unusable`] if it is
    /// something else, may not be read, or has a write-ahead log that cannot be read here.
    pub fn open_to_read(dir: &Path, now: Now) -> Result<Option<Self>, StoreError> {
        let Some(access) = read_only::access(dir)? else { return Ok(None) };
        Ok(Some(Self {
            dir: dir.to_owned(),
            readers: Arc::new(ReaderPool::new(dir.to_owned(), access)),
            queue: None,
            writer: None,
            is_closing: Arc::default(),
            now,
            _lock: None,
        }))
    }

    /// Closes the store: what is queued is written, the log is emptied, the lock is freed.
    pub async fn close(self) {
        // A panic of the closing thread has nobody left to concern.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    /// Queues a task and waits until it is durable.
    async fn write<T: Task>(&self, task: T) -> Result<T::Output, WriteFailure> {
        let queue = self.queue.as_ref().ok_or(WriteFailure::ReadOnly)?;
        let (reply, answer) = oneshot::channel();
        let asked = Asked { task, output: None, reply };
        queue.send(Message::Write(Box::new(asked))).await.map_err(|_| WriteFailure::Stopped)?;
        answer.await.unwrap_or(Err(WriteFailure::Stopped))
    }

    async fn empty_log(&self) -> Result<(), WriteFailure> {
        // What only reads has nothing to move.
        let Some(queue) = self.queue.as_ref() else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        queue.send(Message::Flush(reply)).await.map_err(|_| WriteFailure::Stopped)?;
        answer.await.unwrap_or(Err(WriteFailure::Stopped))
    }

    async fn store<T: Task>(&self, task: T) -> Result<T::Output, StoreError> {
        self.write(task).await.map_err(|failure| failure.into_store_error(&self.dir))
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&rusqlite::Connection) -> Result<T, ReadFailure> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.readers.read(read).await.map_err(|failure| failure.into_read_error(&self.dir))
    }
}

/// Does what blocks on a thread for it.
async fn blocking<T: Send + 'static>(
    dir: &Path,
    work: impl FnOnce(&Path) -> T + Send + 'static,
) -> Result<T, StoreError> {
    let path = dir.to_owned();
    let task = tokio::task::spawn_blocking(move || work(&path));
    task.await.map_err(|error| StoreError::Failed { path: dir.to_owned(), source: Box::new(error) })
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.readers.close();
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // Whoever waited for an answer of a panicked writer has got its error.
            let _ = writer.join();
        }
    }
}

impl JournalRead for SqliteStore {
    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<RunRow>, ReadError>> {
        Box::pin(self.read(move |conn| Ok(run_row::read(conn, run)?.map(|stored| stored.row))))
    }

    fn runs(&self) -> BoxFuture<'_, Result<Vec<RunRow>, ReadError>> {
        Box::pin(self.read(|conn| Ok(run_row::read_all(conn)?.rows)))
    }

    fn damaged_runs(&self) -> BoxFuture<'_, Result<Vec<DamagedRun>, ReadError>> {
        Box::pin(self.read(|conn| Ok(run_row::read_all(conn)?.damaged)))
    }

    fn records(&self, run: RunId, after: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        Box::pin(self.read(move |conn| records::read(conn, run, after, limit)))
    }
}

impl CommandInbox for SqliteStore {
    fn submit(&self, run: RunId, id: CommandId, command: Command) -> BoxFuture<'_, Result<(), ReadError>> {
        Box::pin(async move {
            match self.store(Submit { run, id, command }).await {
                Ok(Submitted::Left) => Ok(()),
                Ok(Submitted::UnknownRun) => Err(ReadError::UnknownRun { run }),
                Ok(Submitted::Damaged(source)) => Err(ReadError::Corrupt { run, source }),
                Err(error) => Err(ReadError::Unavailable { path: self.dir.clone(), source: Box::new(error) }),
            }
        })
    }

    fn pending(&self, run: RunId) -> BoxFuture<'_, Result<Vec<PendingCommand>, ReadError>> {
        Box::pin(self.read(move |conn| inbox::pending(conn, run)))
    }
}

impl Store for SqliteStore {
    fn commit(
        &self,
        appends: Vec<RunAppend>,
    ) -> BoxFuture<'_, Result<Vec<Result<(), AppendError>>, StoreError>> {
        Box::pin(self.store(Commit(appends)))
    }

    fn claim(&self, run: RunId, takeover: bool) -> BoxFuture<'_, Result<Claim, ClaimError>> {
        Box::pin(async move { self.store(owner::Claim { run, takeover }).await? })
    }

    fn release(&self, run: RunId, epoch: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.store(Release { run, epoch }))
    }

    fn heartbeat(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.store(Heartbeat))
    }

    fn put_snapshot(&self, epoch: u64, snapshot: Snapshot) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.store(PutSnapshot { epoch, snapshot }))
    }

    fn snapshot(&self, run: RunId, lane: &Lane) -> BoxFuture<'_, Result<Option<Snapshot>, StoreError>> {
        let lane = lane.clone();
        Box::pin(async move {
            let read = self.read(move |conn| snapshot::read(conn, run, &lane)).await;
            read.map_err(|error| StoreError::Failed { path: self.dir.clone(), source: Box::new(error) })
        })
    }

    fn commit_last(
        &self,
        appends: Vec<RunAppend>,
    ) -> BoxFuture<'_, Result<Vec<Result<(), AppendError>>, StoreError>> {
        Box::pin(self.store(LastCommit(appends)))
    }

    fn keep_late(&self, run: RunId, late: LateResult) -> BoxFuture<'_, Result<(), LateError>> {
        if self.queue.is_none() {
            let refused = WriteFailure::ReadOnly.into_store_error(&self.dir);
            return Box::pin(std::future::ready(Err(refused.into())));
        }
        let kept = blocking(&self.dir, move |dir| late::keep(dir, run, &late));
        Box::pin(async move { kept.await? })
    }

    fn late(&self, run: RunId) -> BoxFuture<'_, Result<LateResults, StoreError>> {
        Box::pin(async move { blocking(&self.dir, move |dir| late::read(dir, run)).await? })
    }

    fn earlier_intent(
        &self,
        key: &str,
        run: RunId,
        call: CallId,
    ) -> BoxFuture<'_, Result<Option<IntentRow>, ReadError>> {
        let key = key.to_owned();
        Box::pin(self.read(move |conn| intent::earlier(conn, &key, run, call)))
    }

    fn check(&self) -> BoxFuture<'_, Result<StoreCheck, StoreError>> {
        let (dir, now) = (self.dir.clone(), (self.now)());
        Box::pin(async move {
            let read = self.read(move |conn| check::check(conn, &dir, now)).await;
            let failed = |error| StoreError::Failed { path: self.dir.clone(), source: Box::new(error) };
            let mut check = read.map_err(failed)?;
            for run in blocking(&self.dir, late::runs).await?? {
                check.read_late(self, run).await?;
            }
            Ok(check)
        })
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { self.empty_log().await.map_err(|failure| failure.into_store_error(&self.dir)) })
    }

    fn path(&self) -> Option<PathBuf> {
        Some(self.dir.clone())
    }
}
