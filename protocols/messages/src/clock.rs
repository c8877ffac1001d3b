//! The one source of time.

use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_types::Timestamp;

/// Tells the time and waits; injected everywhere, simulated in tests.
pub trait Clock: Send + Sync {
    /// Returns the wall-clock time, for records and absolute deadlines. It may jump.
    fn now(&self) -> Timestamp;

    /// Returns the time since some fixed moment of this process, for measuring and for watchdogs. It never jumps.
    fn monotonic(&self) -> Duration;

    /// Waits. Cancel safe: dropping the future ends the wait.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}
