//! Restarts: which exits, which siblings, after which wait, with which reasons.

use std::time::Duration;

use playhouse_runtime::{Backoff, ChildSpec, Phase, RestartPolicy, RestartType, Strategy, SupervisorMsg};

use super::world::{Order, Plan, World, at_once};

#[tokio::test(start_paused = true)]
async fn s11_a_restart_follows_from_the_restart_type_and_the_kind_of_exit() {
    use RestartType::{Permanent, Temporary, Transient};
    for (restart, [ended, killed, failed]) in
        [(Permanent, [true; 3]), (Transient, [false, true, true]), (Temporary, [false; 3])]
    {
        for (exit, is_restarted) in [("Normal", ended), ("Killed", killed), ("Failed", failed)] {
            let world = World::new();
            let policy = RestartPolicy { restart, ..at_once() };
            let spec = ChildSpec { policy, ..world.spec("a") };
            let stage = world.supervise(world.args(Strategy::OneForOne, vec![spec])).await;
            match exit {
                "Normal" => world.tell("a", Order::End).await,
                "Failed" => world.tell("a", Order::Fail).await,
                _ => world.child("a").kill(),
            }
            world.settle().await;
            let phase = if is_restarted { Phase::Running } else { Phase::Idle };
            assert_eq!(stage.phase("a").await, Some(phase), "{restart:?} {exit}");
            let is_reported = world.log().contains(&format!("exit a1 {exit}"));
            assert_eq!(is_reported, is_restarted || exit != "Normal", "{restart:?} {exit}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s11_a_child_that_ended_as_it_should_starts_again_when_it_is_asked_for() {
    let world = World::new();
    let stage = world.run(Strategy::OneForOne, &["a"]).await;
    world.tell("a", Order::End).await;
    for _ in 0..2 {
        stage.supervisor.send_message(SupervisorMsg::Start { child: "a".into() }).unwrap();
    }
    world.settle().await;
    assert_eq!(world.log(), ["stop a1", "start a2"], "once, although it was asked for twice");
}

#[tokio::test(start_paused = true)]
async fn s12_a_strategy_says_who_restarts_and_the_others_keep_what_waits_for_them() {
    for (strategy, restarted) in [
        (Strategy::OneForOne, vec!["b"]),
        (Strategy::RestForOne, vec!["b", "c"]),
        (Strategy::OneForAll, vec!["a", "b", "c"]),
    ] {
        let world = World::new();
        let stage = world.run(strategy, &["a", "b", "c"]).await;
        let before = ["a", "b", "c"].map(|name| world.child(name).get_id());
        // What waits in the mailbox of one that is not restarted is worked off by the same incarnation.
        world.child("a").send_message(Order::Wait(Duration::from_secs(1))).unwrap();
        world.tell("b", Order::Panic).await;
        world.pass(Duration::from_secs(2)).await;
        let after = ["a", "b", "c"].map(|name| world.child(name).get_id());
        for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
            assert_eq!(before[index] != after[index], restarted.contains(&name), "{strategy:?} {name}");
        }
        assert_eq!(stage.counts().await.running, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn s14_a_second_failure_in_the_middle_of_a_group_restart_neither_hangs_nor_counts_twice() {
    for strategy in [Strategy::RestForOne, Strategy::OneForAll] {
        let world = World::new();
        // Its first restart fails: the group begins again.
        let faulty = world.planned("b", |incarnation| if incarnation == 2 { Plan::Fail } else { Plan::Run });
        let children = vec![world.spec("a"), ChildSpec { policy: at_once(), ..faulty }, world.spec("c")];
        let stage = world.supervise(world.args(strategy, children)).await;
        world.tell("c", Order::Wait(Duration::from_secs(2))).await;
        world.child("c").send_message(Order::Panic).unwrap();
        world.tell("a", Order::Panic).await;
        world.pass(Duration::from_secs(3)).await;
        assert_eq!(stage.counts().await.running, 3, "{strategy:?}");
        let log = world.log();
        let exits: Vec<_> = log.iter().filter(|line| line.starts_with("exit")).collect();
        assert_eq!(exits, ["exit a1 Failed", "exit c1 Failed", "exit b2 StartFailed"], "{strategy:?}");
        let escalations = log.iter().filter(|line| line.starts_with("escalate")).count();
        assert_eq!(escalations, 0, "{strategy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s14_several_failures_at_once_restart_each_child_once() {
    let world = World::new();
    let stage = world.run(Strategy::OneForAll, &["a", "b", "c"]).await;
    for name in ["a", "b", "c"] {
        world.child(name).send_message(Order::Panic).unwrap();
    }
    world.settle().await;
    assert_eq!(stage.counts().await.running, 3);
    let starts: Vec<_> = world.log().into_iter().filter(|line| line.starts_with("start")).collect();
    assert_eq!(starts, ["start a2", "start b2", "start c2"]);
}

#[tokio::test(start_paused = true)]
async fn s15_a_restart_that_says_it_is_not_wanted_any_more_disables_the_child() {
    let world = World::new();
    let stage = world.run(Strategy::OneForOne, &[]).await;
    let plan = |incarnation| if incarnation == 1 { Plan::Run } else { Plan::Disabled };
    stage.add(world.planned("a", plan)).await.unwrap();
    world.tell("a", Order::Panic).await;
    assert_eq!(stage.phase("a").await, Some(Phase::Disabled));
}

#[tokio::test(start_paused = true)]
async fn s15_the_exit_of_an_actor_that_is_no_child_changes_nothing() {
    let world = World::new();
    let elsewhere = world.run(Strategy::OneForOne, &["stranger"]).await;
    let stranger = world.child("stranger");
    let stage = world.run(Strategy::OneForAll, &["a"]).await;
    stranger.link(stage.supervisor.get_cell());
    world.tell("stranger", Order::Panic).await;
    assert_eq!(world.log(), Vec::<String>::new());
    assert_eq!(stage.phases().await, [("a".to_owned(), Phase::Running)]);
    drop(elsewhere);
}

#[tokio::test(start_paused = true)]
async fn s19_a_temporary_child_that_a_group_restart_takes_along_does_not_come_back() {
    let world = World::new();
    let bystander = ChildSpec { policy: RestartPolicy::temporary(), ..world.spec("t") };
    let children = vec![world.spec("a"), bystander, world.spec("c")];
    let stage = world.supervise(world.args(Strategy::OneForAll, children)).await;
    world.log();
    world.tell("a", Order::Panic).await;
    let expected = ["exit a1 Failed", "stop c1", "stop t1", "start a2", "start c2"];
    assert_eq!(world.log(), expected);
    assert_eq!(stage.phase("t").await, Some(Phase::Idle));
}

#[tokio::test(start_paused = true)]
async fn s28_every_exit_names_its_child_incarnation_kind_and_reason_before_the_next_start() {
    let world = World::new();
    let _stage = world.run(Strategy::OneForOne, &["a"]).await;
    world.tell("a", Order::Panic).await;
    world.tell("a", Order::Fail).await;
    world.pass(Duration::from_secs(60)).await;
    world.child("a").kill();
    world.settle().await;
    let expected = ["exit a1 Failed", "start a2", "exit a2 Failed", "start a3", "exit a3 Killed", "start a4"];
    assert_eq!(world.log(), expected);
    assert_eq!(world.reasons(), ["as told", "as told", "killed"]);
}

#[tokio::test(start_paused = true)]
async fn s29_waits_between_restarts_double_with_jitter_and_begin_anew_after_health() {
    let world = World::new();
    let backoff = Backoff { first: Duration::from_secs(4), max: Duration::from_secs(10), jitter: 0.5 };
    let policy = RestartPolicy { healthy_after: Duration::from_secs(50), ..RestartPolicy::default() };
    let policy = policy.max(100, Duration::from_secs(60)).backoff(backoff);
    let specs = ["a", "b"].map(|name| ChildSpec { policy: policy.clone(), ..world.spec(name) });
    let stage = world.supervise(world.args(Strategy::OneForOne, specs.to_vec())).await;
    let mut waits = Vec::new();
    for name in ["a", "b"] {
        for _ in 0..4 {
            let before = world.now();
            world.child(name).send_message(Order::Panic).unwrap();
            world.settle().await;
            while stage.phase(name).await != Some(Phase::Running) {
                world.pass(Duration::from_millis(10)).await;
            }
            waits.push((world.now() - before).as_millis());
        }
    }
    // At once, then 4, 8 and 10 seconds, of which up to a half is random.
    for (wait, (least, most)) in
        waits.iter().zip([(0, 2), (2_000, 4_012), (4_000, 8_012), (5_000, 10_012)].iter().cycle())
    {
        assert!((least..=most).contains(&wait), "{waits:?}");
    }
    assert_ne!(waits[1..4], waits[5..8], "each child draws its own: a storm spreads");
    world.pass(Duration::from_secs(50)).await;
    world.tell("a", Order::Panic).await;
    assert_eq!(stage.phase("a").await, Some(Phase::Running), "after health the first restart is at once");
}

#[tokio::test(start_paused = true)]
async fn s29_children_of_one_name_below_many_supervisors_do_not_restart_in_step() {
    let world = World::new();
    let backoff = Backoff { first: Duration::from_secs(10), max: Duration::from_secs(10), jitter: 1.0 };
    let mut stages = Vec::new();
    for _ in 0..20 {
        let spec = ChildSpec { policy: RestartPolicy::default().backoff(backoff), ..world.spec("clerk") };
        let stage = world.supervise(world.args(Strategy::OneForOne, vec![spec])).await;
        world.tell("clerk", Order::Panic).await;
        assert_eq!(stage.phase("clerk").await, Some(Phase::Running), "the first restart is at once");
        stages.push((stage, world.child("clerk")));
    }
    for (_, clerk) in &stages {
        clerk.send_message(Order::Panic).unwrap();
    }
    world.pass(Duration::from_secs(5)).await;
    let mut n_running = 0;
    for (stage, _) in &stages {
        n_running += usize::from(stage.phase("clerk").await == Some(Phase::Running));
    }
    assert!((1..20).contains(&n_running), "{n_running} of 20 restarted within half the wait");
}
