//! How a coordinator reaches the rest of its run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use playhouse_coordinator::CrewLinks;
use playhouse_messages::{AgentMsg, CoordinatorMsg, SendError};
use playhouse_runtime::SupervisorMsg;
use playhouse_types::{AgentName, Envelope, Incarnation, Label, Lane, ModelName, TurnId};
use tracing::{error, warn};

use super::live_run::LiveRun;
use super::runtime::Inner;

/// What a coordinator can do to the rest of its run; connected once the run's actors exist.
#[derive(Default)]
pub(crate) struct Links {
    ends: OnceLock<(Weak<Inner>, Weak<LiveRun>)>,
    /// The inbox is read by one task at a time.
    is_reading: Arc<AtomicBool>,
}

impl Links {
    pub(crate) fn connect(&self, inner: &Arc<Inner>, live: &Arc<LiveRun>) {
        // Set once, by the only caller.
        let _ = self.ends.set((Arc::downgrade(inner), Arc::downgrade(live)));
    }

    fn ends(&self) -> Option<(Arc<Inner>, Arc<LiveRun>)> {
        let (inner, live) = self.ends.get()?;
        Some((inner.upgrade()?, live.upgrade()?))
    }
}

/// That somebody reads the inbox; over when this is dropped, also by a panic.
struct Reading(Arc<AtomicBool>);

impl Reading {
    /// Begins, unless somebody reads already.
    fn begin(is_reading: &Arc<AtomicBool>) -> Option<Self> {
        (!is_reading.swap(true, Ordering::AcqRel)).then(|| Self(Arc::clone(is_reading)))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl CrewLinks for Links {
    fn take_turn(&self, speaker: &AgentName, turn: TurnId) {
        let Some((_, live)) = self.ends() else { return };
        let Some(address) = live.agents.get(speaker) else { return };
        let envelope = Envelope {
            sender: Lane::run(),
            receiver: Lane::from(speaker),
            incarnation: Incarnation(0),
            tenant: live.row.tenant.clone(),
            label: Label::default(),
            causation: None,
            trace: live.row.trace,
            deadline: None,
        };
        if address.send(AgentMsg::TakeTurn { envelope, turn }) == Err(SendError::Stopped) {
            live.send(SupervisorMsg::Start { child: speaker.as_str().into() });
        }
    }

    fn cancel_turns(&self, speakers: &[AgentName]) {
        let Some((inner, live)) = self.ends() else { return };
        // Noted first: an agent that starts now must not begin anything.
        live.is_cancelling.store(true, Ordering::Release);
        inner.calls.cancel_run(live.run);
        for (agent, address) in live.agents.iter().filter(|(agent, _)| speakers.contains(agent)) {
            if address.send(AgentMsg::Cancel) == Err(SendError::Stopped) {
                live.send(SupervisorMsg::Start { child: agent.as_str().into() });
            }
        }
    }

    fn read_inbox(&self) {
        let Some((inner, live)) = self.ends() else { return };
        let Some(reading) = Reading::begin(&self.is_reading) else { return };
        tokio::spawn(async move {
            let _reading = reading;
            match inner.store.pending(live.run).await {
                Ok(commands) if commands.is_empty() => {}
                Ok(commands) => {
                    // A full mailbox is looked at again with the next tick: commands stay in the inbox until then.
                    let _ = live.coordinator.send(CoordinatorMsg::Commands { commands });
                }
                Err(error) => {
                    warn!(run.id = %live.run, error = %error, "the command inbox could not be read");
                }
            }
        });
    }

    fn is_attended(&self) -> bool {
        self.ends().is_some_and(|(inner, live)| inner.is_attended(live.run))
    }

    fn revive(&self, agent: &AgentName) {
        let Some((_, live)) = self.ends() else { return };
        let agent = agent.clone();
        tokio::spawn(async move { live.restart(&agent).await });
    }

    fn replace_model(&self, agent: Option<&AgentName>, model: &ModelName) {
        let Some((inner, live)) = self.ends() else { return };
        let (agent, model, is_single) = (agent.cloned(), model.clone(), agent.is_some());
        tokio::spawn(async move {
            let is_meant = |known: &AgentName| agent.as_ref().is_none_or(|agent| agent == known);
            for (agent, address) in live.agents.iter().filter(|(known, _)| is_meant(known)) {
                match inner.endpoints.named(&live.definition, agent, &model).await {
                    Ok(found) => live.replace_model(agent, &found),
                    // It goes on with the model it has: if that fails again, the next measure follows.
                    Err(cause) => error!(run.id = %live.run, error = %cause, "a model could not be replaced"),
                }
                // Of all agents, those that do not run begin with it.
                if is_single || address.current().is_some() {
                    live.restart(agent).await;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Reading;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn the_inbox_is_read_by_one_at_a_time_and_again_after_a_panic() {
        let is_reading = Arc::new(AtomicBool::new(false));
        let read = || {
            let _reading = Reading::begin(&is_reading).unwrap();
            assert!(Reading::begin(&is_reading).is_none(), "one at a time");
            // Without the panic hook: a planned panic needs no backtrace.
            std::panic::resume_unwind(Box::new("the store is broken"))
        };
        let read: Result<(), _> = catch_unwind(AssertUnwindSafe(read));
        assert_eq!(read.unwrap_err().downcast_ref::<&str>(), Some(&"the store is broken"));
        assert!(Reading::begin(&is_reading).is_some());
    }
}
