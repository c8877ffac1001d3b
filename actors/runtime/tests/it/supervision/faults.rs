//! Faults in places where nobody expects one: the supervisor itself, its observer, panics without a text, blocked threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_journal::ExitKind;
use playhouse_messages::Clock;
use playhouse_runtime::{
    Bound, ChildSpec, Phase, StartChild, StopMode, Strategy, SupervisorArgs, SupervisorObserver, SystemClock,
};
use playhouse_types::{Incarnation, Timestamp};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::world::{Order, World, at_once};

/// A clock that panics once when it is asked, if it is armed.
struct FaultyClock {
    clock: SystemClock,
    is_armed: Arc<AtomicBool>,
}

impl Clock for FaultyClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        assert!(!self.is_armed.swap(false, Ordering::SeqCst), "the clock is broken");
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }
}

#[tokio::test(start_paused = true)]
async fn s36_a_panic_in_the_supervisors_own_handler_is_an_exit_like_any_other() {
    let world = World::new();
    let is_armed = Arc::new(AtomicBool::new(false));
    let clock = Arc::new(FaultyClock { clock: world.clock, is_armed: Arc::clone(&is_armed) });
    let inner =
        SupervisorArgs { clock, ..world.args(Strategy::OneForOne, vec![world.spec("x"), world.spec("y")]) };
    let stage =
        world.supervise(world.args(Strategy::OneForOne, vec![world.supervisor_spec("inner", inner)])).await;
    world.log();
    is_armed.store(true, Ordering::SeqCst);
    world.tell("x", Order::Panic).await;
    assert_eq!(world.log(), ["exit inner1 Failed", "start inner2", "start x1", "start y1"]);
    assert_eq!(world.reasons(), ["the clock is broken"]);
    assert_eq!(stage.counts().await.running, 1);
}

/// An observer that panics at every report, in its first moment or later.
struct FaultyObserver {
    is_early: bool,
}

impl SupervisorObserver for FaultyObserver {
    fn exited(&self, _: &str, _: Incarnation, _: ExitKind, _: String) -> BoxFuture<'static, ()> {
        assert!(!self.is_early, "early");
        Box::pin(async { panic!("late") })
    }

    fn escalated(&self, child: &str, _: Bound, reason: String) -> BoxFuture<'static, ()> {
        self.exited(child, Incarnation(0), ExitKind::Failed, reason)
    }
}

#[tokio::test(start_paused = true)]
async fn s36_an_observer_that_panics_keeps_no_child_from_its_restart() {
    for is_early in [true, false] {
        let world = World::new();
        let policy = at_once().max(1, Duration::from_secs(60));
        let children = vec![ChildSpec { policy, ..world.spec("a") }, world.spec("b")];
        let observer = Arc::new(FaultyObserver { is_early });
        let stage =
            world.supervise(SupervisorArgs { observer, ..world.args(Strategy::OneForOne, children) }).await;
        world.log();
        world.tell("a", Order::Panic).await;
        assert_eq!(world.log(), ["start a2"]);
        world.tell("a", Order::Panic).await;
        assert_eq!(stage.phase("a").await, Some(Phase::GivenUp));
        assert_eq!(stage.phase("b").await, Some(Phase::Running));
    }
}

/// An observer that never comes to the end of a report.
struct HangingObserver;

impl SupervisorObserver for HangingObserver {
    fn exited(&self, _: &str, _: Incarnation, _: ExitKind, _: String) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    fn escalated(&self, _: &str, _: Bound, _: String) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn s36_an_escalation_that_cannot_be_told_holds_up_the_end_of_its_supervisor_for_a_bounded_time_only() {
    let world = World::new();
    let policy = at_once().max(0, Duration::from_secs(60));
    let children = vec![ChildSpec { policy, ..world.spec("a") }, world.spec("b")];
    let observer = Arc::new(HangingObserver);
    let stage =
        world.supervise(SupervisorArgs { observer, ..world.args(Strategy::OneForAll, children) }).await;
    world.tell("a", Order::Panic).await;
    let before = world.now();
    stage.supervisor.wait(None).await.unwrap();
    assert_eq!((world.now() - before).as_secs(), 29);
}

#[tokio::test(start_paused = true)]
async fn s37_a_panic_that_carries_no_text_is_an_exit_like_any_other() {
    let world = World::new();
    let _stage = world.run(Strategy::OneForOne, &["a"]).await;
    world.tell("a", Order::PanicWithNumber).await;
    assert_eq!(world.log(), ["exit a1 Failed", "start a2"]);
    assert!(!world.reasons()[0].is_empty());
}

/// Fails with the longest reason it can think of.
struct Verbose;

impl Actor for Verbose {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Err("é".repeat(1 << 20).into())
    }
}

#[tokio::test(start_paused = true)]
async fn s27_a_reason_of_any_length_is_kept_to_two_kibibytes() {
    let world = World::new();
    let start: StartChild = Arc::new(|start| {
        Box::pin(async move {
            let spawned = Actor::spawn_linked(None, Verbose, (), start.supervisor).await;
            Ok(spawned.map_err(|error| error.to_string())?.0.get_cell())
        })
    });
    let policy = at_once().max(0, Duration::from_secs(60));
    let _stage =
        world.supervise(world.args(Strategy::OneForOne, vec![ChildSpec::worker("v", policy, start)])).await;
    let reasons = world.reasons();
    assert!(reasons.iter().all(|reason| reason.len() <= 2_100), "{}", reasons[0].len());
    assert!(reasons[0].ends_with("é ..."), "cut between characters");
}

/// A clock for which every wait is over at once, from when it is told so.
struct HastyClock {
    clock: SystemClock,
    is_hasty: Arc<AtomicBool>,
}

impl Clock for HastyClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if self.is_hasty.load(Ordering::SeqCst) {
            return Box::pin(tokio::task::yield_now());
        }
        self.clock.sleep(duration)
    }
}

/// Blocks its thread until it is released.
struct Blocking(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

impl Actor for Blocking {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(myself.send_message(())?)
    }

    async fn handle(&self, _: ActorRef<()>, (): (), (): &mut ()) -> Result<(), ActorProcessingErr> {
        // The sender's end is the release.
        let _ = self.0.lock().unwrap().recv();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn s40_a_child_that_blocks_its_thread_stalls_no_sibling_and_is_left_behind_when_it_is_stopped() {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(Some(blocked));
    let world = World::new();
    let start: StartChild = Arc::new(move |start| {
        let blocked = blocked.lock().unwrap().take();
        Box::pin(async move {
            let Some(blocked) = blocked else { return Err(playhouse_runtime::NotStarted::Disabled) };
            let child = Blocking(std::sync::Mutex::new(blocked));
            let spawned = Actor::spawn_linked(None, child, (), start.supervisor).await;
            Ok(spawned.map_err(|error| error.to_string())?.0.get_cell())
        })
    });
    let stuck = ChildSpec { stop: StopMode::Kill, ..ChildSpec::worker("stuck", at_once(), start) };
    let is_hasty = Arc::new(AtomicBool::new(false));
    let clock = Arc::new(HastyClock { clock: world.clock, is_hasty: Arc::clone(&is_hasty) });
    let args = SupervisorArgs { clock, ..world.args(Strategy::OneForOne, vec![stuck, world.spec("b")]) };
    let stage = world.supervise(args).await;
    while stage.phase("b").await != Some(Phase::Running) {
        tokio::task::yield_now().await;
    }
    assert!(ractor::call!(world.child("b"), Order::Ping).is_ok(), "its sibling answers");
    is_hasty.store(true, Ordering::SeqCst);
    stage.terminate("stuck").await.unwrap();
    assert_eq!(stage.phase("stuck").await, Some(Phase::Idle));
    stage.shutdown().await;
    drop(release);
}
