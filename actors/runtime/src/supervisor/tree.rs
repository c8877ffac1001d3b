//! The state of a supervisor: which child is in which phase, and what follows from an exit. Pure.

mod child;
mod order;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use playhouse_journal::ExitKind;
use playhouse_types::Incarnation;

pub(crate) use child::{Action, Order};
use child::{Child, Next};
pub use child::{ChildId, Phase, Strategy};

use super::policy::{Intensity, RestartPolicy, Restarts, Verdict};

/// Whether the supervisor goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Course {
    Up,
    /// All children are being stopped; whether because of too many restarts.
    Ending {
        is_failure: bool,
    },
    Ended,
}

/// The children in the order of their declaration.
#[derive(Debug)]
pub(crate) struct Tree {
    strategy: Strategy,
    intensity: Option<Intensity>,
    restarts: Restarts,
    course: Course,
    children: BTreeMap<ChildId, Child>,
    next_id: u64,
    /// How many children have an actor or a start under way.
    n_alive: usize,
    /// Those that start one after the other, and the one whose turn it is.
    to_start: BTreeSet<ChildId>,
    starting: Option<ChildId>,
    /// How long the next start in order waits.
    start_after: Duration,
    /// Those that stop one after the other, and the one whose turn it is. All starts in order wait for them.
    to_stop: BTreeSet<ChildId>,
    stopping: Option<ChildId>,
}

impl Tree {
    pub(crate) fn new(strategy: Strategy, intensity: Option<Intensity>) -> Self {
        Self {
            strategy,
            intensity,
            restarts: Restarts::default(),
            course: Course::Up,
            children: BTreeMap::new(),
            next_id: 0,
            n_alive: 0,
            to_start: BTreeSet::new(),
            starting: None,
            start_after: Duration::ZERO,
            to_stop: BTreeSet::new(),
            stopping: None,
        }
    }

    /// Adds a child behind the others; it is idle.
    pub(crate) fn add(&mut self, policy: RestartPolicy, incarnation: Incarnation, order: Order) -> ChildId {
        let id = ChildId(self.next_id);
        self.next_id += 1;
        self.children.insert(id, Child::new(policy, incarnation, order));
        id
    }

    pub(crate) fn phase(&self, id: ChildId) -> Option<Phase> {
        self.children.get(&id).map(|child| child.phase)
    }

    pub(crate) fn incarnation(&self, id: ChildId) -> Incarnation {
        self.children.get(&id).map_or(Incarnation(0), |child| child.incarnation)
    }

    /// Returns the children in order.
    pub(crate) fn children(&self) -> impl Iterator<Item = (ChildId, Phase, Incarnation)> {
        self.children.iter().map(|(id, child)| (*id, child.phase, child.incarnation))
    }

    pub(crate) fn is_up(&self) -> bool {
        self.course == Course::Up
    }

    /// Starts children one after the other, in order.
    pub(crate) fn boot(&mut self, ids: impl IntoIterator<Item = ChildId>) -> Vec<Action> {
        for id in ids {
            self.queue_start(id, Phase::Starting);
        }
        self.advance(Vec::new())
    }

    /// Asks for a child: starts it if it is idle or disabled, else changes nothing.
    pub(crate) fn request(&mut self, id: ChildId) -> Vec<Action> {
        match self.phase(id) {
            Some(Phase::Idle | Phase::Disabled) if self.is_up() => {
                self.start(id, Phase::Starting, Duration::ZERO)
            }
            _ => Vec::new(),
        }
    }

    /// Like [`Tree::request`], also for a child that was given up: its failures are forgotten.
    pub(crate) fn reopen(&mut self, id: ChildId) -> Vec<Action> {
        if let Some(child) = self.children.get_mut(&id).filter(|child| child.phase == Phase::GivenUp) {
            child.phase = Phase::Idle;
            child.history = super::policy::RestartHistory::default();
        }
        self.request(id)
    }

    /// Notes that a start has succeeded.
    pub(crate) fn started(&mut self, id: ChildId, now: Duration) -> Vec<Action> {
        let Some(child) = self.children.get_mut(&id) else { return Vec::new() };
        match child.phase {
            Phase::Starting | Phase::Restarting if child.is_told => {
                child.history.note_start(now);
                child.phase = Phase::Running;
                if self.starting == Some(id) {
                    self.starting = None;
                }
                self.advance(Vec::new())
            }
            // It was told to stop while it started, and has not noticed.
            Phase::Stopping if child.is_told => vec![Action::Stop(id)],
            _ => Vec::new(),
        }
    }

    /// Notes that a start says that the child is not wanted here.
    pub(crate) fn disabled(&mut self, id: ChildId) -> Vec<Action> {
        if self.phase(id) == Some(Phase::Stopping) {
            return self.ended(id);
        }
        self.leave_turn(id);
        let actions = self.rest(id, Phase::Disabled);
        self.advance(actions)
    }

    /// Takes in an exit of a child that ran, or its failure to start.
    pub(crate) fn exited(&mut self, id: ChildId, exit: ExitKind, now: Duration, unit: f64) -> Vec<Action> {
        let Some(child) = self.children.get_mut(&id).filter(|child| child.is_alive()) else {
            return Vec::new();
        };
        if child.phase == Phase::Stopping {
            return self.ended(id);
        }
        let verdict = child.history.decide(&child.policy, exit, now, unit);
        self.leave_turn(id);
        match verdict {
            Verdict::Stay => {
                let actions = self.rest(id, Phase::Idle);
                self.advance(actions)
            }
            Verdict::Escalate => self.give_up(id, None),
            Verdict::Restart(after) => match self.intensity {
                Some(intensity) if !self.restarts.allow(&intensity, now) => self.give_up(id, Some(intensity)),
                _ => self.restart(id, after),
            },
        }
    }

    /// Stops a child for good, whatever it is doing; its exit is awaited.
    pub(crate) fn terminate(&mut self, id: ChildId) -> Vec<Action> {
        let Some(child) = self.children.get_mut(&id) else { return Vec::new() };
        let is_queued = self.to_start.remove(&id);
        match child.phase {
            Phase::Starting | Phase::Restarting if is_queued => {
                let actions = self.rest(id, Phase::Idle);
                self.advance(actions)
            }
            Phase::Starting | Phase::Restarting | Phase::Running => {
                child.stop(Next::Rest);
                if self.strategy == Strategy::OneForOne {
                    child.is_told = true;
                    return vec![Action::Stop(id)];
                }
                // It ends before those that it depends on stop, and before anything of the group starts.
                self.to_stop.insert(id);
                self.advance(Vec::new())
            }
            // It has been told, or its turn comes.
            Phase::Stopping => {
                child.next = Next::Rest;
                Vec::new()
            }
            Phase::Idle | Phase::Disabled | Phase::GivenUp => Vec::new(),
        }
    }

    /// Forgets a child that is at rest; tells whether it was.
    pub(crate) fn remove(&mut self, id: ChildId) -> bool {
        let is_at_rest = self.children.get(&id).is_some_and(Child::is_at_rest);
        if is_at_rest {
            self.children.remove(&id);
        }
        is_at_rest
    }

    /// Stops all children in reverse order, then ends.
    pub(crate) fn shutdown(&mut self) -> Vec<Action> {
        if self.is_up() { self.end(false, Vec::new()) } else { Vec::new() }
    }
}
