//! `playhouse stop`: no further turns, and then the end.

use clap::Args;
use playhouse_journal::Command;
use playhouse_types::ExitCode;

use super::command_error::CommandError;
use super::decide::answerer;
use super::pause::tell_runs;
use super::session::Session;

/// Ends a run, or all open cases of a batch, after the turn that is under way; what was done is kept
///
/// The turn is not cut short: calls in flight end, and a question to a person stays open until it is answered. A run
/// that then has not reached its planned end is `limited`, as by any other bound (exit code 4). `cancel` ends it at once.
#[derive(Args, Debug)]
pub(super) struct StopArgs {
    /// The run or batch: its id, the beginning or end of it, or `last`
    run: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Lets a run end after its turn.
pub(super) async fn stop(session: &Session<'_>, args: &StopArgs) -> Result<ExitCode, CommandError> {
    let reason = args.reason.clone().unwrap_or_else(|| format!("stopped by {}", answerer(None)));
    tell_runs(session, &args.run, "gets no further turn", &Command::Stop { reason }).await
}
