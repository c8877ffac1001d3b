//! `playhouse runs`: all runs of the data directory.

use clap::Args;
use playhouse_journal::RunRow;
use playhouse_types::ExitCode;

use super::command_error::CommandError;
use super::damaged_runs::tell_damaged;
use super::json::RunJson;
use super::output::{print, print_json};
use super::session::{Session, children, program_name};
use super::table::{table, trim};
use super::time::short_time;
use crate::view::{one_line, say};

/// How many characters of an outcome a table shows.
const OUTCOME_CHARS: usize = 60;

/// Lists all runs, the newest last; the cases of a batch stand below it. Exit code 1 if a run is damaged
#[derive(Args, Debug)]
pub(super) struct RunsArgs {}

/// Lists all runs.
pub(super) async fn runs(session: &Session<'_>) -> Result<ExitCode, CommandError> {
    let (rows, code) = match session.open_existing().await? {
        Some(runtime) => {
            let rows = runtime.journal().runs().await?;
            let code = tell_damaged(runtime.journal().as_ref()).await?;
            runtime.close().await;
            (rows, code)
        }
        None => (Vec::new(), ExitCode::Concluded),
    };
    if session.is_json() {
        print_json(&rows.iter().map(RunJson::from).collect::<Vec<_>>())?;
    } else if rows.is_empty() && code == ExitCode::Concluded {
        say(&format!(
            "there are no runs in `{}`; `{} run NAME` starts one",
            session.data_dir().display(),
            program_name()
        ));
    } else {
        print(&text(&rows))?;
    }
    Ok(code)
}

fn text(rows: &[RunRow]) -> String {
    let mut table = table(["RUN", "SCENARIO", "CASE", "STATUS", "TURNS", "STARTED (UTC)", "OUTCOME"]);
    for row in rows.iter().filter(|row| row.parent.is_none()) {
        let children = children(rows, row.run, &[]);
        let case = if row.is_batch { cases(&children) } else { String::new() };
        table.add_row(line(row, &row.run.to_string(), &case));
        for child in &children {
            let case = child.case.as_ref().map(ToString::to_string).unwrap_or_default();
            table.add_row(line(child, &format!("  {}", child.run), &case));
        }
    }
    trim(&table)
}

fn cases(children: &[RunRow]) -> String {
    let ended = children.iter().filter(|child| !child.status.is_open()).count();
    format!("{ended} of {} ended", children.len())
}

fn line(row: &RunRow, run: &str, case: &str) -> [String; 7] {
    let outcome =
        row.outcome.as_ref().map(|outcome| one_line(&outcome.detail, OUTCOME_CHARS)).unwrap_or_default();
    [
        run.to_owned(),
        row.scenario.to_string(),
        case.to_owned(),
        row.status.as_str().to_owned(),
        row.turns.to_string(),
        short_time(row.started_at),
        outcome,
    ]
}

#[cfg(test)]
mod tests {
    use super::text;
    use playhouse_journal::{RunKey, RunRow};
    use playhouse_types::{
        CaseName, OutcomeKind, RunId, RunOutcome, RunStatus, ScenarioName, Timestamp, TraceContext,
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
            ..row(3)
        };
        let shown = text(&[batch, row(2), case]);
        let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1][0], "00000000000000000000000001");
        assert_eq!(lines[1][2..6], ["1", "of", "1", "ended"]);
        assert_eq!(lines[2][..5], ["00000000000000000000000003", "demo", "ahorn", "concluded", "3"]);
        assert_eq!(lines[3][0], "00000000000000000000000002");
        assert!(
            shown.lines().nth(2).unwrap().trim_start_matches(' ').len() < shown.lines().nth(2).unwrap().len()
        );
    }
}
