//! The first act of every later start of an actor: to say so on record.

use std::sync::Arc;
use std::time::Duration;

use playhouse_journal::{Event, Kind, NewRecord, RecordKey};
use playhouse_messages::RunLog;
use playhouse_types::{Incarnation, Label, Lane, Seq, Step, Timestamp, TurnId};

/// An actor of a run that has started again.
#[derive(Clone, Debug)]
pub struct Restarted {
    /// Whose lane.
    pub lane: Lane,
    /// Its place among the run's actors: 0 for the coordinator, then the agents.
    pub place: u32,
    /// Which start this is.
    pub incarnation: Incarnation,
    /// The last record that its state includes.
    pub checkpoint: Seq,
}

impl Restarted {
    /// Makes the record: from here on the journal refuses what older incarnations write.
    #[must_use]
    pub fn record(self, log: &Arc<RunLog>, now: Timestamp) -> NewRecord {
        let down = down_for(log, &self.lane, now);
        let key = RecordKey::new(TurnId(0), Step(self.incarnation.0), self.place, Kind::ActorRestarted);
        let event = Event::ActorRestarted {
            actor: self.lane.clone(),
            incarnation: self.incarnation,
            checkpoint: self.checkpoint,
            down_micros: u64::try_from(down.as_micros()).unwrap_or(u64::MAX),
        };
        NewRecord {
            lane: self.lane,
            incarnation: self.incarnation,
            key,
            causation: None,
            label: Label::default(),
            event,
        }
    }
}

/// Returns how long the actor was gone: since its last failure, or since the last record if the process ended.
fn down_for(log: &RunLog, lane: &Lane, now: Timestamp) -> Duration {
    // Newest first: the one that counts is in this process, the history before it may be long.
    let since = log.after(Seq(0)).rev().find_map(|record| match &record.event {
        Event::ActorFailed { actor, .. } if actor == lane => Some(record.time),
        // The record before it is the last sign of the process that is gone.
        Event::Resumed { .. } => log.get(Seq(record.seq.0.saturating_sub(1))).map(|before| before.time),
        _ => None,
    });
    since.map_or(Duration::ZERO, |since| now.since(since))
}
