//! Where a test makes a process or an actor crash: at the boundaries of records.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use playhouse_journal::{NewRecord, Record};
use playhouse_types::RunId;

/// A moment at which a crash tells something: what was on record before it must count, and nothing else.
#[derive(Clone, Copy, Debug)]
pub enum Moment<'a> {
    /// Records are about to be appended.
    Before(&'a [NewRecord]),
    /// They are appended; who wrote them has not heard of it, so nothing that they permit has begun.
    Appended(&'a [Arc<Record>]),
    /// They are durable; who waited for that has not heard of it.
    Durable(&'a [Arc<Record>]),
}

/// Crashes on plan. Absent outside tests; [`RunJournal`](crate::RunJournal) then tests one pointer.
pub trait Faults: Send + Sync {
    /// Called by whoever writes records of `run`, in its own task.
    ///
    /// A panic, here or in the future, is a crash of that actor or call. A future that never ends stands for the end of
    /// the process: the test then drops the async runtime with everything in it. Otherwise the future ends at once.
    fn reached(&self, run: RunId, moment: Moment<'_>) -> BoxFuture<'static, ()>;
}

impl fmt::Debug for dyn Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").finish_non_exhaustive()
    }
}
