//! Restart storms: the supervisor answers in the middle of them, and each child escalates once.

use std::collections::BTreeMap;
use std::time::Duration;

use playhouse_runtime::{ChildCounts, ChildSpec, Phase, Strategy};

use super::world::{Order, Plan, World, waits};

/// How many children fail together.
const COUNT: usize = 1_000;

#[tokio::test(start_paused = true)]
async fn s16_a_thousand_children_that_panic_at_start_escalate_once_each_and_admin_calls_are_answered() {
    for plan in [Plan::Panic, Plan::PanicInside, Plan::Doomed] {
        let world = World::new();
        let policy = waits(Duration::from_secs(2));
        let faulty = |number| ChildSpec {
            policy: policy.clone(),
            ..world.planned(&format!("f{number}-"), move |_| plan)
        };
        let children = (0..COUNT).map(faulty).chain([world.spec("b")]).collect();
        let stage = world.supervise(world.args(Strategy::OneForOne, children)).await;
        let mut n_answers = 0;
        while stage.counts().await.given_up < COUNT {
            // In the middle of the storm: asked, told and changed like on any other day.
            assert_eq!(stage.phase("b").await, Some(Phase::Running));
            let extra = format!("extra{n_answers}");
            assert_eq!(stage.add(world.spec(&extra)).await, Ok(()));
            assert_eq!(stage.terminate(&extra).await, Ok(()));
            assert_eq!(stage.remove(&extra).await, Ok(()));
            n_answers += 1;
            world.pass(Duration::from_millis(500)).await;
        }
        assert!(n_answers >= 8, "{plan:?}: the storm was over before anybody asked");
        let mut escalations: BTreeMap<String, usize> = BTreeMap::new();
        for line in world.log().into_iter().filter(|line| line.starts_with("escalate")) {
            *escalations.entry(line).or_default() += 1;
        }
        assert_eq!(escalations.len(), COUNT, "{plan:?}");
        assert!(escalations.values().all(|count| *count == 1), "{plan:?}");
        let expected =
            ChildCounts { specs: COUNT + 1, running: 1, given_up: COUNT, ..ChildCounts::default() };
        assert_eq!(stage.counts().await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn s16_a_shutdown_in_the_middle_of_a_storm_ends_at_once() {
    let world = World::new();
    let policy = waits(Duration::from_secs(30));
    let children = (0..COUNT).map(|number| ChildSpec {
        policy: policy.clone(),
        ..world.planned(&format!("f{number}"), |_| Plan::Fail)
    });
    let stage = world.supervise(world.args(Strategy::OneForOne, children.collect())).await;
    assert_eq!(stage.counts().await.restarting, COUNT);
    let before = world.now();
    stage.shutdown().await;
    assert_eq!(world.now(), before);
    let starts = world.log().iter().filter(|line| line.starts_with("start")).count();
    assert_eq!(starts, 2 * COUNT, "nobody is started after the word");
}

#[tokio::test(start_paused = true)]
async fn s16_an_exit_that_overtakes_the_report_of_its_start_is_not_lost() {
    let world = World::new();
    let policy = waits(Duration::ZERO).max(0, Duration::from_secs(60));
    let spec = ChildSpec { policy, ..world.planned("a", |_| Plan::Doomed) };
    let stage = world.supervise(world.args(Strategy::OneForOne, vec![spec, world.spec("b")])).await;
    assert_eq!(stage.phase("a").await, Some(Phase::GivenUp));
    world.tell("b", Order::Panic).await;
    let log = world.log();
    assert_eq!(log.iter().filter(|line| line.contains("exit a")).count(), 1, "{log:?}");
    assert_eq!(stage.phase("b").await, Some(Phase::Running));
}
