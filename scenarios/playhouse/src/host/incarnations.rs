//! Which start of each actor is the newest on record.

use playhouse_journal::{Event, Kind, NewRecord, RecordKey};
use playhouse_messages::{RunJournal, RunLog};
use playhouse_types::{Incarnation, Label, Lane, Step, TurnId};

use super::error::RunError;

/// Returns the newest start of a lane's actor that is on record; 0 if it has never run.
pub(crate) fn newest_start(log: &RunLog, lane: &str) -> Incarnation {
    log.facts(|facts| facts.lane(lane).incarnation)
}

/// Puts on record that the run goes on in this process.
pub(crate) async fn record_resumption(journal: &RunJournal, epoch: u64, clean: bool) -> Result<(), RunError> {
    let newest = newest_start(journal.log(), Lane::RUN);
    let key = RecordKey::new(TurnId(0), Step(u32::try_from(epoch).unwrap_or(u32::MAX)), 0, Kind::Resumed);
    let record = NewRecord {
        lane: Lane::run(),
        incarnation: newest.next(),
        key,
        causation: None,
        label: Label::default(),
        event: Event::Resumed { epoch, clean },
    };
    let run = journal.log().run();
    journal.append(vec![record]).await.map_err(|source| RunError::Journal { run, source })?;
    Ok(())
}
