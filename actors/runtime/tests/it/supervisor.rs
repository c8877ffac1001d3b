use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_journal::ExitKind;
use playhouse_messages::Clock;
use playhouse_runtime::{
    Backoff, ChildSpec, Phase, RestartPolicy, StartChild, Strategy, Supervisor, SupervisorArgs,
    SupervisorMsg, SupervisorObserver, SystemClock,
};
use playhouse_types::Incarnation;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::mpsc;

/// What a child is told to do.
enum Order {
    Panic,
    Fail,
    Wait(Duration),
}

struct Child {
    name: &'static str,
    stops: mpsc::UnboundedSender<&'static str>,
}

impl Actor for Child {
    type Msg = Order;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Order>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<Order>, order: Order, (): &mut ()) -> Result<(), ActorProcessingErr> {
        match order {
            Order::Panic => panic!("as told"),
            Order::Fail => Err("as told".into()),
            Order::Wait(duration) => {
                tokio::time::advance(duration).await;
                Ok(())
            }
        }
    }

    async fn post_stop(&self, _: ActorRef<Order>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        self.stops.send(self.name).unwrap();
        Ok(())
    }
}

/// What the supervisor did, as its children and its observer saw it.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Started(&'static str, u32),
    Exited(String, u32, ExitKind),
    Escalated(String),
}

struct Observer(mpsc::UnboundedSender<Seen>);

impl SupervisorObserver for Observer {
    fn exited(
        &self,
        child: &str,
        incarnation: Incarnation,
        exit: ExitKind,
        _: String,
    ) -> BoxFuture<'static, ()> {
        let (seen, child) = (self.0.clone(), child.to_owned());
        Box::pin(async move { seen.send(Seen::Exited(child, incarnation.0, exit)).unwrap() })
    }

    fn escalated(&self, child: &str, _: String) -> BoxFuture<'static, ()> {
        let (seen, child) = (self.0.clone(), child.to_owned());
        Box::pin(async move { seen.send(Seen::Escalated(child)).unwrap() })
    }
}

/// The newest incarnation of each child, by name.
type Children = Arc<Mutex<Vec<(&'static str, ActorRef<Order>)>>>;

/// A supervisor with children, and all that is seen of them.
struct Stage {
    supervisor: ActorRef<SupervisorMsg>,
    children: Children,
    seen: mpsc::UnboundedReceiver<Seen>,
    stops: mpsc::UnboundedReceiver<&'static str>,
}

impl Stage {
    async fn new(strategy: Strategy, policy: RestartPolicy, names: &[&'static str]) -> Self {
        Self::with_failing_starts(strategy, policy, names, 0).await
    }

    /// Starts a supervisor whose children fail their first `n_failing` starts.
    async fn with_failing_starts(
        strategy: Strategy,
        policy: RestartPolicy,
        names: &[&'static str],
        n_failing: u32,
    ) -> Self {
        let (seen_tx, seen) = mpsc::unbounded_channel();
        let (stops_tx, stops) = mpsc::unbounded_channel();
        let children: Children = Arc::default();
        let specs = names.iter().map(|name| {
            let (name, children, seen, stops) =
                (*name, Arc::clone(&children), seen_tx.clone(), stops_tx.clone());
            let start: StartChild = Arc::new(move |start| {
                let (children, seen, stops) = (Arc::clone(&children), seen.clone(), stops.clone());
                Box::pin(async move {
                    seen.send(Seen::Started(name, start.incarnation.0)).unwrap();
                    if start.incarnation.0 <= n_failing {
                        return Err("not yet".to_owned());
                    }
                    let child = Child { name, stops };
                    let (actor, _) = Actor::spawn_linked(None, child, (), start.supervisor).await.unwrap();
                    let mut children = children.lock().unwrap();
                    children.retain(|(known, _)| *known != name);
                    children.push((name, actor.clone()));
                    Ok(actor.get_cell())
                })
            });
            ChildSpec {
                name: name.into(),
                policy: policy.clone(),
                incarnation: Incarnation(0),
                is_eager: true,
                start,
            }
        });
        let clock = Arc::new(SystemClock::new());
        let observer = Arc::new(Observer(seen_tx.clone()));
        let args = SupervisorArgs { strategy, children: specs.collect(), observer, clock };
        let (supervisor, _) = Actor::spawn(None, Supervisor, args).await.unwrap();
        Self { supervisor, children, seen, stops }
    }

    async fn next(&mut self) -> Seen {
        self.seen.recv().await.unwrap()
    }

    /// Waits for the first starts of all children, in whatever order their tasks ran.
    async fn all_started(&mut self, count: usize) {
        for _ in 0..count {
            assert!(matches!(self.next().await, Seen::Started(_, 1)));
        }
        self.phases(Phase::Running, count).await;
    }

    async fn phases(&self, phase: Phase, count: usize) {
        loop {
            let children = ractor::call!(self.supervisor, |reply| SupervisorMsg::Children { reply }).unwrap();
            if children.iter().filter(|child| child.phase == phase).count() == count {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    fn child(&self, name: &str) -> ActorRef<Order> {
        self.children.lock().unwrap().iter().find(|(known, _)| *known == name).unwrap().1.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_panics_or_fails_is_reported_and_then_started_again() {
    let mut stage = Stage::new(Strategy::OneForOne, RestartPolicy::default(), &["a", "b"]).await;
    stage.all_started(2).await;
    stage.child("a").send_message(Order::Panic).unwrap();
    assert_eq!(stage.next().await, Seen::Exited("a".into(), 1, ExitKind::Failed));
    assert_eq!(stage.next().await, Seen::Started("a", 2));
    stage.phases(Phase::Running, 2).await;
    stage.child("a").send_message(Order::Fail).unwrap();
    assert_eq!(stage.next().await, Seen::Exited("a".into(), 2, ExitKind::Failed));
    assert_eq!(stage.next().await, Seen::Started("a", 3));
}

#[tokio::test(start_paused = true)]
async fn a_killed_child_is_not_a_normal_exit() {
    let mut stage = Stage::new(Strategy::OneForOne, RestartPolicy::transient(), &["a"]).await;
    stage.all_started(1).await;
    stage.child("a").kill();
    assert_eq!(stage.next().await, Seen::Exited("a".into(), 1, ExitKind::Killed));
    assert_eq!(stage.next().await, Seen::Started("a", 2));
}

#[tokio::test(start_paused = true)]
async fn a_transient_child_that_ends_normally_stays_down() {
    let mut stage = Stage::new(Strategy::OneForOne, RestartPolicy::transient(), &["a"]).await;
    stage.all_started(1).await;
    stage.child("a").stop(None);
    stage.phases(Phase::Idle, 1).await;
    assert!(stage.seen.try_recv().is_err());
    stage.supervisor.send_message(SupervisorMsg::Start { child: "a".into() }).unwrap();
    assert_eq!(stage.next().await, Seen::Started("a", 2));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_counts_and_is_tried_again_after_a_wait() {
    let backoff = Backoff { first: Duration::from_secs(4), max: Duration::from_secs(9), jitter: 0.0 };
    let policy = RestartPolicy::default().backoff(backoff);
    let clock = SystemClock::new();
    let mut stage = Stage::with_failing_starts(Strategy::OneForOne, policy, &["a"], 2).await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(stage.next().await);
    }
    let failed = |incarnation| Seen::Exited("a".into(), incarnation, ExitKind::StartFailed);
    let started = |incarnation| Seen::Started("a", incarnation);
    assert_eq!(seen, [started(1), failed(1), started(2), failed(2), started(3)]);
    assert_eq!(clock.monotonic().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_never_starts_escalates_exactly_once() {
    let policy = RestartPolicy::default().max(2, Duration::from_secs(60));
    let mut stage = Stage::with_failing_starts(Strategy::OneForOne, policy, &["a"], u32::MAX).await;
    let mut n_starts = 0;
    loop {
        match stage.next().await {
            Seen::Started(..) => n_starts += 1,
            Seen::Exited(..) => {}
            Seen::Escalated(child) => break assert_eq!(child, "a"),
        }
    }
    assert_eq!(n_starts, 3);
    stage.supervisor.send_message(SupervisorMsg::Start { child: "a".into() }).unwrap();
    stage.phases(Phase::GivenUp, 1).await;
    assert!(stage.seen.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn the_supervisor_answers_while_children_wait_for_their_restart() {
    let backoff = Backoff { first: Duration::from_secs(3600), max: Duration::from_secs(3600), jitter: 0.0 };
    let policy = RestartPolicy::default().backoff(backoff);
    let stage = Stage::with_failing_starts(Strategy::OneForOne, policy, &["a", "b"], u32::MAX).await;
    stage.phases(Phase::Starting, 2).await;
    let clock = SystemClock::new();
    let call = ractor::call!(stage.supervisor, |reply| SupervisorMsg::Children { reply }).unwrap();
    assert_eq!(call.len(), 2);
    stage.supervisor.send_message(SupervisorMsg::Shutdown).unwrap();
    stage.supervisor.wait(None).await.unwrap();
    assert!(clock.monotonic() < Duration::from_secs(1), "a shutdown waits for no backoff");
}

/// Ends in its first moment, before its supervisor can have heard that it started.
struct Doomed;

impl Actor for Doomed {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(myself.send_message(())?)
    }

    async fn handle(&self, _: ActorRef<()>, (): (), (): &mut ()) -> Result<(), ActorProcessingErr> {
        panic!("in its first moment")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exit_that_overtakes_the_report_of_the_start_is_not_lost() {
    let (seen_tx, mut seen) = mpsc::unbounded_channel();
    let start: StartChild = Arc::new(|start| {
        Box::pin(async move {
            let (actor, _) = Actor::spawn_linked(None, Doomed, (), start.supervisor).await.unwrap();
            // Only now does the supervisor hear of the start: the exit is there already.
            actor.wait(None).await.unwrap();
            Ok(actor.get_cell())
        })
    });
    let policy = RestartPolicy::default().max(0, Duration::from_secs(60));
    let name = "doomed".into();
    let spec = ChildSpec { name, policy, incarnation: Incarnation(0), is_eager: true, start };
    let clock = Arc::new(SystemClock::new());
    let observer = Arc::new(Observer(seen_tx));
    let args = SupervisorArgs { strategy: Strategy::OneForOne, children: vec![spec], observer, clock };
    let (supervisor, _) = Actor::spawn(None, Supervisor, args).await.unwrap();
    assert_eq!(seen.recv().await, Some(Seen::Exited("doomed".into(), 1, ExitKind::Failed)));
    assert_eq!(seen.recv().await, Some(Seen::Escalated("doomed".into())));
    supervisor.stop(None);
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_takes_along_those_that_depend_on_the_failed_child() {
    let mut stage = Stage::new(Strategy::RestForOne, RestartPolicy::default(), &["a", "b", "c"]).await;
    stage.all_started(3).await;
    stage.child("b").send_message(Order::Panic).unwrap();
    let mut restarted = Vec::new();
    for _ in 0..3 {
        if let Seen::Started(name, incarnation) = stage.next().await {
            restarted.push((name, incarnation));
        }
    }
    restarted.sort_unstable();
    assert_eq!(restarted, [("b", 2), ("c", 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_stops_children_in_reverse_and_lets_them_end_their_work() {
    let mut stage = Stage::new(Strategy::OneForOne, RestartPolicy::default(), &["a", "b", "c"]).await;
    stage.all_started(3).await;
    stage.child("b").send_message(Order::Wait(Duration::from_secs(1))).unwrap();
    stage.supervisor.send_message(SupervisorMsg::Shutdown).unwrap();
    stage.supervisor.wait(None).await.unwrap();
    let order = [stage.stops.recv().await, stage.stops.recv().await, stage.stops.recv().await];
    assert_eq!(order, [Some("c"), Some("b"), Some("a")]);
    assert!(stage.seen.try_recv().is_err(), "a stop that was asked for is no failure");
}

#[tokio::test(start_paused = true)]
async fn a_child_can_be_added_and_a_name_only_once() {
    let mut stage = Stage::new(Strategy::OneForOne, RestartPolicy::default(), &["a"]).await;
    stage.all_started(1).await;
    let start: StartChild = Arc::new(|_| Box::pin(async { Err("never".to_owned()) }));
    let spec = |name: &str| ChildSpec {
        name: name.into(),
        policy: RestartPolicy::temporary(),
        incarnation: Incarnation(0),
        is_eager: true,
        start: Arc::clone(&start),
    };
    let added =
        ractor::call!(stage.supervisor, |reply| SupervisorMsg::Add { spec: spec("b"), reply }).unwrap();
    assert_eq!(added, Err("never".to_owned()));
    let again =
        ractor::call!(stage.supervisor, |reply| SupervisorMsg::Add { spec: spec("a"), reply }).unwrap();
    assert_eq!(again, Err("a child of this name exists".to_owned()));
}
