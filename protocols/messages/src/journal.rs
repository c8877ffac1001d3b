//! Messages and handle of the journal writer.

use std::sync::Arc;

use playhouse_journal::{NewRecord, Record, RunRow};
use playhouse_types::{BootId, Incarnation, Lane, RunId, Seq};
use ractor::RpcReplyPort;

use crate::{Address, Faults, Moment, RunLog};

/// Why a record was not written or its fate is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process owns the run now: stop all work on it.
    #[error("run `{run}` is owned by another process now")]
    Fenced {
        /// The run.
        run: RunId,
    },
    /// A newer incarnation of the same actor has started: stop.
    #[error("incarnation {incarnation} of `{lane}` has been replaced")]
    StaleIncarnation {
        /// Whose lane.
        lane: Lane,
        /// The old incarnation.
        incarnation: Incarnation,
    },
    /// The store failed: nothing is acknowledged any more; resume the run once the store works.
    #[error("the store failed; resume the run once it works again")]
    StoreFailed,
    /// The journal writer does not answer; safe to retry.
    #[error("the journal writer is not running")]
    Stopped,
}

/// A run that begins.
#[derive(Debug)]
pub struct Admission {
    /// Its row.
    pub row: RunRow,
    /// Its first records.
    pub records: Vec<NewRecord>,
    /// Its log, if the run is to be open at once under epoch 1.
    pub log: Option<Arc<RunLog>>,
}

/// What the journal writer is asked.
#[derive(Debug)]
pub enum JournalMsg {
    /// Takes a run under this writer's care, with the records it already has; its log is shared from now on.
    Open {
        /// The row, with key and tenant.
        row: Box<RunRow>,
        /// The epoch under which this process owns the run.
        epoch: u64,
        /// The records so far, already folded into `log`.
        log: Arc<RunLog>,
        /// Told when appends will be taken.
        reply: RpcReplyPort<()>,
    },
    /// Appends records in one go: all of them or, if one is refused, none.
    Append {
        /// The run.
        run: RunId,
        /// The records; one whose key is on record already is answered with the stored one.
        records: Vec<NewRecord>,
        /// Told the records in their places once they are appended, not yet durable.
        reply: RpcReplyPort<Result<Vec<Arc<Record>>, JournalError>>,
    },
    /// Admits runs in one commit; told once durable.
    Admit {
        /// The runs, a batch before its cases.
        runs: Vec<Admission>,
        /// The process that owns them from now on, under epoch 1.
        owner: BootId,
        /// Told when all of them are durable, or why none is.
        reply: RpcReplyPort<Result<(), JournalError>>,
    },
    /// Forgets a run whose actors have stopped.
    Close {
        /// The run.
        run: RunId,
    },
    /// The writer's note to itself: a commit ended.
    Settled {
        /// What became of each run's part: the last record that is durable now, or why none is.
        runs: Vec<(RunId, Result<Seq, JournalError>)>,
    },
    /// The writer's note to itself: records that ride along have waited long enough.
    Flush,
}

/// Writes one run's records: what its actors and call tasks hold.
#[derive(Clone, Debug)]
pub struct RunJournal {
    address: Address<JournalMsg>,
    log: Arc<RunLog>,
    faults: Option<Arc<dyn Faults>>,
}

impl RunJournal {
    /// Makes the handle of a run that the writer at `address` has opened with `log`.
    #[must_use]
    pub const fn new(address: Address<JournalMsg>, log: Arc<RunLog>) -> Self {
        Self { address, log, faults: None }
    }

    /// Lets a test crash whoever writes, at the moments that `faults` plans; `None` outside tests.
    #[must_use]
    pub fn with_faults(self, faults: Option<Arc<dyn Faults>>) -> Self {
        Self { faults, ..self }
    }

    /// Returns the shared view of the run.
    #[must_use]
    pub const fn log(&self) -> &Arc<RunLog> {
        &self.log
    }

    /// Appends records and returns them in their places, not yet durable. The next commit takes them.
    ///
    /// # Errors
    /// [`JournalError`]: none was appended. Safe to retry after `Stopped`, as keys are unique.
    /// # Cancel safety
    /// After the first poll the records may be appended although the future is dropped; appending again is harmless.
    pub async fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Arc<Record>>, JournalError> {
        self.reach(Moment::Before(&records)).await;
        let (reply, answer) = tokio::sync::oneshot::channel();
        let message = JournalMsg::Append { run: self.log.run(), records, reply: reply.into() };
        self.address.send_when_free(message).await.map_err(|_| JournalError::Stopped)?;
        let records = answer.await.map_err(|_| JournalError::Stopped)??;
        self.reach(Moment::Appended(&records)).await;
        Ok(records)
    }

    /// Appends records and waits until they are durable.
    ///
    /// # Errors
    /// [`JournalError`]. After `StoreFailed` nobody knows whether they are on record: refold from the store.
    pub async fn commit(&self, records: Vec<NewRecord>) -> Result<Vec<Arc<Record>>, JournalError> {
        let records = self.append(records).await?;
        if let Some(seq) = records.iter().map(|record| record.seq).max() {
            self.log.wait_durable(seq).await?;
            self.reach(Moment::Durable(&records)).await;
        }
        Ok(records)
    }

    async fn reach(&self, moment: Moment<'_>) {
        if let Some(faults) = &self.faults {
            faults.reached(self.log.run(), moment).await;
        }
    }
}
