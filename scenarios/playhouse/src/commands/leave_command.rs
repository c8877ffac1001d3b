//! Leaving a command for a run, and learning what became of it.

use std::time::Duration;

use playhouse_journal::{Command, CommandId, Event, JournalRead, ReadError};
use playhouse_types::{RunId, ScenarioName, Seq};
use serde::Serialize;

use super::command_error::CommandError;
use super::session::Session;
use crate::host::Runtime;
use crate::view::{Style, say};

/// How long to wait for a process that works on the run: it looks for commands every second.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often to look for its answer meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How many records are read at once.
const PAGE: usize = 1_000;

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "detail")]
pub(super) enum Answered {
    /// The run's owner took it.
    Accepted,
    /// The run's owner refused it, for this reason.
    Refused(String),
    /// It waits for the run's owner.
    Left,
}

/// A command that waits for its answer.
struct Waiting<'a> {
    run: RunId,
    id: &'a CommandId,
    /// The last record that was looked at.
    seen: Seq,
}

impl Waiting<'_> {
    /// Looks at the records since the last look.
    async fn look(&mut self, journal: &dyn JournalRead) -> Result<Option<Answered>, ReadError> {
        loop {
            let page = journal.records(self.run, self.seen, PAGE).await?;
            let answer = page.iter().find_map(|record| match &record.event {
                Event::CommandAccepted { id, .. } if id == self.id => Some(Answered::Accepted),
                Event::CommandRefused { id, reason } if id == self.id => {
                    Some(Answered::Refused(reason.clone()))
                }
                _ => None,
            });
            self.seen = page.last().map_or(self.seen, |record| record.seq);
            if answer.is_some() || page.len() < PAGE {
                return Ok(answer);
            }
        }
    }
}

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
