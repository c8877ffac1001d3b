//! `playhouse resume`: goes on with what another process has left.

use std::sync::Arc;

use clap::Args;
use playhouse_journal::RunRow;
use playhouse_types::{ExitCode, RunId};

use super::command_error::CommandError;
use super::results::{Settled, print_settled};
use super::session::{Session, read_records};
use super::work::{Watch, Watched, Work};
use crate::definition::Definition;
use crate::host::{Resumed, RunError, Runtime, resumable};
use crate::view::{Style, say};

/// Goes on with a run or batch whose process is gone, from its last record
#[derive(Args, Debug)]
#[group(skip)]
pub(super) struct ResumeArgs {
    /// The run or batch: its id, the beginning or end of it, or `last`
    #[arg(required_unless_present = "all")]
    run: Option<String>,
    /// Goes on with everything that is open
    #[arg(long, conflicts_with = "run")]
    all: bool,
    /// Takes runs from a process that lives but has been silent
    #[arg(long)]
    takeover: bool,
    /// Never asks a person: a run that needs one rests with exit code 3
    #[arg(long)]
    pub(super) no_input: bool,
}

/// Resumes until everything rests; the exit code is the worst of all.
pub(super) async fn resume(session: &Session<'_>, args: &ResumeArgs) -> Result<ExitCode, CommandError> {
    match &args.run {
        Some(text) => {
            let opened = session.open_run(text).await?;
            let code = go_on(session, &opened.runtime, &opened.rows, &[opened.row.run], args.takeover).await;
            opened.runtime.close().await;
            code
        }
        None => resume_all(session, args.takeover).await,
    }
}

async fn resume_all(session: &Session<'_>, takeover: bool) -> Result<ExitCode, CommandError> {
    let Some(runtime) = session.open_existing().await? else {
        return print_nothing(session);
    };
    let rows = runtime.journal().runs().await?;
    let runs = resumable(&rows);
    let code = if runs.is_empty() {
        print_nothing(session)
    } else {
        go_on(session, &runtime, &rows, &runs, takeover).await
    };
    runtime.close().await;
    code
}

fn print_nothing(session: &Session<'_>) -> Result<ExitCode, CommandError> {
    say(&format!("nothing is open in `{}`", session.data_dir().display()));
    if session.is_json() {
        super::output::print("[]")?;
    }
    Ok(ExitCode::Concluded)
}

/// Resumes runs together. One that cannot be resumed is reported and does not keep the others from going on.
async fn go_on(
    session: &Session<'_>,
    runtime: &Runtime,
    rows: &[RunRow],
    runs: &[RunId],
    takeover: bool,
) -> Result<ExitCode, CommandError> {
    let watch = Watch::start(runtime, &Watched::Stored(rows, runs));
    let find = |name: &playhouse_types::ScenarioName, parameters: &str| {
        session.stored_definition(name.as_str(), parameters)
    };
    let (mut work, mut definitions, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    // Those that have got nowhere before come first, one at a time.
    let n_starts =
        |run: &RunId| rows.iter().find(|row| row.run == *run).map_or(0, |row| row.starts_without_progress);
    let mut in_order = runs.to_vec();
    in_order.sort_by_key(|run| std::cmp::Reverse(n_starts(run)));
    for run in &in_order {
        let mut events = runtime.events();
        match runtime.resume(*run, &find, takeover).await {
            Ok(resumed) => {
                announce(*run, &resumed);
                if n_starts(run) > 0 {
                    runtime.wait_for_progress(&resumed, &mut events).await;
                }
                work.push(Work::from(resumed));
                definitions.push(definition_of(session, runtime, rows, *run).await);
            }
            Err(error) => refused.push((*run, error)),
        }
    }
    let settled = watch.until_rest(runtime, work).await?;
    if let ([_], [(_, _)]) = (runs, refused.as_slice()) {
        // The only one: its refusal is the outcome of the command.
        return match refused.pop() {
            Some((_, error)) => Err(error.into()),
            None => Ok(ExitCode::Concluded),
        };
    }
    let refusals =
        refused.iter().map(|(run, error)| refuse(*run, error)).fold(ExitCode::Concluded, ExitCode::worse);
    let settled: Vec<(Settled, Option<Arc<Definition>>)> = settled.into_iter().zip(definitions).collect();
    Ok(print_settled(session, &settled)?.worse(refusals))
}

fn announce(run: RunId, resumed: &Resumed) {
    let line = match resumed {
        Resumed::Run(_) => format!("run {run} goes on"),
        Resumed::Batch(batch) => format!("batch {run} of {} cases goes on", batch.n_cases),
        Resumed::Settled(end) => format!("run {run} has come to rest before: {}", end.row.status.as_str()),
    };
    say(&Style::of_stderr().dim(&line));
}

fn refuse(run: RunId, error: &RunError) -> ExitCode {
    say(&Style::of_stderr().bad(&format!("run {run} is not resumed: {error}")));
    error.exit_code()
}

/// Finds the definition of a run for its report; without one the result is printed as it is.
async fn definition_of(
    session: &Session<'_>,
    runtime: &Runtime,
    rows: &[RunRow],
    run: RunId,
) -> Option<Arc<Definition>> {
    let row = rows.iter().find(|row| row.run == run)?;
    let records = read_records(runtime.journal().as_ref(), run).await.ok()?;
    let parameters = records.iter().find_map(|record| match &record.event {
        playhouse_journal::Event::RunAdmitted(admitted) => Some(&admitted.parameters),
        playhouse_journal::Event::BatchAdmitted(admitted) => Some(&admitted.parameters),
        _ => None,
    })?;
    // A scenario that this binary lacks has been reported by then: only its report is missing here.
    session.stored_definition(row.scenario.as_str(), parameters).ok()
}
