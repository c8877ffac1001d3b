//! `playhouse replay`: whether a run is what its records lead to.

use clap::Args;
use playhouse_types::ExitCode;
use serde::Serialize;

use super::command_error::CommandError;
use super::output::{print, print_json};
use super::session::{Session, close};
use super::table::{table, trim};
use crate::replay::{Deviation, Replayed};
use crate::view::one_line;

/// How many characters of a record are shown.
const RECORD_CHARS: usize = 300;

/// How many deviations of one run a person is shown; `--json` prints all.
const N_SHOWN: usize = 10;

/// Folds a run or batch again and derives every decision anew; calls no model, tool or probe
#[derive(Args, Debug)]
pub(super) struct ReplayArgs {
    /// The run or batch: its id, the beginning or end of it, or `last`
    run: String,
}

/// Replays a run; 1 if it is not what its records lead to.
pub(super) async fn replay(session: &Session<'_>, args: &ReplayArgs) -> Result<ExitCode, CommandError> {
    let opened = session.read_run(&args.run).await?;
    let find = |name: &playhouse_types::ScenarioName, parameters: &str| {
        session.stored_definition(name.as_str(), parameters)
    };
    let code = match opened.runtime.replay(opened.row.run, &find).await {
        Ok(replayed) => print_replayed(session, &replayed),
        Err(error) => Err(error.into()),
    };
    close(opened.runtime, code).await
}

fn print_replayed(session: &Session<'_>, replayed: &Replayed) -> Result<ExitCode, CommandError> {
    if session.is_json() {
        print_json(&ReplayedJson::from(replayed))?;
    } else {
        print(&text(replayed))?;
    }
    Ok(if replayed.is_equal() { ExitCode::Concluded } else { ExitCode::Failed })
}

/// Shows a replay for a person: a table, then what deviates.
fn text(replayed: &Replayed) -> String {
    let mut shown = table(["RUN", "CASE", "RECORDS", "TURNS", "DECISIONS", "CHANGED", "DIFFERENCES"]);
    let runs = || std::iter::once(replayed).chain(&replayed.cases);
    for run in runs() {
        shown.add_row([
            run.run.to_string(),
            run.case.as_ref().map(ToString::to_string).unwrap_or_default(),
            run.n_records.to_string(),
            run.n_turns.to_string(),
            run.n_decisions.to_string(),
            run.changed.len().to_string(),
            (run.differences.len() + run.damage.len()).to_string(),
        ]);
    }
    let details: String = runs().map(details).collect();
    let verdict = if !replayed.is_equal() {
        "this is not what the records lead to"
    } else if runs().any(|run| !run.changed.is_empty()) {
        "equal, but for what an earlier definition of the scenario decided"
    } else {
        "equal"
    };
    format!("{}\n{details}{verdict}\n", trim(&shown))
}

fn details(run: &Replayed) -> String {
    let mut lines: Vec<String> =
        run.damage.iter().map(|what| format!("damaged: {}", one_line(what, RECORD_CHARS))).collect();
    lines.extend(deviations("different", &run.differences));
    lines.extend(deviations("changed", &run.changed));
    if lines.is_empty() {
        return String::new();
    }
    format!("run {}\n  {}\n\n", run.run, lines.join("\n  "))
}

fn deviations(word: &str, deviations: &[Deviation]) -> Vec<String> {
    let line = |deviation: &Deviation| {
        format!(
            "{word}: record {} ({})\n    expected {}\n    found    {}",
            deviation.seq,
            deviation.key,
            one_line(&deviation.expected, RECORD_CHARS),
            one_line(&deviation.found, RECORD_CHARS)
        )
    };
    let mut lines: Vec<String> = deviations.iter().take(N_SHOWN).map(line).collect();
    if deviations.len() > N_SHOWN {
        lines.push(format!("{word}: {} more", deviations.len() - N_SHOWN));
    }
    lines
}

/// A replay as `replay --json` shows it.
#[derive(Serialize)]
struct ReplayedJson<'a> {
    run: String,
    scenario: &'a str,
    case: Option<&'a str>,
    records: usize,
    turns: usize,
    decisions: usize,
    equal: bool,
    changed: Vec<DeviationJson<'a>>,
    differences: Vec<DeviationJson<'a>>,
    damage: &'a [String],
    cases: Vec<Self>,
}

#[derive(Serialize)]
struct DeviationJson<'a> {
    seq: u64,
    key: String,
    expected: &'a str,
    found: &'a str,
}

impl<'a> From<&'a Replayed> for ReplayedJson<'a> {
    fn from(replayed: &'a Replayed) -> Self {
        Self {
            run: replayed.run.to_string(),
            scenario: replayed.scenario.as_str(),
            case: replayed.case.as_ref().map(playhouse_types::CaseName::as_str),
            records: replayed.n_records,
            turns: replayed.n_turns,
            decisions: replayed.n_decisions,
            equal: replayed.is_equal(),
            changed: replayed.changed.iter().map(DeviationJson::from).collect(),
            differences: replayed.differences.iter().map(DeviationJson::from).collect(),
            damage: &replayed.damage,
            cases: replayed.cases.iter().map(Self::from).collect(),
        }
    }
}

impl<'a> From<&'a Deviation> for DeviationJson<'a> {
    fn from(deviation: &'a Deviation) -> Self {
        let Deviation { seq, key, expected, found } = deviation;
        Self { seq: seq.0, key: key.to_string(), expected, found }
    }
}
