//! Random conversations, of turns at once, under random conditions.

use std::collections::VecDeque;
use std::time::Duration;

use playhouse_journal::Record;
use playhouse_types::{AgentName, TurnOutcome};
use proptest::prelude::{Just, any, prop, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy;

use super::tests::{answered, asked_for, assigned, ended, said, signal};
use super::{
    Condition, Tally, called, external, handoff, messages, no_progress, repeated_calls, says, says_by,
    says_word, silence, silent_for, spoken, tokens, turns, when,
};

const AGENTS: [&str; 3] = ["a", "b", "c"];
const TEXTS: [&str; 4] = ["DONE", "UNDONE", "go on", "DONE, now"];
const TOOLS: [&str; 2] = ["read", "pay"];

/// What one agent does in a turn: texts, calls with what they answer, and how it ends.
#[derive(Clone, Debug)]
struct Part {
    calls: Vec<(usize, u8, u8)>,
    text: Option<usize>,
    hands_over: bool,
}

/// Turns at once, and a signal between them and the next ones.
#[derive(Clone, Debug)]
struct Round {
    parts: Vec<Part>,
    is_signaled: bool,
}

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let call = (0..TOOLS.len(), 0_u8..2, 0_u8..2);
    let part = (prop::collection::vec(call, 0..3), prop::option::of(0..TEXTS.len()), any::<bool>());
    let part = part.prop_map(|(calls, text, hands_over)| Part { calls, text, hands_over });
    let round = (prop::collection::vec(part, 1..=AGENTS.len()), any::<bool>());
    prop::collection::vec(round.prop_map(|(parts, is_signaled)| Round { parts, is_signaled }), 0..6)
}

fn conditions() -> impl Strategy<Value = Condition> {
    let agent = || prop::sample::select(&AGENTS[..]);
    let text = || prop::sample::select(&["DONE", "go", "now"][..]);
    let single = prop_oneof![
        text().prop_map(says),
        text().prop_map(says_word),
        (agent(), text()).prop_map(|(agent, text)| says_by(agent, text)),
        agent().prop_map(spoken),
        agent().prop_map(handoff),
        prop::sample::select(&TOOLS[..]).prop_map(called),
        (1_u32..8).prop_map(turns),
        (1_u32..8).prop_map(messages),
        (1_u64..100).prop_map(tokens),
        (1_u32..4).prop_map(no_progress),
        (1_u32..5).prop_map(repeated_calls),
        (1_u32..4).prop_map(silence),
        (1_u64..20).prop_map(|seconds| silent_for(Duration::from_secs(seconds))),
        Just(external("stop")),
        (1_usize..10)
            .prop_map(|least| when(&format!("longer than {least}"), move |m| m.content.len() > least)),
    ];
    single.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::All),
            prop::collection::vec(inner, 0..3).prop_map(Condition::Any),
        ]
    })
}

/// Returns the records of one agent's turn, in the order in which they are written.
fn lane(turn: u32, agent: &'static str, next: &str, part: &Part) -> VecDeque<Record> {
    let mut records = VecDeque::new();
    for (step, (tool, argument, output)) in (1..).zip(&part.calls) {
        let arguments = argument.to_string();
        records.push_back(asked_for(turn, step, agent, &[(TOOLS[*tool], arguments.as_str())]));
        records.push_back(answered(turn, step, 0, agent, &output.to_string()));
    }
    records.extend(part.text.map(|text| said(turn, agent, TEXTS[text])));
    let to = AgentName::new(next).unwrap();
    let outcome = if part.hands_over { TurnOutcome::HandedOff { to } } else { TurnOutcome::Replied };
    records.push_back(ended(turn, outcome));
    records
}

/// Returns the records round by round; those of turns at once stand as `picks` has it, each agent's in their order.
fn written(rounds: &[Round], picks: &[usize]) -> Vec<Vec<Record>> {
    let mut picks = picks.iter().cycle();
    let mut turn = 0;
    let mut written = Vec::new();
    for round in rounds {
        let (mut records, mut lanes) = (Vec::new(), Vec::new());
        for (at, part) in round.parts.iter().enumerate() {
            turn += 1;
            records.push(assigned(turn, AGENTS[at]));
            lanes.push(lane(turn, AGENTS[at], AGENTS[(at + 1) % AGENTS.len()], part));
        }
        while !lanes.is_empty() {
            let pick = picks.next().unwrap() % lanes.len();
            records.extend(lanes[pick].pop_front());
            lanes.retain(|lane| !lane.is_empty());
        }
        records.extend(round.is_signaled.then(|| signal("stop")));
        written.push(records);
    }
    written
}

/// Folds records into a tally; each takes a second, all of them active.
fn fold_on(tally: &mut Tally, records: &[Record], condition: &Condition) {
    for record in records {
        tally.active += Duration::from_secs(1);
        tally.apply(record, [condition]);
    }
}

fn folded(records: &[Record], condition: &Condition) -> Tally {
    let mut tally = Tally::default();
    fold_on(&mut tally, records, condition);
    tally
}

fn is_met(condition: &Condition, tally: &Tally) -> bool {
    condition.met(tally, tally.moment()).is_some()
}

/// Whether any part asks how much time lies between messages: then their order does matter.
fn asks_for_time(condition: &Condition) -> bool {
    condition.parts().iter().any(|part| matches!(part, Condition::SilentFor(_)))
}

fn picks() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0_usize..6, 1..40)
}

proptest! {
    #[test]
    fn whoever_is_first_of_those_who_speak_at_once_changes_no_verdict(
        rounds in rounds(), condition in conditions(), one in picks(), other in picks(),
    ) {
        if !asks_for_time(&condition) {
            let (mut tally, mut otherwise) = (Tally::default(), Tally::default());
            for (records, reordered) in written(&rounds, &one).iter().zip(&written(&rounds, &other)) {
                fold_on(&mut tally, records, &condition);
                fold_on(&mut otherwise, reordered, &condition);
                prop_assert_eq!(is_met(&condition, &tally), is_met(&condition, &otherwise));
            }
        }
    }

    #[test]
    fn what_is_met_stays_met(rounds in rounds(), condition in conditions(), picks in picks()) {
        let mut was_met = false;
        let mut tally = Tally::default();
        for record in written(&rounds, &picks).concat() {
            fold_on(&mut tally, &[record], &condition);
            let is_met = is_met(&condition, &tally);
            prop_assert_eq!(was_met && !is_met, false);
            was_met = is_met;
        }
    }

    #[test]
    fn and_needs_both_and_or_needs_one_in_any_order(
        rounds in rounds(), one in conditions(), other in conditions(), picks in picks(),
    ) {
        let (and, or) = (one.clone().and(other.clone()), one.clone().or(other.clone()));
        let (dna, ro) = (other.clone().and(one.clone()), other.clone().or(one.clone()));
        let mut tally = Tally::default();
        for record in written(&rounds, &picks).concat() {
            fold_on(&mut tally, &[record], &and);
            let (one, other) = (is_met(&one, &tally), is_met(&other, &tally));
            prop_assert_eq!([is_met(&and, &tally), is_met(&dna, &tally)], [one && other; 2]);
            prop_assert_eq!([is_met(&or, &tally), is_met(&ro, &tally)], [one || other; 2]);
        }
    }

    #[test]
    fn a_conversation_that_is_saved_and_restored_anywhere_comes_to_the_same(
        rounds in rounds(), condition in conditions(), picks in picks(), at in any::<prop::sample::Index>(),
    ) {
        let records = written(&rounds, &picks).concat();
        let whole = folded(&records, &condition);
        let (begin, rest) = records.split_at(at.index(records.len() + 1));
        let saved = postcard::to_stdvec(&folded(begin, &condition)).unwrap();
        let mut restored: Tally = postcard::from_bytes(&saved).unwrap();
        fold_on(&mut restored, rest, &condition);
        prop_assert_eq!(condition.met(&restored, restored.moment()), condition.met(&whole, whole.moment()));
        prop_assert_eq!(restored, whole);
    }

    #[test]
    fn what_else_is_waited_for_changes_no_verdict(
        rounds in rounds(), condition in conditions(), other in conditions(), picks in picks(),
    ) {
        let records = written(&rounds, &picks).concat();
        let (mut alone, mut beside) = (Tally::default(), Tally::default());
        for record in &records {
            alone.apply(record, [&condition]);
            beside.apply(record, [&other, &condition]);
        }
        prop_assert_eq!(condition.met(&alone, alone.moment()), condition.met(&beside, beside.moment()));
    }
}
