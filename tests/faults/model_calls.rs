//! How many model calls a crash repeats: at most those in flight, none that was finished.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use playhouse_tests::{Answer, AskedModel, Endpoint, Limited, Playhouse, Reply, Table};
use rand::Rng;
use serde_json::json;

use crate::crew::LIMIT;
use crate::plan::Plan;
use crate::trials::{Harm, Survived, Trials, Wrong};

const GROUP: &str = "calls";

/// How many tools are called, one after another; the agent then says that it is done.
const N_STEPS: usize = 5;

/// The longest time until the kill: about as long as the run takes.
const MAX_MICROS: u64 = 250_000;

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    let mut random = plan.random(GROUP);
    let points = (0..plan.count(200, 20)).map(|_| random.random_range(0..MAX_MICROS).to_string()).collect();
    let what = "model calls repeated per kill of the process: at most the one in flight, 0 of the finished";
    Trials { group: GROUP, what, points, at_least: plan.count(40, 2) }.run(plan, table, &cause);
}

/// Counts how often each step was asked for, by how long the conversation was.
fn script(asked: &AskedModel, steps: &Mutex<Vec<usize>>) -> Answer {
    let step = asked.messages().iter().filter(|message| message["role"] == "tool").count();
    steps.lock().unwrap().push(step);
    if step < N_STEPS {
        Answer::Reply(Reply::call("echo", &json!({ "text": format!("step {step}") })))
    } else {
        Answer::say("DONE")
    }
}

/// `MICROSECONDS` until the kill.
fn cause(point: &str) -> Result<Survived, Wrong> {
    let micros = point.parse();
    let micros = micros.map_err(|_| Wrong::new(Harm::Misbehaved, format!("`{point}` is no time")))?;
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let endpoint = Endpoint::start(move |asked| script(asked, &seen));
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"))
        .with("OPENAI_BASE_URL", endpoint.base_url());
    let start = ["run", "asker", "--json", "--no-input", "--model", "any-name"];
    let process = Limited::start(playhouse.command(&start));
    if process.ends_within(Duration::from_micros(micros)) {
        return Ok(Survived::Unreached);
    }
    let killed = process.kill();
    let is_admitted = playhouse.run(&["runs", "--json"]).with_code(0).json() != json!([]);
    let next: &[&str] = if is_admitted { &["resume", "--all", "--json"] } else { &start };
    let finished = Limited::start(playhouse.command(next)).finish_within(LIMIT);
    let finished = finished.ok_or_else(|| Wrong::new(Harm::Misbehaved, "hangs"))?;
    let has_ended_before = is_admitted && finished.stdout.trim() == "[]";
    if finished.code != Some(0) || !(has_ended_before || finished.stdout.contains("DONE")) {
        return Err(Wrong::new(Harm::Misbehaved, format!("{finished:?} after {killed:?}")));
    }
    let steps = steps.lock().unwrap().clone();
    let n_repeated = steps.len().saturating_sub(N_STEPS + 1);
    if n_repeated > 1 || (0..=N_STEPS).any(|step| !steps.contains(&step)) {
        return Err(Wrong::new(Harm::Duplicated, format!("asked for steps {steps:?}")));
    }
    Ok(Survived::Same)
}
