//! Keeps snapshots of a live run, and opens a run with one.
//!
//! A snapshot is a cache: without it all records are folded, with the same result. It is folded from the journal, never
//! taken from the actors, and ends between two turns, so that whoever starts with it needs no record before it.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use playhouse_journal::{Event, ReadError, Record};
use playhouse_messages::RunLog;
use playhouse_storage::{Snapshot, Store};
use playhouse_types::{Lane, RunId, Seq};
use tracing::debug;

use super::run_fold::{Restored, RunFold};
use crate::definition::Definition;

/// How many records are read at a time.
const PAGE: usize = 1000;

/// How many records lie at least between two snapshots: as many as are read and folded in a millisecond or two.
const MIN_RECORDS: u64 = 256;

/// A snapshot holds the whole state, so the longer a run is, the more records lie between two of them, one in this many:
/// all snapshots of a run together write about as many times its state, however long it is.
const SHARE: u64 = 16;

/// Writes the snapshots of one live run.
pub(crate) struct Snapshots {
    store: Arc<dyn Store>,
    epoch: u64,
    /// The state as of the newest snapshot; `None` once the crew's pattern has failed or says that it has no stored form.
    fold: Option<RunFold>,
}

impl Snapshots {
    /// Begins with the state as of the base of the run's log.
    pub(crate) fn new(store: Arc<dyn Store>, epoch: u64, fold: RunFold) -> Self {
        Self { store, epoch, fold: Some(fold) }
    }

    /// Makes none.
    pub(crate) fn none(store: Arc<dyn Store>) -> Self {
        Self { store, epoch: 0, fold: None }
    }

    /// Writes a snapshot whenever enough records have become durable. Never returns.
    ///
    /// # Cancel safety
    /// Dropping the future loses the snapshot that is being written at most.
    pub(crate) async fn keep_up(&mut self, log: &RunLog) {
        // Counted from the newest snapshot, whoever wrote it: a run that never lives long gets one all the same.
        let mut from = self.fold.as_ref().map_or(Seq(0), |fold| fold.facts().head().seq);
        while self.fold.is_some() {
            let due = from.0 + MIN_RECORDS.max(from.0 / SHARE);
            if log.wait_durable(Seq(due)).await.is_err() {
                break;
            }
            from = log.durable();
            self.write(log).await;
        }
        std::future::pending::<()>().await;
    }

    /// Writes a snapshot of what is durable, as of the last moment between two turns, unless the newest one is of then.
    pub(crate) async fn write(&mut self, log: &RunLog) {
        let Some(mut fold) = self.fold.take() else { return };
        // A pattern is user code: if it fails, the run goes on without snapshots.
        let advance = || {
            let is_newer = advance(&mut fold, log);
            let snapshot = is_newer.then(|| fold.to_snapshot(log));
            (fold, snapshot)
        };
        let Ok((fold, snapshot)) = catch_unwind(AssertUnwindSafe(advance)) else { return };
        match snapshot {
            None => self.fold = Some(fold),
            Some(None) => {}
            Some(Some(snapshot)) => {
                self.fold = Some(fold);
                if let Err(error) = self.store.put_snapshot(self.epoch, snapshot).await {
                    debug!(run.id = %log.run(), error = %error, "snapshot could not be written");
                }
            }
        }
    }
}

/// Takes in the durable records up to the last moment between two turns. Tells whether there were any.
fn advance(fold: &mut RunFold, log: &RunLog) -> bool {
    let (from, durable) = (fold.facts().head().seq, log.durable());
    let (mut upto, mut open_turns) = (from, BTreeSet::new());
    for record in log.after(from).take_while(|record| record.seq <= durable) {
        match &record.event {
            Event::TurnAssigned { turn, .. } => drop(open_turns.insert(*turn)),
            Event::TurnEnded { turn, .. } => drop(open_turns.remove(turn)),
            _ => {}
        }
        if open_turns.is_empty() {
            upto = record.seq;
        }
    }
    log.after(from).take_while(|record| record.seq <= upto).for_each(|record| fold.apply(record));
    upto > from
}

/// A run's log, with the state as of its base.
pub(crate) struct Opened {
    pub(crate) log: Arc<RunLog>,
    pub(crate) fold: RunFold,
}

/// Reads a run, all of it checked and durable: its newest snapshot and the records since, or all records.
pub(crate) async fn open(
    store: &dyn Store,
    run: RunId,
    definition: &Definition,
) -> Result<Opened, ReadError> {
    if let Some(restored) = find(store, run, definition).await
        && let Some(opened) = open_with(store, run, restored).await?
    {
        return Ok(opened);
    }
    Ok(Opened { log: read_all(store, run).await?, fold: RunFold::new(definition) })
}

/// Reads all records of a run.
pub(crate) async fn read_all(store: &dyn Store, run: RunId) -> Result<Arc<RunLog>, ReadError> {
    let log = Arc::new(RunLog::new(run));
    read_on(store, &log).await?;
    Ok(log)
}

/// Returns the newest snapshot of a run, if it can be used.
async fn find(store: &dyn Store, run: RunId, definition: &Definition) -> Option<Restored> {
    let snapshot: Snapshot = match store.snapshot(run, &Lane::run()).await {
        Ok(snapshot) => snapshot?,
        Err(error) => {
            debug!(run.id = %run, error = %error, "snapshot could not be read");
            return None;
        }
    };
    RunFold::from_snapshot(&snapshot, definition)
        .inspect_err(|why| debug!(run.id = %run, error = %why, "snapshot is not used"))
        .ok()
}

/// Goes on with a snapshot; `None` if its last record is not the one in the journal.
async fn open_with(store: &dyn Store, run: RunId, restored: Restored) -> Result<Option<Opened>, ReadError> {
    let Restored { fold, messages } = restored;
    let head = fold.facts().head();
    let Some(before) = head.seq.0.checked_sub(1) else { return Ok(None) };
    let first = store.records(run, Seq(0), 1).await?.into_iter().next();
    let mut tail = store.records(run, Seq(before), PAGE).await?.into_iter();
    let (Some(first), Some(newest)) = (first, tail.next().filter(|newest| newest.hash == head.hash)) else {
        debug!(run.id = %run, "snapshot is not used: it is of another journal");
        return Ok(None);
    };
    let is_last = tail.len() + 1 < PAGE;
    let log = RunLog::with_base(Arc::new(first), Arc::new(newest), messages, fold.facts().clone());
    let log = Arc::new(log);
    push(&log, tail);
    if !is_last {
        read_on(store, &log).await?;
    }
    Ok(Some(Opened { log, fold }))
}

/// Reads the records after the head of the log.
async fn read_on(store: &dyn Store, log: &RunLog) -> Result<(), ReadError> {
    loop {
        let page = store.records(log.run(), log.head(), PAGE).await?;
        let is_last = page.len() < PAGE;
        push(log, page);
        if is_last {
            return Ok(());
        }
    }
}

fn push(log: &RunLog, records: impl IntoIterator<Item = Record>) {
    records.into_iter().for_each(|record| log.push(Arc::new(record)));
    log.mark_durable(log.head());
}
