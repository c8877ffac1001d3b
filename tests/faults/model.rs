//! A model server that misbehaves in every known way: each ends in a named outcome, streamed and whole.

mod ways;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use playhouse::prelude::*;
use playhouse::{Definition, Runtime, RuntimeOptions, StartRun};
use playhouse_tests::{Answer, AskedModel, Endpoint, Figure, Table};
use schemars::JsonSchema;
use serde::Deserialize;

use self::ways::{Way, ways};
use crate::plan::Plan;
use crate::trials::{Harm, Survived, Trials, Wrong};

const GROUP: &str = "model";
const WHAT: &str = "misbehaving model server, streamed and whole: each way ends as named";

/// No way takes that long: whatever stalls is ended by the deadline of its run.
const LIMIT: Duration = Duration::from_secs(60);

/// How long a run may take whose endpoint stalls.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many panics there were in this process.
static N_PANICS: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        N_PANICS.fetch_add(1, Ordering::Relaxed);
        shown(info);
    }));
    let before = peak_mib();
    let points =
        ways().into_iter().flat_map(|way| ["streamed", "whole"].map(|form| format!("{}:{form}", way.name)));
    let points: Vec<String> = points.collect();
    let at_least = points.len();
    // They mostly wait before they ask again: more of them at once than there are cores.
    Trials { group: GROUP, what: WHAT, points, at_least }.run_many(plan, table, 16, &cause);
    let n_panics = N_PANICS.load(Ordering::Relaxed);
    table.must_hold("panics while it misbehaves", "0", &n_panics.to_string(), n_panics == 0);
    if let Some(grown) = peak_mib().zip(before).map(|(after, before)| after - before) {
        let figure = Figure { measured: grown, floor: None, unit: "MiB" };
        table.at_most(
            "memory that its answers of up to 50 MiB add, with the server in the same process",
            512.0,
            figure,
        );
    }
}

/// Returns the most memory that this process ever had, where the system tells.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib / 1024.0)
}

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

fn definition(patience: Duration) -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("asker");
    let asker = scenario.agent("asker", |agent| agent.goal("Ask").tool(echo));
    scenario.crew(RoundRobin::new(), [&asker]).until(says("DONE")).limit(turns(3).or(active_for(patience)));
    scenario.build().unwrap().definition()
}

/// Answers in its way, until a tool was called: then everything is said.
fn answer(way: &Way, asked: &AskedModel) -> Answer {
    if asked.messages().iter().any(|message| message["role"] == "tool") {
        return Answer::say("The tool has answered. DONE");
    }
    way.answer.clone()
}

/// `WAY:FORM`.
fn cause(point: &str) -> Result<Survived, Wrong> {
    let unknown = || Wrong::new(Harm::Misbehaved, format!("`{point}` is not WAY:FORM"));
    let (name, form) = point.split_once(':').ok_or_else(unknown)?;
    let way = ways().into_iter().find(|way| way.name == name).ok_or_else(unknown)?;
    let (ends, stalls) = (way.ends, way.stalls);
    let endpoint = Endpoint::start(move |asked| answer(&way, asked));
    let dir = tempfile::tempdir().unwrap();
    let options = RuntimeOptions {
        base_url: Some(endpoint.base_url().to_owned()),
        model: Some("any-name".to_owned()),
        stream: form == "streamed",
        ..RuntimeOptions::new(dir.path())
    };
    let scenario = definition(if stalls { PATIENCE } else { LIMIT });
    let executor = playhouse::async_runtime().unwrap();
    let ended = executor.block_on(executor.spawn(async move {
        let runtime = Runtime::open_with(options).await.unwrap();
        let start = StartRun { input: "\"Begin.\"".to_owned(), seed: 1, model: None };
        let handle = runtime.start(scenario, start).await.unwrap();
        let ended = tokio::time::timeout(LIMIT, handle.finished()).await;
        runtime.close().await.unwrap();
        ended
    }));
    let Ok(Ok(Ok(end))) = ended else {
        return Err(Wrong::new(Harm::Misbehaved, "it never ends"));
    };
    let detail = end.row.outcome.as_ref().map_or("", |outcome| outcome.detail.as_str());
    if end.row.status == ends && !detail.is_empty() {
        return Ok(Survived::Same);
    }
    let text = format!("{:?} (`{detail}`) instead of {ends:?}, result {:?}", end.row.status, end.result);
    Err(Wrong::new(Harm::Different, text))
}
