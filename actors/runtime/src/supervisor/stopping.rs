//! A stop in a task of its own: asked first, killed after its time, left behind if even that ends nothing.

use std::sync::Arc;
use std::time::Duration;

use playhouse_messages::Clock;
use ractor::{ActorCell, ActorRef};
use tracing::warn;

use super::messages::{Note, SupervisorMsg};
use super::spec::{ChildKind, StopMode};

/// How long a killed actor may take to end. A kill takes effect at its next await: one that has not ended by then blocks
/// its thread, and nothing can end it but the process.
const KILLED_WITHIN: Duration = Duration::from_secs(1);

/// One stop of one actor.
pub(super) struct StopTask {
    pub(super) cell: ActorCell,
    pub(super) kind: ChildKind,
    pub(super) stop: StopMode,
    pub(super) supervisor: ActorRef<SupervisorMsg>,
    pub(super) clock: Arc<dyn Clock>,
}

impl StopTask {
    /// Stops the actor and tells the supervisor, which may know from the actor itself.
    pub(super) async fn run(self) {
        let is_left_behind = !self.has_ended().await;
        let note = Note::Stopped { actor: self.cell.get_id(), is_left_behind };
        // A supervisor that has ended has killed the actor.
        let _ = self.supervisor.send_message(SupervisorMsg::Note(note));
    }

    async fn has_ended(&self) -> bool {
        let has_ended = match self.stop {
            StopMode::Kill => false,
            StopMode::Within(limit) => {
                self.ask();
                self.ends_within(limit).await
            }
            StopMode::Forever => {
                self.ask();
                // Without a limit it is no error to wait.
                let _ = self.cell.wait(None).await;
                true
            }
        };
        if has_ended {
            return true;
        }
        if let StopMode::Within(limit) = self.stop {
            warn!(actor = %self.cell.get_id(), ?limit, "an actor did not end in time, killing it");
        }
        self.cell.kill();
        self.ends_within(KILLED_WITHIN).await
    }

    /// Asks the actor to end. One that has ended cannot be asked, which is what was wanted.
    fn ask(&self) {
        let _ = match self.kind {
            ChildKind::Worker => self.cell.drain().is_ok(),
            ChildKind::Supervisor => self.cell.send_message(SupervisorMsg::Shutdown).is_ok(),
        };
    }

    async fn ends_within(&self, limit: Duration) -> bool {
        tokio::select! {
            biased;
            _ = self.cell.wait(None) => true,
            () = self.clock.sleep(limit) => false,
        }
    }
}
