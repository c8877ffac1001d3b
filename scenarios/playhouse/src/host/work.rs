//! What this process has of the runs that it works on.

use std::sync::Arc;

use playhouse_messages::{Address, CoordinatorMsg, RunLog};
use playhouse_types::{RunId, Seq};

use super::runtime::Inner;

/// What this process has of a run that it works on.
pub(crate) struct Work {
    /// The epoch under which it writes the run.
    pub(crate) epoch: u64,
    /// Where it reads the run.
    pub(crate) log: Arc<RunLog>,
    pub(crate) coordinator: Address<CoordinatorMsg>,
}

impl Inner {
    /// Notes what this process has of a run that it has taken up.
    pub(crate) fn note_work(&self, run: RunId, work: Work) {
        if let Some(mut live) = self.live.get_mut(&run) {
            *live = Some(work);
        }
    }

    /// Has a run look at its inbox now, if this process works on it: it looks every second anyway.
    pub(crate) fn ring(&self, run: RunId) {
        if let Some(Some(work)) = self.live.get(&run).as_deref() {
            // A coordinator that is starting again looks by itself.
            let _ = work.coordinator.send(CoordinatorMsg::Tick);
        }
    }

    /// Returns the last durable record of a run that this process works on; 0 of any other.
    pub(crate) fn durable(&self, run: RunId) -> Seq {
        match self.live.get(&run).as_deref() {
            Some(Some(work)) => work.log.durable(),
            _ => Seq(0),
        }
    }
}
