//! `playhouse pause` and `playhouse unpause`: no further turns, and further turns again.

use clap::Args;
use playhouse_journal::{Command, RunRow};
use playhouse_types::{ExitCode, RunId, RunStatus};
use serde::Serialize;

use super::command_error::CommandError;
use super::leave_command::leave_commands;
use super::output::{print, print_json};
use super::resumption::go_on_hint;
use super::session::{Session, close, program_name};
use crate::answer::new_command_id;
use crate::host::Answered;
use crate::view::one_line;

/// How many characters of a reason are shown.
const REASON_CHARS: usize = 300;

/// Gives a run, or the open cases of a batch, no further turns
#[derive(Args, Debug)]
pub(super) struct PauseArgs {
    /// The run or batch: its id, the beginning or end of it, or `last`
    run: String,
}

/// Lets a paused run, or the paused cases of a batch, go on
#[derive(Args, Debug)]
pub(super) struct UnpauseArgs {
    /// The run or batch: its id, the beginning or end of it, or `last`
    run: String,
}

/// What became of a command, as `--json` shows it.
#[derive(Serialize)]
struct ToldJson<'a> {
    run: String,
    #[serde(flatten)]
    answered: &'a Answered,
}

/// Pauses a run.
pub(super) async fn pause(session: &Session<'_>, args: &PauseArgs) -> Result<ExitCode, CommandError> {
    tell_runs(session, &args.run, "paused", &Command::Pause).await
}

/// Lets a run go on.
pub(super) async fn unpause(session: &Session<'_>, args: &UnpauseArgs) -> Result<ExitCode, CommandError> {
    tell_runs(session, &args.run, "unpaused", &Command::Unpause).await
}

/// Asks something of a run, or of each open case of a batch, and prints what became of it; `done` says it in a word.
pub(super) async fn tell_runs(
    session: &Session<'_>,
    text: &str,
    done: &str,
    command: &Command,
) -> Result<ExitCode, CommandError> {
    let opened = session.open_run(text).await?;
    let code = tell_opened(session, &opened, done, command).await;
    close(opened.runtime, code).await
}

async fn tell_opened(
    session: &Session<'_>,
    opened: &super::session::Opened,
    done: &str,
    command: &Command,
) -> Result<ExitCode, CommandError> {
    let row = &opened.row;
    let runs: Vec<RunId> = asked(&opened.rows, row).iter().map(|row| row.run).collect();
    if runs.is_empty() && row.is_batch && row.status.is_open() {
        return Err(CommandError::NoOpenCase { batch: row.run, program: program_name() });
    }
    if runs.is_empty() {
        let what = if row.is_batch { "batch" } else { "run" };
        return Err(CommandError::Ended { what, run: row.run.to_string(), status: row.status.as_str() });
    }
    let commands: Vec<_> = runs.iter().map(|run| (*run, new_command_id(), command.clone())).collect();
    let answers = leave_commands(session, &opened.runtime, &commands).await?;
    if session.is_json() {
        let told = runs.iter().zip(&answers);
        let told: Vec<_> = told.map(|(run, answered)| ToldJson { run: run.to_string(), answered }).collect();
        print_json(&told)?;
    } else {
        let lines = runs.iter().zip(&answers).map(|(run, answered)| line(*run, done, answered));
        print(&lines.collect::<String>())?;
    }
    go_on_hint(&opened.runtime, row.run).await?;
    let is_refused = answers.iter().any(|answered| matches!(answered, Answered::Refused(_)));
    Ok(if is_refused { ExitCode::Failed } else { ExitCode::Concluded })
}

/// Returns the runs that a command concerns: the run itself, or the open cases of a batch.
fn asked<'a>(rows: &'a [RunRow], row: &'a RunRow) -> Vec<&'a RunRow> {
    let is_asked = |row: &&RunRow| row.status.is_open() || row.status == RunStatus::Quarantined;
    if row.is_batch {
        rows.iter().filter(|case| case.parent == Some(row.run)).filter(is_asked).collect()
    } else {
        Some(row).into_iter().filter(is_asked).collect()
    }
}

fn line(run: RunId, done: &str, answered: &Answered) -> String {
    match answered {
        Answered::Accepted => format!("run {run}: {done}\n"),
        Answered::Refused(reason) => format!("run {run}: refused, {}\n", one_line(reason, REASON_CHARS)),
        Answered::Left => {
            format!("run {run}: left for the process that works on the run, which has not taken it yet\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::asked;
    use crate::test_records::row;
    use playhouse_types::{RunId, RunStatus};

    #[test]
    fn a_batch_means_its_open_cases_and_a_run_itself_unless_it_has_ended() {
        let mut batch = row();
        batch.is_batch = true;
        let case = |number, status| {
            let mut case = row();
            (case.run, case.parent, case.status) = (RunId::from_u128(number), Some(batch.run), status);
            case
        };
        let rows = [batch.clone(), case(1, RunStatus::Waiting), case(2, RunStatus::Concluded)];
        let runs = |row| asked(&rows, row).iter().map(|row| row.run).collect::<Vec<_>>();
        assert_eq!(runs(&batch), [RunId::from_u128(1)]);
        assert_eq!(runs(&rows[1]), [RunId::from_u128(1)]);
        assert_eq!(runs(&rows[2]), []);
    }
}
