//! Concurrency and rate over many callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use playhouse_messages::{Clock, Tool, ToolContext, ToolError, ToolLimitsError, ToolOutput};
use playhouse_tools::{Declaration, ToolLimitsActor};
use playhouse_types::{Effect, ToolSpec};
use ractor::Actor;

use crate::world::{Act, Fake, SHORT, SimulatedClock, brief, dispatch, open};

/// Counts how many of its calls run at once; each lets the others run before it ends.
struct Counting {
    spec: Arc<ToolSpec>,
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Tool for Counting {
    fn spec(&self) -> Arc<ToolSpec> {
        Arc::clone(&self.spec)
    }

    fn call(&self, _: String, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, ToolError>> {
        Box::pin(async move {
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(running, Ordering::SeqCst);
            for _ in 0..100 {
                std::thread::yield_now();
            }
            self.running.fetch_sub(1, Ordering::SeqCst);
            Ok(ToolOutput::text("counted"))
        })
    }
}

fn declaration(concurrency: usize, rate_per_second: Option<f64>) -> Declaration {
    Declaration { effect: Effect::Pure, concurrency, rate_per_second, timeout: SHORT, ..Declaration::DEFAULT }
}

#[tokio::test]
async fn a_hundred_callers_never_exceed_the_concurrency() {
    let clock = SimulatedClock::start();
    let spec = Arc::new(
        Declaration { timeout: crate::world::LONG, ..declaration(3, None) }
            .spec_with_schema(r#"{"type":"object"}"#.to_owned()),
    );
    let tool = Arc::new(Counting { spec, running: AtomicUsize::new(0), most: AtomicUsize::new(0) });
    let handle = open(Arc::clone(&tool) as _, &clock).await;
    let ends = join_all((0..100).map(|_| handle.run(dispatch(false)))).await;
    assert!(ends.iter().all(|end| brief(end) == "counted"));
    let most = tool.most.load(Ordering::SeqCst);
    assert!((1..=3).contains(&most), "{most}");
}

#[tokio::test(start_paused = true)]
async fn places_are_handed_out_at_the_rate_in_simulated_time() {
    let clock = SimulatedClock::start();
    let handle = open(Fake::new(declaration(100, Some(2.0)), &[], &[], &clock), &clock).await;
    let places = (0..6).map(|_| async {
        let place = handle.limits().acquire().await.unwrap();
        drop(place);
        clock.monotonic().as_secs()
    });
    assert_eq!(join_all(places).await, [0, 0, 1, 1, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_overloaded_and_frees_itself_when_callers_leave() {
    let clock = SimulatedClock::start();
    let handle = open(Fake::new(declaration(1, None), &[], &[], &clock), &clock).await;
    let place = handle.limits().acquire().await.unwrap();
    let mut waiting: Vec<_> = (0..1_024).map(|_| Box::pin(handle.limits().acquire())).collect();
    for waits in &mut waiting {
        assert!(futures::poll!(waits).is_pending());
    }
    assert_eq!(handle.limits().acquire().await.unwrap_err(), ToolLimitsError::Overloaded);
    assert_eq!(brief(&handle.run(dispatch(false)).await), "failed Overloaded");
    waiting.truncate(1);
    let last = handle.limits().acquire();
    drop(place);
    // Each gives the one place back as soon as it has it.
    let waits = waiting.pop().unwrap();
    let (first, last) = tokio::join!(async { waits.await.map(drop) }, async { last.await.map(drop) });
    assert_eq!((first, last), (Ok(()), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_restarted_actor_forgets_no_place_and_callers_ask_again() {
    let clock = SimulatedClock::start();
    let handle = open(Fake::new(declaration(1, None), &[], &[], &clock), &clock).await;
    let place = handle.limits().acquire().await.unwrap();
    let slot = handle.limits().address().slot();
    let old = handle.limits().address().current().unwrap();
    let waiting = handle.run(dispatch(false));
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    old.stop_and_wait(None, None).await.unwrap();
    slot.set(None);
    assert_eq!(handle.limits().acquire().await.unwrap_err(), ToolLimitsError::Stopped);
    let (new, _) = Actor::spawn(None, ToolLimitsActor, handle.actor_arguments()).await.unwrap();
    slot.set(Some(new));
    let mut second = Box::pin(handle.limits().acquire());
    assert!(futures::poll!(&mut second).is_pending(), "the place taken before the restart still counts");
    drop(place);
    drop(second.await.unwrap());
    assert_eq!(brief(&waiting.await), "answer");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_place_beyond_its_time_is_not_sent() {
    let clock = SimulatedClock::start();
    let tool = Fake::new(declaration(1, None), &[Act::Answer], &[], &clock);
    let handle = open(Arc::clone(&tool) as _, &clock).await;
    let _place = handle.limits().acquire().await.unwrap();
    assert_eq!(brief(&handle.run(dispatch(false)).await), "not sent");
    assert_eq!(clock.monotonic(), Duration::from_secs(30));
    assert!(tool.log.lock().unwrap().is_empty());
}
