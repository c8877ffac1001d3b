//! `playhouse inject`: says something in a conversation from outside.

use clap::Args;
use playhouse_journal::Command;
use playhouse_types::ExitCode;

use super::command_error::CommandError;
use super::decide::answerer;
use super::pause::tell_runs;
use super::session::Session;

/// Says something to the agents of a run, or of all open cases of a batch; they see it from their next turn on
#[derive(Args, Debug)]
pub(super) struct InjectArgs {
    /// The run or batch: its id, the beginning or end of it, or `last`
    run: String,
    /// What to say
    text: String,
    /// Who says it, for the record [default: the login name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// Says something in a run.
pub(super) async fn inject(session: &Session<'_>, args: &InjectArgs) -> Result<ExitCode, CommandError> {
    let command = Command::Inject { text: args.text.clone(), by: answerer(args.by.as_deref()) };
    tell_runs(session, &args.run, "has the message", &command).await
}
