//! Puts the exits of a run's actors on its record.

use std::sync::Arc;

use futures::future::BoxFuture;
use playhouse_coordinator::RunRest;
use playhouse_journal::{Event, ExitKind, Kind, NewRecord, RecordKey};
use playhouse_messages::{Address, CoordinatorMsg, RunJournal};
use playhouse_runtime::{Bound, SupervisorObserver};
use playhouse_types::{AgentName, Incarnation, Label, Lane, OutcomeKind, RunOutcome, Step, TurnId};
use tokio::sync::watch;
use tracing::warn;

/// Records why an actor ended before its supervisor starts it again; says so when one is given up.
pub(crate) struct RunObserver {
    /// Where records go.
    pub(crate) journal: RunJournal,
    /// The agents in order: their place names their records.
    pub(crate) agents: Vec<AgentName>,
    /// Rung when an agent was given up.
    pub(crate) coordinator: Address<CoordinatorMsg>,
    /// The epoch of this process: names the record of a run that is set aside.
    pub(crate) epoch: u64,
    /// Told when the run has come to rest.
    pub(crate) rest: Arc<watch::Sender<Option<RunRest>>>,
}

impl RunObserver {
    /// Returns the place of an actor among the run's: 0 for the coordinator, then the agents.
    fn place(&self, child: &str) -> u32 {
        let place = self.agents.iter().position(|agent| agent.as_str() == child).map_or(0, |index| index + 1);
        u32::try_from(place).unwrap_or(u32::MAX)
    }
}

impl SupervisorObserver for RunObserver {
    fn exited(
        &self,
        child: &str,
        incarnation: Incarnation,
        exit: ExitKind,
        reason: String,
    ) -> BoxFuture<'static, ()> {
        // Children are named after their lanes.
        let Ok(actor) = Lane::new(child) else { return Box::pin(async {}) };
        let key = RecordKey::new(TurnId(0), Step(incarnation.0), self.place(child), Kind::ActorFailed);
        let event = Event::ActorFailed { actor: actor.clone(), incarnation, exit, reason };
        let record =
            NewRecord { lane: actor, incarnation, key, causation: None, label: Label::default(), event };
        let journal = self.journal.clone();
        Box::pin(async move {
            if let Err(error) = journal.append(vec![record]).await {
                warn!(error = %error, "an exit could not be recorded");
            }
        })
    }

    fn escalated(&self, child: &str, bound: Bound, reason: String) -> BoxFuture<'static, ()> {
        // Children are named after their lanes.
        let Ok(actor) = Lane::new(child) else { return Box::pin(async {}) };
        // Nobody decides for a coordinator, nor where it is stopped with all others: the run is set aside.
        let why = match bound {
            _ if actor.is_run() => Some(format!("the coordinator was given up: {reason}")),
            Bound::OfAll => Some(format!("all actors were given up, `{actor}` failed last: {reason}")),
            Bound::OfChild => None,
        };
        let records = self.given_up(&actor, &reason, why.as_deref());
        let (journal, rest, coordinator) =
            (self.journal.clone(), Arc::clone(&self.rest), self.coordinator.clone());
        Box::pin(async move {
            let end = match (journal.commit(records).await, why) {
                // The coordinator decides what becomes of an agent; a full mailbox holds a ring already.
                (Ok(_), None) => {
                    let _ = coordinator.send(CoordinatorMsg::Changed);
                    return;
                }
                (Ok(_), Some(detail)) => {
                    RunRest::Concluded(RunOutcome { kind: OutcomeKind::Quarantined, detail })
                }
                (Err(error), _) => RunRest::Lost(error),
            };
            rest.send_if_modified(|known| {
                let is_first = known.is_none();
                known.get_or_insert(end);
                is_first
            });
        })
    }
}

impl RunObserver {
    /// Returns the records of an actor that is given up, and of the run if that is set aside. An agent is not to blame for
    /// the bound of all: nothing of it has to be decided when the run goes on.
    fn given_up(&self, actor: &Lane, reason: &str, set_aside: Option<&str>) -> Vec<NewRecord> {
        let log = self.journal.log();
        let newest = |lane: &str| log.facts(|facts| facts.lane(lane).incarnation).max(Incarnation(1));
        let incarnation = newest(actor.as_str());
        let of_run = newest(Lane::RUN);
        let record = |step, place, kind, event| NewRecord {
            lane: Lane::run(),
            incarnation: of_run,
            key: RecordKey::new(TurnId(0), Step(step), place, kind),
            causation: None,
            label: Label::default(),
            event,
        };
        let given = Event::ActorGivenUp { actor: actor.clone(), incarnation, reason: reason.to_owned() };
        let mut records = Vec::new();
        if actor.is_run() || set_aside.is_none() {
            records.push(record(incarnation.0, self.place(actor.as_str()), Kind::ActorGivenUp, given));
        }
        if let Some(why) = set_aside {
            let epoch = u32::try_from(self.epoch).unwrap_or(u32::MAX);
            let event = Event::Quarantined { reason: why.to_owned() };
            records.push(record(epoch, self.place(Lane::RUN), Kind::Quarantined, event));
        }
        records
    }
}

#[cfg(test)]
mod tests;
