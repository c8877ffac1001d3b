//! Many children, and many that come and go: nothing grows, nothing is kept.

use std::sync::{Arc, Weak};

use futures::StreamExt;
use playhouse_runtime::{ChildCounts, ChildSpec, Phase, RestartPolicy, StartChild, Strategy};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::world::{Order, World, at_once};

/// An actor that ends by itself when it is told to, without a word.
struct Quiet;

impl Actor for Quiet {
    type Msg = Order;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Order>, (): ()) -> Result<(), ActorProcessingErr> {
        // One in its mailbox from the beginning: it ends as soon as it runs, if it is one of those.
        drop(myself);
        Ok(())
    }

    async fn handle(&self, myself: ActorRef<Order>, _: Order, (): &mut ()) -> Result<(), ActorProcessingErr> {
        myself.stop(None);
        Ok(())
    }
}

/// Describes a quiet child that carries `luggage` in its start.
fn quiet(name: String, policy: RestartPolicy, luggage: Arc<String>) -> ChildSpec {
    let start: StartChild = Arc::new(move |start| {
        let luggage = Arc::clone(&luggage);
        Box::pin(async move {
            let spawned = Actor::spawn_linked(None, Quiet, (), start.supervisor).await;
            drop(luggage);
            Ok(spawned.map_err(|error| error.to_string())?.0.get_cell())
        })
    });
    ChildSpec::worker(name, policy, start)
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn s22_a_hundred_thousand_temporary_children_come_and_go_and_nothing_grows() {
    let world = World::new();
    let stage = world.run(Strategy::OneForOne, &["stays"]).await;
    let before = tasks();
    let luggage = Arc::new("args".to_owned());
    let cycle = |number: u32| {
        let (stage, luggage) = (&stage, Arc::clone(&luggage));
        async move {
            let name = number.to_string();
            stage.add(quiet(name.clone(), RestartPolicy::temporary(), luggage)).await.unwrap();
            stage.terminate(&name).await.unwrap();
        }
    };
    futures::stream::iter(0..100_000).for_each_concurrent(100, cycle).await;
    world.settle().await;
    assert_eq!(stage.counts().await, ChildCounts { specs: 1, running: 1, ..ChildCounts::default() });
    assert_eq!(tasks(), before);
    assert_eq!(Arc::strong_count(&luggage), 1, "what their starts held is gone");
}

#[tokio::test(start_paused = true)]
async fn s23_what_a_temporary_child_was_started_with_is_gone_when_it_has_ended() {
    let world = World::new();
    let stage = world.run(Strategy::OneForOne, &[]).await;
    let luggage = Arc::new("secret".to_owned());
    let held: Weak<String> = Arc::downgrade(&luggage);
    stage.add(quiet("t".to_owned(), RestartPolicy::temporary(), luggage)).await.unwrap();
    assert!(held.upgrade().is_some(), "it runs");
    stage.supervisor.get_children()[0].kill();
    world.settle().await;
    assert!(held.upgrade().is_none());
    assert_eq!(stage.phase("t").await, None);
    assert_eq!(world.log(), ["exit t1 Killed"]);
}

#[tokio::test(start_paused = true)]
async fn s24_ten_thousand_children_start_in_order_and_stop_in_reverse() {
    const COUNT: usize = 10_000;
    let world = World::new();
    let children =
        (0..COUNT).map(|number| ChildSpec { policy: at_once(), ..world.spec(&format!("c{number}-")) });
    let stage = world.supervise(world.args(Strategy::OneForOne, children.collect())).await;
    assert_eq!(stage.counts().await.running, COUNT);
    let started: Vec<String> = (0..COUNT).map(|number| format!("start c{number}-1")).collect();
    assert!(world.log() == started, "not in order");
    // Admin calls by name find their child among all.
    stage.terminate("c5000-").await.unwrap();
    stage.restart("c5000-").await.unwrap();
    assert_eq!(stage.phase("c5000-").await, Some(Phase::Running));
    world.log();
    stage.shutdown().await;
    let stopped: Vec<String> = (0..COUNT)
        .rev()
        .map(|number| format!("stop c{number}-{}", if number == 5_000 { 2 } else { 1 }))
        .collect();
    assert!(world.log() == stopped, "not in reverse");
}
