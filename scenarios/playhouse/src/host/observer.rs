//! Puts the exits of a run's actors on its record.

use std::sync::Arc;

use futures::future::BoxFuture;
use playhouse_coordinator::RunRest;
use playhouse_journal::{Event, ExitKind, Kind, NewRecord, RecordKey};
use playhouse_messages::{RunFacts, RunJournal};
use playhouse_runtime::SupervisorObserver;
use playhouse_types::{AgentName, Incarnation, Label, Lane, OutcomeKind, RunOutcome, Step, TurnId};
use tokio::sync::watch;
use tracing::warn;

/// Records why an actor ended before its supervisor starts it again; fails the run when one is given up.
pub(crate) struct RunObserver {
    /// Where records go.
    pub(crate) journal: RunJournal,
    /// The agents in order: their place names their records.
    pub(crate) agents: Vec<AgentName>,
    /// Told when the run has failed.
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

    fn escalated(&self, child: &str, reason: String) -> BoxFuture<'static, ()> {
        let detail = format!("`{child}` was given up: {reason}");
        let outcome = RunOutcome { kind: OutcomeKind::Failed, detail };
        let key = RecordKey::of_run(Kind::RunConcluded);
        let usage = self.journal.log().facts(RunFacts::usage);
        let event = Event::RunConcluded { outcome: outcome.clone(), result: None, usage };
        // The run itself speaks here, whichever coordinator runs.
        let newest = self.journal.log().facts(|facts| facts.lane(Lane::RUN).incarnation);
        let record = NewRecord {
            lane: Lane::run(),
            incarnation: newest.max(Incarnation(1)),
            key,
            causation: None,
            label: Label::default(),
            event,
        };
        let (journal, rest) = (self.journal.clone(), Arc::clone(&self.rest));
        Box::pin(async move {
            let end = match journal.commit(vec![record]).await {
                // The coordinator may have concluded the run under the same key: what is on record holds.
                Ok(stored) => RunRest::Concluded(match stored.first().map(|record| &record.event) {
                    Some(Event::RunConcluded { outcome, .. }) => outcome.clone(),
                    _ => outcome,
                }),
                Err(error) => RunRest::Lost(error),
            };
            rest.send_if_modified(|known| {
                let is_first = known.is_none();
                known.get_or_insert(end);
                is_first
            });
        })
    }
}
