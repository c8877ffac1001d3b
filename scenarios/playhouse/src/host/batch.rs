//! Batches: many cases of one scenario, admitted together, worked on a few at a time, ended as one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use playhouse_coordinator::RunRest;
use playhouse_journal::{AdmittedBatch, BatchCase, Event, Kind, NewRecord, RecordKey, RunRow};
use playhouse_messages::{JournalError, RunJournal};
use playhouse_types::{
    CaseName, ExitCode, Incarnation, Label, Lane, ModelName, OutcomeKind, RunId, RunOutcome, RunStatus, Seq,
    Step, TurnId,
};
use tokio::sync::watch;

use super::admission::admit_batch;
use super::error::RunError;
use super::live_run::{Leave, RunEnd};
use super::resume::{Opening, open_run, settled};
use super::run_handle::RunHandle;
use super::runtime::{Inner, Runtime, with_sources};
use crate::definition::{CaseInput, Definition};

/// How to start a batch.
#[derive(Clone, Debug)]
pub struct StartBatch {
    /// The cases in order.
    pub cases: Vec<CaseInput>,
    /// The absolute path of the folder they come from, for the record.
    pub input_path: PathBuf,
    /// The seed of all draws.
    pub seed: u64,
    /// The model for all agents; `None` leaves it to agents, environment and scripts.
    pub model: Option<ModelName>,
    /// How many cases are worked on at once; at least 1.
    pub concurrency: usize,
}

/// How a batch came to rest in this process.
#[derive(Clone, Debug)]
pub struct BatchEnd {
    /// The batch's row as of its last record.
    pub row: RunRow,
    /// The cases in order, each with its end, or with why it could not be worked on.
    pub cases: Vec<(CaseName, Result<RunEnd, String>)>,
    /// The results of all cases as a JSON array, `null` where there is none.
    pub result: String,
    /// The worst of the cases' exit codes.
    pub exit: ExitCode,
    /// How the batch came to rest.
    pub rest: RunRest,
}

/// A batch that was started or resumed. It goes on when this is dropped.
#[derive(Debug)]
pub struct BatchHandle {
    /// The batch.
    pub run: RunId,
    /// How many cases it has.
    pub n_cases: usize,
    end: watch::Receiver<Option<BatchEnd>>,
}

impl BatchHandle {
    /// Waits until all cases have come to rest.
    ///
    /// # Errors
    /// [`RunError::Closing`] if the runtime went away first.
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn finished(mut self) -> Result<BatchEnd, RunError> {
        let end = self.end.wait_for(Option::is_some).await.map_err(|_| RunError::Closing)?;
        end.clone().ok_or(RunError::Closing)
    }
}

impl Runtime {
    /// Starts a batch; it and all its cases are on record when this returns.
    ///
    /// # Errors
    /// [`RunError`]; `Invalid` before anything was written, naming the case.
    pub async fn start_batch(
        &self,
        scenario: Arc<Definition>,
        start: StartBatch,
    ) -> Result<BatchHandle, RunError> {
        let inner = &self.inner;
        inner.refuse_when_closing()?;
        if start.cases.is_empty() {
            let path = start.input_path.display();
            return Err(RunError::Invalid(format!("there are no cases in `{path}`")));
        }
        // Found before admission: a batch that cannot be worked on is not written.
        inner.means(&scenario, start.model.as_ref()).await?;
        let admissions = admit_batch(&scenario, &start, inner.clock.now())?;
        let Some((row, log)) = admissions.first().map(|first| (first.row.clone(), first.log.clone())) else {
            return Err(RunError::Closing);
        };
        inner.admit(admissions).await?;
        let log = log.ok_or(RunError::Closing)?;
        inner.take_up(row.run)?;
        let journal = inner.run_journal(log);
        let batch = OpenBatch { definition: scenario, journal, row, epoch: 1, opening: Opening::Admitted };
        Ok(batch.launch(inner))
    }
}

/// A case that has been started, or need not be.
enum StartedCase {
    Live(RunHandle),
    Settled(Box<RunEnd>),
}

/// What came of starting a case.
type Started = Result<StartedCase, RunError>;

/// A batch that is ours.
pub(crate) struct OpenBatch {
    pub(crate) definition: Arc<Definition>,
    pub(crate) journal: RunJournal,
    /// The row as of the log's last record.
    pub(crate) row: RunRow,
    pub(crate) epoch: u64,
    /// How its cases become ours.
    pub(crate) opening: Opening,
}

impl OpenBatch {
    /// Works on the cases in the background.
    pub(crate) fn launch(self, inner: &Arc<Inner>) -> BatchHandle {
        let (ended, end) = watch::channel(None);
        let (run, n_cases) = (self.row.run, self.admitted().map_or(0, |batch| batch.cases.len()));
        let keeper = Arc::clone(inner);
        inner.keep(async move {
            ended.send_replace(Some(self.work(&keeper).await));
        });
        BatchHandle { run, n_cases, end }
    }

    fn admitted(&self) -> Option<&AdmittedBatch> {
        match &self.journal.log().get(Seq(1))?.event {
            Event::BatchAdmitted(batch) => Some(batch),
            _ => None,
        }
    }

    async fn work(self, inner: &Arc<Inner>) -> BatchEnd {
        let (cases, concurrency) = match self.admitted() {
            Some(batch) => (batch.cases.clone(), batch.concurrency.max(1) as usize),
            None => (Vec::new(), 1),
        };
        let mut started = self.start_suspects(inner, &cases).await;
        // Unordered, so that a slow case holds up nobody; put back in order for the result.
        let work =
            cases.into_iter().enumerate().map(|(place, case)| (place, started.remove(&case.run), case));
        let mut ends: Vec<_> = futures::stream::iter(work.collect::<Vec<_>>())
            .map(async |(place, started, case)| {
                let started = match started {
                    Some(started) => started,
                    None => self.start_case(inner, case.run).await,
                };
                let end = match started {
                    Ok(StartedCase::Live(handle)) => handle.finished().await,
                    Ok(StartedCase::Settled(end)) => Ok(*end),
                    Err(error) => Err(error),
                };
                (place, (case.case, end))
            })
            .buffer_unordered(concurrency)
            .collect()
            .await;
        ends.sort_by_key(|(place, _)| *place);
        let ends = ends.into_iter().map(|(_, end)| end).collect();
        self.conclude(inner, ends).await
    }

    /// Starts the cases that have been started before without getting anywhere, each after the one before it has got
    /// somewhere: one that takes the process down takes no others along.
    async fn start_suspects(&self, inner: &Arc<Inner>, cases: &[BatchCase]) -> BTreeMap<RunId, Started> {
        let mut started = BTreeMap::new();
        for case in cases {
            let is_suspect = match inner.store.run(case.run).await {
                Ok(row) => row.is_some_and(|row| row.status.is_open() && row.starts_without_progress > 0),
                // Starting the case meets the same error and reports it.
                Err(_) => false,
            };
            if is_suspect {
                let mut events = inner.bus.watch();
                let case_started = self.start_case(inner, case.run).await;
                if let Ok(StartedCase::Live(handle)) = &case_started {
                    handle.got_somewhere(&mut events).await;
                }
                started.insert(case.run, case_started);
            }
        }
        started
    }

    /// Starts one case; cases that have ended are only read.
    async fn start_case(&self, inner: &Arc<Inner>, run: RunId) -> Started {
        inner.refuse_when_closing()?;
        if let Some(failure) = inner.failure.get() {
            return Err(RunError::StoreFailed(with_sources(failure)));
        }
        if let Some(end) = settled(inner, run).await? {
            return Ok(StartedCase::Settled(Box::new(end)));
        }
        let means =
            inner.means(&self.definition, self.admitted().and_then(|batch| batch.model.as_ref())).await?;
        match open_run(inner, &self.definition, run, self.opening).await? {
            Ok(opened) => Ok(StartedCase::Live(inner.launch(opened, means).await?)),
            Err(end) => Ok(StartedCase::Settled(Box::new(end))),
        }
    }

    async fn conclude(self, inner: &Arc<Inner>, ends: Vec<(CaseName, Result<RunEnd, RunError>)>) -> BatchEnd {
        let exit = worst(&ends);
        let result = result_of(&ends);
        let rest = match exit {
            ExitCode::Interrupted => RunRest::Interrupted,
            ExitCode::StoreFailed => RunRest::Lost(JournalError::StoreFailed),
            _ => self.record_end(&ends).await,
        };
        let mut row = self.row.clone();
        let folded = Seq(if row.turns == 0 { 1 } else { self.journal.log().head().0 });
        self.journal.log().after(folded).for_each(|record| row.apply(record));
        let end = RunEnd { row: row.clone(), result: None, rest: rest.clone() };
        inner.close_run(&end, self.epoch, Leave::Release).await;
        let cases =
            ends.into_iter().map(|(case, end)| (case, end.map_err(|error| with_sources(&error)))).collect();
        BatchEnd { row, cases, result, exit, rest }
    }

    /// Puts the batch's end on record: concluded if every case has ended, suspended if one is open.
    async fn record_end(&self, ends: &[CaseEnd]) -> RunRest {
        let is_open =
            |end: &Result<RunEnd, RunError>| end.as_ref().map_or(true, |end| end.row.status.is_open());
        let is_waiting = ends.iter().any(|(_, end)| is_open(end));
        let epoch = Step(u32::try_from(self.epoch).unwrap_or(u32::MAX));
        let (key, event, rest) = if is_waiting {
            let key = RecordKey::new(TurnId(0), epoch, 0, Kind::Suspended);
            let reason = summary(ends);
            (key, Event::Suspended { reason: reason.clone() }, RunRest::Suspended(reason))
        } else {
            let outcome = outcome_of(ends);
            (RecordKey::of_run(Kind::RunConcluded), conclusion_of(ends), RunRest::Concluded(outcome))
        };
        let incarnation = Incarnation(epoch.0);
        let label = Label::default();
        let record = NewRecord { lane: Lane::run(), incarnation, key, causation: None, label, event };
        match self.journal.commit(vec![record]).await {
            Ok(_) => rest,
            Err(error) => RunRest::Lost(error),
        }
    }
}

/// How a case came to rest, or why it could not be worked on.
pub(crate) type CaseEnd = (CaseName, Result<RunEnd, RunError>);

/// Makes the last record of a batch whose cases have ended: a pure function.
pub(crate) fn conclusion_of(ends: &[CaseEnd]) -> Event {
    let mut usage = playhouse_types::Usage::default();
    ends.iter().filter_map(|(_, end)| end.as_ref().ok()).for_each(|end| usage += end.row.usage);
    Event::RunConcluded { outcome: outcome_of(ends), result: Some(result_of(ends)), usage }
}

fn outcome_of(ends: &[CaseEnd]) -> RunOutcome {
    RunOutcome { kind: kind_of(worst(ends)), detail: summary(ends) }
}

fn worst(ends: &[CaseEnd]) -> ExitCode {
    ends.iter().map(|(_, end)| exit_of(end)).fold(ExitCode::Concluded, ExitCode::worse)
}

/// Returns the results of the cases as a JSON array, `null` where there is none.
fn result_of(ends: &[CaseEnd]) -> String {
    let result = |end: &CaseEnd| {
        end.1.as_ref().ok().and_then(|end| end.result.clone()).unwrap_or_else(|| "null".to_owned())
    };
    format!("[{}]", ends.iter().map(result).collect::<Vec<_>>().join(","))
}

fn exit_of(end: &Result<RunEnd, RunError>) -> ExitCode {
    match end {
        Ok(RunEnd { rest: RunRest::Lost(JournalError::StoreFailed), .. }) => ExitCode::StoreFailed,
        Ok(RunEnd { rest: RunRest::Lost(_), .. }) => ExitCode::Failed,
        Ok(end) => ExitCode::from(end.row.status),
        Err(error) => error.exit_code(),
    }
}

const fn kind_of(exit: ExitCode) -> OutcomeKind {
    match exit {
        ExitCode::Concluded => OutcomeKind::Concluded,
        ExitCode::Limited => OutcomeKind::Limited,
        ExitCode::Waiting => OutcomeKind::Waiting,
        ExitCode::Quarantined => OutcomeKind::Quarantined,
        _ => OutcomeKind::Failed,
    }
}

/// Says how many cases ended how, in words.
fn summary(ends: &[CaseEnd]) -> String {
    let statuses = [
        RunStatus::Concluded,
        RunStatus::Limited,
        RunStatus::Waiting,
        RunStatus::Failed,
        RunStatus::Cancelled,
        RunStatus::Quarantined,
    ];
    let count =
        |status| ends.iter().filter(|(_, end)| end.as_ref().is_ok_and(|e| e.row.status == status)).count();
    let mut parts: Vec<String> = statuses
        .into_iter()
        .map(|status| (status, count(status)))
        .filter(|(_, n_cases)| *n_cases > 0)
        .map(|(status, n_cases)| format!("{n_cases} {}", status.as_str()))
        .collect();
    let n_errors = ends.iter().filter(|(_, end)| end.is_err()).count();
    if n_errors > 0 {
        parts.push(format!("{n_errors} not worked on"));
    }
    format!("{} cases: {}", ends.len(), parts.join(", "))
}
