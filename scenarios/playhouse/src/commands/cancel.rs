//! `playhouse cancel`: ends a run now.

use clap::Args;
use playhouse_journal::Command;
use playhouse_types::ExitCode;

use super::command_error::CommandError;
use super::decide::answerer;
use super::pause::tell_runs;
use super::session::Session;

/// Ends a run, or all open cases of a batch; what was done is kept
#[derive(Args, Debug)]
pub(super) struct CancelArgs {
    /// The run or batch: its id, the beginning or end of it, or `last`
    run: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Ends a run.
pub(super) async fn cancel(session: &Session<'_>, args: &CancelArgs) -> Result<ExitCode, CommandError> {
    let reason = args.reason.clone().unwrap_or_else(|| format!("cancelled by {}", answerer(None)));
    tell_runs(session, &args.run, "cancelled", &Command::Cancel { reason }).await
}
