//! Telling the observer, and ending when all has been told.

use std::sync::Arc;
use std::time::Duration;

use playhouse_journal::ExitKind;
use playhouse_messages::Draws;
use playhouse_types::Incarnation;
use ractor::ActorProcessingErr;
use tokio::task::JoinHandle;
use tracing::{error, warn};

use super::{AdminError, ChildId, Note, SupervisorMsg, SupervisorState, answer};
use crate::KeyedDraws;
use crate::supervisor::messages::Bound;
use crate::supervisor::policy::Intensity;

/// The longest reason that a report keeps, in bytes: panic texts can hold anything.
const REASON_LIMIT_BYTES: usize = 2048;

/// How long a supervisor that ends waits for its escalations: observers write them to a store, which may be stuck.
const REPORTED_WITHIN: Duration = Duration::from_secs(30);

impl SupervisorState {
    /// Draws from the supervisor, the child's name and its incarnation: a storm of restarts spreads, also over supervisors
    /// whose children have the same names.
    pub(super) fn jitter(&self, id: ChildId, incarnation: Incarnation) -> f64 {
        let name = self.children.get(id).map_or("", |entry| &entry.spec.name);
        KeyedDraws::named(self.myself.get_id().pid(), name, &[incarnation.0]).unit()
    }

    pub(super) fn report(&mut self, id: ChildId, incarnation: Incarnation, exit: ExitKind, reason: String) {
        let Some(entry) = self.children.get_mut(id) else { return };
        let (observer, name) = (Arc::clone(&self.args.observer), Arc::clone(&entry.spec.name));
        warn!(child = %name, incarnation = incarnation.0, exit = ?exit, reason, "child ended");
        // In a task: what an observer does, a panic included, is not done to the supervisor.
        entry.told =
            Some(tokio::spawn(async move { observer.exited(&name, incarnation, exit, reason).await }));
    }

    pub(super) fn escalate(&mut self, id: ChildId, beyond: Option<Intensity>) {
        let Some(entry) = self.children.get_mut(id) else { return };
        let name = Arc::clone(&entry.spec.name);
        let (bound, whose, max_restarts, window) = match beyond {
            Some(beyond) => (Bound::OfAll, "it and its siblings", beyond.max_restarts, beyond.window),
            None => (Bound::OfChild, "it", entry.spec.policy.max_restarts, entry.spec.policy.window),
        };
        warn!(child = %name, "restarted too often, giving up");
        let reason = format!("{whose} failed more than {max_restarts} times within {window:?}");
        let (observer, told) = (Arc::clone(&self.args.observer), entry.told.take());
        let before = self.escalated.take();
        self.escalated = Some(tokio::spawn(async move {
            ended(told).await;
            observer.escalated(&name, bound, reason).await;
            // So that the last one ends after all others.
            ended(before).await;
        }));
    }

    /// Ends once the last escalation has been told: it must not be lost with the supervisor.
    pub(super) fn end_when_told(&mut self, is_failure: bool) {
        self.is_failure = is_failure;
        for entry in self.children.iter_mut() {
            answer(std::mem::take(&mut entry.start_replies), &Err(AdminError::Stopping));
        }
        let (myself, escalated) = (self.myself.clone(), self.escalated.take());
        let limit = self.args.clock.sleep(REPORTED_WITHIN);
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = ended(escalated) => {}
                () = limit => error!("an escalation could not be told in time"),
            }
            // A supervisor that was killed meanwhile has ended.
            let _ = myself.send_message(SupervisorMsg::Note(Note::End));
        });
    }

    /// # Errors
    /// The children failed too often: the next supervisor decides.
    pub(in crate::supervisor) fn end(&self) -> Result<(), ActorProcessingErr> {
        if self.is_failure {
            return Err("its children failed too often".into());
        }
        self.myself.stop(None);
        Ok(())
    }
}

/// Waits for a report. One that panicked has said so in its own way.
async fn ended(report: Option<JoinHandle<()>>) {
    if let Some(report) = report {
        let _ = report.await;
    }
}

pub(super) fn bounded(mut reason: String) -> String {
    if reason.len() > REASON_LIMIT_BYTES {
        let end = (0..=REASON_LIMIT_BYTES).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
        reason.truncate(end);
        reason.push_str(" ...");
    }
    reason
}
