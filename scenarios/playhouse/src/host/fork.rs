//! Forks: a new run that shares the beginning of another one and goes on by itself.

use std::collections::HashMap;
use std::sync::Arc;

use playhouse_journal::{
    ChainHead, Event, Fork, Kind, NewRecord, ReadError, Record, RecordKey, RunPlace, RunRow, StoredRecord,
    seal,
};
use playhouse_messages::{JournalError, RunJournal, RunLog};
use playhouse_runtime::{new_run_id, new_trace};
use playhouse_storage::RunAppend;
use playhouse_types::{Label, Lane, ModelName, RunId, Seq, Step, TurnId};

use super::change::{changed, record_change, refuse_pinned, why_set_aside};
use super::error::RunError;
use super::incarnations::newest_start;
use super::live_run::{Leave, OpenedRun};
use super::resume::{FindScenario, open_journal};
use super::run_fold::RunFold;
use super::run_handle::RunHandle;
use super::runtime::{Inner, Runtime, with_sources};
use super::snapshots::read_all;
use crate::definition::Definition;
use crate::fork_point::fork_point;
use crate::terms::Terms;

/// How to fork a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StartFork {
    /// The last record that may be shared; rounded down to one after which nothing is in flight and the run is not paused.
    pub at: Seq,
    /// The model that all agents ask from there on; `None` for the choice in force there.
    pub model: Option<ModelName>,
    /// The seed of all draws from there on; `None` for the one in force there.
    pub seed: Option<u64>,
    /// Whether tools that change anything outside may run.
    pub effects: bool,
}

/// A fork that goes on.
#[derive(Debug)]
pub struct ForkedRun {
    /// The new run.
    pub handle: RunHandle,
    /// The run whose beginning it shares: the one that was named, or the one that this was itself forked from further on.
    pub from: RunId,
    /// The last record that both share.
    pub at: Seq,
}

impl Runtime {
    /// Makes a new run that shares the beginning of `run`, and goes on with it; nothing of the beginning is done again.
    ///
    /// The new run has an id, a trace and idempotency keys of its own. Records of the beginning keep their places, keys
    /// and times. `find` finds the scenario in this binary.
    /// # Errors
    /// [`RunError::Invalid`] before anything was written: the run is a batch, it has no record at `at`, nothing is left
    /// once calls in flight are left out, or the scenario cannot work. [`RunError::StoreFailed`] if the store takes nothing.
    pub async fn fork(
        &self,
        run: RunId,
        find: &FindScenario<'_>,
        start: StartFork,
    ) -> Result<ForkedRun, RunError> {
        let inner = &self.inner;
        inner.refuse_when_closing()?;
        let row = inner.store.run(run).await?.ok_or(ReadError::UnknownRun { run })?;
        if row.is_batch {
            return Err(RunError::Invalid(format!("run `{run}` is a batch: fork one of its cases")));
        }
        let log = read_all(&*inner.store, run).await?;
        let records = shared_beginning(&log, start.at)?;
        let terms = Terms::fold(records.iter().map(AsRef::as_ref));
        let (Some(terms), Some(Event::RunAdmitted(admitted))) =
            (terms, records.first().map(|first| &first.event))
        else {
            return Err(RunError::Invalid(format!("run `{run}` has no admission on record")));
        };
        let definition = find(&row.scenario, &admitted.parameters).map_err(RunError::Invalid)?;
        refuse_pinned(inner, run, &definition).await?;
        let model = start.model.clone().or(terms.model);
        // Found before admission: a run that cannot be worked on is not written.
        let means = inner.means(&definition, model.as_ref()).await?;
        let at = Seq(records.len() as u64);
        let fork = Fork {
            from: origin(&log, at),
            at,
            model: start.model,
            seed: start.seed.unwrap_or(terms.seed),
            effects: start.effects,
        };
        let from = fork.from;
        let opened = admit(inner, &row, &records, fork, definition).await?;
        Ok(ForkedRun { handle: inner.launch(opened, means).await?, from, at })
    }
}

/// Returns the records that a fork at `at` shares.
fn shared_beginning(log: &RunLog, at: Seq) -> Result<Vec<Arc<Record>>, RunError> {
    let (run, head) = (log.run(), log.head());
    if at > head {
        return Err(RunError::Invalid(format!("run `{run}` has no record {at}: its last one is {head}")));
    }
    let records: Vec<Arc<Record>> = log.after(Seq(0)).cloned().collect();
    let Some(point) = fork_point(&records, at) else {
        let first = (at.0..=head.0).find_map(|later| fork_point(&records, Seq(later)));
        let hint = first
            .map_or_else(String::new, |first| format!("; the first record it can be forked at is {first}"));
        return Err(RunError::Invalid(format!("nothing of run `{run}` is settled at record {at}{hint}")));
    };
    Ok(records.into_iter().take_while(|record| record.seq <= point).collect())
}

/// Returns whose records those up to `at` are: of the run itself, or of the run that it was forked from further on.
fn origin(log: &RunLog, at: Seq) -> RunId {
    let later = log.after(at).find_map(|record| match &record.event {
        Event::Forked(fork) => Some(fork.from),
        _ => None,
    });
    later.unwrap_or_else(|| log.run())
}

/// Writes the new run in one commit and opens it.
async fn admit(
    inner: &Arc<Inner>,
    source: &RunRow,
    records: &[Arc<Record>],
    fork: Fork,
    definition: Arc<Definition>,
) -> Result<OpenedRun, RunError> {
    // Its owner is a new one: what is keyed by epochs must not meet the records of earlier owners.
    let epoch = records.iter().map(|record| record.epoch).max().unwrap_or(0) + 1;
    let mut row =
        RunRow::admitted(new_run_id(), source.scenario.clone(), inner.clock.now(), new_trace(), source.key);
    row.case.clone_from(&source.case);
    row.tenant.clone_from(&source.tenant);
    let mut sealing = Sealing::new(row);
    for record in records {
        sealing.add(copy_of(record), record.epoch, record.time)?;
    }
    let log = &sealing.log;
    let n_forks = log.after(Seq(0)).filter(|record| record.key.kind == Kind::Forked).count();
    let incarnation = newest_start(log, Lane::RUN).next();
    let record = NewRecord {
        lane: Lane::run(),
        incarnation,
        key: RecordKey::new(TurnId(0), Step(u32::try_from(n_forks).unwrap_or(u32::MAX)), 0, Kind::Forked),
        causation: None,
        label: Label::default(),
        event: Event::Forked(Box::new(fork)),
    };
    sealing.add(record, epoch, inner.clock.now())?;
    let Sealing { row, log, stored, .. } = sealing;
    if let Some(reason) = why_set_aside(&row, &log, RunFold::new(&definition).coordinator(), &definition) {
        return Err(RunError::Invalid(format!("a fork of run `{}` could not go on: {reason}", source.run)));
    }
    inner.take_up(row.run)?;
    match write(inner, &row, epoch, stored).await {
        Ok(()) => log.mark_durable(log.head()),
        Err(error) => {
            inner.forget(row.run);
            return Err(error);
        }
    }
    match open(inner, &row, epoch, &log, &definition).await {
        Ok(journal) => {
            let fold = RunFold::new(&definition);
            Ok(OpenedRun { definition, journal, fold, row, epoch, owner_gone_at: None })
        }
        Err(error) => {
            inner.let_go(row.run, epoch, Leave::Release).await;
            Err(error)
        }
    }
}

/// Opens the new run; from here on the definition at hand is in force.
async fn open(
    inner: &Arc<Inner>,
    row: &RunRow,
    epoch: u64,
    log: &Arc<RunLog>,
    definition: &Definition,
) -> Result<RunJournal, RunError> {
    let journal = open_journal(inner, row, epoch, log).await?;
    if let Some((from, to)) = changed(log, definition) {
        record_change(&journal, epoch, from, to).await?;
    }
    Ok(journal)
}

/// Writes a run that is not there yet. The journal writer has no part in it: it gives records the time of now.
async fn write(inner: &Inner, row: &RunRow, epoch: u64, records: Vec<StoredRecord>) -> Result<(), RunError> {
    let append = RunAppend {
        run: row.run,
        epoch,
        head: ChainHead::default(),
        records,
        row: Some(row.clone()),
        admitted_by: Some(inner.boot),
        acknowledged: Vec::new(),
        // What the beginning asked for, the other run has asked for.
        intents: Vec::new(),
    };
    let outcomes = inner.store.commit(vec![append]).await;
    let outcomes = outcomes.map_err(|cause| RunError::StoreFailed(with_sources(&cause)))?;
    match outcomes.into_iter().next() {
        Some(Ok(())) => Ok(()),
        // Only a second run of the same random id could be in the way.
        _ => Err(RunError::Journal { run: row.run, source: JournalError::Fenced { run: row.run } }),
    }
}

fn copy_of(record: &Record) -> NewRecord {
    NewRecord {
        lane: record.lane.clone(),
        incarnation: record.incarnation,
        key: record.key,
        causation: record.causation,
        label: record.label,
        event: record.event.clone(),
    }
}

/// Records that get their places in a new chain.
struct Sealing {
    row: RunRow,
    head: ChainHead,
    log: Arc<RunLog>,
    lanes: HashMap<Lane, Seq>,
    stored: Vec<StoredRecord>,
}

impl Sealing {
    fn new(row: RunRow) -> Self {
        let log = Arc::new(RunLog::new(row.run));
        Self { row, head: ChainHead::default(), log, lanes: HashMap::new(), stored: Vec::new() }
    }

    fn add(&mut self, new: NewRecord, epoch: u64, time: playhouse_types::Timestamp) -> Result<(), RunError> {
        let run = self.row.run;
        let lane_prev = self.lanes.get(&new.lane).copied();
        let place = RunPlace { run, key: &self.row.key, tenant: &self.row.tenant, epoch, lane_prev, time };
        let (record, stored) = seal(&place, self.head, new)
            .map_err(|source| RunError::Read(ReadError::Corrupt { run, source }))?;
        self.head = ChainHead { seq: record.seq, hash: record.hash };
        self.lanes.insert(record.lane.clone(), record.seq);
        self.row.apply(&record);
        self.log.push(Arc::new(record));
        self.stored.push(stored);
        Ok(())
    }
}
