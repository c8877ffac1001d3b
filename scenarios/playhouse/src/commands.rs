//! The command line that every scenario binary gets, one file per command.

mod cancel;
mod command_error;
mod damaged_runs;
mod decide;
mod doctor;
mod find_review;
mod find_run;
mod find_scenario;
mod fork;
mod inject;
mod input;
mod interrupt;
mod journal;
mod json;
mod leave_command;
mod list;
mod new;
mod output;
mod pause;
mod quarantine;
mod recording;
mod replay;
mod results;
mod resume;
mod resumption;
mod review;
mod run;
mod runs;
mod session;
mod show;
mod signal;
mod stop;
mod table;
mod talk;
mod time;
mod usage_table;
mod work;

use clap::{Parser, Subcommand};
use playhouse_types::{ExitCode, RunId};

use self::command_error::CommandError;
use self::session::{CommonArgs, Session};
use crate::view::{say, start_logs};
use crate::{ScenarioEntry, async_runtime};

/// Runs crews of AI agents: every step is journaled first, so that a crash loses nothing.
#[derive(Parser, Debug)]
#[command(version, disable_help_subcommand = true, arg_required_else_help = true)]
struct Arguments {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    List(list::ListArgs),
    Run(run::RunArgs),
    Resume(resume::ResumeArgs),
    Runs(runs::RunsArgs),
    Show(show::ShowArgs),
    Journal(journal::JournalArgs),
    Review(review::ReviewArgs),
    Quarantine(quarantine::QuarantineArgs),
    Cancel(cancel::CancelArgs),
    Pause(pause::PauseArgs),
    Unpause(pause::UnpauseArgs),
    Inject(inject::InjectArgs),
    Signal(signal::SignalArgs),
    Stop(stop::StopArgs),
    Replay(replay::ReplayArgs),
    Fork(fork::ForkArgs),
    Doctor(doctor::DoctorArgs),
    New(new::NewArgs),
}

/// Runs the command line of a scenario binary and returns its exit code.
///
/// Results go to stdout, everything else to stderr. Exit codes: 0 concluded, 1 failed or cancelled, 2 usage or invalid
/// scenario, 3 waiting for a person, 4 a limit ended it, 5 quarantined, 6 the store failed, 130 interrupted.
#[must_use]
pub fn main(scenarios: &[ScenarioEntry]) -> std::process::ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Whoever closed the pipe does not want the help text any more.
            let _ = error.print();
            return std::process::ExitCode::from(if error.use_stderr() { ExitCode::Usage.code() } else { 0 });
        }
    };
    start_logs();
    let runtime = match async_runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("error: the async runtime cannot start: {error}"));
            return std::process::ExitCode::from(ExitCode::Failed.code());
        }
    };
    let (is_attended, prices, record) = match &arguments.command {
        Command::Run(args) => (session::is_attended(args.no_input), args.prices.clone(), args.record.clone()),
        Command::Resume(args) => {
            (session::is_attended(args.no_input), args.prices.clone(), args.record.clone())
        }
        _ => (false, None, None),
    };
    let session =
        Session::new(scenarios, arguments.common, is_attended).with_prices(prices).with_record(record);
    let code = match runtime.block_on(execute(&session, &arguments.command)) {
        Ok(code) => code,
        Err(error) if error.is_closed_pipe() => ExitCode::Concluded,
        Err(error) => tell(&error),
    };
    // Abandoned user code may still run: it must not hold the process.
    runtime.shutdown_background();
    std::process::ExitCode::from(code.code())
}

/// Tells an error and, if the store failed, what to do; returns what the process ends with.
fn tell(error: &CommandError) -> ExitCode {
    let (text, code) = (error.with_causes(), error.exit_code());
    say(&format!("error: {text}"));
    // Some errors of the store say that themselves.
    if code == ExitCode::StoreFailed && !text.contains("resume") {
        let program = session::program_name();
        say(&format!(
            "  what is on record is safe: once the cause is mended, start again, or go on with: {program} resume --all"
        ));
    }
    code
}

async fn execute(session: &Session<'_>, command: &Command) -> Result<ExitCode, CommandError> {
    match command {
        Command::List(_) => list::list(session),
        Command::Run(args) => run::run(session, args).await,
        Command::Resume(args) => resume::resume(session, args).await,
        Command::Runs(_) => runs::runs(session).await,
        Command::Show(args) => show::show(session, args).await,
        Command::Journal(args) => journal::journal(session, args).await,
        Command::Doctor(args) => doctor::doctor(session, args).await,
        Command::Review(args) => review::review(session, args).await,
        Command::Quarantine(args) => quarantine::quarantine(session, args).await,
        Command::Cancel(args) => cancel::cancel(session, args).await,
        Command::Pause(args) => pause::pause(session, args).await,
        Command::Unpause(args) => pause::unpause(session, args).await,
        Command::Signal(args) => signal::signal(session, args).await,
        Command::Inject(args) => inject::inject(session, args).await,
        Command::Stop(args) => stop::stop(session, args).await,
        Command::Replay(args) => replay::replay(session, args).await,
        Command::Fork(args) => fork::fork(session, args).await,
        Command::New(args) => new::new(session, args),
    }
}

/// Returns the end of a run's id: enough to tell the runs of a day apart, and accepted wherever a run is named.
pub(crate) fn short(run: RunId) -> String {
    let id = run.to_string();
    id.get(id.len().saturating_sub(8)..).unwrap_or_default().to_owned()
}
