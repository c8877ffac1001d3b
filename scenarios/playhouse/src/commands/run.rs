//! `playhouse run`: one run or a batch of a scenario.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use playhouse_types::ExitCode;

use super::command_error::CommandError;
use super::find_scenario::find_scenario;
use super::input::{Input, InputArgs};
use super::recording::model_name;
use super::results::{Asked, print_settled};
use super::session::{Session, close};
use super::work::{Watch, Watched, Work};
use crate::definition::Definition;
use crate::host::{Durability, Runtime, StartBatch, StartRun};

/// Runs a scenario on one input, or on all cases of a folder
#[derive(Args, Debug)]
pub(super) struct RunArgs {
    /// The scenario, as `list` names it
    name: String,
    #[command(flatten)]
    input: InputArgs,
    /// Sets a parameter of the scenario; `list` shows them
    #[arg(long, value_name = "K=V")]
    set: Vec<String>,
    /// The model that all agents ask; `scripted` for their scripts, `recorded:FILE` for a recording [default: that of each agent, PLAYHOUSE_MODEL, or the scripts]
    #[arg(long, value_name = "M")]
    model: Option<String>,
    /// The seed of all draws: the same seed and input give the same scripted run
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How many cases of a folder are worked on at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// A file of model prices, which wins over the built-in ones
    #[arg(long, value_name = "F")]
    pub(super) prices: Option<PathBuf>,
    /// A file that all replies of models are recorded into; `--model recorded:FILE` answers from it again
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
    /// What survives the process
    #[arg(long, value_name = "D", value_enum, default_value_t = DurabilityArg::Strict)]
    durability: DurabilityArg,
    /// Never asks a person: a run that needs one rests with exit code 3
    #[arg(long)]
    pub(super) no_input: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum DurabilityArg {
    /// Everything, before it is acknowledged
    Strict,
    /// Nothing: for benchmarks and tests
    Ephemeral,
}

impl From<DurabilityArg> for Durability {
    fn from(durability: DurabilityArg) -> Self {
        match durability {
            DurabilityArg::Strict => Self::Strict,
            DurabilityArg::Ephemeral => Self::Ephemeral,
        }
    }
}

/// Runs a scenario until it rests.
pub(super) async fn run(session: &Session<'_>, args: &RunArgs) -> Result<ExitCode, CommandError> {
    let entry = find_scenario(session.scenarios(), &args.name)?;
    let definition = entry.with_settings(&args.set)?;
    let input = args.input.read(&definition)?;
    let mut options = session.options();
    options.durability = args.durability.into();
    let runtime = Runtime::open_with(options).await?;
    let code = watch(session, args, &runtime, &definition, input).await;
    close(runtime, code).await
}

async fn watch(
    session: &Session<'_>,
    args: &RunArgs,
    runtime: &Runtime,
    definition: &Arc<Definition>,
    input: Input,
) -> Result<ExitCode, CommandError> {
    let watched = match &input {
        Input::One(_) => Watched::Run,
        Input::Cases { cases, .. } => Watched::Batch(cases.len()),
    };
    let watch = Watch::start(runtime, &watched);
    let work = match start(args, runtime, definition, input).await {
        Ok(work) => work,
        Err(error) => {
            watch.stop().await;
            return Err(error);
        }
    };
    let settled = watch.until_rest(runtime, vec![work]).await?;
    let settled: Vec<_> = settled.into_iter().map(|run| (run, Some(Arc::clone(definition)))).collect();
    print_settled(session, Asked::One, &settled)
}

async fn start(
    args: &RunArgs,
    runtime: &Runtime,
    definition: &Arc<Definition>,
    input: Input,
) -> Result<Work, CommandError> {
    let (seed, model) = (args.seed, args.model.as_deref().map(model_name));
    let scenario = Arc::clone(definition);
    match input {
        Input::One(input) => Ok(Work::Run(runtime.start(scenario, StartRun { input, seed, model }).await?)),
        Input::Cases { path, cases } => {
            let concurrency = args.concurrency as usize;
            let start = StartBatch { cases, input_path: path, seed, model, concurrency };
            Ok(Work::Batch(runtime.start_batch(scenario, start).await?))
        }
    }
}
