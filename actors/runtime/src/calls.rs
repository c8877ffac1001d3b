//! The call table: model and tool calls in flight, apart from the agents that asked for them.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use futures::FutureExt;
use playhouse_journal::RecordKey;
use playhouse_types::RunId;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tracing::error;

/// Names a call by its run and the key of its result.
type CallKey = (RunId, RecordKey);

/// A call in flight.
#[derive(Clone, Debug, Default)]
struct Call {
    cancel: CancellationToken,
    /// Set right after the task has been spawned.
    abort: Arc<OnceLock<AbortHandle>>,
}

/// All calls in flight of this process. A call outlives the agent that asked and journals its own result.
///
/// Clones share the table.
#[derive(Clone, Debug, Default)]
pub struct CallTable {
    calls: Arc<DashMap<CallKey, Call>>,
    ended: Arc<Notify>,
}

impl CallTable {
    /// Starts a call as a task of its own, unless one of the same key is in flight. Returns whether it was started.
    ///
    /// The task gets a token that [`CallTable::cancel_run`] cancels. It must journal the result itself. A panic in it is
    /// caught and logged; the call then has no result and is recovered by its effect. In both cases `ring` tells whoever
    /// waits, once the call is not in flight any more: only then can it be seen that a call without a result is lost.
    pub fn start<Make, Work, Ring>(&self, run: RunId, key: RecordKey, make: Make, ring: Ring) -> bool
    where
        Make: FnOnce(CancellationToken) -> Work,
        Work: Future<Output = ()> + Send + 'static,
        Ring: FnOnce() + Send + 'static,
    {
        let call = Call::default();
        match self.calls.entry((run, key)) {
            Entry::Occupied(_) => return false,
            Entry::Vacant(vacant) => drop(vacant.insert(call.clone())),
        }
        let work = make(call.cancel);
        // Made before the task, so that it is given up even if the task is dropped before its first step.
        let place = Place { table: self.clone(), key: (run, key) };
        let task = tokio::spawn(async move {
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                error!(run.id = %run, record.key = %key, "call task panicked");
            }
            drop(place);
            ring();
        });
        // Set once, here.
        let _ = call.abort.set(task.abort_handle());
        true
    }

    /// Tells whether a call of this key is in flight.
    ///
    /// A caller that reads `false` must look at the log once more before it concludes that there is no result.
    #[must_use]
    pub fn is_live(&self, run: RunId, key: RecordKey) -> bool {
        self.calls.contains_key(&(run, key))
    }

    /// Tells all calls of a run to end early; they still journal how they ended.
    pub fn cancel_run(&self, run: RunId) {
        self.calls.iter().filter(|call| call.key().0 == run).for_each(|call| call.value().cancel.cancel());
    }

    /// Drops all calls of a run where they stand, without a record: as if the process had died. User code that runs
    /// already goes on, but nobody learns how it ends.
    pub fn abandon_run(&self, run: RunId) {
        for call in self.calls.iter().filter(|call| call.key().0 == run) {
            if let Some(task) = call.value().abort.get() {
                task.abort();
            }
        }
    }

    /// Waits until a call is not in flight.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn wait_for(&self, run: RunId, key: RecordKey) {
        loop {
            let ended = self.ended.notified();
            if !self.is_live(run, key) {
                return;
            }
            ended.await;
        }
    }

    /// Returns how many calls are in flight.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Tells whether no call is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Waits until no call of the run is in flight; every call has journaled its result by then.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn wait_idle(&self, run: RunId) {
        loop {
            let ended = self.ended.notified();
            if !self.calls.iter().any(|call| call.key().0 == run) {
                return;
            }
            ended.await;
        }
    }
}

/// A call's place in the table, given up however the task ends.
struct Place {
    table: CallTable,
    key: CallKey,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.table.calls.remove(&self.key);
        self.table.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::CallTable;
    use playhouse_journal::{Kind, RecordKey};
    use playhouse_types::{RunId, Step, TurnId};

    const RUN: RunId = RunId::from_u128(1);

    fn key(ordinal: u32) -> RecordKey {
        RecordKey::new(TurnId(1), Step(1), ordinal, Kind::ToolResult)
    }

    #[tokio::test]
    async fn a_call_is_in_flight_once_and_gone_when_it_ends() {
        let table = CallTable::default();
        let (finish, finished) = tokio::sync::oneshot::channel::<()>();
        assert!(table.start(
            RUN,
            key(0),
            |_| async {
                finished.await.unwrap();
            },
            || ()
        ));
        assert!(!table.start(RUN, key(0), |_| async {}, || ()));
        assert!(table.is_live(RUN, key(0)) && !table.is_live(RUN, key(1)));
        finish.send(()).unwrap();
        table.wait_idle(RUN).await;
        assert!(table.is_empty());
    }

    #[tokio::test]
    async fn a_call_that_panics_gives_up_its_place_and_then_rings() {
        let table = CallTable::default();
        let (rang, ring) = tokio::sync::oneshot::channel();
        let seen = table.clone();
        table.start(
            RUN,
            key(0),
            |_| async { panic!("boom") },
            move || rang.send(seen.is_live(RUN, key(0))).unwrap(),
        );
        assert_eq!(ring.await, Ok(false), "who is rung sees that the call is lost");
        assert!(table.is_empty());
    }

    #[tokio::test]
    async fn an_abandoned_call_gives_up_its_place_without_an_end() {
        let table = CallTable::default();
        table.start(RUN, key(0), |_| std::future::pending(), || ());
        table.abandon_run(RUN);
        table.wait_for(RUN, key(0)).await;
        assert!(table.is_empty());
    }

    #[tokio::test]
    async fn cancelling_a_run_reaches_its_calls_only() {
        let table = CallTable::default();
        let other = RunId::from_u128(2);
        table.start(RUN, key(0), |token| async move { token.cancelled().await }, || ());
        table.start(other, key(0), |token| async move { token.cancelled().await }, || ());
        table.cancel_run(RUN);
        table.wait_idle(RUN).await;
        assert!(table.is_live(other, key(0)));
    }
}
