//! Turns of scripted agents, with nothing but the runtime between them.

use std::sync::Arc;
use std::time::Duration;

use playhouse::prelude::*;
use playhouse::{BusEvent, Definition, Event, Runtime, RuntimeOptions, StartRun, StreamItem};

use crate::Effort;
use crate::floor;
use crate::measure::{cpu, millis_each};
use playhouse_tests::{Figure, Table};

/// The agents of the crew.
const AGENTS: [&str; 4] = ["ann", "ben", "cora", "dan"];

/// A crew of four that takes turns, `n_turns` of them.
pub(crate) fn round_robin(n_turns: u32) -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("round-robin");
    let agents = AGENTS.map(|name| {
        scenario.agent(name, |agent| {
            agent
                .script(|request: &ModelRequest, _: &ScriptContext| format!("This is turn {}.", request.turn))
        })
    });
    scenario.crew(RoundRobin::new(), &agents).until(turns(n_turns)).limit(turns(n_turns + 1));
    scenario.build().unwrap().definition()
}

/// Runs a scenario without a model to its end.
pub(crate) async fn run(runtime: &Runtime, scenario: &Arc<Definition>) {
    let start = StartRun { input: "\"Begin.\"".to_owned(), seed: 1, model: None };
    let end = runtime.start(Arc::clone(scenario), start).await.unwrap().finished().await.unwrap();
    assert_eq!(end.row.status.as_str(), "concluded", "{:?}", end.row.outcome);
}

/// Does something as the command line does: on the async runtime of actors, within a task.
pub(crate) fn on_actors<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let executor = playhouse::async_runtime().unwrap();
    executor.block_on(executor.spawn(work)).unwrap()
}

/// Does something as cheaply as that can be: on one thread.
pub(crate) fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

pub(crate) fn measure(effort: Effort, table: &mut Table) {
    let measured = on_actors(short_runs(effort.times(50)));
    let floor = on_one_thread(floor::turns(effort.times(50), 80));
    let figure = Figure { measured, floor: Some(floor), unit: "ms" };
    table.at_most("CPU per turn: round robin, 4 scripted agents, 80 turns, in memory", 0.20, figure);

    let early = on_actors(between(20, 5, 15, effort.times(60)));
    let late = on_actors(between(2_060, 1_950, 2_050, effort.times(5)));
    eprintln!("turn 10: {early:.4} ms, turn 2,000: {late:.4} ms");
    let floor = |n_turns, n_runs| on_one_thread(floor::turns(n_runs, n_turns));
    let growth = floor(2_000, effort.times(20)) / floor(20, effort.times(2_000));
    let target = 1.5 + (growth - 1.0).max(0.0);
    let figure = Figure { measured: late / early, floor: Some(growth), unit: "" };
    table.at_most("CPU of turn 2,000 against turn 10 (1.5 and the floor's growth)", target, figure);
}

async fn open() -> Runtime {
    Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap()
}

async fn short_runs(n_runs: usize) -> f64 {
    let (runtime, scenario) = (open().await, round_robin(80));
    run(&runtime, &scenario).await;
    let before = cpu();
    for _ in 0..n_runs {
        run(&runtime, &scenario).await;
    }
    let used = cpu() - before;
    runtime.close().await.unwrap();
    millis_each(used, n_runs * 80)
}

/// Returns the milliseconds of a turn between two turns of a run, watched from outside, over several runs.
async fn between(n_turns: u32, from: u32, to: u32, n_runs: usize) -> f64 {
    let (runtime, scenario) = (open().await, round_robin(n_turns));
    let mut total = Duration::ZERO;
    for _ in 0..n_runs {
        let mut events = runtime.events();
        let watching = tokio::spawn(async move {
            let mut began = Duration::ZERO;
            while let Some(item) = events.next().await {
                let StreamItem::Event(BusEvent::Recorded(record)) = item else { continue };
                match &record.event {
                    Event::TurnEnded { turn, .. } if turn.0 == from => began = cpu(),
                    Event::TurnEnded { turn, .. } if turn.0 == to => return cpu() - began,
                    _ => {}
                }
            }
            panic!("the run ended before turn {to}")
        });
        run(&runtime, &scenario).await;
        total += watching.await.unwrap();
    }
    runtime.close().await.unwrap();
    millis_each(total, n_runs * (to - from) as usize)
}
