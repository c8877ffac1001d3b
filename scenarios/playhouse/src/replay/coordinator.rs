//! The decisions of the coordinator, derived again.

use std::sync::Arc;

use playhouse_coordinator::{
    Acceptance, CheckArguments, Consequences, CoordinatorState, Decision, conclusion,
};
use playhouse_journal::{Command, CommandId, Event, PendingCommand, Record};
use playhouse_messages::ThreadFold;
use playhouse_types::{RunOutcome, Seq, Timestamp};

use super::{Cast, Derived, guarded, upto, words};
use crate::host::check_arguments;

/// How often a pure function that panics is asked: as often as a coordinator is started again after it.
const N_TRIES: usize = 4;

/// The fold of a conversation up to some record.
struct Fold {
    state: CoordinatorState,
    conversation: ThreadFold,
    at: Seq,
    /// When the last record was written.
    time: Timestamp,
}

impl Fold {
    fn new(cast: &Cast) -> Self {
        let state = CoordinatorState::new(cast.definition.crew.clone());
        Self { state, conversation: ThreadFold::default(), at: Seq(0), time: Timestamp::default() }
    }

    /// Folds up to `seq` and tells whether the pattern allows it: one that panics takes its coordinator down, which is
    /// started and folds again.
    fn go_to(&mut self, cast: &Cast, records: &[Arc<Record>], seq: Seq) -> bool {
        (0..N_TRIES).any(|_| {
            let is_there = guarded(|| self.try_go_to(cast, records, seq)).is_some();
            if !is_there {
                *self = Self::new(cast);
            }
            is_there
        })
    }

    /// Folds up to `seq`; from the beginning if that lies behind.
    fn try_go_to(&mut self, cast: &Cast, records: &[Arc<Record>], seq: Seq) {
        if seq < self.at {
            *self = Self::new(cast);
        }
        for record in upto(records, seq).iter().skip(usize::try_from(self.at.0).unwrap_or(usize::MAX)) {
            self.conversation.apply(record);
            self.state.apply(record);
            (self.at, self.time) = (record.seq, record.time);
        }
    }

    /// Decides at a time. A pattern that panics takes its coordinator down, which is started and asks again.
    fn decide(&self, now: Timestamp) -> Option<Decision> {
        (0..N_TRIES).find_map(|_| guarded(|| self.state.decide(self.conversation.threads(), now)))
    }
}

/// The coordinator of a run that is replayed.
pub(super) struct CoordinatorReplay<'a> {
    cast: &'a Cast,
    /// How arguments that a person has edited are checked.
    check: CheckArguments,
    /// As of the record that the writer of the decision had folded.
    seen: Fold,
    /// As of the record before the one that is looked at.
    current: Fold,
}

impl<'a> CoordinatorReplay<'a> {
    pub(super) fn new(cast: &'a Cast) -> Self {
        let check = check_arguments(&cast.definition, &cast.tools);
        Self { cast, check, seen: Fold::new(cast), current: Fold::new(cast) }
    }

    /// Derives a record of the run's own lane.
    pub(super) fn derive(&mut self, records: &[Arc<Record>], record: &Record) -> Derived {
        match (&record.event, record.causation) {
            (Event::RunConcluded { outcome, .. }, None) => derive_given_up(records, record, outcome),
            // The host sets a run aside for what the journal does not show: starts, what its scenario lacks, and a
            // store that failed.
            (Event::Quarantined { .. } | Event::CommandAccepted { .. } | Event::Suspended { .. }, None) => {
                Derived::Fact
            }
            (
                Event::TurnAssigned { .. }
                | Event::Briefed { .. }
                | Event::TurnEnded { .. }
                | Event::MessagePosted { .. }
                | Event::ModelReplaced { .. }
                | Event::AgentDropped { .. }
                | Event::ReviewDecided { .. },
                None,
            ) => Derived::other("the place of the coordinator that decided it"),
            (
                Event::TurnAssigned { .. }
                | Event::Briefed { .. }
                | Event::TurnEnded { .. }
                | Event::MessagePosted { .. }
                | Event::ModelReplaced { .. }
                | Event::AgentDropped { .. }
                | Event::ReviewDecided { .. }
                | Event::CommandAccepted { .. }
                | Event::Suspended { .. }
                | Event::Quarantined { .. }
                | Event::RunConcluded { .. },
                Some(seen),
            ) => self.derive_decision(records, record, seen),
            (Event::ModelIntent(_) | Event::ToolIntent(_) | Event::ReviewOpened { .. }, _) => {
                Derived::other("a record of an agent's lane")
            }
            _ => Derived::Fact,
        }
    }

    /// Tells whether the open turns had to be cancelled when `record` was written. Reasons for it only accumulate, so
    /// they are sought up to the record before.
    pub(super) fn cancels(&mut self, records: &[Arc<Record>], record: &Record) -> bool {
        self.current.go_to(self.cast, records, Seq(record.seq.0.saturating_sub(1)))
            && self.current.decide(record.time) == Some(Decision::CancelTurns)
    }

    fn derive_decision(&mut self, records: &[Arc<Record>], record: &Record, seen: Seq) -> Derived {
        if !self.seen.go_to(self.cast, records, seen) {
            return Derived::other("a pattern that does not panic");
        }
        if let Some((id, command)) = command_of(records, record) {
            let pending = PendingCommand { id: id.clone(), command: command.clone() };
            let at = Acceptance { epoch: record.epoch, now: record.time };
            let accept = || self.seen.state.accept(pending, &self.check, at);
            let Some(consequences) = guarded(accept) else {
                return Derived::other("a policy that does not panic");
            };
            return compare(&consequences, record, || "nothing more of this command".to_owned());
        }
        // It decided between the last record it had seen and the one that it wrote: a limit in time may lie between.
        let mut expected = None;
        for now in [record.time, self.seen.time] {
            let Some(decision) = self.seen.decide(now) else {
                return Derived::other("a pattern that does not panic");
            };
            let derived = match (&decision, &record.event) {
                (Decision::Conclude(outcome), Event::RunConcluded { .. }) => {
                    self.derive_conclusion(records, record, outcome)
                }
                _ => {
                    let threads = self.seen.conversation.threads();
                    let records_of = || self.seen.state.records_of(&decision, threads, record.epoch);
                    let Some(consequences) = guarded(records_of) else {
                        return Derived::other("a pattern that does not panic");
                    };
                    compare(&consequences, record, || words::decision(&decision))
                }
            };
            match derived {
                Derived::Other(words) => expected = expected.or(Some(words)),
                derived => return derived,
            }
        }
        Derived::Other(expected.unwrap_or_default())
    }

    /// The coordinator made the result from all records that were there when it wrote the end: those that it had
    /// folded, and perhaps some after.
    fn derive_conclusion(&self, records: &[Arc<Record>], record: &Record, outcome: &RunOutcome) -> Derived {
        let result = &self.cast.definition.result;
        let make = |seq: u64| {
            let records = upto(records, Seq(seq));
            guarded(|| conclusion(outcome.clone(), result, records))
        };
        let mut expected = None;
        for seq in (self.seen.at.0..record.seq.0).rev() {
            match make(seq) {
                Some(event) if event == record.event => return Derived::Same,
                Some(event) => expected = expected.or_else(|| Some(words::event(&event))),
                None => {
                    expected = expected.or_else(|| Some("a result function that does not panic".to_owned()));
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

/// Finds a record among those that a decision leads to.
fn compare(consequences: &Consequences, record: &Record, otherwise: impl FnOnce() -> String) -> Derived {
    let is_same_kind = |event: &Event| event.kind() == record.event.kind();
    match consequences.iter().find(|(key, event)| *key == record.key && is_same_kind(event)) {
        Some((_, expected)) => Derived::compare(expected, &record.event),
        None => Derived::Other(otherwise()),
    }
}

/// Returns the command that a record is a consequence of: it stands at the beginning of what was appended in one go.
fn command_of<'a>(records: &'a [Arc<Record>], record: &Record) -> Option<(&'a CommandId, &'a Command)> {
    let before = upto(records, record.seq).iter().rev();
    let mut in_one_go = before.take_while(|other| {
        other.lane == record.lane && other.causation == record.causation && other.epoch == record.epoch
    });
    in_one_go.find_map(|other| match &other.event {
        Event::CommandAccepted { id, command } => Some((id, command)),
        _ => None,
    })
}
