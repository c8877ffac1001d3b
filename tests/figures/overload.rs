//! A producer that is ten times faster than its consumer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use playhouse_messages::{Address, Clock, Mail, SendError};
use playhouse_runtime::SystemClock;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::percentile::p99;

/// How many messages may wait: as many as for an agent.
const MAILBOX: usize = 64;

/// How long the consumer takes for a message.
const PER_MESSAGE: Duration = Duration::from_millis(10);

/// How many messages the producer sends in that time.
const TIMES_FASTER: u64 = 10;

/// What became of messages to a consumer that is too slow.
#[derive(Clone, Copy, Debug)]
pub struct Overload {
    /// How many were sent.
    pub n_sent: u64,
    /// How many were refused as `Overloaded`.
    pub n_overloaded: u64,
    /// How many were taken and consumed.
    pub n_consumed: u64,
    /// How many were refused otherwise or are neither refused nor consumed: none.
    pub n_unaccounted: u64,
    /// How much the process has grown meanwhile, in bytes. Linux only, else 0.
    pub growth_bytes: u64,
    /// From a request to stop until the flooded consumer has ended; a control message overtakes the mailbox. The 99th of
    /// 100 of several consumers.
    pub control: Duration,
}

/// A kilobyte, as a message with some content.
type Payload = Box<[u8; 1024]>;

struct SlowConsumer;

impl Actor for SlowConsumer {
    type Msg = Mail<Payload>;
    type State = (SystemClock, Arc<AtomicU64>);
    type Arguments = Arc<AtomicU64>;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        consumed: Arc<AtomicU64>,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok((SystemClock::new(), consumed))
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        mail: Self::Msg,
        (clock, consumed): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        clock.sleep(PER_MESSAGE).await;
        drop(mail);
        consumed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Returns how much memory this process has in use, in bytes.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages * 4096
}

/// Floods a consumer for `length`, then stops `n_controls` flooded consumers, one after the other.
///
/// # Panics
/// If an actor cannot be started.
#[must_use]
pub fn overload(length: Duration, n_controls: usize) -> Overload {
    let executor = playhouse::async_runtime().unwrap();
    let work = async move {
        let mut overload = flood(length).await;
        let mut times = Vec::with_capacity(n_controls);
        for _ in 0..n_controls {
            times.push(stop_flooded().await);
        }
        overload.control = p99(times);
        overload
    };
    executor.block_on(executor.spawn(work)).unwrap()
}

async fn consumer() -> (Address<Payload>, ActorRef<Mail<Payload>>, Arc<AtomicU64>) {
    let (address, consumed) = (Address::new(MAILBOX), Arc::new(AtomicU64::new(0)));
    let (actor, _) = Actor::spawn(None, SlowConsumer, Arc::clone(&consumed)).await.unwrap();
    address.slot().set(Some(actor.clone()));
    (address, actor, consumed)
}

async fn flood(length: Duration) -> Overload {
    let (clock, (address, actor, consumed)) = (SystemClock::new(), consumer().await);
    let (mut n_sent, mut n_taken, mut n_overloaded) = (0, 0, 0);
    let before = resident_bytes();
    while clock.monotonic() < length {
        for _ in 0..TIMES_FASTER {
            n_sent += 1;
            match address.send(Box::new([0; 1024])) {
                Ok(()) => n_taken += 1,
                Err(SendError::Overloaded) => n_overloaded += 1,
                Err(_) => {}
            }
        }
        clock.sleep(PER_MESSAGE).await;
    }
    let growth_bytes = resident_bytes().saturating_sub(before);
    // What was taken is consumed to the end.
    actor.drain_and_wait(None).await.unwrap();
    let n_consumed = consumed.load(Ordering::Relaxed);
    let n_unaccounted = n_sent - n_overloaded - n_consumed.min(n_taken);
    Overload { n_sent, n_overloaded, n_consumed, n_unaccounted, growth_bytes, control: Duration::ZERO }
}

#[expect(clippy::disallowed_methods, reason = "real time is measured")]
async fn stop_flooded() -> Duration {
    let (address, actor, _) = consumer().await;
    while address.send(Box::new([0; 1024])).is_ok() {}
    let asked = Instant::now();
    actor.stop_and_wait(None, None).await.unwrap();
    asked.elapsed()
}
