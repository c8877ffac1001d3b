//! `playhouse resume`: goes on with what another process has left.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use futures::stream::{self, StreamExt};
use playhouse_journal::{Event, RunRow};
use playhouse_types::{ExitCode, RunId, ScenarioName, Seq};

use super::command_error::CommandError;
use super::damaged_runs::tell_damaged;
use super::results::{Asked, Settled, print_settled};
use super::session::{Session, close};
use super::work::{Watch, Watched, Work};
use crate::definition::Definition;
use crate::host::{Resumed, RunError, Runtime, resumable};
use crate::view::{Style, say};

/// How many runs are claimed and opened at once: their claims share one sync of the disk, their records not much memory.
const AT_ONCE: usize = 64;

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
    /// A file of model prices, which wins over the built-in ones
    #[arg(long, value_name = "F")]
    pub(super) prices: Option<PathBuf>,
    /// A file that all replies of models are recorded into; `--model recorded:FILE` answers from it again
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
    /// Never asks a person: a run that needs one rests with exit code 3
    #[arg(long)]
    pub(super) no_input: bool,
}

/// Resumes until everything rests; the exit code is the worst of all.
pub(super) async fn resume(session: &Session<'_>, args: &ResumeArgs) -> Result<ExitCode, CommandError> {
    match &args.run {
        Some(text) => {
            let opened = session.open_run(text).await?;
            let code = go_on(session, &opened.runtime, &opened.rows, &[opened.row.run], args).await;
            close(opened.runtime, code).await
        }
        None => resume_all(session, args).await,
    }
}

async fn resume_all(session: &Session<'_>, args: &ResumeArgs) -> Result<ExitCode, CommandError> {
    let Some(runtime) = session.open_existing().await? else {
        return print_nothing(session);
    };
    let code = resume_open(session, &runtime, args).await;
    close(runtime, code).await
}

async fn resume_open(
    session: &Session<'_>,
    runtime: &Runtime,
    args: &ResumeArgs,
) -> Result<ExitCode, CommandError> {
    let rows = runtime.journal().runs().await?;
    let runs = resumable(&rows);
    let damaged = tell_damaged(runtime.journal().as_ref()).await?;
    let code = if runs.is_empty() {
        print_nothing(session)
    } else {
        go_on(session, runtime, &rows, &runs, args).await
    };
    Ok(code?.worse(damaged))
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
    args: &ResumeArgs,
) -> Result<ExitCode, CommandError> {
    let (asked, takeover) = (if args.all { Asked::All } else { Asked::One }, args.takeover);
    let watch = Watch::start(runtime, &Watched::Stored(rows, runs));
    let resumption = Resumption { session, runtime, takeover, definitions: Mutex::default() };
    let rows: HashMap<RunId, &RunRow> = rows.iter().map(|row| (row.run, row)).collect();
    let n_starts = |run: &RunId| rows.get(run).map_or(0, |row| row.starts_without_progress);
    let (mut doubtful, others): (Vec<RunId>, Vec<RunId>) = runs.iter().partition(|run| n_starts(run) > 0);
    doubtful.sort_by_key(|run| std::cmp::Reverse(n_starts(run)));
    let mut outcomes = Vec::with_capacity(runs.len());
    // Those that have got nowhere before come first, one at a time.
    for run in doubtful {
        outcomes.push((run, resumption.resume_and_watch(run).await));
    }
    let mut others =
        stream::iter(others).map(async |run| (run, resumption.resume(run).await)).buffered(AT_ONCE);
    while let Some(outcome) = others.next().await {
        outcomes.push(outcome);
    }
    drop(others);
    let (mut work, mut definitions, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (run, outcome) in outcomes {
        match outcome {
            Ok(resumed) => {
                work.push(Work::from(resumed));
                definitions.push(resumption.definition_of(rows.get(&run).copied()).await);
            }
            Err(error) => refused.push((run, error)),
        }
    }
    let settled = watch.until_rest(runtime, work).await?;
    if asked == Asked::One && !refused.is_empty() {
        // The only one: its refusal is the outcome of the command.
        return match refused.pop() {
            Some((_, error)) => Err(error.into()),
            None => Ok(ExitCode::Concluded),
        };
    }
    let refusals =
        refused.iter().map(|(run, error)| refuse(*run, error)).fold(ExitCode::Concluded, ExitCode::worse);
    let settled: Vec<(Settled, Option<Arc<Definition>>)> = settled.into_iter().zip(definitions).collect();
    Ok(print_settled(session, asked, &settled)?.worse(refusals))
}

/// What all resumptions of a command share.
struct Resumption<'a> {
    session: &'a Session<'a>,
    runtime: &'a Runtime,
    takeover: bool,
    /// By scenario and parameters: a thousand runs of one scenario build it once.
    definitions: Mutex<HashMap<(String, String), Arc<Definition>>>,
}

impl Resumption<'_> {
    /// Goes on with a run whose process has not ended in it more than once.
    async fn resume(&self, run: RunId) -> Result<Resumed, RunError> {
        let find = |name: &ScenarioName, parameters: &str| self.definition(name, parameters);
        let resumed = self.runtime.resume(run, &find, self.takeover).await?;
        announce(run, &resumed);
        Ok(resumed)
    }

    /// Goes on with a run that may take the process down, and waits until it gets somewhere.
    async fn resume_and_watch(&self, run: RunId) -> Result<Resumed, RunError> {
        let mut events = self.runtime.events();
        let resumed = self.resume(run).await?;
        self.runtime.wait_for_progress(&resumed, &mut events).await;
        Ok(resumed)
    }

    fn definition(&self, name: &ScenarioName, parameters: &str) -> Result<Arc<Definition>, String> {
        let key = (name.to_string(), parameters.to_owned());
        // A poisoned lock holds whole definitions all the same.
        let mut definitions = self.definitions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(definition) = definitions.get(&key) {
            return Ok(Arc::clone(definition));
        }
        let definition = self.session.stored_definition(name.as_str(), parameters)?;
        definitions.insert(key, Arc::clone(&definition));
        Ok(definition)
    }

    /// Finds the definition of a run for its report; without one the result is printed as it is.
    async fn definition_of(&self, row: Option<&RunRow>) -> Option<Arc<Definition>> {
        let row = row?;
        // The parameters are in the first record. One that cannot be read has been reported by then, as has a scenario
        // that this binary lacks: only the report is missing here.
        let records = self.runtime.journal().records(row.run, Seq(0), 1).await.ok()?;
        let parameters = match &records.first()?.event {
            Event::RunAdmitted(admitted) => &admitted.parameters,
            Event::BatchAdmitted(admitted) => &admitted.parameters,
            _ => return None,
        };
        self.definition(&row.scenario, parameters).ok()
    }
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
