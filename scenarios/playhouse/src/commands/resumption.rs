//! What to type so that a run goes on.

use playhouse_types::{RunId, RunStatus};

use super::command_error::CommandError;
use super::session::program_name;
use crate::host::Runtime;
use crate::view::{Style, say};

/// Says how a run that can go on is gone on with: with its batch if that is open, else by itself.
pub(super) async fn go_on_hint(runtime: &Runtime, run: RunId) -> Result<(), CommandError> {
    let journal = runtime.journal();
    let Some(row) = journal.run(run).await? else { return Ok(()) };
    let style = Style::of_stderr();
    if row.status == RunStatus::Quarantined {
        say(&style.dim(&format!("run {run} is quarantined; {}", quarantine_hint(&run.to_string()))));
        return Ok(());
    }
    if !row.status.is_open() {
        say(&style.dim(&format!("run {run} is {}", row.status.as_str())));
        return Ok(());
    }
    if row.status == RunStatus::Paused {
        say(&style.dim(&format!("run {run} is paused; go on with: {} unpause {run}", program_name())));
        return Ok(());
    }
    let parent = match row.parent {
        Some(parent) => journal.run(parent).await?.filter(|parent| parent.status.is_open()),
        None => None,
    };
    let whole = parent.map_or(run, |parent| parent.run);
    say(&style.dim(&format!("if no process works on it, go on with: {} resume {whole}", program_name())));
    Ok(())
}

/// Says what can be done about a quarantined run, or about one with quarantined cases.
pub(super) fn quarantine_hint(run: &str) -> String {
    let program = program_name();
    format!(
        "see {program} quarantine list, decide with: {program} quarantine reopen|skip|amend|abandon {run}"
    )
}
