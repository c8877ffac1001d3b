//! Runs that are damaged: each is told, and none keeps the others from being served.

use playhouse_journal::{DamagedRun, JournalRead};
use playhouse_types::ExitCode;

use super::command_error::CommandError;
use crate::view::{Style, say};

/// Tells which runs are in no listing, and returns what that does to the exit code.
pub(super) async fn tell_damaged(journal: &dyn JournalRead) -> Result<ExitCode, CommandError> {
    let damaged = journal.damaged_runs().await?;
    let code = if damaged.is_empty() { ExitCode::Concluded } else { ExitCode::Failed };
    damaged.into_iter().for_each(tell);
    Ok(code)
}

fn tell(damaged: DamagedRun) {
    say(&Style::of_stderr().bad(&CommandError::damaged(damaged).to_string()));
}
