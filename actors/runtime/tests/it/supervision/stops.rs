//! Stopping: modes, order, races, children that leave.

use std::time::Duration;

use playhouse_messages::Draws;
use playhouse_runtime::{ChildSpec, KeyedDraws, Phase, StopMode, Strategy};
use ractor::ActorStatus;

use super::world::{Order, World, at_once};

#[tokio::test(start_paused = true)]
async fn s08_a_hung_child_is_killed_after_its_time_a_busy_one_ends_its_work_and_brutal_means_at_once() {
    let world = World::new();
    for (stop, order, expected_ms, log) in [
        (StopMode::Within(Duration::from_secs(5)), Order::Hang, 5_000, Vec::new()),
        (
            StopMode::Within(Duration::from_secs(5)),
            Order::Wait(Duration::from_secs(4)),
            4_000,
            vec!["stop a1"],
        ),
        (StopMode::Kill, Order::Wait(Duration::from_secs(4)), 0, Vec::new()),
        (StopMode::Forever, Order::Wait(Duration::from_secs(90)), 90_000, vec!["stop a1"]),
    ] {
        let spec = ChildSpec { stop, ..world.spec("a") };
        let stage = world.supervise(world.args(Strategy::OneForOne, vec![spec])).await;
        world.child("a").send_message(order).unwrap();
        world.settle().await;
        world.log();
        let before = world.now();
        stage.terminate("a").await.unwrap();
        let took = (world.now() - before).as_millis();
        assert!(took.abs_diff(expected_ms) <= 100, "{stop:?} took {took} ms");
        assert_eq!(world.log(), log, "{stop:?}");
        assert_eq!(stage.phase("a").await, Some(Phase::Idle));
        assert_eq!(world.reasons(), Vec::<String>::new(), "a stop that was asked for is no failure");
        stage.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s08_an_added_child_stops_like_a_declared_one() {
    let world = World::new();
    let stage = world.run(Strategy::OneForOne, &[]).await;
    stage.add(world.spec("a")).await.unwrap();
    world.tell("a", Order::Hang).await;
    let before = world.now();
    stage.shutdown().await;
    let took = world.now() - before;
    assert!(took.as_millis().abs_diff(5_000) <= 100, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn s09_a_child_that_fails_while_it_is_being_stopped_is_reported_and_holds_nobody_up() {
    let world = World::new();
    let stage = world.run(Strategy::OneForOne, &["a", "b"]).await;
    world.child("b").send_message(Order::Wait(Duration::from_secs(1))).unwrap();
    world.child("b").send_message(Order::Panic).unwrap();
    world.settle().await;
    stage.shutdown().await;
    world.settle().await;
    let mut log = world.log();
    log.sort_unstable();
    assert_eq!(log, ["exit b1 Failed", "stop a1"]);
    assert_eq!(world.reasons(), ["as told"]);
}

#[tokio::test(start_paused = true)]
async fn s09_a_stop_ends_in_1000_random_interleavings_with_exits() {
    const NAMES: [&str; 4] = ["a", "b", "c", "d"];
    for seed in 0..1_000 {
        let mut draws = KeyedDraws::named(seed, "stop race", &[]);
        let world = World::new();
        let strategy =
            [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll][draws.below(3) as usize];
        // No bound ends the supervisor before it is asked to.
        let policy = at_once().max(100, Duration::from_secs(60));
        let children = NAMES.map(|name| ChildSpec { policy: policy.clone(), ..world.spec(name) });
        let stage = world.supervise(world.args(strategy, children.to_vec())).await;
        for _ in 0..draws.below(6) {
            let child = world.child(NAMES[draws.below(4) as usize]);
            // A child that has ended takes no order, which is one of the races.
            let _ = match draws.below(6) {
                0 => child.send_message(Order::Panic),
                1 => child.send_message(Order::Fail),
                2 => child.send_message(Order::End),
                3 => child.send_message(Order::Unlink),
                4 => child.send_message(Order::Wait(Duration::from_millis(draws.below(50)))),
                _ => {
                    child.kill();
                    Ok(())
                }
            };
            for _ in 0..draws.below(4) {
                tokio::task::yield_now().await;
            }
        }
        let children = NAMES.map(|name| world.child(name));
        let limit = tokio::time::timeout(Duration::from_secs(60), stage.shutdown()).await;
        assert!(limit.is_ok(), "seed {seed}: the stop hangs");
        world.settle().await;
        for child in children.iter().chain(&NAMES.map(|name| world.child(name))) {
            assert_eq!(child.get_status(), ActorStatus::Stopped, "seed {seed}");
        }
        let mut exits: Vec<_> = world.log().into_iter().filter(|line| line.starts_with("exit")).collect();
        let n_exits = exits.len();
        exits.sort_unstable();
        exits.dedup();
        assert_eq!(exits.len(), n_exits, "seed {seed}: an exit was reported twice");
    }
}

#[tokio::test(start_paused = true)]
async fn s20_children_start_in_order_and_stop_in_reverse() {
    let world = World::new();
    let children = ["store", "agent", "coordinator"].map(|name| world.spec(name)).to_vec();
    let stage = world.supervise(world.args(Strategy::OneForOne, children)).await;
    assert_eq!(world.log(), ["start store1", "start agent1", "start coordinator1"]);
    world.tell("agent", Order::Wait(Duration::from_secs(1))).await;
    stage.shutdown().await;
    assert_eq!(world.log(), ["stop coordinator1", "stop agent1", "stop store1"]);
}

#[tokio::test(start_paused = true)]
async fn s20_a_group_restart_stops_in_reverse_and_starts_in_order() {
    for (strategy, log) in [
        (
            Strategy::RestForOne,
            vec!["exit b1 Failed", "stop d1", "stop c1", "start b2", "start c2", "start d2"],
        ),
        (
            Strategy::OneForAll,
            vec![
                "exit b1 Failed",
                "stop d1",
                "stop c1",
                "stop a1",
                "start a2",
                "start b2",
                "start c2",
                "start d2",
            ],
        ),
    ] {
        let world = World::new();
        let _stage = world.run(strategy, &["a", "b", "c", "d"]).await;
        // One of those that are taken along is slow to end: the others wait for it.
        world.tell("d", Order::Wait(Duration::from_secs(2))).await;
        world.tell("b", Order::Panic).await;
        world.pass(Duration::from_secs(3)).await;
        assert_eq!(world.log(), log, "{strategy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s21_a_child_that_leaves_its_supervisor_is_ended_with_it_all_the_same() {
    let world = World::new();
    let stage = world.run(Strategy::OneForOne, &["a", "b"]).await;
    world.tell("a", Order::Unlink).await;
    let child = world.child("a");
    stage.shutdown().await;
    assert_eq!(child.get_status(), ActorStatus::Stopped);
    assert_eq!(world.log(), ["stop b1", "stop a1"]);
}
