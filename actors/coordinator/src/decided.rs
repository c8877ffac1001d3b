//! What a decision puts on record: a pure function of the run's state, so that replay derives the same records.

use playhouse_journal::{Event, Kind, RecordKey};
use playhouse_types::{ReviewId, Step, TurnId, Verdict};

use crate::{Consequences, CoordinatorState, Decision, Escalation, Measure};

impl CoordinatorState {
    /// Returns the records of a decision in this state, under the owner's `epoch`; `upto` is how many messages there
    /// are. Empty for a decision that only waits, and for the end of the run: see [`crate::conclusion`].
    #[must_use]
    pub fn records_of(&self, decision: &Decision, upto: u32, epoch: u64) -> Consequences {
        let of_epoch = |kind| RecordKey::new(TurnId(0), epoch_step(epoch), 0, kind);
        match decision {
            Decision::Wait | Decision::CancelTurns | Decision::Conclude(_) | Decision::Ended => Vec::new(),
            Decision::Assign(turns) => turns
                .iter()
                .map(|(turn, to)| {
                    let (speaker, reason) = (to.speaker.clone(), to.reason.clone());
                    let event = Event::TurnAssigned { turn: *turn, speaker, reason, upto };
                    (RecordKey::new(*turn, Step(0), 0, Kind::TurnAssigned), event)
                })
                .collect(),
            Decision::Take(measure) => self.records_of_measure(measure),
            Decision::Expire(reviews) => reviews.iter().map(expired).collect(),
            Decision::Quarantine(reason) => {
                vec![(of_epoch(Kind::Quarantined), Event::Quarantined { reason: reason.clone() })]
            }
            Decision::Suspend(reason) => {
                vec![(of_epoch(Kind::Suspended), Event::Suspended { reason: reason.clone() })]
            }
        }
    }

    fn records_of_measure(&self, measure: &Measure) -> Consequences {
        let Measure { agent, turn, escalation, reason, .. } = measure;
        let skipped = || turn.map(|turn| self.skip(turn, reason)).unwrap_or_default();
        match escalation {
            Escalation::ReplaceModel(model) => {
                let (agent, model, reason) = (Some(agent.clone()), model.clone(), reason.clone());
                let event = Event::ModelReplaced { agent, model, reason };
                vec![(self.measure_key(Kind::ModelReplaced), event)]
            }
            Escalation::DropAgent => {
                let event = Event::AgentDropped { agent: agent.clone(), reason: reason.clone() };
                let mut records = skipped();
                records.push((self.measure_key(Kind::AgentDropped), event));
                records
            }
            Escalation::SkipTurn | Escalation::Quarantine | Escalation::Fail => skipped(),
        }
    }
}

/// Rejects a review that nobody has answered in time.
fn expired(review: &ReviewId) -> (RecordKey, Event) {
    let verdict = Verdict::Reject { reason: "nobody has answered in time".to_owned() };
    let event = Event::ReviewDecided { review: *review, verdict, by: "expiry".to_owned() };
    (RecordKey::of_review(Kind::ReviewDecided, *review), event)
}

/// Returns an epoch as the step of a key; epochs count process starts and stay far below the bound.
fn epoch_step(epoch: u64) -> Step {
    Step(u32::try_from(epoch).unwrap_or(u32::MAX))
}
