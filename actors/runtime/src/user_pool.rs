//! Where user code runs: apart from the actors, so that a panic, a blocking call or an endless loop stalls nobody.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How long an abandoned call may take to drop its future before its caller goes on: so that code which only waits has
/// ended when the caller hears of the deadline, even on a busy machine. Only code that is stuck takes all of it.
const DROP_GRACE: Duration = Duration::from_millis(200);

/// Why user code brought no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserCodeError {
    /// It panicked; the text is the panic's payload, or says that the payload is no text.
    #[error("it panicked: {0}")]
    Panicked(String),
    /// It did not end in time and was abandoned. What it did so far is not undone, and it may still go on.
    #[error("it did not end in time")]
    TimedOut,
    /// All slots are taken, so it was not started; safe to retry.
    #[error("too much user code runs at once")]
    Saturated,
}

/// How much user code may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserPoolLimits {
    /// How many calls may run at once; each has a thread of its own while it runs. At least 1.
    ///
    /// The default, 256, is far above what the tools of a busy process use, as each has its own concurrency limit,
    /// and still costs only address space when idle; it is what bounds calls that never end.
    pub slots: usize,
    /// How many threads drive the timers and sockets of user code. At least 1; the default is 2.
    pub io_threads: usize,
}

impl Default for UserPoolLimits {
    fn default() -> Self {
        Self { slots: 256, io_threads: 2 }
    }
}

/// Runs user code (tools, their sets and probes) on threads of its own.
///
/// Each call has a thread from start to end, so it may block or loop. A call that outlives its deadline is
/// *abandoned*: the caller gets [`UserCodeError::TimedOut`], its future is dropped as soon as it yields, and its
/// slot is taken until it really ends. Deadlines are real time: a paused tokio clock does not stop a thread.
///
/// Dropping the pool never waits; code that still runs is left alone.
pub struct UserPool {
    // `None` while dropping, and for a pool on somebody else's runtime.
    runtime: Option<Runtime>,
    handle: Handle,
    slots: Arc<Semaphore>,
    abandoned: Arc<AtomicUsize>,
}

impl UserPool {
    /// Starts a pool. Its call threads are started when needed and end after ten idle seconds.
    ///
    /// # Errors
    /// The system's error if it cannot start the threads for timers and sockets.
    pub fn new(limits: UserPoolLimits) -> io::Result<Self> {
        let slots = limits.slots.max(1);
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits.io_threads.max(1))
            // Twice the slots: user code may use `spawn_blocking` and `tokio::fs` itself, which must find a thread
            // although all slots are taken.
            .max_blocking_threads(slots.saturating_mul(2))
            .thread_name("playhouse-user")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self::on(handle, Some(runtime), slots))
    }

    /// Makes a pool that takes threads and time from the tokio runtime within which this is called. For simulations: a
    /// paused clock stands still while user code runs, and deadlines are simulated, so user code must not wait for time.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn on_current(limits: UserPoolLimits) -> Self {
        Self::on(Handle::current(), None, limits.slots.max(1))
    }

    fn on(handle: Handle, runtime: Option<Runtime>, slots: usize) -> Self {
        let slots = Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS)));
        Self { runtime, handle, slots, abandoned: Arc::default() }
    }

    /// Runs a future to its end, at most `timeout` long. Callable from any tokio runtime, and from none.
    ///
    /// At the deadline the future has a fifth of a second to be dropped before this returns.
    /// Costs two thread switches above the future itself: 17 microseconds of CPU on one core, up to 60 across two busy
    /// ones, like a bare `spawn_blocking`.
    /// # Errors
    /// [`UserCodeError`]; only after `Saturated` it is sure that the future was not polled.
    /// # Cancel safety
    /// Dropping this abandons the call like a timeout does: it may have done anything up to its next `.await`.
    pub async fn run<T, F>(&self, future: F, timeout: Duration) -> Result<T, UserCodeError>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.handle.clone();
        let job = move |leave: oneshot::Receiver<()>| {
            handle.block_on(async move {
                tokio::select! {
                    biased;
                    value = future => Some(value),
                    // The caller drops its end when it leaves.
                    _ = leave => None,
                }
            })
        };
        self.start(job, timeout).await
    }

    /// Runs a closure to its end, at most `timeout` long: [`UserPool::run`] without a future.
    ///
    /// # Errors
    /// As [`UserPool::run`].
    /// # Cancel safety
    /// Dropping this abandons the closure, which runs to its end.
    pub async fn run_blocking<T, F>(&self, closure: F, timeout: Duration) -> Result<T, UserCodeError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.start(move |_| Some(closure()), timeout).await
    }

    /// Returns how many calls were abandoned so far: at their deadline, or because nobody waited any more.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// Returns how many more calls may start now.
    #[must_use]
    pub fn free_slots(&self) -> usize {
        self.slots.available_permits()
    }

    async fn start<T, J>(&self, job: J, timeout: Duration) -> Result<T, UserCodeError>
    where
        J: FnOnce(oneshot::Receiver<()>) -> Option<T> + Send + 'static,
        T: Send + 'static,
    {
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| UserCodeError::Saturated)?;
        let (answer, mut answered) = oneshot::channel();
        let (stay, leave) = oneshot::channel();
        self.handle.spawn_blocking(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| job(leave)));
            answer_with(outcome, answer, slot);
        });
        let mut waiting = Waiting { abandoned: &self.abandoned, answered: false };
        tokio::select! {
            biased;
            outcome = &mut answered => {
                waiting.answered = true;
                // A sender is only dropped unused when the pool is, and then nobody is left to ask.
                return outcome.unwrap_or(Err(UserCodeError::TimedOut));
            }
            () = self.timer(timeout) => drop(stay),
        }
        tokio::select! {
            biased;
            outcome = &mut answered => {
                waiting.answered = outcome.is_ok();
                outcome.unwrap_or(Err(UserCodeError::TimedOut))
            }
            () = self.timer(DROP_GRACE) => Err(UserCodeError::TimedOut),
        }
    }

    /// Waits in real time. The timer belongs to the pool's runtime: the caller may have none, or a paused one.
    fn timer(&self, duration: Duration) -> tokio::time::Sleep {
        let _entered = self.handle.enter();
        #[expect(
            clippy::disallowed_methods,
            reason = "user code runs in real time, so its deadline does too"
        )]
        tokio::time::sleep(duration)
    }
}

impl Drop for UserPool {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for UserPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserPool")
            .field("free_slots", &self.free_slots())
            .field("abandoned", &self.abandoned())
            .finish_non_exhaustive()
    }
}

/// Counts a call as abandoned unless its answer came before this is dropped.
struct Waiting<'a> {
    abandoned: &'a AtomicUsize,
    answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

type Caught<T> = Result<Option<T>, Box<dyn Any + Send>>;

/// Gives the slot back, then tells the caller, so that a caller that asks again finds the slot free.
fn answer_with<T>(
    outcome: Caught<T>,
    answer: oneshot::Sender<Result<T, UserCodeError>>,
    slot: OwnedSemaphorePermit,
) {
    let told = match outcome {
        Ok(Some(value)) => Ok(value),
        Ok(None) => return,
        Err(payload) => Err(UserCodeError::Panicked(text_of(payload))),
    };
    drop(slot);
    // Nobody listens to an abandoned call.
    let _ = answer.send(told);
}

/// Returns what a panic said. The payload is user data: even dropping it may panic.
fn text_of(payload: Box<dyn Any + Send>) -> String {
    let text = if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "no text in the panic".to_owned()
    };
    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        // Its drop could panic again, without end; a few leaked bytes are the lesser harm.
        std::mem::forget(second);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{UserCodeError, UserPool, UserPoolLimits};
    use std::sync::mpsc;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(20);

    fn pool(slots: usize) -> UserPool {
        UserPool::new(UserPoolLimits { slots, io_threads: 1 }).unwrap()
    }

    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    #[tokio::test]
    async fn a_panic_of_any_payload_becomes_text() {
        let pool = pool(1);
        let panicked = |text: &str| Err::<(), _>(UserCodeError::Panicked(text.to_owned()));
        assert_eq!(pool.run(async { panic!("plain") }, LONG).await, panicked("plain"));
        assert_eq!(pool.run_blocking(|| panic!("number {}", 7), LONG).await, panicked("number 7"));
        let odd = pool.run(async { std::panic::panic_any(7_u8) }, LONG).await;
        assert_eq!(odd, panicked("no text in the panic"));
        let worse = pool.run(async { std::panic::panic_any(PanicsWhenDropped) }, LONG).await;
        assert_eq!(worse, panicked("no text in the panic"));
        assert_eq!(pool.run(async { 7 }, LONG).await, Ok(7), "the slot is free again");
    }

    #[tokio::test]
    async fn a_call_that_waits_for_ever_is_dropped_at_its_deadline() {
        let pool = pool(1);
        let (dropped, told) = mpsc::channel::<()>();
        let hang = async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        };
        assert_eq!(pool.run(hang, SHORT).await, Err(UserCodeError::TimedOut));
        assert_eq!(told.try_recv(), Err(mpsc::TryRecvError::Disconnected), "the future was dropped before");
        assert_eq!(pool.abandoned(), 1);
    }

    #[tokio::test]
    async fn a_call_that_never_yields_keeps_its_slot_until_it_ends() {
        let pool = pool(1);
        let (end, ended) = mpsc::channel::<()>();
        let (done, all_done) = mpsc::channel::<()>();
        let stuck = async move {
            let _done = done;
            while ended.try_recv() == Err(mpsc::TryRecvError::Empty) {
                std::hint::spin_loop();
            }
        };
        assert_eq!(pool.run(stuck, SHORT).await, Err(UserCodeError::TimedOut));
        assert_eq!(pool.run(async {}, LONG).await, Err(UserCodeError::Saturated));
        end.send(()).unwrap();
        assert_eq!(all_done.recv(), Err(mpsc::RecvError));
        while pool.free_slots() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(pool.run(async { 7 }, LONG).await, Ok(7));
        assert_eq!(pool.abandoned(), 1);
    }

    #[test]
    fn a_pool_serves_callers_without_a_tokio_runtime_and_user_code_may_use_tokio() {
        let pool = pool(1);
        let call = async {
            #[expect(clippy::disallowed_methods, reason = "stands for user code")]
            tokio::time::sleep(Duration::from_micros(1)).await;
            tokio::task::spawn_blocking(|| 7).await.unwrap()
        };
        assert_eq!(futures::executor::block_on(pool.run(call, LONG)), Ok(7));
    }

    #[tokio::test]
    async fn dropping_a_pool_with_stuck_code_does_not_wait() {
        let pool = pool(1);
        let (end, ended) = mpsc::channel::<()>();
        assert_eq!(
            pool.run_blocking(move || ended.recv().is_ok(), SHORT).await,
            Err(UserCodeError::TimedOut)
        );
        drop(pool);
        drop(end);
    }
}
