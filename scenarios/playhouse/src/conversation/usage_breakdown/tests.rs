use std::collections::BTreeMap;
use std::fmt::Display;

use playhouse_journal::{Event, ModelIntent, Record};
use playhouse_types::{
    Brief, FinishReason, ModelName, ModelReply, ReplyTo, ThreadId, TokenUsage, TurnId, Usage,
};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;

use super::UsageBreakdown;
use crate::Conversation;
use crate::test_records::{agent, answer, call, records, short_run};

type Line = (&'static str, (u32, u32, u32), Event);

/// A turn, and what its speaker is told.
fn given(turn: u32, speaker: &str, brief: Brief) -> [Line; 2] {
    let (turn, brief) = (TurnId(turn), Box::new(brief));
    let assigned = Event::TurnAssigned { turn, speaker: agent(speaker), reason: String::new(), upto: 0 };
    [("run", (turn.0, 0, 0), Event::Briefed { turn, brief }), ("run", (turn.0, 0, 0), assigned)]
}

fn within(thread: u32, reply_to: ReplyTo, note: &str) -> Brief {
    Brief { thread: ThreadId(TurnId(thread)), reply_to, ..Brief::new("go on").noting(note) }
}

fn asked(lane: &'static str, turn: u32, step: u32, attempt: u32, model: &str) -> Line {
    let intent = ModelIntent { model: ModelName::new(model), request_hash: [0; 32], attempt };
    (lane, (turn, step, attempt), Event::ModelIntent(intent))
}

fn replied(lane: &'static str, turn: u32, step: u32, input_tokens: u64, cost_microusd: Option<u64>) -> Line {
    let reply = ModelReply {
        content: String::new(),
        tool_calls: Vec::new(),
        finish: FinishReason::Stop,
        usage: TokenUsage { input_tokens, output_tokens: 1, ..TokenUsage::default() },
        cost_microusd,
        response_model: None,
    };
    (lane, (turn, step, 0), Event::ModelResult { reply, attempts: 1, duration_micros: 1 })
}

/// A model call of 10 tokens.
fn one_call(lane: &'static str, turn: u32, model: &str) -> [Line; 2] {
    [asked(lane, turn, 1, 0, model), replied(lane, turn, 1, 10, Some(1))]
}

/// A manager calls a colleague; a crew within a crew works on a task; a judge is asked by the pattern alone.
fn talk() -> Vec<Record> {
    let open = ReplyTo::Conversation;
    let mut lines = Vec::new();
    lines.extend(given(1, "manager", within(0, open, "")));
    lines.extend(one_call("manager", 1, "large"));
    lines.extend(given(2, "lab", within(0, ReplyTo::Caller(call(1, 1, 0)), "")));
    lines.extend(one_call("lab", 2, "large"));
    lines.push(("manager", (1, 1, 0), answer(call(1, 1, 0), "3 g")));
    lines.extend(given(3, "outer", within(0, open, "task:article")));
    lines.extend(given(4, "inner", within(3, open, "task:facts")));
    lines.extend(given(5, "writer", within(4, open, "")));
    lines.extend([asked("writer", 5, 1, 0, "small"), asked("writer", 5, 1, 1, "small")]);
    lines.push(replied("writer", 5, 1, 10, Some(1)));
    lines.extend(given(6, "lab", within(4, ReplyTo::Caller(call(5, 1, 0)), "")));
    lines.extend(one_call("lab", 6, "small"));
    lines.extend(given(7, "judge", within(3, ReplyTo::Pattern, "")));
    lines.extend(one_call("judge", 7, "large"));
    records(lines)
}

/// Shows sums as `name: model calls, tool calls, lost`.
fn shown<K: Display>(sums: &BTreeMap<K, Usage>) -> Vec<String> {
    let line = |(key, usage): (&K, &Usage)| {
        format!("{key}: {} {} {}", usage.model_calls, usage.tool_calls, usage.lost)
    };
    sums.iter().map(line).collect()
}

#[test]
fn agents_that_share_a_model_are_counted_once() {
    let breakdown = UsageBreakdown::fold(&talk());
    assert_eq!(shown(&breakdown.by_model()), ["large: 3 1 0", "small: 2 0 1"]);
    assert_eq!(
        shown(&breakdown.by_agent()),
        ["judge: 1 0 0", "lab: 2 0 0", "manager: 1 1 0", "writer: 1 0 1"]
    );
    assert_eq!(breakdown.total().input_tokens, 50);
}

#[test]
fn a_crew_counts_all_that_is_done_within_it() {
    let breakdown = UsageBreakdown::fold(&talk());
    assert_eq!(shown(&breakdown.by_crew()), ["inner: 2 0 1", "outer: 3 0 1"]);
    assert_eq!(shown(&breakdown.by_task()), ["article: 3 0 1", "facts: 2 0 1"]);
    assert_eq!(
        shown(&breakdown.by_turn()),
        ["1: 1 1 0", "2: 1 0 0", "5: 1 0 1", "6: 1 0 0", "7: 1 0 0"],
        "the turns of crews have nothing themselves"
    );
}

#[test]
fn a_reply_lost_by_a_model_that_was_replaced_is_not_the_new_ones() {
    let lines = given(1, "writer", Brief::default()).into_iter().chain([
        asked("writer", 1, 1, 0, "old"),
        asked("writer", 1, 1, 1, "new"),
        replied("writer", 1, 1, 10, None),
    ]);
    let breakdown = UsageBreakdown::fold(&records(lines.collect()));
    assert_eq!(shown(&breakdown.by_model()), ["new: 1 0 0", "old: 0 0 1"]);
    assert_eq!(breakdown.by_model()[&ModelName::new("new")].cost_microusd, None, "its price is unknown");
    assert_eq!(breakdown.by_model()[&ModelName::new("old")].cost_microusd, Some(0));
}

#[test]
fn a_run_without_calls_has_used_nothing() {
    let breakdown = UsageBreakdown::fold(&short_run()[..3]);
    assert_eq!((breakdown.total(), breakdown.calls().count()), (Usage::default(), 0));
}

/// One turn of a random run: what it is part of, and its calls.
#[derive(Clone, Debug)]
struct Part {
    speaker: usize,
    /// How many turns before this one the crew around it or the caller began; 0 for none.
    around: u32,
    is_called: bool,
    task: Option<usize>,
    /// The model, how often it was asked in vain, tool calls, tokens and price.
    steps: Vec<(usize, u32, u32, u64, Option<u64>)>,
}

const NAMES: [&str; 3] = ["a", "b", "c"];
const TASKS: [&str; 3] = ["task:x", "task:y", "no task"];

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let price = prop::option::weighted(0.9, 0_u64..9);
    let step = (0..NAMES.len(), 0_u32..3, 0_u32..3, 0_u64..100, price);
    let part = (0..NAMES.len(), 0_u32..4, any::<bool>(), prop::option::of(0..TASKS.len()));
    let part =
        (part, prop::collection::vec(step, 0..4)).prop_map(|((speaker, around, is_called, task), steps)| {
            Part { speaker, around, is_called, task, steps }
        });
    prop::collection::vec(part, 0..12)
}

fn journal(parts: &[Part]) -> Vec<Record> {
    let mut lines = Vec::new();
    for (turn, part) in (1_u32..).zip(parts) {
        let around = if part.around == 0 { 0 } else { turn.saturating_sub(part.around) };
        let note = part.task.map_or("", |task| TASKS[task]);
        let is_called = part.is_called && around > 0;
        let (thread, reply_to) = match is_called {
            true => (0, ReplyTo::Caller(call(around, 1, 0))),
            false => (around, if part.is_called { ReplyTo::Pattern } else { ReplyTo::Conversation }),
        };
        let lane = NAMES[part.speaker];
        lines.extend(given(turn, lane, within(thread, reply_to, note)));
        for (step, &(model, lost, calls, tokens, price)) in (1_u32..).zip(&part.steps) {
            // The first asking of all may have been of another model.
            let model_of =
                |attempt: u32| NAMES[(model + usize::from(attempt == 0 && lost > 1)) % NAMES.len()];
            lines.extend((0..=lost).map(|attempt| asked(lane, turn, step, attempt, model_of(attempt))));
            lines.push(replied(lane, turn, step, tokens, price));
            lines.extend((0..calls).map(|ordinal| {
                let id = call(turn, step, ordinal);
                // Some ends are written by the coordinator.
                let by = if ordinal == 1 { "run" } else { lane };
                (by, (turn, step, ordinal), answer(id, "ok"))
            }));
        }
    }
    records(lines)
}

fn sum<K>(sums: &BTreeMap<K, Usage>) -> Usage {
    let mut total = Usage::default();
    sums.values().for_each(|usage| total += *usage);
    total
}

proptest! {
    #[test]
    fn sums_over_turns_agents_and_models_are_what_the_run_has_used(parts in parts(), upto in any::<Index>()) {
        let records = journal(&parts);
        for records in [&records[..], &records[..upto.index(records.len() + 1)]] {
            let conversation = Conversation::fold(records);
            let (breakdown, used) = (conversation.usage_breakdown(), *conversation.usage());
            let sums = [
                breakdown.total(),
                sum(&breakdown.by_turn()),
                sum(&breakdown.by_agent()),
                sum(&breakdown.by_model()),
            ];
            prop_assert_eq!(sums, [used; 4]);
            prop_assert_eq!(breakdown, &UsageBreakdown::fold(records));
        }
    }

    #[test]
    fn no_crew_and_no_task_counts_a_call_twice(parts in parts()) {
        let breakdown = UsageBreakdown::fold(&journal(&parts));
        let total = breakdown.total();
        for part in breakdown.by_crew().values().chain(breakdown.by_task().values()) {
            prop_assert!(part.model_calls <= total.model_calls && part.tool_calls <= total.tool_calls);
            prop_assert!(part.input_tokens <= total.input_tokens && part.lost <= total.lost);
        }
    }
}
