//! The thread that writes: whatever is queued goes into one transaction, and is answered after its sync.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use playhouse_storage::Now;
use playhouse_types::{BootId, Timestamp};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};

use crate::failure::{WriteFailure, is_busy};
use crate::{SqliteOptions, checkpoint, reserve, schema};

/// As many callers as may wait at once; more wait for room. Each is one caller's whole commit, so that this is far
/// above what a process has in flight, and bounds a transaction as well.
pub(crate) const QUEUE_LENGTH: usize = 1024;

/// How long one attempt to get the write lock waits; after it the writer looks whether it should end.
const LOCK_ATTEMPT: Duration = Duration::from_millis(250);

/// What is known while one transaction is written.
pub(crate) struct Session<'a> {
    /// The connection, in a transaction.
    pub(crate) conn: &'a Connection,
    /// The data directory.
    pub(crate) dir: &'a Path,
    /// This process.
    pub(crate) boot: BootId,
    /// When the transaction began.
    pub(crate) now: Timestamp,
}

/// Something to write. An error of SQLite fails the whole transaction; what only concerns the asker is in `Output`.
pub(crate) trait Task: Send + 'static {
    /// What is answered once it is durable.
    type Output: Send + 'static;

    /// Whether it may use the room that is held back, on a full disk.
    const IS_LAST: bool = false;

    /// Writes it.
    fn execute(&self, session: &Session<'_>) -> rusqlite::Result<Self::Output>;
}

/// A task in the queue.
pub(crate) trait Queued: Send {
    fn is_last(&self) -> bool;
    fn execute(&mut self, session: &Session<'_>) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, failure: Option<&WriteFailure>);
}

/// Who waits for a flush.
pub(crate) type Flushed = oneshot::Sender<Result<(), WriteFailure>>;

/// What waits for the writer.
pub(crate) enum Message {
    /// Something to write.
    Write(Box<dyn Queued>),
    /// The log is moved into the file once all before it is written; answered with what has failed by then.
    Flush(Flushed),
}

/// What is done together: what is written in one transaction, and who waits for the flush after it.
type Group = (Vec<Box<dyn Queued>>, Vec<Flushed>);

/// A task, its output once it has one, and who waits for it.
pub(crate) struct Asked<T: Task> {
    pub(crate) task: T,
    pub(crate) output: Option<T::Output>,
    pub(crate) reply: oneshot::Sender<Result<T::Output, WriteFailure>>,
}

impl<T: Task> Queued for Asked<T> {
    fn is_last(&self) -> bool {
        T::IS_LAST
    }

    fn execute(&mut self, session: &Session<'_>) -> rusqlite::Result<()> {
        self.output = Some(self.task.execute(session)?);
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<&WriteFailure>) {
        let answer = match failure {
            None => self.output.ok_or(WriteFailure::Stopped),
            Some(failure) => Err(failure.clone()),
        };
        // The caller may have given up; what it asked for is written all the same.
        let _ = self.reply.send(answer);
    }
}

/// The writer: owns the one connection that writes.
pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) dir: PathBuf,
    pub(crate) boot: BootId,
    pub(crate) now: Now,
    pub(crate) options: SqliteOptions,
    pub(crate) queue: mpsc::Receiver<Message>,
    /// Set when the store is dropped: the writer then no longer waits for other processes.
    pub(crate) is_closing: Arc<AtomicBool>,
}

impl Writer {
    /// Writes until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let mut failure: Option<WriteFailure> = None;
        let mut is_reserve_used = false;
        while let Some((mut group, flushes)) = self.next_group() {
            if failure.is_none() {
                failure = self.write_or_fail(&mut group);
            } else if matches!(failure, Some(WriteFailure::Full)) && !is_reserve_used {
                let (last, others) = group.into_iter().partition(|queued| queued.is_last());
                group = others;
                is_reserve_used = self.write_last(last);
            }
            for queued in group {
                queued.answer(failure.as_ref());
            }
            if failure.is_none() {
                failure = self.checkpoint_or_fail();
            }
            if failure.is_none() && !flushes.is_empty() {
                failure = self.empty_log().err().map(WriteFailure::from);
            }
            for flush in flushes {
                // Whoever asked may have given up; the next one is told the same.
                let _ = flush.send(failure.clone().map_or(Ok(()), Err));
            }
        }
        self.close(failure.is_some());
    }

    /// Waits for something to do and takes all that is queued; `None` when nobody will ask any more.
    fn next_group(&mut self) -> Option<Group> {
        let (mut group, mut flushes) = (Vec::new(), Vec::new());
        let mut next = Some(self.queue.blocking_recv()?);
        while let Some(message) = next {
            match message {
                Message::Write(queued) => group.push(queued),
                Message::Flush(flush) => flushes.push(flush),
            }
            let is_full = group.len() + flushes.len() >= QUEUE_LENGTH;
            // Nothing there or nobody left: what was taken is written first either way.
            next = if is_full { None } else { self.queue.try_recv().ok() };
        }
        Some((group, flushes))
    }

    fn write_or_fail(&self, group: &mut [Box<dyn Queued>]) -> Option<WriteFailure> {
        if group.is_empty() {
            return None;
        }
        let failure = self.write(group).err()?;
        error!(error = ?failure, "store failed, nothing is written any more");
        Some(failure)
    }

    /// Writes the last commits of a full disk into the room that was held back, and tells whether there were any.
    fn write_last(&self, mut group: Vec<Box<dyn Queued>>) -> bool {
        if group.is_empty() {
            return false;
        }
        reserve::release(&self.dir);
        let raised = schema::raise_limit(&self.conn, &self.options).map_err(WriteFailure::from);
        let failure = raised.map_or_else(Some, |()| self.write_or_fail(&mut group));
        for queued in group {
            queued.answer(failure.as_ref());
        }
        true
    }

    fn write(&self, group: &mut [Box<dyn Queued>]) -> Result<(), WriteFailure> {
        self.conn.busy_timeout(LOCK_ATTEMPT.min(self.options.lock_timeout))?;
        self.locked("BEGIN IMMEDIATE")?;
        let outcome = self.execute(group);
        if outcome.is_err() {
            // It may have been rolled back already; nothing more is written either way.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        outcome
    }

    /// Does what has to be done in a transaction, and commits it.
    fn execute(&self, group: &mut [Box<dyn Queued>]) -> Result<(), WriteFailure> {
        if let Some((found, known)) = schema::newer(&self.conn)? {
            return Err(WriteFailure::TooNew { found, known });
        }
        let session = Session { conn: &self.conn, dir: &self.dir, boot: self.boot, now: (self.now)() };
        group.iter_mut().try_for_each(|queued| queued.execute(&session))?;
        self.delay();
        self.locked("COMMIT")
    }

    /// Executes a statement that needs a lock: waiting for other processes is no failure, until it has taken so long
    /// that the one that holds the lock cannot be working.
    fn locked(&self, sql: &str) -> Result<(), WriteFailure> {
        let mut waited = Duration::ZERO;
        loop {
            match self.conn.execute_batch(sql) {
                Err(error) if is_busy(&error) => {
                    waited += LOCK_ATTEMPT.min(self.options.lock_timeout);
                    if self.is_closing.load(Ordering::Relaxed) || waited >= self.options.lock_timeout {
                        return Err(WriteFailure::Busy(waited));
                    }
                    warn!(%error, "another process holds the store, waiting");
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a slow disk blocks this thread too")]
    fn delay(&self) {
        if !self.options.commit_delay.is_zero() {
            std::thread::sleep(self.options.commit_delay);
        }
    }

    /// Moves a long log into the file. What was answered is durable in the log, whatever happens here; but who goes on
    /// after a sync that failed cannot know what the file holds.
    fn checkpoint_or_fail(&self) -> Option<WriteFailure> {
        let error = checkpoint::move_long_log(&self.conn).err()?;
        error!(%error, "log not moved into the file, nothing is written any more");
        Some(error.into())
    }

    /// Leaves a file without a log behind if nobody else uses it; the log is complete without it.
    ///
    /// After a failure the log is left as it is for the recovery of the next process.
    fn close(self, failed: bool) {
        if failed {
            return;
        }
        let closed = match self.empty_log() {
            Ok(true) => checkpoint::allow_deletion(&self.conn),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = closed {
            error!(%error, "log not moved into the file at the close, it stays for the next process");
        }
    }

    /// Moves the whole log into the file, without waiting for other processes; tells whether it is empty now.
    fn empty_log(&self) -> rusqlite::Result<bool> {
        self.conn.busy_timeout(Duration::ZERO)?;
        checkpoint::empty_log(&self.conn)
    }
}
