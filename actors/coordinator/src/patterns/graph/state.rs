//! Where a conversation is in its graph: a fold of the waves so far.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use playhouse_journal::Event;
use playhouse_types::{AgentName, OutcomeKind, Participant, RunOutcome, TurnId};
use serde::{Deserialize, Serialize};

use super::shape::Shape;

const NOTE: &str = "wave:";

/// The joins that wait for all, and who has led to each since it last spoke.
type Waiting = BTreeMap<AgentName, BTreeSet<AgentName>>;

/// Where a node's turn has led.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Passed {
    /// To these nodes; none after an exit.
    To(BTreeSet<AgentName>),
    /// To the end of the conversation: the graph has no way on.
    End(RunOutcome),
}

/// A node that speaks.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OpenNode {
    node: AgentName,
    said: Option<String>,
}

/// What follows on a wave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Next {
    pub(super) wave: u32,
    /// Who speaks; never empty.
    pub(super) ready: BTreeSet<AgentName>,
    waiting: Waiting,
}

impl Next {
    pub(super) fn note(&self) -> String {
        format!("{NOTE}{}", self.wave)
    }
}

/// Everything that changes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// The wave that speaks or has just spoken, from 1; 0 before the first.
    wave: u32,
    /// The wave of the next assignment.
    told: Option<(TurnId, u32)>,
    open: BTreeMap<TurnId, OpenNode>,
    /// Where the ended turns of this wave have led.
    passed: BTreeMap<AgentName, Passed>,
    /// As of before this wave.
    waiting: Waiting,
    visits: BTreeMap<AgentName, u32>,
    /// The nodes that take no further part.
    gone: BTreeMap<AgentName, String>,
}

impl State {
    /// Says of which visit a turn of a node would be.
    pub(super) fn visit_of(&self, node: &AgentName) -> String {
        format!("visit {}", self.visits.get(node).copied().unwrap_or(0) + 1)
    }

    /// Returns what follows once no turn is open: the nodes of the next wave, or the end.
    pub(super) fn next(&self, shape: &Shape) -> Result<Next, RunOutcome> {
        let mut arrivals = Arrivals { shape, waiting: self.waiting.clone(), complete: BTreeSet::new() };
        let mut reached = VecDeque::new();
        if self.wave == 0 {
            reached.extend(shape.entries.iter().cloned());
        }
        for (from, passed) in &self.passed {
            match passed {
                Passed::To(to) => {
                    reached.extend(to.iter().filter_map(|to| arrivals.arrive(from, to)));
                }
                Passed::End(outcome) => return Err(outcome.clone()),
            }
        }
        let (mut ready, mut bypassed) = (BTreeSet::new(), BTreeSet::new());
        while let Some(node) = reached.pop_front() {
            let Some(reason) = self.gone.get(&node) else {
                ready.insert(node);
                continue;
            };
            // Each only once: two of these may lead to each other.
            if !bypassed.insert(node.clone()) {
                continue;
            }
            match shape.fail(&node, OutcomeKind::Failed, &format!("it takes no further part: {reason}")) {
                Passed::To(to) => {
                    reached.extend(to.iter().filter_map(|to| arrivals.arrive(&node, to)));
                }
                Passed::End(outcome) => return Err(outcome),
            }
        }
        if let Some(outcome) = self.end(shape, &ready, &arrivals.waiting, &bypassed) {
            return Err(outcome);
        }
        Ok(Next { wave: self.wave + 1, ready, waiting: arrivals.waiting })
    }

    /// Says how the conversation ends, if it does.
    fn end(
        &self,
        shape: &Shape,
        ready: &BTreeSet<AgentName>,
        waiting: &Waiting,
        bypassed: &BTreeSet<AgentName>,
    ) -> Option<RunOutcome> {
        let end = |kind, detail| Some(RunOutcome { kind, detail });
        let n_visits = |node: &AgentName| self.visits.get(node).copied().unwrap_or(0);
        let bound = shape.max_visits.unwrap_or(u32::MAX);
        if let Some(node) = ready.iter().find(|node| n_visits(node) >= bound) {
            return end(OutcomeKind::Limited, format!("`{node}` was reached more than {bound} times"));
        }
        if !ready.is_empty() {
            return None;
        }
        if let Some((node, came)) = waiting.first_key_value() {
            let missing = listed(shape.before(node).into_iter().filter(|before| !came.contains(*before)));
            return end(
                OutcomeKind::Failed,
                format!("`{node}` waits for {missing}, and nobody speaks any more"),
            );
        }
        if !bypassed.is_empty() {
            let detail =
                format!("the edges lead nowhere but to {}, without a part any more", listed(bypassed));
            return end(OutcomeKind::Failed, detail);
        }
        if self.passed.is_empty() {
            return end(OutcomeKind::Failed, "the graph has no entry".to_owned());
        }
        end(OutcomeKind::Concluded, format!("the graph has ended at {}", listed(self.passed.keys())))
    }

    pub(super) fn apply(&mut self, shape: &Shape, event: &Event) {
        match event {
            Event::Briefed { turn, brief } => {
                let wave = brief.note.strip_prefix(NOTE).and_then(|wave| wave.parse().ok());
                self.told = wave.map(|wave| (*turn, wave));
            }
            Event::TurnAssigned { turn, speaker, .. } => {
                if let Some((_, wave)) = self.told.take_if(|(told, _)| told == turn) {
                    self.begin_turn(shape, *turn, speaker, wave);
                }
            }
            Event::MessagePosted { message } => {
                if let Some(open) = self.open.get_mut(&message.turn) {
                    let is_agent = matches!(message.from, Participant::Agent(_));
                    open.said = is_agent.then(|| message.content.clone());
                }
            }
            Event::TurnEnded { turn, outcome } => {
                let Some(OpenNode { node, said }) = self.open.remove(turn) else { return };
                let passed = shape.pass_on(&node, outcome, said.as_deref());
                self.passed.insert(node, passed);
            }
            Event::AgentDropped { agent, reason } => drop(self.gone.insert(agent.clone(), reason.clone())),
            _ => {}
        }
    }

    fn begin_turn(&mut self, shape: &Shape, turn: TurnId, speaker: &AgentName, wave: u32) {
        if wave > self.wave {
            // The joins that this wave has completed wait anew.
            if let Ok(next) = self.next(shape) {
                self.waiting = next.waiting;
            }
            self.passed.clear();
            self.wave = wave;
        }
        // One whose model was replaced speaks again in the same wave: that is no other visit.
        if self.passed.remove(speaker).is_none() {
            *self.visits.entry(speaker.clone()).or_default() += 1;
        }
        self.open.insert(turn, OpenNode { node: speaker.clone(), said: None });
    }
}

/// Takes in where the nodes of one wave lead.
struct Arrivals<'a> {
    shape: &'a Shape,
    waiting: Waiting,
    /// The joins that this wave has completed: who else leads there in it comes with the others, not for the next time.
    complete: BTreeSet<AgentName>,
}

impl Arrivals<'_> {
    /// Takes in that a node leads to another, and returns that one if it is to speak.
    fn arrive(&mut self, from: &AgentName, to: &AgentName) -> Option<AgentName> {
        if self.shape.joins_all(to) {
            if self.complete.contains(to) {
                return None;
            }
            let came = self.waiting.entry(to.clone()).or_default();
            came.insert(from.clone());
            if came.len() < self.shape.before(to).len() {
                return None;
            }
            self.waiting.remove(to);
            self.complete.insert(to.clone());
        }
        Some(to.clone())
    }
}

fn listed<'a>(nodes: impl IntoIterator<Item = &'a AgentName>) -> String {
    nodes.into_iter().map(|node| format!("`{node}`")).collect::<Vec<_>>().join(", ")
}
