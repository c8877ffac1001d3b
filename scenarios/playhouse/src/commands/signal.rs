//! `playhouse signal`: meets the conditions that wait for a signal.

use clap::Args;
use playhouse_journal::Command;
use playhouse_types::ExitCode;

use super::command_error::CommandError;
use super::pause::tell_runs;
use super::session::Session;

/// Gives a run, or the open cases of a batch, a signal that a condition of its scenario waits for
#[derive(Args, Debug)]
pub(super) struct SignalArgs {
    /// The run or batch: its id, the beginning or end of it, or `last`
    run: String,
    /// The name of the signal, as the scenario has it in `external("NAME")`
    name: String,
}

/// Gives a run a signal.
pub(super) async fn signal(session: &Session<'_>, args: &SignalArgs) -> Result<ExitCode, CommandError> {
    tell_runs(session, &args.run, "signaled", &Command::Signal { name: args.name.clone() }).await
}
