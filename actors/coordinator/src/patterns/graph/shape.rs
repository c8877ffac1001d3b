//! A graph as it is declared, and where a turn leads in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use playhouse_types::{AgentName, OutcomeKind, RunOutcome, TurnOutcome};
use serde_json::json;

use super::state::Passed;
use crate::patterns::guarded::guarded;

/// A condition of an edge.
#[derive(Clone)]
pub(super) struct Test(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Test {
    pub(super) fn new(test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(test))
    }
}

impl fmt::Debug for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Test")
    }
}

/// When an edge is taken.
#[derive(Clone, Debug)]
pub(super) enum When {
    Always,
    If { name: String, test: Test },
    Failed,
}

#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) from: AgentName,
    pub(super) to: AgentName,
    pub(super) when: When,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` -> `{}`", self.from, self.to)?;
        match &self.when {
            When::Always => Ok(()),
            When::If { name, .. } => write!(f, " (`{name}`)"),
            When::Failed => f.write_str(" (on failure)"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Join {
    All,
    Any,
}

/// Everything that is declared.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    pub(super) entries: BTreeSet<AgentName>,
    pub(super) exits: BTreeSet<AgentName>,
    /// By the node from which they lead.
    pub(super) edges: BTreeMap<AgentName, Vec<Edge>>,
    pub(super) joins: Vec<(AgentName, Join)>,
    pub(super) max_visits: Option<u32>,
}

impl Shape {
    pub(super) fn edges_of(&self, node: &AgentName) -> &[Edge] {
        self.edges.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn all_edges(&self) -> impl Iterator<Item = &Edge> {
        self.edges.values().flatten()
    }

    pub(super) fn joins_all(&self, node: &AgentName) -> bool {
        self.joins.contains(&(node.clone(), Join::All))
    }

    /// Returns the nodes that lead to one.
    pub(super) fn before<'a>(&'a self, node: &AgentName) -> BTreeSet<&'a AgentName> {
        self.all_edges().filter(|edge| edge.to == *node).map(|edge| &edge.from).collect()
    }

    /// Says where the end of a node's turn leads.
    pub(super) fn pass_on(&self, node: &AgentName, outcome: &TurnOutcome, said: Option<&str>) -> Passed {
        match outcome {
            TurnOutcome::Replied => self.follow(node, said.unwrap_or_default()),
            TurnOutcome::Answered { content } => self.follow(node, content),
            TurnOutcome::HandedOff { to } if self.edges_of(node).iter().any(|edge| edge.to == *to) => {
                Passed::To(BTreeSet::from([to.clone()]))
            }
            TurnOutcome::HandedOff { to } => {
                let why = format!("it gave the floor to `{to}`, where no edge leads");
                self.fail(node, OutcomeKind::Failed, &why)
            }
            TurnOutcome::Limited { limit } => self.fail(node, OutcomeKind::Limited, limit),
            TurnOutcome::Unfit { detail } => {
                self.fail(node, OutcomeKind::Limited, &format!("no reply fitted: {detail}"))
            }
            TurnOutcome::ModelFailed { detail } | TurnOutcome::Skipped { reason: detail } => {
                self.fail(node, OutcomeKind::Failed, detail)
            }
            TurnOutcome::Cancelled => self.fail(node, OutcomeKind::Failed, "its turn was cancelled"),
        }
    }

    /// Says where a turn leads that brought nothing.
    pub(super) fn fail(&self, node: &AgentName, kind: OutcomeKind, why: &str) -> Passed {
        let edges = self.edges_of(node).iter().filter(|edge| matches!(edge.when, When::Failed));
        let to: BTreeSet<AgentName> = edges.map(|edge| edge.to.clone()).collect();
        if to.is_empty() {
            let detail =
                format!("the turn of `{node}` brought nothing, and no edge leads on from that: {why}");
            return Passed::End(RunOutcome { kind, detail });
        }
        Passed::To(to)
    }

    fn follow(&self, node: &AgentName, said: &str) -> Passed {
        let failed = |detail| Passed::End(RunOutcome { kind: OutcomeKind::Failed, detail });
        let mut to = BTreeSet::new();
        for edge in self.edges_of(node) {
            let is_taken = match &edge.when {
                When::Always => Ok(true),
                When::If { test, .. } => guarded(|| (test.0)(said)),
                When::Failed => Ok(false),
            };
            match is_taken {
                Ok(true) => drop(to.insert(edge.to.clone())),
                Ok(false) => {}
                Err(text) => return failed(format!("the condition of the edge {edge} panicked: {text}")),
            }
        }
        if to.is_empty() && !self.exits.contains(node) {
            let conditions = self.edges_of(node).iter().map(ToString::to_string).collect::<Vec<_>>();
            let conditions = conditions.join(", ");
            return failed(format!(
                "no edge leads on from what `{node}` said, and it is no exit: {conditions}"
            ));
        }
        Passed::To(to)
    }

    pub(super) fn describe(&self) -> String {
        let joins: Vec<String> = self.joins.iter().map(|(node, join)| format!("{node}: {join:?}")).collect();
        json!({
            "entries": self.entries,
            "exits": self.exits,
            "edges": self.all_edges().map(ToString::to_string).collect::<Vec<_>>(),
            "joins": joins,
            "max_visits": self.max_visits,
        })
        .to_string()
    }
}
