//! What holds for every journal, whatever its scenario: order, keys, owners, and that nothing stands without its cause.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use playhouse_journal::{Event, Kind, Record, RecordKey};
use playhouse_types::{CallId, Incarnation, Lane, ReviewId, Seq, Step, TurnId};

/// The end of one lane.
#[derive(Default)]
struct LaneEnd {
    last: Option<Seq>,
    incarnation: Incarnation,
}

/// The fold of what the rules need to know.
#[derive(Default)]
pub(super) struct JournalRules {
    head: Seq,
    epoch: u64,
    keys: HashSet<RecordKey>,
    lanes: BTreeMap<Lane, LaneEnd>,
    asked: BTreeSet<(Lane, TurnId, Step)>,
    /// Calls that were permitted, by the lane that made them.
    called: BTreeSet<(Lane, CallId)>,
    reviewed: BTreeSet<ReviewId>,
    turns: BTreeSet<TurnId>,
    is_concluded: bool,
}

impl JournalRules {
    /// Checks the next record and takes it in; an error says what should stand there instead.
    pub(super) fn check(&mut self, record: &Record) -> Result<(), String> {
        let outcome = self.check_place(record).and_then(|()| self.check_cause(record));
        self.apply(record);
        outcome
    }

    fn check_place(&self, record: &Record) -> Result<(), String> {
        let lane = self.lanes.get(&record.lane);
        let (last, incarnation) = lane.map_or((None, Incarnation(0)), |lane| (lane.last, lane.incarnation));
        if record.seq != self.head.next() {
            return Err(format!("record {}", self.head.next()));
        }
        if record.epoch < self.epoch {
            return Err(format!("a record of the owner with epoch {}, not of one before it", self.epoch));
        }
        if record.lane_prev != last {
            return Err(format!("a record of `{}` that follows its last one", record.lane));
        }
        if record.causation.is_some_and(|causation| causation >= record.seq) {
            return Err("a record whose cause stands before it".to_owned());
        }
        if self.keys.contains(&record.key) {
            return Err(format!("no second record with the key {}", record.key));
        }
        if record.incarnation < incarnation && !record.key.kind.is_result() {
            return Err(format!(
                "a record of start {incarnation} of `{}`, not of one before it",
                record.lane
            ));
        }
        Ok(())
    }

    fn check_cause(&self, record: &Record) -> Result<(), String> {
        let key = record.key;
        let is_caused = match &record.event {
            Event::ModelResult { .. } | Event::ModelFailed { .. } => {
                self.asked.contains(&(record.lane.clone(), key.turn, key.step))
            }
            Event::ToolInDoubt { call, .. } => self.is_called(record, *call),
            // The agent ends a call that may not be made, or that a person has answered, without permitting it first; its
            // decision is derived again.
            Event::ToolResult { call, .. }
            | Event::ToolFailed { call, .. }
            | Event::ToolDenied { call, .. } => record.causation.is_some() || self.is_called(record, *call),
            Event::ReviewDecided { review, .. } => self.reviewed.contains(review),
            Event::TurnEnded { turn, .. } => self.turns.contains(turn),
            _ => true,
        };
        if !is_caused {
            return Err("a record of something that was begun on record before".to_owned());
        }
        if self.is_concluded && !key.kind.is_operational() && !key.kind.is_result() {
            return Err("nothing after the end of the run".to_owned());
        }
        Ok(())
    }

    fn is_called(&self, record: &Record, call: CallId) -> bool {
        self.called.contains(&(record.lane.clone(), call))
    }

    fn apply(&mut self, record: &Record) {
        (self.head, self.epoch) = (record.seq, self.epoch.max(record.epoch));
        self.keys.insert(record.key);
        self.raise(&record.lane, record.incarnation).last = Some(record.seq);
        match &record.event {
            Event::ActorRestarted { actor, incarnation, .. } => drop(self.raise(actor, *incarnation)),
            Event::ModelIntent(_) => {
                self.asked.insert((record.lane.clone(), record.key.turn, record.key.step));
            }
            Event::ToolIntent(intent) => drop(self.called.insert((record.lane.clone(), intent.call))),
            Event::ReviewOpened { review, .. } => drop(self.reviewed.insert(*review)),
            // Both ask a person by themselves.
            Event::ToolInDoubt { call, .. } => drop(self.reviewed.insert(ReviewId::Doubt(*call))),
            Event::Quarantined { .. } => drop(self.reviewed.insert(ReviewId::Quarantine(record.epoch))),
            Event::TurnAssigned { turn, .. } => drop(self.turns.insert(*turn)),
            _ => self.is_concluded |= record.key.kind == Kind::RunConcluded,
        }
    }

    fn raise(&mut self, lane: &Lane, incarnation: Incarnation) -> &mut LaneEnd {
        let end = self.lanes.entry(lane.clone()).or_default();
        end.incarnation = end.incarnation.max(incarnation);
        end
    }
}
