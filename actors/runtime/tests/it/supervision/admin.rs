//! Admin calls: every answer is typed, and none depends on what the children are doing.

use std::sync::Arc;
use std::time::Duration;

use playhouse_runtime::{AdminError, ChildCounts, ChildSpec, Phase, StartChild, Strategy, SupervisorMsg};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::world::{Order, Plan, World, at_once, waits};

#[tokio::test(start_paused = true)]
async fn s10_admin_calls_are_answered_by_what_the_child_is_doing() {
    let world = World::new();
    let stage = world.run(Strategy::OneForOne, &["a"]).await;
    assert_eq!(stage.add(world.spec("a")).await, Err(AdminError::AlreadyRunning));
    assert_eq!(stage.restart("a").await, Err(AdminError::AlreadyRunning));
    assert_eq!(stage.remove("a").await, Err(AdminError::AlreadyRunning));
    assert_eq!(stage.terminate("a").await, Ok(()));
    assert_eq!(stage.terminate("a").await, Ok(()), "twice is once");
    assert_eq!(stage.phase("a").await, Some(Phase::Idle));
    assert_eq!(stage.add(world.spec("a")).await, Err(AdminError::AlreadyPresent));
    assert_eq!(stage.restart("a").await, Ok(()));
    assert_eq!(stage.phase("a").await, Some(Phase::Running));
    stage.terminate("a").await.unwrap();
    assert_eq!(stage.remove("a").await, Ok(()));
    for answer in [stage.terminate("a").await, stage.restart("a").await, stage.remove("a").await] {
        assert_eq!(answer, Err(AdminError::Unknown));
    }
    assert_eq!(stage.add(world.spec("a")).await, Ok(()), "the name is free again");
    stage.shutdown().await;
    let call = stage.supervisor.send_message(SupervisorMsg::Start { child: "a".into() });
    assert!(call.is_err(), "a supervisor that has ended is an error, not a silence");
}

#[tokio::test(start_paused = true)]
async fn s10_a_supervisor_that_is_stopping_refuses_to_start_anything() {
    let world = World::new();
    let stage = world.run(Strategy::OneForOne, &["a", "b"]).await;
    stage.terminate("b").await.unwrap();
    world.tell("a", Order::Wait(Duration::from_secs(2))).await;
    stage.supervisor.send_message(SupervisorMsg::Shutdown).unwrap();
    assert_eq!(stage.add(world.spec("c")).await, Err(AdminError::Stopping));
    assert_eq!(stage.restart("b").await, Err(AdminError::Stopping));
    stage.supervisor.wait(None).await.unwrap();
    assert_eq!(world.log(), ["stop b1", "stop a1"]);
}

#[tokio::test(start_paused = true)]
async fn s10_a_child_that_was_given_up_can_be_restarted_and_its_failures_count_anew() {
    let world = World::new();
    let policy = at_once().max(0, Duration::from_secs(60));
    let spec = ChildSpec { policy, ..world.spec("a") };
    let stage = world.supervise(world.args(Strategy::OneForOne, vec![spec])).await;
    world.tell("a", Order::Panic).await;
    assert_eq!(stage.phase("a").await, Some(Phase::GivenUp));
    stage.supervisor.send_message(SupervisorMsg::Start { child: "a".into() }).unwrap();
    world.settle().await;
    assert_eq!(stage.phase("a").await, Some(Phase::GivenUp), "a mere wish to reach it reopens nothing");
    assert_eq!(stage.restart("a").await, Ok(()));
    assert_eq!(stage.phase("a").await, Some(Phase::Running));
}

#[tokio::test(start_paused = true)]
async fn s16_admin_calls_are_answered_at_once_while_a_child_waits_for_its_restart() {
    let world = World::new();
    let hangs = |incarnation| if incarnation == 1 { Plan::Run } else { Plan::Hang };
    for (name, policy, plan) in
        [("waits", waits(Duration::from_secs(3600)), Plan::Fail), ("hangs", at_once(), Plan::Hang)]
    {
        let spec = match plan {
            Plan::Fail => {
                world.planned(name, |incarnation| if incarnation == 1 { Plan::Run } else { Plan::Fail })
            }
            _ => world.planned(name, hangs),
        };
        let spec = ChildSpec { policy, start_within: Duration::from_secs(7200), ..spec };
        let stage = world.supervise(world.args(Strategy::OneForOne, vec![spec, world.spec("b")])).await;
        world.tell(name, Order::Panic).await;
        let before = world.now();
        assert_eq!(stage.phase(name).await, Some(Phase::Restarting));
        assert_eq!(stage.counts().await.restarting, 1);
        assert_eq!(stage.restart(name).await, Err(AdminError::Restarting));
        assert_eq!(stage.remove(name).await, Err(AdminError::Restarting));
        assert_eq!(stage.add(world.spec(name)).await, Err(AdminError::Restarting));
        assert_eq!(stage.terminate(name).await, Ok(()));
        assert_eq!(stage.phase(name).await, Some(Phase::Idle));
        assert_eq!(stage.phase("b").await, Some(Phase::Running));
        assert_eq!(before, world.now(), "{name}: somebody waited");
        stage.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s16_a_shutdown_waits_for_no_restart() {
    let world = World::new();
    let waiting =
        ChildSpec { policy: waits(Duration::from_secs(3600)), ..world.planned("a", |_| Plan::Fail) };
    let hanging = world.planned("b", |_| Plan::Hang);
    let stage = world.supervise(world.args(Strategy::OneForOne, vec![waiting, hanging])).await;
    let before = world.now();
    stage.shutdown().await;
    assert_eq!(world.now(), before);
}

#[tokio::test(start_paused = true)]
async fn s22_counts_tell_supervisors_from_workers_in_a_tree_and_are_exact() {
    let world = World::new();
    let inner = world.args(Strategy::OneForOne, vec![world.spec("x"), world.spec("y")]);
    let waiting = world.planned("w", |incarnation| if incarnation == 1 { Plan::Run } else { Plan::Fail });
    let given_up = ChildSpec { policy: at_once().max(0, Duration::from_secs(1)), ..world.spec("g") };
    let children = vec![
        world.supervisor_spec("inner", inner),
        ChildSpec { policy: waits(Duration::from_secs(60)), ..waiting },
        world.planned("d", |_| Plan::Disabled),
        given_up,
    ];
    let stage = world.supervise(world.args(Strategy::OneForOne, children)).await;
    world.tell("w", Order::Panic).await;
    world.tell("g", Order::Panic).await;
    let expected =
        ChildCounts { specs: 4, running: 1, restarting: 1, disabled: 1, given_up: 1, supervisors: 1 };
    assert_eq!(stage.counts().await, expected);
    stage.shutdown().await;
    assert_eq!(
        world.log().iter().filter(|line| line.starts_with("stop")).collect::<Vec<_>>(),
        ["stop y1", "stop x1"]
    );
}

/// An actor with a name that is unique in its process.
struct Named;

impl Actor for Named {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<()>, (): (), (): &mut ()) -> Result<(), ActorProcessingErr> {
        Err("as told".into())
    }
}

#[tokio::test(start_paused = true)]
async fn s25_a_name_is_free_before_its_next_holder_starts() {
    const NAME: &str = "s25-holder";
    let world = World::new();
    let start: StartChild = Arc::new(|start| {
        Box::pin(async move {
            let spawned = Actor::spawn_linked(Some(NAME.to_owned()), Named, (), start.supervisor).await;
            Ok(spawned.map_err(|error| error.to_string())?.0.get_cell())
        })
    });
    let policy = at_once().max(1_000, Duration::from_secs(60));
    let stage =
        world.supervise(world.args(Strategy::OneForOne, vec![ChildSpec::worker("n", policy, start)])).await;
    for round in 0..100 {
        let holder = ractor::registry::where_is(NAME).unwrap();
        if round % 2 == 0 {
            holder.kill();
        } else {
            holder.send_message(()).unwrap();
        }
        world.settle().await;
        assert_eq!(stage.phase("n").await, Some(Phase::Running), "round {round}");
    }
    assert!(world.log().iter().all(|line| !line.contains("StartFailed")));
}

#[tokio::test(start_paused = true)]
async fn s25_a_start_that_finds_its_child_running_elsewhere_is_linked_to_the_supervisor() {
    let world = World::new();
    let (outside, _) = Actor::spawn(None, Named, ()).await.unwrap();
    let cell = outside.get_cell();
    let start: StartChild = Arc::new(move |_| {
        let cell = cell.clone();
        Box::pin(async move { Ok(cell) })
    });
    let policy = at_once().max(0, Duration::from_secs(60));
    let stage =
        world.supervise(world.args(Strategy::OneForOne, vec![ChildSpec::worker("n", policy, start)])).await;
    assert_eq!(stage.phase("n").await, Some(Phase::Running));
    outside.send_message(()).unwrap();
    world.settle().await;
    assert_eq!(world.log(), ["exit n1 Failed", "escalate n"]);
}
