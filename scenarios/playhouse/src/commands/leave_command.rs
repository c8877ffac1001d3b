//! Leaving a command for a run, and learning what became of it.

use std::time::Duration;

use playhouse_journal::{Command, CommandId};
use playhouse_types::{RunId, ScenarioName, Seq};

use super::command_error::CommandError;
use super::session::Session;
use crate::host::{Answered, Runtime, Waiting};
use crate::view::{Style, say};

/// How long to wait for a process that works on the run: it looks for commands every second.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often to look for its answer meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Leaves a command for each run, has it taken at once where nobody works on the run, and waits a little where somebody
/// does. Answers in the order of `commands`.
pub(super) async fn leave_commands(
    session: &Session<'_>,
    runtime: &Runtime,
    commands: &[(RunId, CommandId, Command)],
) -> Result<Vec<Answered>, CommandError> {
    let (journal, inbox) = (runtime.journal(), runtime.inbox());
    let mut waiting = Vec::new();
    for (run, id, command) in commands {
        inbox.submit(*run, id.clone(), command.clone()).await?;
        waiting.push(Waiting { run: *run, id, seen: Seq(0) });
    }
    let find = |name: &ScenarioName, parameters: &str| session.stored_definition(name.as_str(), parameters);
    let mut answers = Vec::new();
    for waiting in &mut waiting {
        let mut answer = waiting.look(journal.as_ref()).await?;
        if answer.is_none() {
            if let Err(error) = runtime.settle_commands(waiting.run, &find).await {
                // It is left all the same: whoever can work on the run takes it.
                say(&Style::of_stderr().dim(&format!("run {}: {error}", waiting.run)));
            }
            answer = waiting.look(journal.as_ref()).await?;
        }
        answers.push(answer);
    }
    let mut n_looks = PATIENCE.as_millis() / LOOK_EVERY.as_millis();
    while n_looks > 0 && answers.iter().any(Option::is_none) {
        n_looks -= 1;
        runtime.inner.clock.sleep(LOOK_EVERY).await;
        for (waiting, answer) in waiting.iter_mut().zip(&mut answers) {
            if answer.is_none() {
                *answer = waiting.look(journal.as_ref()).await?;
            }
        }
    }
    Ok(answers.into_iter().map(|answer| answer.unwrap_or(Answered::Left)).collect())
}
