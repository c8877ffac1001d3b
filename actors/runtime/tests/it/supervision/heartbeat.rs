//! Stuck children: asked, killed and started again.

use std::time::Duration;

use playhouse_runtime::{ChildSpec, Heartbeat, Phase, RestartPolicy, Strategy};

use super::world::{Order, World, at_once};

fn watched(spec: ChildSpec) -> ChildSpec {
    let heartbeat = Heartbeat::new(Duration::from_secs(10), Duration::from_secs(5), Order::Ping);
    ChildSpec { heartbeat: Some(heartbeat), ..spec }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_hangs_is_killed_after_its_patience_and_started_again() {
    let world = World::new();
    let stage = world.supervise(world.args(Strategy::OneForOne, vec![watched(world.spec("a"))])).await;
    world.tell("a", Order::Hang).await;
    world.pass(Duration::from_secs(14)).await;
    assert_eq!(world.log(), ["start a1"], "not before its time");
    world.pass(Duration::from_secs(2)).await;
    assert_eq!(world.log(), ["exit a1 Killed", "start a2"]);
    assert_eq!(world.reasons(), ["it did not answer its supervisor within 5s"]);
    assert_eq!(stage.phase("a").await, Some(Phase::Running));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_answers_is_left_alone_however_long_and_one_that_is_busy_has_its_patience() {
    let world = World::new();
    let _stage = world.supervise(world.args(Strategy::OneForOne, vec![watched(world.spec("a"))])).await;
    world.pass(Duration::from_secs(3600)).await;
    world.tell("a", Order::Wait(Duration::from_secs(4))).await;
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!(world.log(), ["start a1"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_hangs_again_and_again_escalates() {
    let world = World::new();
    let policy = at_once().max(1, Duration::from_secs(60));
    let spec = ChildSpec { policy, ..watched(world.spec("a")) };
    let stage = world.supervise(world.args(Strategy::OneForOne, vec![spec])).await;
    for _ in 0..2 {
        world.tell("a", Order::Hang).await;
        world.pass(Duration::from_secs(16)).await;
    }
    assert_eq!(world.log(), ["start a1", "exit a1 Killed", "start a2", "exit a2 Killed", "escalate a"]);
    assert_eq!(stage.phase("a").await, Some(Phase::GivenUp));
}

#[tokio::test(start_paused = true)]
async fn a_stuck_child_is_not_asked_after_its_end_and_a_temporary_one_is_not_started_again() {
    let world = World::new();
    let spec = ChildSpec { policy: RestartPolicy::temporary(), ..watched(world.spec("a")) };
    let stage = world.supervise(world.args(Strategy::OneForOne, vec![spec])).await;
    world.tell("a", Order::Hang).await;
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!(world.log(), ["start a1", "exit a1 Killed"]);
    assert_eq!(stage.phase("a").await, Some(Phase::Idle));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_being_stopped_is_not_killed_for_its_silence() {
    let world = World::new();
    let stop = playhouse_runtime::StopMode::Forever;
    let spec = ChildSpec { stop, ..watched(world.spec("a")) };
    let stage = world.supervise(world.args(Strategy::OneForOne, vec![spec])).await;
    world.tell("a", Order::Wait(Duration::from_secs(100))).await;
    let before = world.now();
    stage.shutdown().await;
    assert_eq!((world.now() - before).as_secs(), 99);
    assert_eq!(world.log(), ["start a1", "stop a1"]);
}
