//! Starting: normal, unwanted, failing, faulty descriptions, defaults.

use std::time::Duration;

use playhouse_runtime::{
    AdminError, Backoff, ChildKind, ChildSpec, Heartbeat, Intensity, Phase, PolicyFault, RestartPolicy,
    RestartType, SpecError, StopMode, Strategy, Supervisor, SupervisorArgs,
};
use ractor::Actor;

use super::world::{Order, Plan, World, at_once};

#[tokio::test(start_paused = true)]
async fn s01_a_crew_starts_and_ends_when_asked_and_leaves_no_task_behind() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let world = World::new();
    let stage =
        world.supervise(world.args(Strategy::OneForOne, vec![world.spec("a"), world.spec("b")])).await;
    assert_eq!(world.log(), ["start a1", "start b1"]);
    stage.shutdown().await;
    world.settle().await;
    assert_eq!(world.log(), ["stop b1", "stop a1"]);
    assert_eq!(tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn s02_a_child_that_is_not_wanted_is_listed_as_disabled_and_an_added_temporary_one_is_forgotten() {
    let world = World::new();
    let children = vec![world.planned("a", |_| Plan::Disabled), world.spec("b")];
    let stage = world.supervise(world.args(Strategy::OneForOne, children)).await;
    assert_eq!(stage.phase("a").await, Some(Phase::Disabled));
    let counts = stage.counts().await;
    assert_eq!((counts.specs, counts.running, counts.disabled), (2, 1, 1));
    let dynamic = |name, policy| ChildSpec { policy, ..world.planned(name, |_| Plan::Disabled) };
    assert_eq!(stage.add(dynamic("kept", RestartPolicy::transient())).await, Err(AdminError::Disabled));
    assert_eq!(stage.add(dynamic("gone", RestartPolicy::temporary())).await, Err(AdminError::Disabled));
    assert_eq!(stage.phase("kept").await, Some(Phase::Disabled));
    assert_eq!(stage.phase("gone").await, None);
    assert_eq!(world.reasons(), Vec::<String>::new(), "to be disabled is no failure");
}

#[tokio::test(start_paused = true)]
async fn s03_a_start_that_fails_panics_or_hangs_is_a_reason_and_takes_nobody_along() {
    let world = World::new();
    for (plan, why) in [
        (Plan::Fail, "not yet"),
        (Plan::Panic, "its start panicked: at the start"),
        (Plan::PanicWithNumber, "its start panicked: no text was given"),
        (Plan::PanicInside, "inside"),
        (Plan::Hang, "it did not start within 30s"),
    ] {
        let policy = RestartPolicy::temporary();
        let faulty = ChildSpec { policy, ..world.planned("faulty", move |_| plan) };
        let stage = world.supervise(world.args(Strategy::OneForOne, vec![faulty, world.spec("b")])).await;
        world.pass(ChildSpec::START_WITHIN).await;
        let reasons = world.reasons();
        assert!(matches!(reasons.as_slice(), [reason] if reason.contains(why)), "{plan:?}: {reasons:?}");
        assert_eq!(world.log(), ["start faulty1", "exit faulty1 StartFailed", "start b1"], "{plan:?}");
        assert_eq!(stage.counts().await.running, 1);
        stage.shutdown().await;
        world.log();
    }
}

#[tokio::test(start_paused = true)]
async fn s04_a_start_that_fails_at_boot_is_tried_again_and_beyond_its_bound_stops_those_before_in_reverse() {
    let world = World::new();
    let policy = at_once().max(1, Duration::from_secs(60));
    let faulty = ChildSpec { policy, ..world.planned("c", |_| Plan::Fail) };
    let children = vec![world.spec("a"), world.spec("b"), faulty, world.spec("d")];
    let stage = world.supervise(world.args(Strategy::RestForOne, children)).await;
    let expected = [
        "start a1",
        "start b1",
        "start c1",
        "exit c1 StartFailed",
        "start c2",
        "exit c2 StartFailed",
        "escalate c",
        "stop b1",
        "stop a1",
    ];
    let mut log = world.log();
    // The escalation is told beside the stops.
    log.sort_by_key(|line| expected.iter().position(|known| known == line));
    assert_eq!(log, expected);
    stage.supervisor.wait(None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s04_a_start_that_fails_on_a_manual_restart_or_in_an_added_child_is_answered_with_its_reason() {
    let world = World::new();
    let late = world.planned("late", |incarnation| if incarnation == 1 { Plan::Run } else { Plan::Fail });
    let late = ChildSpec { policy: at_once().max(0, Duration::from_secs(60)), ..late };
    let stage = world.supervise(world.args(Strategy::OneForOne, vec![late])).await;
    stage.terminate("late").await.unwrap();
    let failed = Err(AdminError::NotStarted("not yet".to_owned()));
    assert_eq!(stage.restart("late").await, failed);
    assert_eq!(stage.phase("late").await, Some(Phase::GivenUp));
    let added = ChildSpec { policy: RestartPolicy::temporary(), ..world.planned("added", |_| Plan::Fail) };
    assert_eq!(stage.add(added).await, failed);
    assert_eq!(stage.phase("added").await, None, "nothing is left of it");
}

#[test]
fn s05_faulty_descriptions_are_refused_by_name() {
    let world = World::new();
    let spec = || world.spec("a");
    let child = || "a".into();
    let policy = |source| SpecError::Policy { child: "a".into(), source };
    let with = |policy: RestartPolicy| ChildSpec { policy, ..spec() };
    let jitter = |jitter| with(at_once().backoff(Backoff { jitter, ..Backoff::default() }));
    let long = Backoff { first: Duration::from_secs(2), max: Duration::from_secs(1), jitter: 0.0 };
    let hasty = |every, patience| {
        let heartbeat =
            Heartbeat::new(Duration::from_secs(every), Duration::from_secs(patience), Order::Ping);
        ChildSpec { heartbeat: Some(heartbeat), ..spec() }
    };
    let cases = [
        (world.spec(""), SpecError::NoName),
        (with(at_once().max(1, Duration::ZERO)), policy(PolicyFault::Window)),
        (jitter(1.5), policy(PolicyFault::Jitter)),
        (jitter(f64::NAN), policy(PolicyFault::Jitter)),
        (with(at_once().backoff(long)), policy(PolicyFault::Backoff)),
        (ChildSpec { start_within: Duration::ZERO, ..spec() }, SpecError::NoTimeToStart { child: child() }),
        (hasty(0, 1), SpecError::NoTimeToAnswer { child: child() }),
        (hasty(1, 0), SpecError::NoTimeToAnswer { child: child() }),
    ];
    for (faulty, expected) in cases {
        assert_eq!(world.args(Strategy::OneForOne, vec![faulty]).check(), Err(expected));
    }
    let twice = world.args(Strategy::OneForOne, vec![spec(), world.spec("b"), spec()]);
    assert_eq!(twice.check(), Err(SpecError::Duplicate { child: child() }));
}

#[tokio::test(start_paused = true)]
async fn s05_a_supervisor_with_a_faulty_child_does_not_start_and_an_added_one_changes_nothing() {
    let world = World::new();
    let args = world.args(Strategy::OneForOne, vec![world.spec("a"), world.spec("a")]);
    let refused = Actor::spawn(None, Supervisor, args).await.unwrap_err();
    assert!(refused.to_string().contains("two children are named `a`"), "{refused}");
    assert_eq!(world.log(), Vec::<String>::new());
    let stage = world.run(Strategy::OneForOne, &["a"]).await;
    assert_eq!(stage.add(world.spec("")).await, Err(AdminError::Invalid(SpecError::NoName)));
    assert_eq!(stage.counts().await.specs, 1);
}

#[tokio::test(start_paused = true)]
async fn s05_every_combination_of_valid_values_starts_and_stops() {
    let world = World::new();
    let mut children = Vec::new();
    let heartbeat = Heartbeat::new(Duration::from_secs(1), Duration::from_secs(1), Order::Ping);
    for restart in [RestartType::Permanent, RestartType::Transient, RestartType::Temporary] {
        for stop in [StopMode::Kill, StopMode::Within(Duration::ZERO), StopMode::Forever] {
            for heartbeat in [None, Some(heartbeat.clone())] {
                for is_eager in [true, false] {
                    let policy = RestartPolicy { restart, ..at_once() };
                    let name = format!("c{}", children.len());
                    let spec = world.spec(&name);
                    children.push(ChildSpec { policy, stop, heartbeat: heartbeat.clone(), is_eager, ..spec });
                }
            }
        }
    }
    for strategy in [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll] {
        let stage = world.supervise(world.args(strategy, children.clone())).await;
        let counts = stage.counts().await;
        assert_eq!((counts.specs, counts.running), (36, 18), "{strategy:?}");
        stage.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s06_a_bound_over_no_time_is_refused_and_no_bound_at_all_is_no_number() {
    let world = World::new();
    let bound = |max_restarts, window| {
        let intensity = Some(Intensity { max_restarts, window });
        SupervisorArgs { intensity, ..world.args(Strategy::OneForOne, Vec::new()) }.check()
    };
    assert_eq!(bound(1, Duration::ZERO), Err(SpecError::Intensity { source: PolicyFault::Window }));
    assert_eq!(bound(0, Duration::ZERO), Ok(()), "no restart at all needs no time");
    assert_eq!(bound(10, Duration::from_secs(60)), Ok(()));
    // Without a bound over all no number of restarts is too many, neither the default nor any other.
    let policy = at_once().max(u32::MAX, Duration::from_secs(3600));
    let children = ["a", "b"].map(|name| ChildSpec { policy: policy.clone(), ..world.spec(name) });
    let args = SupervisorArgs { intensity: None, ..world.args(Strategy::OneForOne, children.to_vec()) };
    let stage = world.supervise(args).await;
    for _ in 0..200 {
        for name in ["a", "b"] {
            world.tell(name, Order::Fail).await;
        }
    }
    assert_eq!(stage.counts().await.running, 2);
    assert!(!world.log().iter().any(|line| line.starts_with("escalate")));
}

#[test]
fn s07_defaults_are_those_that_the_docs_name() {
    let world = World::new();
    let worker = world.spec("a");
    assert_eq!(worker.stop, StopMode::Within(Duration::from_secs(5)));
    assert_eq!((worker.kind, worker.is_eager), (ChildKind::Worker, true));
    assert_eq!(worker.start_within, Duration::from_secs(30));
    assert!(worker.heartbeat.is_none());
    let supervisor = world.supervisor_spec("s", world.args(Strategy::default(), Vec::new()));
    assert_eq!((supervisor.kind, supervisor.stop), (ChildKind::Supervisor, StopMode::Forever));
    let policy = RestartPolicy::default();
    assert_eq!((policy.restart, policy.max_restarts), (RestartType::Transient, 3));
    assert_eq!((policy.window, policy.healthy_after), (Duration::from_secs(60), Duration::from_secs(300)));
    let run = Intensity::default();
    assert_eq!((run.max_restarts, run.window), (10, Duration::from_secs(60)));
    assert_eq!(Strategy::default(), Strategy::OneForOne);
}
