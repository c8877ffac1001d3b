use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use playhouse_coordinator::{Assignment, ConversationView, Pattern, PatternDecision};
use playhouse_journal::{Event, Record};
use playhouse_messages::{RunFacts, RunLog};
use playhouse_storage::Snapshot;
use playhouse_types::Seq;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FOLD_VERSION, RunFold, Unusable};
use crate::definition::Definition;
use crate::host::{Runtime, RuntimeOptions, StartRun};
use crate::prelude::{
    ModelRequest, RoundRobin, Scenario, ScriptContext, ScriptReply, ToolContext, ToolError, says, tool, turns,
};
use crate::test_records::{RUN, short_run};

/// Rewrites the stored sample: for a fold version that is not released yet.
const UPDATE: &str = "PLAYHOUSE_UPDATE_SAMPLES";

const N_TURNS: u32 = 10;

#[derive(Serialize, Deserialize, JsonSchema)]
struct Room {
    number: u64,
}

/// Books a room, of which every third is taken.
#[tool(crate = crate, effect = "idempotent", intent = "number", retries = 0)]
async fn book(args: Room, _ctx: &ToolContext) -> Result<String, ToolError> {
    match args.number % 3 {
        0 => Err(ToolError::NotDone("taken".to_owned())),
        _ => Ok(format!("room {} is booked", args.number)),
    }
}

/// Does a few things at random, as the seed has it.
fn guest(request: &ModelRequest, ctx: &ScriptContext) -> ScriptReply {
    let room = |ctx: &ScriptContext| Room { number: ctx.below(5) };
    match (request.exchanges().len(), ctx.below(3)) {
        (0, 0) | (1, 1) => ScriptReply::call("book", &room(ctx)),
        (0, 1) => ScriptReply::call("book", &room(ctx)).and_call("book", &room(ctx)),
        (1, 0) => ScriptReply::call("read", &room(ctx)),
        _ => ScriptReply::say(format!("{} says {}", request.agent, ctx.below(1_000))),
    }
}

/// Gives the floor to one or to all, by how many messages it has heard.
#[derive(Clone, Default)]
struct ByHearing {
    n_heard: u8,
    is_saved: bool,
}

impl Pattern for ByHearing {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        let n_speakers = if self.n_heard.is_multiple_of(3) { view.agents.len() } else { 1 };
        let assign = |speaker| Assignment::new(speaker, format!("{} heard", self.n_heard));
        PatternDecision::Speak(view.agents.iter().take(n_speakers).cloned().map(assign).collect())
    }

    fn apply(&mut self, event: &Event) {
        self.n_heard += u8::from(matches!(event, Event::MessagePosted { .. }));
    }

    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }

    fn save(&self) -> Option<Vec<u8>> {
        self.is_saved.then(|| vec![self.n_heard])
    }

    fn restore(&mut self, state: &[u8]) -> bool {
        state.iter().for_each(|n_heard| self.n_heard = *n_heard);
        state.len() == 1
    }
}

fn definition(pattern: impl Pattern + 'static) -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("demo");
    let agents = ["clerk", "auditor", "cashier"]
        .map(|name| scenario.agent(name, |agent| agent.tool(book).script(guest)));
    scenario.crew(pattern, &agents).until(says("CLOSED").or(turns(N_TURNS))).limit(turns(100));
    scenario.build().unwrap().definition()
}

/// Runs a crew and returns its journal.
async fn journal(definition: &Arc<Definition>, seed: u64) -> Vec<Record> {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let start = StartRun { input: "\"go\"".to_owned(), seed, model: None };
    let handle = runtime.start(Arc::clone(definition), start).await.unwrap();
    let run = handle.run;
    handle.finished().await.unwrap();
    let records = runtime.journal().records(run, Seq(0), usize::MAX).await.unwrap();
    runtime.close().await.unwrap();
    records
}

/// Folds records on top of what log and fold hold already.
fn fold_on(log: &RunLog, fold: &mut RunFold, records: &[Record]) {
    for record in records {
        log.push(Arc::new(record.clone()));
        fold.apply(record);
    }
}

fn folded(definition: &Definition, records: &[Record]) -> (RunLog, RunFold) {
    let (log, mut fold) = (RunLog::new(records[0].run), RunFold::new(definition));
    fold_on(&log, &mut fold, records);
    (log, fold)
}

fn snapshot_at(definition: &Definition, records: &[Record]) -> Snapshot {
    let (log, fold) = folded(definition, records);
    fold.to_snapshot(&log).unwrap()
}

#[tokio::test]
async fn a_snapshot_at_any_record_and_the_tail_come_to_the_same_state_as_all_records() {
    for seed in 0..8 {
        let definition = definition(ByHearing { n_heard: 0, is_saved: true });
        let records = journal(&definition, seed).await;
        let whole = snapshot_at(&definition, &records);
        let has_repeated =
            records.iter().any(|r| matches!(r.event, Event::ToolResult { recovered: true, .. }));
        assert!(seed > 0 || has_repeated, "the journals are to hold effects that were meant twice");
        for at in 1..=records.len() {
            let snapshot = snapshot_at(&definition, &records[..at]);
            let restored = RunFold::from_snapshot(&snapshot, &definition).unwrap();
            let (first, newest) = (Arc::new(records[0].clone()), Arc::new(records[at - 1].clone()));
            let mut fold = restored.fold;
            let log = RunLog::with_base(first, newest, restored.messages, fold.facts().clone());
            fold_on(&log, &mut fold, &records[at..]);
            assert_eq!(fold.to_snapshot(&log), Some(whole.clone()), "seed {seed}, record {at}");
            assert_eq!(log.facts(RunFacts::clone), *fold.facts());
        }
    }
}

#[test]
fn a_pattern_without_a_stored_form_makes_a_run_without_snapshots() {
    let definition = definition(ByHearing::default());
    let (log, fold) = folded(&definition, &short_run());
    assert_eq!(fold.to_snapshot(&log), None);
}

#[track_caller]
fn check_unusable(change: impl FnOnce(&mut Snapshot), expected: &Unusable) {
    let definition = definition(RoundRobin::new());
    let mut snapshot = snapshot_at(&definition, &short_run());
    change(&mut snapshot);
    assert_eq!(RunFold::from_snapshot(&snapshot, &definition).unwrap_err(), *expected);
}

#[test]
fn a_snapshot_of_another_fold_version_is_not_used() {
    check_unusable(|s| s.fold_version += 1, &Unusable::FoldVersion(FOLD_VERSION + 1));
}

#[test]
fn no_flipped_byte_goes_unnoticed() {
    let definition = definition(RoundRobin::new());
    let snapshot = snapshot_at(&definition, &short_run());
    for place in 0..snapshot.state.len() {
        let mut flipped = snapshot.clone();
        flipped.state[place] ^= 1;
        assert_eq!(RunFold::from_snapshot(&flipped, &definition).unwrap_err(), Unusable::WrongHash);
        // Nor does a fold that wrote nonsense take anything down.
        flipped.state_hash = *blake3::hash(&flipped.state).as_bytes();
        drop(RunFold::from_snapshot(&flipped, &definition));
    }
}

#[test]
fn a_snapshot_that_is_cut_or_names_another_record_is_not_used() {
    let rehash = |s: &mut Snapshot| s.state_hash = *blake3::hash(&s.state).as_bytes();
    check_unusable(|s| s.state.truncate(9), &Unusable::WrongHash);
    let cut = |s: &mut Snapshot| {
        s.state.truncate(s.state.len() - 1);
        rehash(s);
    };
    check_unusable(cut, &Unusable::Undecodable);
    let longer = |s: &mut Snapshot| {
        s.state.push(0);
        rehash(s);
    };
    check_unusable(longer, &Unusable::Undecodable);
    check_unusable(|s| s.seq = Seq(1), &Unusable::Undecodable);
}

#[test]
fn a_snapshot_of_a_scenario_that_has_changed_is_not_used() {
    let snapshot = snapshot_at(&definition(RoundRobin::new()), &short_run());
    let changed = definition(ByHearing::default());
    assert_eq!(RunFold::from_snapshot(&snapshot, &changed).unwrap_err(), Unusable::OtherDefinition);
}

#[test]
fn what_is_written_today_is_the_stored_sample() {
    // A hash of its own: the sample shows the form of the state, not that of a description.
    let mut definition = Definition::clone(&definition(RoundRobin::new()));
    definition.hash = [7; 32];
    let snapshot = snapshot_at(&definition, &short_run());
    let mut text = format!("{FOLD_VERSION} {}\n", snapshot.seq);
    for line in snapshot.state.chunks(48) {
        line.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
        text.push('\n');
    }
    let name = format!("fold_{FOLD_VERSION}.txt");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/host/run_fold/samples").join(name);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text, stored,
        "a fold or its stored form has changed: a released one needs the next FOLD_VERSION"
    );
    assert_eq!(snapshot.run, RUN);
}
