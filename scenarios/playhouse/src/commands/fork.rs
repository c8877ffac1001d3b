//! `playhouse fork`: a new run that shares the beginning of another one.

use clap::Args;
use playhouse_types::{ExitCode, Seq};

use super::command_error::CommandError;
use super::recording::model_name;
use super::results::{Asked, print_settled};
use super::session::{Opened, Session, close};
use super::work::{Watch, Watched, Work};
use crate::definition::Definition;
use crate::host::StartFork;
use crate::view::{Style, say};

/// Makes a new run that shares the beginning of another one, and goes on with it; nothing before is called again
#[derive(Args, Debug)]
pub(super) struct ForkArgs {
    /// The run: its id, the beginning or end of it, or `last`
    run: String,
    /// The last record that is shared, as `journal` numbers them; rounded down to where no call or review is open and the run is not paused
    #[arg(long, value_name = "SEQ")]
    at: u64,
    /// The model that all agents ask from there on [default: as before]
    #[arg(long, value_name = "M")]
    model: Option<String>,
    /// The seed of all draws from there on [default: as before]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Lets tools run that change anything outside; without it such calls are denied
    #[arg(long)]
    effects: bool,
}

/// Forks a run and goes on with the fork until it rests.
pub(super) async fn fork(session: &Session<'_>, args: &ForkArgs) -> Result<ExitCode, CommandError> {
    let opened = session.open_run(&args.run).await?;
    let code = go_on(session, args, &opened).await;
    close(opened.runtime, code).await
}

async fn go_on(session: &Session<'_>, args: &ForkArgs, opened: &Opened) -> Result<ExitCode, CommandError> {
    let (runtime, run) = (&opened.runtime, opened.row.run);
    let found = std::sync::Mutex::new(None);
    let find = |name: &playhouse_types::ScenarioName, parameters: &str| {
        let definition = session.stored_definition(name.as_str(), parameters)?;
        // Kept for the report. Nobody else holds the lock, so it is not poisoned.
        if let Ok(mut found) = found.lock() {
            *found = Some(std::sync::Arc::clone(&definition));
        }
        Ok::<std::sync::Arc<Definition>, String>(definition)
    };
    let start = StartFork {
        at: Seq(args.at),
        model: args.model.as_deref().map(model_name),
        seed: args.seed,
        effects: args.effects,
    };
    let watch = Watch::start(runtime, &Watched::Run);
    let forked = match runtime.fork(run, &find, start).await {
        Ok(forked) => forked,
        Err(error) => {
            watch.stop().await;
            return Err(error.into());
        }
    };
    let rounded =
        if forked.at.0 == args.at { "" } else { ", the last one before it where nothing was open or paused" };
    let line =
        format!("run {} is a fork of {} at record {}{rounded}", forked.handle.run, forked.from, forked.at);
    say(&Style::of_stderr().dim(&line));
    let settled = watch.until_rest(runtime, vec![Work::Run(forked.handle)]).await?;
    let definition = found.into_inner().ok().flatten();
    let settled: Vec<_> = settled.into_iter().map(|run| (run, definition.clone())).collect();
    print_settled(session, Asked::One, &settled)
}
