//! Which start of each actor is the newest on record.

use std::collections::BTreeMap;

use playhouse_journal::{Event, Kind, NewRecord, RecordKey};
use playhouse_messages::{RunJournal, RunLog};
use playhouse_types::{Incarnation, Label, Lane, Seq, Step, TurnId};

use super::error::RunError;

/// Returns the newest incarnation of each lane that is on record.
pub(crate) fn incarnations(log: &RunLog) -> BTreeMap<Lane, Incarnation> {
    let mut newest: BTreeMap<Lane, Incarnation> = BTreeMap::new();
    // Admission is nobody's incarnation: a run that has only that starts its actors for the first time.
    for record in log.after(Seq(0)).filter(|record| !is_admission(record.key.kind, record.key.turn)) {
        let lane = newest.entry(record.lane.clone()).or_default();
        *lane = (*lane).max(record.incarnation);
    }
    newest
}

fn is_admission(kind: Kind, turn: TurnId) -> bool {
    matches!(kind, Kind::RunAdmitted) || (kind == Kind::MessagePosted && turn == TurnId(0))
}

/// Puts on record that the run goes on in this process.
pub(crate) async fn record_resumption(journal: &RunJournal, epoch: u64, clean: bool) -> Result<(), RunError> {
    let newest = incarnations(journal.log()).get(Lane::RUN).copied().unwrap_or_default();
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
