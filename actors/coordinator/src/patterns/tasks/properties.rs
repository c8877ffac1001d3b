//! Random lists of tasks: they end, see what they declare and nothing else, and no order of ends changes anything.

use std::collections::BTreeMap;

use playhouse_journal::Event;
use playhouse_types::{AgentName, OutcomeKind, TurnOutcome};
use proptest::prelude::*;

use super::{OnUnfit, Task, Tasks};
use crate::CrewDefinition;
use crate::test_talk::{Asked, Does, Order, Talk, talk_in};

const AGENTS: [&str; 3] = ["a", "b", "c"];
const MAX_RETRIES: u32 = 2;

fn agent(place: usize) -> AgentName {
    AgentName::new(AGENTS[place % AGENTS.len()]).unwrap()
}

/// What is drawn for a task: agent, context as bits, whether in the background, retries, what follows if it cannot be done.
type Drawn = (usize, u8, bool, u32, usize);

fn tasks(drawn: &[Drawn]) -> Tasks {
    Tasks::new(drawn.iter().enumerate().map(|(place, (by, context, is_background, retries, otherwise))| {
        let context = (0..place).filter(|other| context & (1 << other) != 0).map(|other| format!("t{other}"));
        let task = Task::new(format!("t{place}"), "work").by(agent(*by)).context(context);
        let task = task.retries(*retries).otherwise(match otherwise {
            0 => OnUnfit::Fail,
            1 => OnUnfit::FallbackAgent(agent(by + 1)),
            _ => OnUnfit::Partial,
        });
        let task =
            task.guardrail(
                "short",
                |text| if text.contains("long") { Err("too long".to_owned()) } else { Ok(()) },
            );
        if *is_background { task.in_background() } else { task }
    }))
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let task = (0..AGENTS.len(), any::<u8>(), any::<bool>(), 0..=MAX_RETRIES, 0..3usize);
    proptest::collection::vec(task, 1..=6)
}

/// What comes of a task in one of its turns.
fn does(seed: u64, task: &str, nth: u32) -> Does {
    let output = format!("out-{task}-{nth}");
    match blake3::hash(format!("{seed} {task} {nth}").as_bytes()).as_bytes()[0] {
        0..40 => Does::Says(format!("{output} too long")),
        40..60 => Does::Ends(TurnOutcome::Unfit { detail: "no JSON".to_owned() }),
        60..80 => Does::Ends(TurnOutcome::Limited { limit: "steps".to_owned() }),
        80..100 => Does::HandsOver {
            to: AGENTS[usize::from(nth.is_multiple_of(2))].to_owned(),
            words: "yours".to_owned(),
        },
        _ => Does::Says(output),
    }
}

fn talk_about(drawn: &[Drawn], seed: u64, order: Order) -> Talk {
    let agents = (0..AGENTS.len()).map(agent).collect();
    let crew = CrewDefinition { agents, pattern: Box::new(tasks(drawn)), ..CrewDefinition::default() };
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    talk_in(order, crew, "go", |asked| {
        let task = asked.instruction().split('`').nth(1).unwrap().to_owned();
        let nth = counts.entry(task.clone()).or_default();
        *nth += 1;
        does(seed, &task, *nth)
    })
}

/// Returns the places on record of the first and the last turn of each task.
fn spans(talk: &Talk) -> BTreeMap<String, (usize, usize)> {
    let mut spans: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (place, pair) in talk.records.windows(2).enumerate() {
        if let (Event::Briefed { brief, .. }, Event::TurnAssigned { .. }) = (&pair[0].event, &pair[1].event) {
            let task = Tasks::task_of(&brief.note).unwrap().to_owned();
            spans.entry(task).or_insert((place, place)).1 = place;
        }
    }
    spans
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn tasks_end_within_their_bounds_and_see_what_they_declare(drawn in drawn(), seed: u64) {
        let talk = talk_about(&drawn, seed, Order::First);
        prop_assert!(talk.asked.len() <= drawn.len() * 2 * (MAX_RETRIES as usize + 1));
        let spans = spans(&talk);
        for (place, (_, context, ..)) in drawn.iter().enumerate() {
            let name = format!("t{place}");
            let Some((first, _)) = spans.get(&name) else { continue };
            let asked: Vec<&str> = talk
                .asked
                .iter()
                .map(Asked::instruction)
                .filter(|told| told.starts_with(&format!("Task `{name}`")))
                .collect();
            for other in (0..drawn.len()).filter(|other| *other != place) {
                let (task, output) = (format!("t{other}"), format!("out-t{other}-"));
                if other < place && context & (1 << other) != 0 {
                    prop_assert!(spans[&task].1 < *first, "{} began before {} had ended", name, task);
                    let heading = format!("Output of task `{task}`:");
                    prop_assert!(asked.iter().all(|told| told.contains(&heading)));
                } else {
                    prop_assert!(!asked.iter().any(|told| told.contains(&output)), "{} saw {}", name, task);
                }
            }
        }
        match talk.outcome.kind {
            OutcomeKind::Concluded => {
                let done = (0..drawn.len()).filter(|place| {
                    talk.said().iter().any(|said| said.contains(&format!("out-t{place}-")) && !said.contains("long"))
                });
                prop_assert_eq!(done.count(), drawn.len(), "all are done: {:?}", talk.outcome);
            }
            OutcomeKind::Limited => prop_assert_eq!(spans.len(), drawn.len(), "all have ended"),
            _ => prop_assert!(talk.outcome.detail.starts_with("task `"), "{:?}", talk.outcome),
        }
    }

    #[test]
    fn the_order_in_which_tasks_end_changes_nothing(drawn in drawn(), seed: u64) {
        let [first, last] = [Order::First, Order::Last].map(|order| talk_about(&drawn, seed, order));
        prop_assert_eq!(outputs(&first), outputs(&last));
        prop_assert_eq!(first.outcome, last.outcome);
    }
}

/// Returns what was said but for the words of handoffs, which are said at once.
fn outputs(talk: &Talk) -> Vec<String> {
    talk.said().into_iter().filter(|said| !said.ends_with("yours")).collect()
}
