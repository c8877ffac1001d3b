//! What a decision puts on record: a pure function of the run's state, so that replay derives the same records.

use playhouse_journal::{Event, Kind, RecordKey};
use playhouse_messages::Threads;
use playhouse_types::{Brief, Message, ReviewId, Step, TurnId, TurnOutcome, Verdict};

use crate::{Assignment, Consequences, CoordinatorState, Decision, Escalation, Measure};

impl CoordinatorState {
    /// Returns the records of a decision in this state, under the owner's `epoch`; `threads` are the run's conversations.
    /// Empty for a decision that only waits, and for the end of the run: see [`crate::conclusion`].
    #[must_use]
    pub fn records_of(&self, decision: &Decision, threads: &Threads, epoch: u64) -> Consequences {
        let of_epoch = |kind| RecordKey::new(TurnId(0), epoch_step(epoch), 0, kind);
        match decision {
            Decision::Wait | Decision::CancelTurns | Decision::Conclude(_) | Decision::Ended => Vec::new(),
            Decision::Assign(turns) => {
                turns.iter().flat_map(|(turn, to)| assigned(*turn, to, threads)).collect()
            }
            Decision::Say { turn, brief, message } => vec![briefed(*turn, brief), posted(message)],
            Decision::Decline { turn, brief, reason } => {
                let outcome = TurnOutcome::Skipped { reason: reason.clone() };
                let event = Event::TurnEnded { turn: *turn, outcome };
                let ended = (RecordKey::new(*turn, Step(0), 0, Kind::TurnEnded), event);
                vec![briefed(*turn, brief), ended]
            }
            Decision::Post(messages) => messages.iter().map(posted).collect(),
            Decision::EndCrew { turn, message, outcome } => {
                let event = Event::TurnEnded { turn: *turn, outcome: outcome.clone() };
                let ended = (RecordKey::new(*turn, Step(0), 0, Kind::TurnEnded), event);
                message.iter().map(posted).chain([ended]).collect()
            }
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

/// Gives a turn: what the speaker is told stands right before.
fn assigned(turn: TurnId, to: &Assignment, threads: &Threads) -> Consequences {
    let (speaker, reason) = (to.speaker.clone(), to.reason.clone());
    let thread = to.brief.as_ref().map(|brief| brief.thread).unwrap_or_default();
    let event = Event::TurnAssigned { turn, speaker, reason, upto: threads.get(thread).len() };
    let assigned = (RecordKey::new(turn, Step(0), 0, Kind::TurnAssigned), event);
    to.brief.iter().map(|brief| briefed(turn, brief)).chain([assigned]).collect()
}

fn briefed(turn: TurnId, brief: &Brief) -> (RecordKey, Event) {
    let event = Event::Briefed { turn, brief: Box::new(brief.clone()) };
    (RecordKey::new(turn, Step(0), 0, Kind::Briefed), event)
}

fn posted(message: &Message) -> (RecordKey, Event) {
    let event = Event::MessagePosted { message: message.clone() };
    (RecordKey::new(message.turn, Step(0), 0, Kind::MessagePosted), event)
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
