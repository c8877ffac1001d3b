//! Escalation: once, to somebody, never in silence; and what becomes of a supervisor's children with it.

use std::time::Duration;

use playhouse_runtime::{Bound, ChildSpec, Intensity, Phase, RestartPolicy, Strategy, SupervisorArgs};
use ractor::ActorStatus;

use super::world::{Order, World, at_once};

fn once() -> RestartPolicy {
    at_once().max(1, Duration::from_secs(60))
}

#[tokio::test(start_paused = true)]
async fn s13_one_for_one_gives_up_the_child_alone_and_says_so_once() {
    let world = World::new();
    let stage = world
        .supervise(world.args(
            Strategy::OneForOne,
            vec![ChildSpec { policy: once(), ..world.spec("a") }, world.spec("b")],
        ))
        .await;
    world.log();
    world.tell("a", Order::Panic).await;
    world.tell("a", Order::Panic).await;
    assert_eq!(world.log(), ["exit a1 Failed", "start a2", "exit a2 Failed", "escalate a"]);
    assert_eq!(world.reasons().last().unwrap(), "it failed more than 1 times within 60s");
    assert_eq!(world.bounds(), [Bound::OfChild]);
    assert_eq!(stage.phase("a").await, Some(Phase::GivenUp));
    assert_eq!(stage.phase("b").await, Some(Phase::Running));
}

#[tokio::test(start_paused = true)]
async fn s13_a_group_whose_member_is_given_up_is_stopped_in_reverse_and_ends_with_its_supervisor() {
    for strategy in [Strategy::RestForOne, Strategy::OneForAll] {
        let world = World::new();
        let failing = ChildSpec { policy: at_once().max(0, Duration::from_secs(60)), ..world.spec("b") };
        let children = vec![world.spec("a"), failing, world.spec("c")];
        let stage = world.supervise(world.args(strategy, children)).await;
        world.log();
        world.child("b").send_message(Order::Panic).unwrap();
        stage.supervisor.wait(None).await.unwrap();
        let log = world.log();
        assert_eq!(log.iter().filter(|line| *line == "escalate b").count(), 1, "{log:?}");
        let stops: Vec<_> = log.iter().filter(|line| line.starts_with("stop")).collect();
        assert_eq!(stops, ["stop c1", "stop a1"], "{strategy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s13_the_bound_of_all_children_together_stops_them_in_reverse_and_ends_the_supervisor() {
    for strategy in [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll] {
        let world = World::new();
        let children = ["a", "b", "c"].map(|name| world.spec(name)).to_vec();
        let intensity = Some(Intensity { max_restarts: 2, window: Duration::from_secs(60) });
        let stage = world.supervise(SupervisorArgs { intensity, ..world.args(strategy, children) }).await;
        for name in ["c", "b", "a"] {
            world.child(name).send_message(Order::Panic).unwrap();
            world.settle().await;
        }
        stage.supervisor.wait(None).await.unwrap();
        let log = world.log();
        assert_eq!(log.iter().filter(|line| line.starts_with("escalate")).count(), 1, "{log:?}");
        let last_stops: Vec<_> = log.iter().filter(|line| line.starts_with("stop")).rev().take(2).collect();
        assert!(last_stops[0].starts_with("stop b") && last_stops[1].starts_with("stop c"), "{log:?}");
        let why = "it and its siblings failed more than 2 times within 60s";
        assert!(world.reasons().iter().any(|reason| reason == why), "{strategy:?}");
        assert_eq!(world.bounds(), [Bound::OfAll]);
        for name in ["a", "b", "c"] {
            assert_eq!(world.child(name).get_status(), ActorStatus::Stopped);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s13_restarts_that_left_the_window_do_not_count() {
    let world = World::new();
    let intensity = Some(Intensity { max_restarts: 1, window: Duration::from_secs(60) });
    let args = SupervisorArgs { intensity, ..world.args(Strategy::OneForOne, vec![world.spec("a")]) };
    let stage = world.supervise(args).await;
    for _ in 0..5 {
        world.tell("a", Order::Panic).await;
        assert_eq!(stage.phase("a").await, Some(Phase::Running));
        world.pass(Duration::from_secs(60)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn s13_escalation_goes_up_the_tree_one_supervisor_at_a_time() {
    let world = World::new();
    let never = at_once().max(0, Duration::from_secs(60));
    let leaf = ChildSpec { policy: never.clone(), ..world.spec("leaf") };
    let inner = world.args(Strategy::OneForAll, vec![leaf]);
    let inner = ChildSpec { policy: once(), ..world.supervisor_spec("inner", inner) };
    let stage = world.supervise(world.args(Strategy::OneForOne, vec![inner, world.spec("b")])).await;
    world.log();
    world.tell("leaf", Order::Panic).await;
    let expected =
        ["exit leaf1 Failed", "escalate leaf", "exit inner1 Failed", "start inner2", "start leaf1"];
    assert_eq!(world.log(), expected);
    world.tell("leaf", Order::Panic).await;
    assert_eq!(world.log(), ["exit leaf1 Failed", "escalate leaf", "exit inner2 Failed", "escalate inner"]);
    assert_eq!(stage.phase("inner").await, Some(Phase::GivenUp));
    assert_eq!(stage.phase("b").await, Some(Phase::Running));
}

#[tokio::test(start_paused = true)]
async fn s31_children_of_a_supervisor_that_fails_end_with_it_and_start_with_it() {
    let world = World::new();
    let inner = world.args(Strategy::OneForOne, vec![world.spec("x"), world.spec("y")]);
    let stage =
        world.supervise(world.args(Strategy::OneForOne, vec![world.supervisor_spec("inner", inner)])).await;
    let (x, y) = (world.child("x"), world.child("y"));
    world.log();
    world.supervisor("inner").kill();
    world.settle().await;
    assert_eq!([x.get_status(), y.get_status()], [ActorStatus::Stopped; 2]);
    assert_eq!(world.log(), ["exit inner1 Killed", "start inner2", "start x1", "start y1"]);
    assert_eq!(stage.counts().await.running, 1);
}
