//! What is printed of runs that have come to rest.

use std::sync::Arc;

use playhouse_coordinator::RunRest;
use playhouse_journal::{JournalRead, RunRow};
use playhouse_messages::JournalError;
use playhouse_types::{CaseName, ExitCode, RunStatus};
use serde_json::value::RawValue;

use super::command_error::CommandError;
use super::output::{print, print_json};
use super::resumption::quarantine_hint;
use super::session::{Session, children, program_name, read_records};
use super::table::{table, trim};
use crate::definition::Definition;
use crate::host::{BatchEnd, RunEnd};
use crate::view::{Style, json_lines, one_line, say};

/// How many characters of an outcome a table and a hint show.
const OUTCOME_CHARS: usize = 80;
const HINT_CHARS: usize = 300;

/// A run or batch that has come to rest in this process.
pub(super) struct Settled {
    row: RunRow,
    /// The result as JSON text: of a batch an array with one entry for each case.
    result: Option<String>,
    /// The rows of a batch's cases in order.
    cases: Vec<RunRow>,
    /// Why cases could not be worked on.
    complaints: Vec<String>,
    exit: ExitCode,
}

impl Settled {
    /// Takes the end of a run, or of a batch that had ended before.
    pub(super) async fn of_run(journal: &dyn JournalRead, end: RunEnd) -> Result<Self, CommandError> {
        let cases = if end.row.is_batch { cases_of(journal, &end.row).await? } else { Vec::new() };
        let own = match &end.rest {
            RunRest::Lost(JournalError::StoreFailed) => ExitCode::StoreFailed,
            RunRest::Lost(_) => ExitCode::Failed,
            RunRest::Interrupted => ExitCode::Interrupted,
            RunRest::Concluded(_) | RunRest::Suspended(_) => ExitCode::from(end.row.status),
        };
        let exit = cases.iter().map(|case| ExitCode::from(case.status)).fold(own, ExitCode::worse);
        let complaints = match end.rest {
            RunRest::Lost(error) => vec![error.to_string()],
            _ => Vec::new(),
        };
        Ok(Self { row: end.row, result: end.result, cases, complaints, exit })
    }

    /// Takes the end of a batch.
    pub(super) async fn of_batch(journal: &dyn JournalRead, end: BatchEnd) -> Result<Self, CommandError> {
        let cases = cases_of(journal, &end.row).await?;
        let complain = |(case, end): &(CaseName, Result<RunEnd, String>)| {
            let reason = match end {
                Err(reason) => reason.clone(),
                Ok(RunEnd { rest: RunRest::Lost(error), .. }) => error.to_string(),
                Ok(_) => return None,
            };
            Some(format!("case `{case}`: {reason}"))
        };
        // Cases that an interruption kept from beginning are no news.
        let is_interrupted = end.rest == RunRest::Interrupted;
        let complaints = end.cases.iter().filter(|_| !is_interrupted).filter_map(complain).collect();
        Ok(Self { row: end.row, result: Some(end.result), cases, complaints, exit: end.exit })
    }

    /// Returns what the process ends with.
    pub(super) const fn exit_code(&self) -> ExitCode {
        self.exit
    }

    fn json(&self) -> Result<Box<RawValue>, CommandError> {
        Ok(RawValue::from_string(self.result.clone().unwrap_or_else(|| "null".to_owned()))?)
    }

    /// Returns the results that a report shows, in order; cases without one are left out.
    fn reported(&self) -> Vec<(Option<CaseName>, String)> {
        let Some(result) = &self.result else { return Vec::new() };
        if !self.row.is_batch {
            return vec![(self.row.case.clone(), result.clone())];
        }
        // The array was made from results that are JSON, so it is one.
        let results: Vec<Box<RawValue>> = serde_json::from_str(result).unwrap_or_default();
        let with_result = |(row, result): (&RunRow, Box<RawValue>)| {
            (result.get() != "null").then(|| (row.case.clone(), result.get().to_owned()))
        };
        self.cases.iter().zip(results).filter_map(with_result).collect()
    }

    /// Returns the text for a person: the table of a batch, then the scenario's report or the result.
    fn text(&self, definition: Option<&Definition>) -> String {
        let mut text = if self.row.is_batch { case_table(&self.cases) } else { String::new() };
        let reported = self.reported();
        let report = definition.and_then(|definition| definition.report.as_ref());
        match report.filter(|_| !reported.is_empty()) {
            Some(report) => {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(&report(&reported));
            }
            None if self.row.is_batch => {}
            None => self.result.iter().for_each(|result| text.push_str(&readable(result))),
        }
        text
    }

    /// Says on stderr what a person can do about a run that did not conclude.
    fn hint(&self) {
        let (row, program, style) = (&self.row, program_name(), Style::of_stderr());
        for complaint in &self.complaints {
            say(&style.bad(&one_line(complaint, HINT_CHARS)));
        }
        let what = if row.is_batch { "batch" } else { "run" };
        let detail =
            row.outcome.as_ref().map(|outcome| one_line(&outcome.detail, HINT_CHARS)).unwrap_or_default();
        match row.status {
            RunStatus::Concluded => {}
            RunStatus::Running => {
                let run = row.run;
                say(&format!("{what} {run} is not finished; go on with: {program} resume {run}"));
            }
            status => {
                say(&format!("{what} {} {}: {detail}", row.run, status.as_str()));
                say(&style.dim(&format!("  look at it with: {program} show {}", row.run)));
                match status {
                    RunStatus::Waiting => {
                        say(&style.dim(&format!("  what it asks a person: {program} review list")));
                    }
                    RunStatus::Paused => {
                        say(&style.dim(&format!("  go on with: {program} unpause {}", row.run)));
                    }
                    RunStatus::Quarantined => {
                        let which = if row.is_batch { "RUN".to_owned() } else { row.run.to_string() };
                        say(&style.dim(&format!("  {}", quarantine_hint(&which))));
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Reads the rows of a batch's cases in order.
async fn cases_of(journal: &dyn JournalRead, batch: &RunRow) -> Result<Vec<RunRow>, CommandError> {
    let records = read_records(journal, batch.run).await?;
    Ok(children(&journal.runs().await?, batch.run, &records))
}

/// Shows a result: a text as it is, anything else as indented JSON.
fn readable(result: &str) -> String {
    serde_json::from_str::<String>(result).unwrap_or_else(|_| json_lines(result))
}

/// Which runs a command is about, which decides what its results look like as JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    /// One that was named: its result.
    One,
    /// However many there are: an array of their results.
    All,
}

/// Prints runs at rest and returns the worst exit code.
pub(super) fn print_settled(
    session: &Session<'_>,
    asked: Asked,
    settled: &[(Settled, Option<Arc<Definition>>)],
) -> Result<ExitCode, CommandError> {
    settled.iter().for_each(|(run, _)| run.hint());
    match settled {
        [(run, _)] if session.is_json() && asked == Asked::One => print_json(&run.json()?)?,
        several if session.is_json() => {
            let values: Result<Vec<_>, _> = several.iter().map(|(run, _)| run.json()).collect();
            print_json(&values?)?;
        }
        several => {
            for (run, definition) in several {
                print(&run.text(definition.as_deref()))?;
            }
        }
    }
    Ok(settled.iter().map(|(run, _)| run.exit_code()).fold(ExitCode::Concluded, ExitCode::worse))
}

/// Shows the cases of a batch.
pub(super) fn case_table(rows: &[RunRow]) -> String {
    let mut table = table(["CASE", "STATUS", "TURNS", "RUN", "OUTCOME"]);
    for row in rows {
        let case = row.case.as_ref().map(ToString::to_string).unwrap_or_default();
        let outcome = row.outcome.as_ref().map(|outcome| one_line(&outcome.detail, OUTCOME_CHARS));
        let (turns, run) = (row.turns.to_string(), row.run.to_string());
        table.add_row([case, row.status.as_str().to_owned(), turns, run, outcome.unwrap_or_default()]);
    }
    trim(&table)
}
