//! Real time, and the simulated time of a paused tokio runtime.

use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_messages::Clock;
use playhouse_types::Timestamp;

/// The time of this machine. Under a paused tokio runtime `monotonic` and `sleep` follow the simulated time.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: tokio::time::Instant,
}

impl SystemClock {
    /// Starts the clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    pub fn new() -> Self {
        Self { started: tokio::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        // A machine whose clock stands before 1970 gets the epoch: order comes from sequence numbers, not from time.
        let micros = since_epoch.map_or(0, |elapsed| elapsed.as_micros());
        Timestamp(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The simulated time of a paused tokio runtime, which also moves the wall clock: for tests of whole runs.
///
/// [`SystemClock`] waits in simulated time, too, but tells the real time of day, which then stands still: who waits until
/// a time of day would wait for ever.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedClock {
    base: Timestamp,
    system: SystemClock,
}

impl SimulatedClock {
    /// Starts the clock at `base`. A process that stands for a later one begins where the one before it ended.
    #[must_use]
    pub fn new(base: Timestamp) -> Self {
        Self { base, system: SystemClock::new() }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.base.plus(self.system.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.system.sleep(duration)
    }
}
