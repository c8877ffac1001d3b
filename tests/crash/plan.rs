//! Crashes on plan: counts the boundaries of a process and acts at one of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use playhouse_journal::{Kind, RecordKey};
use playhouse_messages::{Faults, Moment as Reached};
use playhouse_types::RunId;

use super::point::Moment;
use crate::faulty_store::End;

/// What happens at the planned boundary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// The process ends.
    Stop,
    /// Who writes panics.
    Panic,
}

/// What a plan has seen.
#[derive(Clone, Default, Debug)]
pub(super) struct Seen {
    pub(super) counts: BTreeMap<Moment, u64>,
    /// The keys of the records at the planned boundary, once it was reached.
    pub(super) hit: Option<Vec<RecordKey>>,
}

/// Acts at one boundary.
pub(super) struct PlannedFaults {
    plan: Option<(Moment, u64, Act)>,
    end: End,
    seen: Mutex<Seen>,
}

impl PlannedFaults {
    pub(super) fn new(plan: Option<(Moment, u64, Act)>, end: End) -> Self {
        Self { plan, end, seen: Mutex::default() }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a boundary; returns what is to happen there.
    fn count(&self, moment: Moment, keys: Vec<RecordKey>) -> Option<Act> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let count = seen.counts.entry(moment).or_default();
        *count += 1;
        let (planned, n, act) = self.plan?;
        let is_hit = planned == moment && n == *count;
        is_hit.then(|| {
            seen.hit = Some(keys);
            act
        })
    }
}

/// What the machinery around the actors writes: it has nobody who restarts it, and cannot panic where it writes.
const fn is_of_machinery(kind: Kind) -> bool {
    matches!(kind, Kind::Resumed | Kind::ActorFailed | Kind::CommandAccepted)
}

impl Faults for PlannedFaults {
    fn reached(&self, _: RunId, moment: Reached<'_>) -> BoxFuture<'static, ()> {
        if self.end.has_come() {
            return futures::future::pending().boxed();
        }
        let (moment, keys): (_, Vec<RecordKey>) = match moment {
            Reached::Before(records) => (Moment::Before, records.iter().map(|record| record.key).collect()),
            Reached::Appended(records) => {
                (Moment::Appended, records.iter().map(|record| record.key).collect())
            }
            Reached::Durable(records) => (Moment::Durable, records.iter().map(|record| record.key).collect()),
        };
        let is_of_machinery = keys.iter().any(|key| is_of_machinery(key.kind));
        match self.count(moment, keys) {
            None => {}
            Some(Act::Stop) => {
                self.end.come();
                return futures::future::pending().boxed();
            }
            Some(Act::Panic) if is_of_machinery => {}
            // Without the panic hook: a thousand planned panics need no thousand backtraces.
            Some(Act::Panic) => std::panic::resume_unwind(Box::new("as planned")),
        }
        futures::future::ready(()).boxed()
    }
}
