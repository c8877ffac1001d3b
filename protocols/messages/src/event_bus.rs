//! What watchers of a run see as it happens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use playhouse_journal::Record;
use playhouse_types::{AgentName, RunId, Step, TurnId};

/// One thing that happened in this process: a durable record, or a provisional frame of a reply.
#[derive(Clone, Debug)]
pub enum BusEvent {
    /// A record is durable.
    Recorded(Arc<Record>),
    /// A piece of a reply that is still being written: provisional until its `ModelResult` is recorded.
    Token {
        /// The run.
        run: RunId,
        /// The turn.
        turn: TurnId,
        /// The step.
        step: Step,
        /// Who speaks.
        speaker: AgentName,
        /// Which asking of the endpoint, from 1.
        attempt: u32,
        /// Where the piece begins in the reply, in bytes.
        offset: usize,
        /// The piece.
        text: String,
    },
    /// What an attempt has shown so far is void: it failed, and another one follows or the call failed.
    Retracted {
        /// The run.
        run: RunId,
        /// The turn.
        turn: TurnId,
        /// The step.
        step: Step,
        /// Who speaks.
        speaker: AgentName,
        /// The attempt that failed.
        attempt: u32,
        /// Why, for a person.
        reason: String,
        /// How long until the next attempt; `None` if there is none.
        retry_in: Option<Duration>,
    },
}

/// Where events go. Publishing never waits and never fails: a slow watcher misses events, no run does.
pub trait EventBus: Send + Sync {
    /// Tells whether anybody watches; if not, publishing can be saved.
    fn is_watched(&self) -> bool;

    /// Shows an event to all watchers.
    fn publish(&self, event: BusEvent);
}

/// Sends the pieces of one reply to watchers.
#[derive(Clone)]
pub struct FrameSink {
    /// Where they go.
    pub bus: Arc<dyn EventBus>,
    /// The run.
    pub run: RunId,
    /// The turn.
    pub turn: TurnId,
    /// The step.
    pub step: Step,
    /// Who speaks.
    pub speaker: AgentName,
}

impl FrameSink {
    /// Shows a piece of attempt `attempt` that begins at byte `offset`.
    pub fn token(&self, attempt: u32, offset: usize, text: &str) {
        if self.bus.is_watched() && !text.is_empty() {
            self.bus.publish(BusEvent::Token {
                run: self.run,
                turn: self.turn,
                step: self.step,
                speaker: self.speaker.clone(),
                attempt,
                offset,
                text: text.to_owned(),
            });
        }
    }

    /// Says that what attempt `attempt` has shown is void.
    pub fn retract(&self, attempt: u32, reason: &str, retry_in: Option<Duration>) {
        if self.bus.is_watched() {
            self.bus.publish(BusEvent::Retracted {
                run: self.run,
                turn: self.turn,
                step: self.step,
                speaker: self.speaker.clone(),
                attempt,
                reason: reason.to_owned(),
                retry_in,
            });
        }
    }
}

impl fmt::Debug for FrameSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameSink").field("run", &self.run).field("turn", &self.turn).finish_non_exhaustive()
    }
}
