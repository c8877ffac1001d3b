//! Random graphs: they end, joins join, and the order in which the turns of a wave end changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_journal::Event;
use playhouse_types::{AgentName, OutcomeKind, TurnId, TurnOutcome};
use proptest::prelude::*;

use super::tests::name;
use super::{Graph, Join, When};
use crate::CrewDefinition;
use crate::test_talk::{Does, Order, Talk, talk_in};

/// Digits that a node may say: the condition `n` of an edge holds if the text has the digit `n`.
const DIGITS: u64 = 4;

fn node(place: usize) -> AgentName {
    name(&format!("n{place}"))
}

#[derive(Clone, Debug)]
enum Kind {
    Always,
    If(u64),
    Failed,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![2 => Just(Kind::Always), 3 => (0..DIGITS).prop_map(Kind::If), 1 => Just(Kind::Failed)]
}

/// A graph that may have any fault but a cycle without bound.
fn graph() -> impl Strategy<Value = (usize, u32, Graph)> {
    (2usize..=6, 1u32..=4).prop_flat_map(|(n, max_visits)| {
        let edges = proptest::collection::vec((0..n, 0..n, kind()), 1..=3 * n);
        let places = || proptest::collection::vec(0..n, 0..=2);
        (edges, 0..n, places(), places(), places()).prop_map(move |(edges, first, entries, exits, joins)| {
            let mut graph = Graph::new().entry(node(first)).max_visits(max_visits);
            for (from, to, kind) in edges {
                let (from, to) = (node(from), node(to));
                graph = match kind {
                    Kind::Always => graph.edge(from, to),
                    Kind::If(digit) => {
                        let digit = digit.to_string();
                        graph.edge_if(from, to, digit.clone(), move |text| text.contains(&digit))
                    }
                    Kind::Failed => graph.edge_on_failure(from, to),
                };
            }
            graph = entries.into_iter().fold(graph, |graph, place| graph.entry(node(place)));
            graph = exits.into_iter().fold(graph, |graph, place| graph.exit(node(place)));
            graph = joins.into_iter().fold(graph, |graph, place| graph.join_all(node(place)));
            (n, max_visits, graph)
        })
    })
}

/// Draws what a node does in one of its visits: the digits that it says, or `None` if its turn brings nothing.
fn draw(seed: u64, speaker: &str, visit: u64) -> Option<String> {
    let hash = blake3::hash(format!("{seed} {speaker} {visit}").as_bytes());
    let bytes = hash.as_bytes();
    let digits = (0..DIGITS).zip(bytes).filter(|(_, byte)| **byte < 120).map(|(digit, _)| digit.to_string());
    (bytes[31] > 20).then(|| digits.collect())
}

fn talk_about(graph: &Graph, n: usize, seed: u64, order: Order) -> Talk {
    let agents = (0..n).map(node).collect();
    let crew = CrewDefinition { agents, pattern: Box::new(graph.clone()), ..CrewDefinition::default() };
    let mut visits: BTreeMap<String, u64> = BTreeMap::new();
    talk_in(order, crew, "go", |asked| {
        let visit = visits.entry(asked.speaker.clone()).or_default();
        *visit += 1;
        match draw(seed, &asked.speaker, *visit) {
            Some(digits) => Does::Says(digits),
            None => Does::Ends(TurnOutcome::Limited { limit: "as drawn".to_owned() }),
        }
    })
}

/// Who spoke in each wave, by what is on record.
fn waves(talk: &Talk) -> Vec<BTreeSet<AgentName>> {
    let mut waves: BTreeMap<u32, BTreeSet<AgentName>> = BTreeMap::new();
    let mut told: BTreeMap<TurnId, u32> = BTreeMap::new();
    for record in &talk.records {
        match &record.event {
            Event::Briefed { turn, brief } => {
                told.insert(*turn, brief.note.strip_prefix("wave:").unwrap().parse().unwrap());
            }
            Event::TurnAssigned { turn, speaker, .. } => {
                assert!(waves.entry(told[turn]).or_default().insert(speaker.clone()), "once per wave");
            }
            _ => {}
        }
    }
    waves.into_values().collect()
}

/// Says for each wave which edges were taken, by what its nodes were drawn to do.
fn taken(graph: &Graph, seed: u64, waves: &[BTreeSet<AgentName>]) -> Vec<BTreeSet<(AgentName, AgentName)>> {
    let mut visits: BTreeMap<AgentName, u64> = BTreeMap::new();
    let wave = |wave: &BTreeSet<AgentName>| {
        let mut taken = BTreeSet::new();
        for speaker in wave {
            let visit = visits.entry(speaker.clone()).or_default();
            *visit += 1;
            let does = draw(seed, speaker.as_str(), *visit);
            for edge in graph.shape.all_edges().filter(|edge| edge.from == *speaker) {
                let is_taken = match (&edge.when, &does) {
                    (When::Always, Some(_)) | (When::Failed, None) => true,
                    (When::If { name, .. }, Some(digits)) => digits.contains(name.as_str()),
                    _ => false,
                };
                if is_taken {
                    taken.insert((edge.from.clone(), edge.to.clone()));
                }
            }
        }
        taken
    };
    waves.iter().map(wave).collect()
}

/// Tells whether a node is to speak in a wave, by the edges that were taken in the waves before.
fn is_due(
    graph: &Graph,
    node: &AgentName,
    wave: usize,
    waves: &[BTreeSet<AgentName>],
    taken: &[BTreeSet<(AgentName, AgentName)>],
) -> bool {
    if wave == 0 {
        return graph.shape.entries.contains(node);
    }
    let led_in = |from: &AgentName, wave: usize| taken[wave].contains(&(from.clone(), node.clone()));
    let before = graph.shape.before(node);
    let is_led_now = before.iter().any(|from| led_in(from, wave - 1));
    if !graph.shape.joins.contains(&(node.clone(), Join::All)) {
        return is_led_now;
    }
    let since = (0..wave).rev().find(|wave| waves[*wave].contains(node)).unwrap_or(0);
    is_led_now && before.iter().all(|from| (since..wave).any(|wave| led_in(from, wave)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_graph_ends_within_its_bound_and_joins_as_declared((n, max_visits, graph) in graph(), seed: u64) {
        let talk = talk_about(&graph, n, seed, Order::First);
        prop_assert!(talk.asked.len() <= n * max_visits as usize);
        let waves = waves(&talk);
        let taken = taken(&graph, seed, &waves);
        for (wave, speakers) in waves.iter().enumerate() {
            for node in (0..n).map(node) {
                let is_due = is_due(&graph, &node, wave, &waves, &taken);
                prop_assert_eq!(is_due, speakers.contains(&node), "{} in wave {}", node, wave + 1);
            }
        }
        // Nobody was left who had to speak when it was reported as done.
        if talk.outcome.kind == OutcomeKind::Concluded {
            let left = (0..n).map(node).find(|node| is_due(&graph, node, waves.len(), &waves, &taken));
            prop_assert_eq!(left, None);
        }
    }

    #[test]
    fn the_order_in_which_a_wave_ends_changes_nothing((n, _, graph) in graph(), seed: u64) {
        let [first, last] = [Order::First, Order::Last].map(|order| talk_about(&graph, n, seed, order));
        prop_assert_eq!(first.said(), last.said());
        prop_assert_eq!(waves(&first), waves(&last));
        prop_assert_eq!(first.outcome, last.outcome);
    }
}
