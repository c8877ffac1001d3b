//! What became of a command, as the journal of its run says.

use playhouse_journal::{CommandId, Event, JournalRead, ReadError, Record};
use playhouse_types::{RunId, Seq};
use serde::Serialize;

/// How many records are read at once.
const PAGE: usize = 1_000;

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "detail")]
pub enum Answered {
    /// The run's owner took it.
    Accepted,
    /// The run's owner refused it, for this reason.
    Refused(String),
    /// It waits for the run's owner: whoever goes on with the run takes it.
    Left,
}

impl Answered {
    /// Returns what a record says about a command, if it does.
    pub(crate) fn of_record(record: &Record, command: &CommandId) -> Option<Self> {
        match &record.event {
            Event::CommandAccepted { id, .. } if id == command => Some(Self::Accepted),
            Event::CommandRefused { id, reason } if id == command => Some(Self::Refused(reason.clone())),
            _ => None,
        }
    }
}

/// A command that waits for its answer.
pub(crate) struct Waiting<'a> {
    pub(crate) run: RunId,
    pub(crate) id: &'a CommandId,
    /// The last record that was looked at.
    pub(crate) seen: Seq,
}

impl Waiting<'_> {
    /// Looks at the records since the last look.
    pub(crate) async fn look(&mut self, journal: &dyn JournalRead) -> Result<Option<Answered>, ReadError> {
        loop {
            let page = journal.records(self.run, self.seen, PAGE).await?;
            let answer = page.iter().find_map(|record| Answered::of_record(record, self.id));
            self.seen = page.last().map_or(self.seen, |record| record.seq);
            if answer.is_some() || page.len() < PAGE {
                return Ok(answer);
            }
        }
    }
}
