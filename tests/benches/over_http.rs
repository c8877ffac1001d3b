//! A fresh agent that makes two model calls and one tool call over HTTP.

use std::sync::Arc;

use futures::{StreamExt, stream};
use playhouse::prelude::*;
use playhouse::{Definition, ModelName, Runtime, RuntimeOptions, StartRun};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Effort;
use crate::crew::{on_actors, on_one_thread};
use crate::floor::{self, Client, Form};
use crate::measure::{cpu, millis_each};
use crate::server::Server;
use playhouse_tests::{Figure, Table};

/// The size of the connection pool, and how many runs there are at once.
const POOL: usize = 64;

#[derive(Deserialize, JsonSchema)]
struct Echo {
    /// What to say again.
    text: String,
}

/// Says a text again.
#[tool(effect = "pure", timeout = "5s")]
async fn echo(args: Echo) -> Result<String, ToolError> {
    Ok(args.text)
}

fn scenario() -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("asker");
    let asker = scenario.agent("asker", |agent| agent.goal("Find out what the echo says").tool(echo));
    scenario.crew(RoundRobin::new(), [&asker]).until(says("DONE")).limit(turns(2));
    scenario.build().unwrap().definition()
}

pub(crate) fn measure(effort: Effort, table: &mut Table) {
    let mut most_connections = 0;
    for (form, factor) in [(Form::Whole, 1.0), (Form::Streamed, 1.5)] {
        let how = if form == Form::Whole { "whole" } else { "streamed" };
        for (n_at_once, target, n_runs) in [(1, 0.30, 2_000), (POOL, 0.15, 8_000)] {
            let (server, n_runs) = (Server::start(), effort.times(n_runs));
            let base_url = format!("http://{}/v1", server.address);
            let measured = on_actors(runs(base_url, form, n_at_once, n_runs));
            most_connections = most_connections.max(on_one_thread(floor::connections(&server.address)));
            let floor = on_one_thread(floor_of(&server, form, n_at_once, n_runs));
            let what = format!(
                "CPU per run over HTTP (2 model calls, 1 tool call), {how}, {n_at_once} at once, in memory"
            );
            table.at_most(&what, target * factor, Figure { measured, floor: Some(floor), unit: "ms" });
        }
    }
    let figure = Figure { measured: most_connections as f64, floor: None, unit: "" };
    table.at_most("connections open at once, with a pool of 64", POOL as f64, figure);
}

async fn runs(base_url: String, form: Form, n_at_once: usize, n_runs: usize) -> f64 {
    let options = RuntimeOptions {
        base_url: Some(base_url),
        stream: form == Form::Streamed,
        ..RuntimeOptions::ephemeral()
    };
    let runtime = Runtime::open_with(options).await.unwrap();
    let scenario = scenario();
    work(&runtime, &scenario, n_at_once, n_at_once).await;
    let before = cpu();
    work(&runtime, &scenario, n_at_once, n_runs).await;
    let used = cpu() - before;
    runtime.close().await.unwrap();
    millis_each(used, n_runs)
}

async fn work(runtime: &Runtime, scenario: &Arc<Definition>, n_at_once: usize, n_runs: usize) {
    let run = |_| async {
        let start =
            StartRun { input: "\"Begin.\"".to_owned(), seed: 1, model: Some(ModelName::new("bench")) };
        let end = runtime.start(Arc::clone(scenario), start).await.unwrap().finished().await.unwrap();
        assert_eq!(end.result.as_deref(), Some("\"It said hello. DONE\""), "{:?}", end.row.outcome);
    };
    stream::iter(0..n_runs).map(run).buffer_unordered(n_at_once).for_each(|()| async {}).await;
}

/// Makes the same calls with nothing but a client and JSON.
async fn floor_of(server: &Server, form: Form, n_at_once: usize, n_runs: usize) -> f64 {
    let clients = (0..n_at_once).map(|_| Client::connect(&server.address));
    let clients = futures::future::join_all(clients).await;
    let before = cpu();
    let tasks = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            for _ in 0..n_runs / n_at_once {
                client.run(form).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    millis_each(cpu() - before, n_runs / n_at_once * n_at_once)
}
