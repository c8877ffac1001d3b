//! What is wrong with a graph, found when the scenario is built.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_types::AgentName;

use super::shape::{Edge, Join, Shape, When};

/// Returns everything that is wrong with a graph for a crew of these members.
pub(super) fn faults(shape: &Shape, members: &[AgentName]) -> Vec<String> {
    let mut faults = Vec::new();
    if shape.entries.is_empty() {
        faults.push("the graph has no entry".to_owned());
    }
    if shape.exits.is_empty() {
        faults.push("the graph has no exit".to_owned());
    }
    let strangers = nodes(shape).into_iter().filter(|node| !members.contains(node));
    faults.extend(strangers.map(|node| format!("the graph has a node `{node}`, who is not in the crew")));
    faults.extend(edge_faults(shape));
    // Without an entry or an exit, every way would be missing.
    if !shape.entries.is_empty() && !shape.exits.is_empty() {
        faults.extend(way_faults(shape, members));
    }
    faults.extend(join_faults(shape));
    faults.extend(cycle_faults(shape));
    faults
}

/// Returns all nodes that the graph names.
fn nodes(shape: &Shape) -> BTreeSet<&AgentName> {
    let ends = shape.all_edges().flat_map(|edge| [&edge.from, &edge.to]);
    let joins = shape.joins.iter().map(|(node, _)| node);
    ends.chain(joins).chain(&shape.entries).chain(&shape.exits).collect()
}

fn edge_faults(shape: &Shape) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    shape.all_edges().for_each(|edge| *counts.entry(edge.to_string()).or_default() += 1);
    let twice = counts.into_iter().filter(|(_, count)| *count > 1);
    let twice = twice.map(|(edge, count)| format!("the edge {edge} is drawn {count} times"));
    let after_exits = shape
        .all_edges()
        .filter(|edge| shape.exits.contains(&edge.from) && matches!(edge.when, When::Always));
    let after_exits = after_exits.map(|edge| {
        format!("`{}` is an exit where the graph cannot end: the edge {edge} is always taken", edge.from)
    });
    twice.chain(after_exits).collect()
}

/// Every member can be reached, and from every one that can, an exit.
fn way_faults(shape: &Shape, members: &[AgentName]) -> Vec<String> {
    let (mut onwards, mut back) = (Ways::new(), Ways::new());
    for edge in shape.all_edges() {
        onwards.entry(&edge.from).or_default().insert(&edge.to);
        back.entry(&edge.to).or_default().insert(&edge.from);
    }
    let reached = reach(&onwards, &shape.entries, None);
    let ending = reach(&back, &shape.exits, None);
    let unreached = members.iter().filter(|node| !reached.contains(node));
    let unreached = unreached.map(|node| format!("no way leads to `{node}`"));
    let stuck = members.iter().filter(|node| reached.contains(node) && !ending.contains(node));
    let stuck = stuck.map(|node| format!("no way leads from `{node}` to an exit"));
    let joins = shape.joins.iter().filter(|(node, join)| *join == Join::All && !shape.entries.contains(node));
    let waiting = joins.flat_map(|(node, _)| {
        let without = reach(&onwards, &shape.entries, Some(node));
        let mut before = shape.before(node);
        before.retain(|before| reached.contains(before) && !without.contains(before));
        before.into_iter().map(move |before| {
            format!("`{node}` would wait for `{before}` without end: only `{node}` leads there")
        })
    });
    unreached.chain(stuck).chain(waiting).collect()
}

/// The neighbors of each node.
type Ways<'a> = BTreeMap<&'a AgentName, BTreeSet<&'a AgentName>>;

fn reach<'a>(
    ways: &Ways<'a>,
    from: impl IntoIterator<Item = &'a AgentName>,
    around: Option<&AgentName>,
) -> BTreeSet<&'a AgentName> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&AgentName> = from.into_iter().collect();
    while let Some(node) = open.pop() {
        if Some(node) != around && reached.insert(node) {
            open.extend(ways.get(node).into_iter().flatten());
        }
    }
    reached
}

fn join_faults(shape: &Shape) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen: BTreeMap<&AgentName, Join> = BTreeMap::new();
    for (node, join) in &shape.joins {
        if seen.insert(node, *join).is_some_and(|other| other != *join) {
            faults.push(format!("`{node}` is to join both all and any"));
        }
        if shape.before(node).len() < 2 {
            faults.push(format!("`{node}` has nothing to join: fewer than two nodes lead to it"));
        }
    }
    faults
}

fn cycle_faults(shape: &Shape) -> Vec<String> {
    let mut faults = Vec::new();
    if shape.max_visits == Some(0) {
        faults.push("`max_visits` must be at least 1".to_owned());
    }
    if let Some(cycle) = cycle(shape, |edge| matches!(edge.when, When::Always)) {
        faults.push(format!("the cycle {cycle} has no condition: it never ends as planned"));
    } else if let Some(cycle) = cycle(shape, |_| true).filter(|_| shape.max_visits.is_none()) {
        faults.push(format!("the cycle {cycle} is not bounded: set `max_visits`"));
    }
    faults
}

/// Finds a cycle of edges and writes it down.
fn cycle(shape: &Shape, counts: impl Fn(&Edge) -> bool) -> Option<String> {
    let mut onwards = Ways::new();
    let mut back = Ways::new();
    for edge in shape.all_edges().filter(|edge| counts(edge)) {
        onwards.entry(&edge.from).or_default().insert(&edge.to);
        back.entry(&edge.to).or_default().insert(&edge.from);
        onwards.entry(&edge.to).or_default();
    }
    // What leads nowhere is on no cycle; taken away, others may lead nowhere.
    let is_end = |ways: &Ways<'_>, node: &AgentName| ways.get(node).is_some_and(BTreeSet::is_empty);
    let mut ends: Vec<&AgentName> = onwards.keys().copied().filter(|node| is_end(&onwards, node)).collect();
    while let Some(end) = ends.pop() {
        onwards.remove(end);
        for before in back.get(end).into_iter().flatten() {
            if let Some(to) = onwards.get_mut(before) {
                to.remove(end);
            }
            if is_end(&onwards, before) {
                ends.push(before);
            }
        }
    }
    // All that is left leads on: following it comes to a node for the second time.
    let mut way: Vec<&AgentName> = Vec::new();
    let mut node = onwards.keys().next().copied()?;
    while !way.contains(&node) {
        way.push(node);
        node = onwards.get(node)?.first().copied()?;
    }
    let cycle = way.iter().skip_while(|passed| **passed != node).chain([&node]);
    Some(cycle.map(|node| format!("`{node}`")).collect::<Vec<_>>().join(" -> "))
}
