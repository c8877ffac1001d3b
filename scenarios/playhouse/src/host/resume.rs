//! Going on with a run or batch that another process has left.

use std::sync::Arc;

use playhouse_coordinator::RunRest;
use playhouse_journal::{Event, Kind, NewRecord, ReadError, Record, RecordKey, RunRow};
use playhouse_messages::{JournalMsg, RunJournal, RunLog};
use playhouse_runtime::EventStream;
use playhouse_types::{
    Incarnation, Label, Lane, RunId, RunOutcome, RunStatus, ScenarioName, Seq, Step, Timestamp, TurnId,
};

use super::batch::{BatchHandle, OpenBatch};
use super::change::{changed, record_change, refuse_pinned, why_set_aside};
use super::error::RunError;
use super::incarnations::record_resumption;
use super::live_run::{Leave, Means, OpenedRun, RunEnd};
use super::run_fold::RunFold;
use super::run_handle::RunHandle;
use super::runtime::{Inner, Runtime};
use super::snapshots::{self, Opened, read_all};
use crate::definition::Definition;
use crate::terms::Terms;

/// How many records are read at a time.
pub(crate) const PAGE: usize = 1000;

/// Finds a scenario of this binary by name, with the parameters of the stored run (JSON text).
pub type FindScenario<'a> = dyn Fn(&ScenarioName, &str) -> Result<Arc<Definition>, String> + Send + Sync + 'a;

/// What `resume` found.
#[derive(Debug)]
pub enum Resumed {
    /// A run that goes on.
    Run(RunHandle),
    /// A batch that goes on.
    Batch(BatchHandle),
    /// A run that has ended already, or was set aside.
    Settled(Box<RunEnd>),
}

/// How a run becomes ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opening {
    /// This process has admitted it: it is ours already, under epoch 1.
    Admitted,
    /// Its owner must be gone.
    Claim,
    /// Its owner must be gone or silent.
    Takeover,
}

impl Runtime {
    /// Goes on with a run or batch. `find` finds its scenario in this binary.
    ///
    /// # Errors
    /// [`RunError`]; `Claim` if its owner is alive.
    pub async fn resume(
        &self,
        run: RunId,
        find: &FindScenario<'_>,
        takeover: bool,
    ) -> Result<Resumed, RunError> {
        let inner = &self.inner;
        inner.refuse_when_closing()?;
        let row = inner.store.run(run).await?.ok_or(ReadError::UnknownRun { run })?;
        let opening = if takeover { Opening::Takeover } else { Opening::Claim };
        if row.is_batch {
            return self.resume_batch(&row, find, opening).await;
        }
        if row.status == RunStatus::Quarantined && !inner.store.pending(run).await?.is_empty() {
            // A person has said what to do while nobody could take it.
            Box::pin(self.take_commands(run, find)).await?;
        }
        if let Some(end) = settled(inner, run).await? {
            return Ok(Resumed::Settled(Box::new(end)));
        }
        let (definition, means) = prepare(inner, &row, find).await?;
        refuse_pinned(inner, run, &definition).await?;
        match open_run(inner, &definition, run, opening).await? {
            Ok(opened) => Ok(Resumed::Run(inner.launch(opened, means).await?)),
            Err(end) => Ok(Resumed::Settled(Box::new(end))),
        }
    }

    /// Waits until a run that was started before without getting anywhere gets somewhere now, or rests. Resuming such
    /// runs one at a time keeps one that takes the process down from taking others along.
    ///
    /// `events` must watch since before the run was resumed.
    pub async fn wait_for_progress(&self, resumed: &Resumed, events: &mut EventStream) {
        if let Resumed::Run(handle) = resumed {
            handle.got_somewhere(events).await;
        }
    }

    async fn resume_batch(
        &self,
        row: &RunRow,
        find: &FindScenario<'_>,
        opening: Opening,
    ) -> Result<Resumed, RunError> {
        let inner = &self.inner;
        if !row.status.is_open() {
            let log = read_all(&*inner.store, row.run).await?;
            return Ok(Resumed::Settled(Box::new(end_on_record(row.clone(), all(&log)))));
        }
        let (definition, _) = prepare(inner, row, find).await?;
        let claimed = claim(inner, &definition, row.run, opening).await?;
        match self.open_batch(&claimed, definition, opening).await {
            Ok(batch) => Ok(Resumed::Batch(batch.launch(inner))),
            Err(error) => {
                inner.let_go(row.run, claimed.epoch, Leave::Release).await;
                Err(error)
            }
        }
    }

    async fn open_batch(
        &self,
        claimed: &Claimed,
        definition: Arc<Definition>,
        opening: Opening,
    ) -> Result<OpenBatch, RunError> {
        let journal = claimed.open(&self.inner).await?;
        let step = Step(u32::try_from(claimed.epoch).unwrap_or(u32::MAX));
        let key = RecordKey::new(TurnId(0), step, 0, Kind::Resumed);
        let event = Event::Resumed { epoch: claimed.epoch, clean: claimed.is_clean };
        let record = NewRecord {
            lane: Lane::run(),
            incarnation: Incarnation(step.0),
            key,
            causation: None,
            label: Label::default(),
            event,
        };
        let mut row = claimed.row.clone();
        let run = row.run;
        let folded =
            journal.append(vec![record]).await.map_err(|source| RunError::Journal { run, source })?;
        folded.iter().for_each(|record| row.apply(record));
        Ok(OpenBatch { definition, journal, row, epoch: claimed.epoch, opening })
    }
}

/// Returns the end of a run that is not open any more.
pub(crate) async fn settled(inner: &Arc<Inner>, run: RunId) -> Result<Option<RunEnd>, RunError> {
    let row = inner.store.run(run).await?.ok_or(ReadError::UnknownRun { run })?;
    if row.status.is_open() {
        return Ok(None);
    }
    let log = read_all(&*inner.store, run).await?;
    Ok(Some(end_on_record(row, all(&log))))
}

/// Returns the end of a run as its row and its records have it.
pub(crate) fn end_on_record<'a>(row: RunRow, records: impl IntoIterator<Item = &'a Record>) -> RunEnd {
    let result = records.into_iter().find_map(|record| match &record.event {
        Event::RunConcluded { result, .. } => result.clone(),
        _ => None,
    });
    let outcome = row.outcome.clone().unwrap_or(RunOutcome {
        kind: playhouse_types::OutcomeKind::Failed,
        detail: "no outcome is on record".to_owned(),
    });
    RunEnd { row, result, rest: RunRest::Concluded(outcome) }
}

fn all(log: &RunLog) -> impl Iterator<Item = &Record> {
    log.after(Seq(0)).map(AsRef::as_ref)
}

/// Finds the scenario of a run and all that it needs, before the run is touched: a resumption that cannot work must
/// not look like a crash.
pub(crate) async fn prepare(
    inner: &Arc<Inner>,
    row: &RunRow,
    find: &FindScenario<'_>,
) -> Result<(Arc<Definition>, Means), RunError> {
    let definition = find_definition(inner, row, find).await?;
    let first = inner.store.records(row.run, Seq(0), 1).await?;
    let model = match first.first().map(|record| &record.event) {
        // A fork shares its admission with another run, which has another trace; its own choices stand further on.
        Some(Event::RunAdmitted(admitted)) if admitted.trace != row.trace => {
            let terms = Terms::of(read_all(&*inner.store, row.run).await?.as_ref());
            terms.and_then(|terms| terms.model)
        }
        Some(Event::RunAdmitted(admitted)) => admitted.model.clone(),
        Some(Event::BatchAdmitted(admitted)) => admitted.model.clone(),
        _ => None,
    };
    let means = inner.means(&definition, model.as_ref()).await?;
    Ok((definition, means))
}

/// Finds the scenario of a run, with the parameters that it was admitted with.
pub(crate) async fn find_definition(
    inner: &Arc<Inner>,
    row: &RunRow,
    find: &FindScenario<'_>,
) -> Result<Arc<Definition>, RunError> {
    let first = inner.store.records(row.run, Seq(0), 1).await?;
    let parameters = match first.first().map(|record| &record.event) {
        Some(Event::RunAdmitted(admitted)) => &admitted.parameters,
        Some(Event::BatchAdmitted(admitted)) => &admitted.parameters,
        _ => return Err(RunError::Invalid(format!("run `{}` has no admission on record", row.run))),
    };
    find(&row.scenario, parameters).map_err(RunError::Invalid)
}

/// Makes a run ours and opens it; a run that keeps crashing is set aside instead.
pub(crate) async fn open_run(
    inner: &Arc<Inner>,
    definition: &Arc<Definition>,
    run: RunId,
    opening: Opening,
) -> Result<Result<OpenedRun, RunEnd>, RunError> {
    let claimed = claim(inner, definition, run, opening).await?;
    match open_claimed(inner, definition, &claimed, opening).await {
        Ok(opened) => Ok(opened),
        Err(error) => {
            inner.let_go(run, claimed.epoch, Leave::Release).await;
            Err(error)
        }
    }
}

async fn open_claimed(
    inner: &Arc<Inner>,
    definition: &Arc<Definition>,
    claimed: &Claimed,
    opening: Opening,
) -> Result<Result<OpenedRun, RunEnd>, RunError> {
    let definition = Arc::clone(definition);
    let journal = claimed.open(inner).await?;
    let (mut row, epoch, fold) = (claimed.row.clone(), claimed.epoch, claimed.fold.clone());
    if opening == Opening::Admitted {
        return Ok(Ok(OpenedRun { definition, journal, fold, row, epoch, owner_gone_at: None }));
    }
    if let Some(reason) = why_set_aside(&row, journal.log(), fold.coordinator(), &definition) {
        return quarantine(inner, &definition, claimed, journal, reason).await.map(Err);
    }
    let head = journal.log().head();
    record_resumption(&journal, epoch, claimed.is_clean).await?;
    if let Some((from, to)) = changed(journal.log(), &definition) {
        record_change(&journal, epoch, from, to).await?;
    }
    journal.log().after(head).for_each(|record| row.apply(record));
    Ok(Ok(OpenedRun { definition, journal, fold, row, epoch, owner_gone_at: claimed.owner_gone_at }))
}

async fn quarantine(
    inner: &Arc<Inner>,
    definition: &Definition,
    claimed: &Claimed,
    journal: RunJournal,
    reason: String,
) -> Result<RunEnd, RunError> {
    let (mut row, epoch) = (claimed.row.clone(), claimed.epoch);
    let outcome = RunOutcome { kind: playhouse_types::OutcomeKind::Quarantined, detail: reason.clone() };
    let record = NewRecord {
        lane: Lane::run(),
        incarnation: journal.log().facts(|facts| facts.lane(Lane::RUN).incarnation),
        key: RecordKey::new(TurnId(0), Step(u32::try_from(epoch).unwrap_or(u32::MAX)), 0, Kind::Quarantined),
        causation: None,
        label: Label::default(),
        event: Event::Quarantined { reason },
    };
    let run = row.run;
    let records = journal.commit(vec![record]).await.map_err(|source| inner.lost(run, source))?;
    records.iter().for_each(|record| row.apply(record));
    // A person decides about this change once: what is answered is on record as known.
    if let Some((from, to)) = changed(journal.log(), definition) {
        record_change(&journal, epoch, from, to).await?;
    }
    let end = RunEnd { row, result: None, rest: RunRest::Concluded(outcome) };
    inner.close_run(&end, epoch, Leave::Release).await;
    Ok(end)
}

/// A run that is ours, before its log is open.
pub(crate) struct Claimed {
    pub(crate) row: RunRow,
    pub(crate) epoch: u64,
    is_clean: bool,
    /// If the owner before us is surely gone: when we knew. It sent nothing after that.
    owner_gone_at: Option<Timestamp>,
    log: Arc<RunLog>,
    /// The state as of the base of the log.
    pub(crate) fold: RunFold,
}

impl Claimed {
    /// Puts the run under the writer's care.
    pub(crate) async fn open(&self, inner: &Arc<Inner>) -> Result<RunJournal, RunError> {
        open_journal(inner, &self.row, self.epoch, &self.log).await
    }
}

/// Puts a run that is ours under the writer's care, with the records that `log` holds.
pub(crate) async fn open_journal(
    inner: &Arc<Inner>,
    row: &RunRow,
    epoch: u64,
    log: &Arc<RunLog>,
) -> Result<RunJournal, RunError> {
    let run = row.run;
    let (reply, answer) = tokio::sync::oneshot::channel();
    let message =
        JournalMsg::Open { row: Box::new(row.clone()), epoch, log: Arc::clone(log), reply: reply.into() };
    let stopped = || inner.lost(run, playhouse_messages::JournalError::Stopped);
    inner.journal.send_when_free(message).await.map_err(|_| stopped())?;
    answer.await.map_err(|_| stopped())?;
    Ok(inner.run_journal(Arc::clone(log)))
}

/// Makes a run ours and reads its records; nobody else appends to it from here on.
pub(crate) async fn claim(
    inner: &Arc<Inner>,
    definition: &Definition,
    run: RunId,
    opening: Opening,
) -> Result<Claimed, RunError> {
    inner.take_up(run)?;
    match claim_and_load(inner, definition, run, opening).await {
        Ok(claimed) => Ok(claimed),
        Err(error) => {
            inner.forget(run);
            Err(error)
        }
    }
}

async fn claim_and_load(
    inner: &Arc<Inner>,
    definition: &Definition,
    run: RunId,
    opening: Opening,
) -> Result<Claimed, RunError> {
    if opening == Opening::Admitted {
        let row = inner.store.run(run).await?.ok_or(ReadError::UnknownRun { run })?;
        let (log, fold) = (read_all(&*inner.store, run).await?, RunFold::new(definition));
        return Ok(Claimed { row, epoch: 1, is_clean: true, owner_gone_at: None, log, fold });
    }
    let claim = inner.store.claim(run, opening == Opening::Takeover).await?;
    // Taken after the claim, which may have waited: until it succeeded the owner may have been alive.
    let is_gone = opening == Opening::Claim && !claim.clean;
    let owner_gone_at = is_gone.then(|| inner.clock.now());
    match snapshots::open(&*inner.store, run, definition).await {
        Ok(Opened { log, fold }) => {
            let (row, epoch, is_clean) = (claim.row, claim.epoch, claim.clean);
            Ok(Claimed { row, epoch, is_clean, owner_gone_at, log, fold })
        }
        Err(error) => {
            inner.let_go(run, claim.epoch, Leave::Release).await;
            Err(error.into())
        }
    }
}

/// Returns the runs that `resume --all` goes on with: open, and not cases of an open batch; oldest first.
#[must_use]
pub(crate) fn resumable(rows: &[RunRow]) -> Vec<RunId> {
    let is_open = |status: RunStatus| status.is_open();
    rows.iter()
        .filter(|row| is_open(row.status))
        .filter(|row| !rows.iter().any(|parent| row.parent == Some(parent.run) && is_open(parent.status)))
        .map(|row| row.run)
        .collect()
}
