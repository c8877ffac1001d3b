//! Replaying what is on record: reads, folds, derives again, and calls nothing.

use std::collections::HashMap;
use std::sync::Arc;

use playhouse_journal::{Event, ReadError, Record, RunRow};
use playhouse_messages::RunLog;
use playhouse_storage::Snapshot;
use playhouse_types::{Lane, RunId, RunStatus, ScenarioName, Seq};

use super::batch::conclusion_of;
use super::error::RunError;
use super::live_run::RunEnd;
use super::resume::{FindScenario, PAGE, end_on_record};
use super::run_fold::RunFold;
use super::runtime::{Inner, Runtime};
use crate::replay::{Cast, Deviation, Replayed, guarded, replay};

impl Runtime {
    /// Derives every decision of a run, or of a batch and its cases, again from its records. No model, tool, probe or
    /// script is called; patterns, conditions and result functions are pure, and are called again.
    ///
    /// Reading checks the chain: what is damaged is named in [`Replayed::damage`]. `find` finds the scenario.
    /// # Errors
    /// [`RunError::Invalid`] if the scenario is not there or cannot be built; [`RunError::Read`] if the store does not
    /// answer. A run that is not what its records lead to is no error but the answer.
    pub async fn replay(&self, run: RunId, find: &FindScenario<'_>) -> Result<Replayed, RunError> {
        let inner = &self.inner;
        let row = inner.store.run(run).await?.ok_or(ReadError::UnknownRun { run })?;
        let mut casts = Casts { inner, find, known: HashMap::new() };
        if row.is_batch {
            replay_batch(&mut casts, &row).await
        } else {
            Ok(replay_run(&mut casts, &row).await?.0)
        }
    }
}

/// The scenarios of the runs that are replayed, each found once.
struct Casts<'a> {
    inner: &'a Arc<Inner>,
    find: &'a FindScenario<'a>,
    known: HashMap<(ScenarioName, String), Arc<Cast>>,
}

impl Casts<'_> {
    fn of(&mut self, scenario: &ScenarioName, parameters: &str) -> Result<Arc<Cast>, RunError> {
        let key = (scenario.clone(), parameters.to_owned());
        if let Some(cast) = self.known.get(&key) {
            return Ok(Arc::clone(cast));
        }
        let definition = (self.find)(scenario, parameters).map_err(RunError::Invalid)?;
        let tools = Arc::new(self.inner.toolboxes.declared(&definition)?);
        let cast = Arc::new(Cast { definition, tools });
        self.known.insert(key, Arc::clone(&cast));
        Ok(cast)
    }
}

/// Replays one run; returns its records, too, as far as they can be read.
async fn replay_run(casts: &mut Casts<'_>, row: &RunRow) -> Result<(Replayed, Vec<Arc<Record>>), RunError> {
    let inner = casts.inner;
    let mut report = Replayed::new(row.run, row.scenario.clone(), row.case.clone());
    let records = read(inner, row, &mut report).await?;
    if report.damage.is_empty() {
        if let Some(Event::RunAdmitted(admitted)) = records.first().map(|first| &first.event) {
            let cast = casts.of(&admitted.scenario, &admitted.parameters)?;
            replay(&cast, &records, &mut report);
            check_snapshot(inner, &cast, &records, &mut report).await;
        } else {
            report.damage.push("the journal does not begin with the admission of a run".to_owned());
        }
        check_row(inner, row, &records, &mut report).await?;
    }
    Ok((report, records))
}

/// Reads all records of a run, which checks each against its hash, its predecessor and its body.
async fn read(inner: &Inner, row: &RunRow, report: &mut Replayed) -> Result<Vec<Arc<Record>>, RunError> {
    let mut records: Vec<Arc<Record>> = Vec::new();
    loop {
        let after = Seq(records.len() as u64);
        match inner.store.records(row.run, after, PAGE).await {
            Ok(page) => {
                let is_last = page.len() < PAGE;
                records.extend(page.into_iter().map(Arc::new));
                report.n_records = records.len();
                if is_last {
                    return Ok(records);
                }
            }
            Err(ReadError::Corrupt { source, .. }) => {
                report.damage.push(source.to_string());
                return Ok(records);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The row of a run is a fold of its records: a fresh one must come to the same. One that changes meanwhile is worked on
/// by a process and not looked at.
async fn check_row(
    inner: &Inner,
    row: &RunRow,
    records: &[Arc<Record>],
    report: &mut Replayed,
) -> Result<(), RunError> {
    let mut fresh = RunRow::admitted(row.run, row.scenario.clone(), row.started_at, row.trace, row.key);
    records.iter().for_each(|record| fresh.apply(record));
    let facts = |row: &RunRow| (row.status, row.outcome.clone(), row.ended_at, row.turns, row.usage);
    let is_same = facts(&fresh) == facts(row);
    if !is_same && inner.store.run(row.run).await?.as_ref() == Some(row) && row.status != RunStatus::Running {
        report.damage.push(format!(
            "its row says {} after {} turns, its records lead to {} after {}",
            row.status.as_str(),
            row.turns,
            fresh.status.as_str(),
            fresh.turns
        ));
    }
    Ok(())
}

/// A snapshot is a cache of a fold: a fresh fold of the records up to it must come to the same state. One that would not
/// be used (of another fold version or definition, or damaged) says nothing.
async fn check_snapshot(inner: &Inner, cast: &Cast, records: &[Arc<Record>], report: &mut Replayed) {
    let Ok(Some(snapshot)) = inner.store.snapshot(report.run, &Lane::run()).await else { return };
    report.damage.extend(snapshot_fault(cast, records, &snapshot));
}

/// Says what is wrong with a snapshot. One beyond the last record was written after the records were read: a process works
/// on the run.
fn snapshot_fault(cast: &Cast, records: &[Arc<Record>], snapshot: &Snapshot) -> Option<String> {
    let is_beyond = records.last().is_none_or(|last| last.seq < snapshot.seq);
    if is_beyond || RunFold::from_snapshot(snapshot, &cast.definition).is_err() {
        return None;
    }
    let fresh = || {
        let (log, mut fold) = (RunLog::new(snapshot.run), RunFold::new(&cast.definition));
        for record in records {
            log.push(Arc::clone(record));
            if record.seq <= snapshot.seq {
                fold.apply(record);
            }
        }
        fold.to_snapshot(&log)
    };
    let what = match guarded(fresh) {
        Some(Some(fresh)) if fresh.state_hash == snapshot.state_hash => return None,
        Some(_) => "is not what its records lead to",
        None => "cannot be compared without a pattern that does not panic",
    };
    Some(format!("its snapshot at record {} {what}", snapshot.seq))
}

async fn replay_batch(casts: &mut Casts<'_>, row: &RunRow) -> Result<Replayed, RunError> {
    let inner = casts.inner;
    let mut report = Replayed::new(row.run, row.scenario.clone(), None);
    let records = read(inner, row, &mut report).await?;
    let Some(Event::BatchAdmitted(admitted)) = records.first().map(|first| &first.event) else {
        if report.damage.is_empty() {
            report.damage.push("the journal does not begin with the admission of a batch".to_owned());
        }
        return Ok(report);
    };
    let mut ends = Vec::with_capacity(admitted.cases.len());
    for case in &admitted.cases {
        let Some(child) = inner.store.run(case.run).await? else {
            report.damage.push(format!("case `{}` has no run", case.case));
            continue;
        };
        let (mut replayed, records) = replay_run(casts, &child).await?;
        if let Some(Event::RunAdmitted(admitted)) = records.first().map(|first| &first.event)
            && *blake3::hash(admitted.input.as_bytes()).as_bytes() != case.input_hash
        {
            replayed.damage.push("its input is not the one that the batch was admitted with".to_owned());
        }
        ends.push((case.case.clone(), end_of_case(&child, &records), records.last().map(|last| last.time)));
        report.cases.push(replayed);
    }
    check_end(&records, ends, &mut report);
    Ok(report)
}

fn end_of_case(row: &RunRow, records: &[Arc<Record>]) -> RunEnd {
    end_on_record(row.clone(), records.iter().map(AsRef::as_ref))
}

type CaseEnd = (playhouse_types::CaseName, RunEnd, Option<playhouse_types::Timestamp>);

/// The end of a batch follows from the ends of its cases, unless one of them was worked on after it.
fn check_end(records: &[Arc<Record>], ends: Vec<CaseEnd>, report: &mut Replayed) {
    let Some(end) = records.iter().find(|record| matches!(record.event, Event::RunConcluded { .. })) else {
        return;
    };
    report.n_decisions += 1;
    if ends.iter().any(|(_, _, last)| last.is_some_and(|last| last > end.time)) {
        return;
    }
    let ends: Vec<_> = ends.into_iter().map(|(case, end, _)| (case, Ok(end))).collect();
    let expected = conclusion_of(&ends);
    if expected != end.event {
        let words = |event: &Event| crate::replay::event_words(event);
        let (expected, found) = (words(&expected), words(&end.event));
        report.differences.push(Deviation { seq: end.seq, key: end.key, expected, found });
    }
}

#[cfg(test)]
mod tests;
