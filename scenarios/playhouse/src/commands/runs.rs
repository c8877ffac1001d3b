//! `playhouse runs`: all runs of the data directory.

use std::collections::BTreeMap;

use clap::Args;
use playhouse_journal::{Event, Fork, JournalRead, ReadError, RunRow};
use playhouse_types::{ExitCode, RunId, Seq, Usage};

use super::command_error::CommandError;
use super::damaged_runs::tell_damaged;
use super::json::{ListedRunJson, RunJson};
use super::output::{print, print_json};
use super::session::{Session, children, close, program_name, read_records};
use super::short;
use super::table::{table, trim};
use super::time::short_time;
use crate::view::{one_line, say, usd};

/// How many characters of an outcome a table shows.
const OUTCOME_CHARS: usize = 60;

/// Lists all runs, the newest last; the cases of a batch stand below it. Exit code 1 if a run is damaged
#[derive(Args, Debug)]
pub(super) struct RunsArgs {}

/// Lists all runs.
pub(super) async fn runs(session: &Session<'_>) -> Result<ExitCode, CommandError> {
    let Some(runtime) = session.open_to_read().await? else {
        return print_runs(session, &[], &BTreeMap::new(), ExitCode::Concluded);
    };
    let code = list(session, runtime.journal().as_ref()).await;
    close(runtime, code).await
}

async fn list(session: &Session<'_>, journal: &dyn JournalRead) -> Result<ExitCode, CommandError> {
    let rows = journal.runs().await?;
    let code = tell_damaged(journal).await?;
    print_runs(session, &rows, &forks(journal, &rows).await?, code)
}

fn print_runs(
    session: &Session<'_>,
    rows: &[RunRow],
    forks: &BTreeMap<RunId, Fork>,
    code: ExitCode,
) -> Result<ExitCode, CommandError> {
    if session.is_json() {
        let json = |row: &RunRow| ListedRunJson {
            run: RunJson::from(row).of_fork(forks.get(&row.run)),
            usage: used(row, rows),
        };
        print_json(&rows.iter().map(json).collect::<Vec<_>>())?;
    } else if rows.is_empty() && code == ExitCode::Concluded {
        say(&format!(
            "there are no runs in `{}`; `{} run NAME` starts one",
            session.data_dir().display(),
            program_name()
        ));
    } else {
        print(&text(rows, forks))?;
    }
    Ok(code)
}

/// Finds the runs that are forks. A fork shares its first record with the run that it comes from, and has a trace of its
/// own: only the journals of forks are read further than that.
async fn forks(journal: &dyn JournalRead, rows: &[RunRow]) -> Result<BTreeMap<RunId, Fork>, ReadError> {
    let mut forks = BTreeMap::new();
    for row in rows.iter().filter(|row| row.parent.is_none() && !row.is_batch) {
        let fork = match fork_of(journal, row).await {
            Ok(fork) => fork,
            // A damaged run is listed like the others; looking into it names what is wrong.
            Err(ReadError::Corrupt { .. }) => None,
            Err(error) => return Err(error),
        };
        forks.extend(fork.map(|fork| (row.run, fork)));
    }
    Ok(forks)
}

async fn fork_of(journal: &dyn JournalRead, row: &RunRow) -> Result<Option<Fork>, ReadError> {
    match journal.records(row.run, Seq(0), 1).await?.first().map(|first| &first.event) {
        Some(Event::RunAdmitted(admitted)) if admitted.trace != row.trace => {}
        _ => return Ok(None),
    }
    let records = read_records(journal, row.run).await?;
    let newest = records.into_iter().rev().find_map(|record| match record.event {
        Event::Forked(fork) => Some(*fork),
        _ => None,
    });
    Ok(newest)
}

fn text(rows: &[RunRow], forks: &BTreeMap<RunId, Fork>) -> String {
    let mut table =
        table(["RUN", "SCENARIO", "CASE", "STATUS", "TURNS", "TOKENS", "USD", "STARTED (UTC)", "OUTCOME"]);
    for row in rows.iter().filter(|row| row.parent.is_none()) {
        let children = children(rows, row.run, &[]);
        let case = match forks.get(&row.run) {
            Some(Fork { from, at, .. }) => format!("fork of {} at {at}", short(*from)),
            None if row.is_batch => cases(&children),
            None => String::new(),
        };
        table.add_row(line(row, &row.run.to_string(), &case, &used(row, rows)));
        for child in &children {
            let case = child.case.as_ref().map(ToString::to_string).unwrap_or_default();
            table.add_row(line(child, &format!("  {}", child.run), &case, &child.usage));
        }
    }
    trim(&table)
}

fn cases(children: &[RunRow]) -> String {
    let ended = children.iter().filter(|child| !child.status.is_open()).count();
    format!("{ended} of {} ended", children.len())
}

/// Returns what a run has used; a batch: what its cases have.
fn used(row: &RunRow, rows: &[RunRow]) -> Usage {
    let mut usage = row.usage;
    // Only a batch has any: a list of ten thousand runs is not searched for each.
    let cases = rows.iter().filter(|case| row.is_batch && case.parent == Some(row.run));
    cases.for_each(|case| usage += case.usage);
    usage
}

fn line(row: &RunRow, run: &str, case: &str, usage: &Usage) -> [String; 9] {
    let outcome =
        row.outcome.as_ref().map(|outcome| one_line(&outcome.detail, OUTCOME_CHARS)).unwrap_or_default();
    [
        run.to_owned(),
        row.scenario.to_string(),
        case.to_owned(),
        row.status.as_str().to_owned(),
        row.turns.to_string(),
        usage.input_tokens.saturating_add(usage.output_tokens).to_string(),
        usage.cost_microusd.map_or_else(|| "unknown".to_owned(), usd),
        short_time(row.started_at),
        outcome,
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::text;
    use playhouse_journal::{RunKey, RunRow};
    use playhouse_types::{
        CaseName, OutcomeKind, RunId, RunOutcome, RunStatus, ScenarioName, Timestamp, TraceContext, Usage,
    };

    #[test]
    fn cases_stand_below_their_batch() {
        let row = |id: u128| {
            let name = ScenarioName::new("demo").unwrap();
            RunRow::admitted(
                RunId::from_u128(id),
                name,
                Timestamp(0),
                TraceContext::default(),
                RunKey([0; 32]),
            )
        };
        let batch = RunRow { is_batch: true, ..row(1) };
        let case = RunRow {
            parent: Some(batch.run),
            case: Some(CaseName::new("ahorn").unwrap()),
            status: RunStatus::Concluded,
            outcome: Some(RunOutcome { kind: OutcomeKind::Concluded, detail: "`DONE` was said".to_owned() }),
            turns: 3,
            usage: Usage {
                input_tokens: 40,
                output_tokens: 2,
                cost_microusd: Some(1_500_000),
                ..Usage::default()
            },
            ..row(3)
        };
        let shown = text(&[batch, row(2), case], &BTreeMap::new());
        let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1][0], "00000000000000000000000001");
        assert_eq!(lines[1][2..6], ["1", "of", "1", "ended"]);
        assert_eq!(lines[1][7..10], ["0", "42", "1.500000"], "a batch has used what its cases have");
        assert_eq!(
            lines[2][..7],
            ["00000000000000000000000003", "demo", "ahorn", "concluded", "3", "42", "1.500000"]
        );
        assert_eq!(lines[3][0], "00000000000000000000000002");
        assert!(
            shown.lines().nth(2).unwrap().trim_start_matches(' ').len() < shown.lines().nth(2).unwrap().len()
        );
    }
}
