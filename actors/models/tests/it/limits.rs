use std::time::Duration;

use playhouse_messages::{Address, EndpointHealth, ModelLimits, ModelLimitsError};
use playhouse_models::{BreakerPolicy, EndpointLimits};

use crate::support::{TestClock, limits};

const MINUTE: Duration = Duration::from_secs(60);

fn one_at_a_time() -> EndpointLimits {
    EndpointLimits { concurrency: 1, ..EndpointLimits::default() }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_lease_lets_the_next_one_through() {
    let limits = limits(one_at_a_time(), &TestClock::start()).await;
    let first = limits.acquire(1, MINUTE).await.unwrap();
    let (second, ()) = tokio::join!(limits.acquire(1, MINUTE), async {
        tokio::task::yield_now().await;
        drop(first);
    });
    drop(second.unwrap());
    limits.acquire(1, Duration::ZERO).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gave_up_takes_nothing() {
    let limits = limits(one_at_a_time(), &TestClock::start()).await;
    let first = limits.acquire(1, MINUTE).await.unwrap();
    {
        let waiting = limits.acquire(1, MINUTE);
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        tokio::task::yield_now().await;
        drop(first);
        // Nobody knows whether the lease is already on its way to the one that is dropped here.
    }
    limits.acquire(1, MINUTE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_minute_is_waited_for_in_simulated_time() {
    let clock = TestClock::start();
    let limits =
        limits(EndpointLimits { requests_per_minute: Some(2), ..EndpointLimits::default() }, &clock).await;
    for _ in 0..6 {
        limits.acquire(1, MINUTE).await.unwrap().end(Some(1), EndpointHealth::Healthy);
    }
    assert_eq!(clock.monotonic().as_secs(), 120);
    let error = limits.acquire(1, Duration::from_secs(59)).await.unwrap_err();
    assert_eq!(error, ModelLimitsError::TooLate { waited: Duration::from_secs(59) });
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_the_breaker_for_those_who_cannot_wait() {
    let breaker = BreakerPolicy { failures: 2, cool_down: Duration::from_secs(10) };
    let clock = TestClock::start();
    let limits = limits(EndpointLimits { breaker, ..EndpointLimits::default() }, &clock).await;
    for _ in 0..2 {
        limits.acquire(1, MINUTE).await.unwrap().end(None, EndpointHealth::Failed);
    }
    let error = limits.acquire(1, Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error, ModelLimitsError::Open { failures: 2, retry_in: Duration::from_secs(10) });
    limits.acquire(1, MINUTE).await.unwrap();
    assert_eq!(clock.monotonic().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_and_a_stopped_actor_are_told() {
    let full = limits(EndpointLimits { max_waiting: 0, ..one_at_a_time() }, &TestClock::start()).await;
    let _lease = full.acquire(1, MINUTE).await.unwrap();
    assert_eq!(full.acquire(1, MINUTE).await.unwrap_err(), ModelLimitsError::Overloaded);
    let stopped = ModelLimits::new(Address::new(1));
    assert_eq!(stopped.acquire(1, MINUTE).await.unwrap_err(), ModelLimitsError::Stopped);
}
