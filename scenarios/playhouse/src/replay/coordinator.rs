//! The decisions of the coordinator, derived again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use playhouse_coordinator::{CoordinatorState, Decision, conclusion};
use playhouse_journal::{Event, Record};
use playhouse_messages::Transcript;
use playhouse_types::{RunOutcome, Seq, Timestamp, TurnId};

use super::{Cast, Derived, upto, words};

/// How often a pure function that panics is asked: as often as a coordinator is started again after it.
const N_TRIES: usize = 4;

/// The fold of a conversation up to some record.
struct Fold {
    state: CoordinatorState,
    transcript: Arc<Transcript>,
    at: Seq,
    /// When the last record was written.
    time: Timestamp,
}

impl Fold {
    fn new(cast: &Cast) -> Self {
        let state = CoordinatorState::new(cast.definition.crew.clone());
        Self { state, transcript: Arc::default(), at: Seq(0), time: Timestamp::default() }
    }

    /// Folds up to `seq`; from the beginning if that lies behind.
    fn go_to(&mut self, cast: &Cast, records: &[Arc<Record>], seq: Seq) {
        if seq < self.at {
            *self = Self::new(cast);
        }
        for record in upto(records, seq).iter().skip(usize::try_from(self.at.0).unwrap_or(usize::MAX)) {
            if let Event::MessagePosted { message } = &record.event {
                self.transcript.push(message.clone());
            }
            self.state.apply(record);
            (self.at, self.time) = (record.seq, record.time);
        }
    }

    /// Decides at a time. A pattern that panics takes its coordinator down, which is started and asks again.
    fn decide(&self, now: Timestamp) -> Option<Decision> {
        (0..N_TRIES)
            .find_map(|_| catch_unwind(AssertUnwindSafe(|| self.state.decide(&self.transcript, now))).ok())
    }
}

/// The coordinator of a run that is replayed.
pub(super) struct CoordinatorReplay<'a> {
    cast: &'a Cast,
    /// As of the record that the writer of the decision had folded.
    seen: Fold,
    /// As of the record before the one that is looked at.
    current: Fold,
}

impl<'a> CoordinatorReplay<'a> {
    pub(super) fn new(cast: &'a Cast) -> Self {
        Self { cast, seen: Fold::new(cast), current: Fold::new(cast) }
    }

    /// Derives a record of the run's own lane.
    pub(super) fn derive(&mut self, records: &[Arc<Record>], record: &Record) -> Derived {
        match (&record.event, record.causation) {
            (Event::TurnAssigned { .. } | Event::Suspended { .. }, None) => {
                Derived::other("the place of the coordinator that decided it")
            }
            (
                Event::TurnAssigned { .. } | Event::Suspended { .. } | Event::RunConcluded { .. },
                Some(seen),
            ) => self.derive_decision(records, record, seen),
            (Event::RunConcluded { outcome, .. }, None) => derive_given_up(records, record, outcome),
            (Event::Quarantined { reason }, _) => derive_quarantine(reason),
            (Event::TurnEnded { .. } | Event::ModelIntent(_) | Event::ToolIntent(_), _) => {
                Derived::other("a record of an agent's lane")
            }
            _ => Derived::Fact,
        }
    }

    /// Tells whether the open turns had to be cancelled when `record` was written. Reasons for it only accumulate, so
    /// they are sought up to the record before.
    pub(super) fn cancels(&mut self, records: &[Arc<Record>], record: &Record) -> bool {
        self.current.go_to(self.cast, records, Seq(record.seq.0.saturating_sub(1)));
        self.current.decide(record.time) == Some(Decision::CancelTurns)
    }

    fn derive_decision(&mut self, records: &[Arc<Record>], record: &Record, seen: Seq) -> Derived {
        self.seen.go_to(self.cast, records, seen);
        // It decided between the last record it had seen and the one that it wrote: a limit in time may lie between.
        let mut expected = None;
        for now in [record.time, self.seen.time] {
            let Some(decision) = self.seen.decide(now) else {
                return Derived::other("a pattern that does not panic");
            };
            match self.compare(records, record, &decision) {
                Derived::Other(words) => expected = expected.or(Some(words)),
                derived => return derived,
            }
        }
        Derived::Other(expected.unwrap_or_default())
    }

    fn compare(&self, records: &[Arc<Record>], record: &Record, decision: &Decision) -> Derived {
        match (decision, &record.event) {
            (Decision::Assign(turns), Event::TurnAssigned { turn, .. }) => {
                let upto = self.seen.transcript.len();
                let event = |(turn, to): &(TurnId, playhouse_coordinator::Assignment)| Event::TurnAssigned {
                    turn: *turn,
                    speaker: to.speaker.clone(),
                    reason: to.reason.clone(),
                    upto,
                };
                match turns.iter().find(|(number, _)| number == turn) {
                    Some(assigned) => Derived::compare(&event(assigned), &record.event),
                    None => Derived::Other(words::decision(decision)),
                }
            }
            (Decision::Suspend(reason), Event::Suspended { .. }) => {
                Derived::compare(&Event::Suspended { reason: reason.clone() }, &record.event)
            }
            (Decision::Conclude(outcome), Event::RunConcluded { .. }) => {
                self.derive_conclusion(records, record, outcome)
            }
            _ => Derived::Other(words::decision(decision)),
        }
    }

    /// The coordinator made the result from all records that were there when it wrote the end: those that it had
    /// folded, and perhaps some after.
    fn derive_conclusion(&self, records: &[Arc<Record>], record: &Record, outcome: &RunOutcome) -> Derived {
        let result = &self.cast.definition.result;
        let make = |seq: u64| {
            let records = upto(records, Seq(seq));
            catch_unwind(AssertUnwindSafe(|| conclusion(outcome.clone(), result, records))).ok()
        };
        let mut expected = None;
        for seq in (self.seen.at.0..record.seq.0).rev() {
            match make(seq) {
                Some(event) if event == record.event => return Derived::Same,
                Some(event) => expected = expected.or_else(|| Some(words::event(&event))),
                None => {
                    expected = expected.or_else(|| Some("a result function that does not panic".to_owned()))
                }
            }
        }
        Derived::Other(expected.unwrap_or_default())
    }
}

/// A supervisor that gives an actor up ends the run without its coordinator.
fn derive_given_up(records: &[Arc<Record>], record: &Record, outcome: &RunOutcome) -> Derived {
    let before = upto(records, Seq(record.seq.0.saturating_sub(1)));
    let is_given_up = before.iter().any(|record| match &record.event {
        Event::ActorFailed { actor, .. } | Event::ActorGivenUp { actor, .. } => {
            outcome.detail.starts_with(&format!("`{actor}` was given up: "))
        }
        _ => false,
    });
    if is_given_up && outcome.kind == playhouse_types::OutcomeKind::Failed {
        Derived::Same
    } else {
        Derived::other("the failure of an actor that was given up")
    }
}

/// How often a run was started is counted by the store, which keeps more than the journal shows: only the words are
/// checked.
fn derive_quarantine(reason: &str) -> Derived {
    let n_starts = reason
        .strip_prefix("started ")
        .and_then(|rest| rest.strip_suffix(" times without getting anywhere"))
        .and_then(|count| count.parse::<u32>().ok());
    match n_starts {
        Some(3..) => Derived::Same,
        _ => Derived::other("three starts without progress"),
    }
}
