//! The event bus: shows what happens to whoever watches.

use playhouse_messages::{BusEvent, EventBus};
use tokio::sync::broadcast;

/// How many events wait for a slow watcher before it misses some: about a second of a busy process.
const CAPACITY: usize = 8192;

/// A bus within this process.
#[derive(Clone, Debug)]
pub struct BroadcastBus(broadcast::Sender<BusEvent>);

impl BroadcastBus {
    /// Makes a bus without watchers.
    #[must_use]
    pub fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    /// Watches from now on.
    #[must_use]
    pub fn watch(&self) -> EventStream {
        EventStream(self.0.subscribe())
    }
}

impl Default for BroadcastBus {
    fn default() -> Self {
        Self::new()
    }
}

impl EventBus for BroadcastBus {
    fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }

    fn publish(&self, event: BusEvent) {
        // Nobody watching is the usual case, not an error.
        let _ = self.0.send(event);
    }
}

/// What a watcher sees.
#[derive(Clone, Debug)]
pub enum StreamItem {
    /// Something happened.
    Event(BusEvent),
    /// The watcher was too slow: this many events were not shown. The journal has them.
    Missed(u64),
}

/// The events of this process from the moment of watching.
#[derive(Debug)]
pub struct EventStream(broadcast::Receiver<BusEvent>);

impl EventStream {
    /// Waits for the next event; `None` once the runtime is closed.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<StreamItem> {
        match self.0.recv().await {
            Ok(event) => Some(StreamItem::Event(event)),
            Err(broadcast::error::RecvError::Lagged(count)) => Some(StreamItem::Missed(count)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
