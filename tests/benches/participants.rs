//! What a turn costs in crews of two to a thousand.

use std::sync::Arc;
use std::time::Duration;

use playhouse::prelude::*;
use playhouse::{BusEvent, Definition, Event, Runtime, RuntimeOptions, StreamItem};
use playhouse_tests::{Figure, Table};

use crate::Effort;
use crate::crew::{on_actors, run};
use crate::measure::{cpu, millis_each};

/// The turns that are measured: all agents of the largest crew have spoken before.
const FROM: u32 = 1_050;
const TO: u32 = 3_050;

pub(crate) fn measure(effort: Effort, table: &mut Table) {
    let costs = [2, 10, 100, 1_000].map(|n_agents| on_actors(turn(n_agents, effort.times(10))));
    let [two, ten, hundred, thousand] = costs;
    eprintln!("2: {two:.4} ms, 10: {ten:.4} ms, 100: {hundred:.4} ms, 1,000: {thousand:.4} ms");
    for (n_agents, cost) in [("10", ten), ("100", hundred), ("1,000", thousand)] {
        let what = format!("CPU of a turn with {n_agents} participants against one with 2");
        table.at_most(&what, 1.5, Figure { measured: cost / two, floor: None, unit: "" });
    }
}

fn crew_of(n_agents: usize) -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("large");
    let agents: Vec<_> = (0..n_agents)
        .map(|place| {
            scenario.agent(&format!("agent-{place}"), |agent| {
                agent.script(|request: &ModelRequest, _: &ScriptContext| {
                    format!("This is turn {}.", request.turn)
                })
            })
        })
        .collect();
    scenario.crew(RoundRobin::new(), &agents).until(turns(TO + 10)).limit(turns(TO + 11));
    scenario.build().unwrap().definition()
}

/// Returns the milliseconds of a turn, over several runs.
async fn turn(n_agents: usize, n_runs: usize) -> f64 {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let scenario = crew_of(n_agents);
    let mut total = Duration::ZERO;
    for _ in 0..n_runs {
        let mut events = runtime.events();
        let watching = tokio::spawn(async move {
            let mut began = Duration::ZERO;
            while let Some(item) = events.next().await {
                let StreamItem::Event(BusEvent::Recorded(record)) = item else { continue };
                match &record.event {
                    Event::TurnEnded { turn, .. } if turn.0 == FROM => began = cpu(),
                    Event::TurnEnded { turn, .. } if turn.0 == TO => return cpu() - began,
                    _ => {}
                }
            }
            panic!("the run ended before turn {TO}")
        });
        run(&runtime, &scenario).await;
        total += watching.await.unwrap();
    }
    runtime.close().await.unwrap();
    millis_each(total, n_runs * (TO - FROM) as usize)
}
