//! The state of a supervisor: which child is in which phase, and what follows from an exit. Pure.

mod child;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
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
        let is_queued = self.to_start.remove(&id) || self.to_stop.remove(&id);
        match child.phase {
            Phase::Starting | Phase::Restarting if is_queued => {
                let actions = self.rest(id, Phase::Idle);
                self.advance(actions)
            }
            Phase::Starting | Phase::Restarting | Phase::Running => {
                child.stop(Next::Rest);
                child.is_told = true;
                vec![Action::Stop(id)]
            }
            Phase::Stopping => {
                child.next = Next::Rest;
                if std::mem::replace(&mut child.is_told, true) { Vec::new() } else { vec![Action::Stop(id)] }
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

    fn end(&mut self, is_failure: bool, mut actions: Vec<Action>) -> Vec<Action> {
        self.course = Course::Ending { is_failure };
        for id in std::mem::take(&mut self.to_start) {
            actions.extend(self.rest(id, Phase::Idle));
        }
        for (id, child) in &mut self.children {
            match child.phase {
                Phase::Starting | Phase::Restarting | Phase::Running => {
                    child.stop(Next::Rest);
                    self.to_stop.insert(*id);
                }
                Phase::Stopping => child.next = Next::Rest,
                Phase::Idle | Phase::Disabled | Phase::GivenUp => {}
            }
        }
        self.starting = None;
        self.advance(actions)
    }

    /// A child that was told to stop has ended.
    fn ended(&mut self, id: ChildId) -> Vec<Action> {
        self.leave_turn(id);
        let next = self.children.get(&id).map_or(Next::Rest, |child| child.next);
        let actions = match next {
            Next::Rest => self.rest(id, Phase::Idle),
            Next::Restart => {
                self.n_alive -= 1;
                self.queue_start(id, Phase::Restarting);
                Vec::new()
            }
        };
        self.advance(actions)
    }

    /// Frees the places in order that a child holds: it has ended.
    fn leave_turn(&mut self, id: ChildId) {
        self.to_stop.remove(&id);
        if self.stopping == Some(id) {
            self.stopping = None;
        }
        if self.starting == Some(id) {
            self.starting = None;
        }
    }

    /// Lays a child to rest; one that nobody may ask for again is forgotten.
    fn rest(&mut self, id: ChildId, phase: Phase) -> Vec<Action> {
        let Some(child) = self.children.get_mut(&id) else { return Vec::new() };
        self.n_alive -= usize::from(child.is_alive());
        child.phase = phase;
        child.is_told = false;
        if !child.is_forgotten_at_rest() {
            return Vec::new();
        }
        self.children.remove(&id);
        vec![Action::Forget(id)]
    }

    fn give_up(&mut self, id: ChildId, beyond: Option<Intensity>) -> Vec<Action> {
        let mut actions = vec![Action::Escalate(id, beyond)];
        actions.extend(self.rest(id, Phase::GivenUp));
        // Siblings of a group depend on the one that is gone: as in OTP, the next supervisor above has the word.
        if beyond.is_some() || self.strategy != Strategy::OneForOne {
            return self.end(true, actions);
        }
        self.advance(actions)
    }

    /// Restarts a child that has ended, and those it takes along: they stop in reverse order first.
    fn restart(&mut self, id: ChildId, after: Duration) -> Vec<Action> {
        self.n_alive -= 1;
        if let Some(child) = self.children.get_mut(&id) {
            child.phase = Phase::Idle;
        }
        let along = match self.strategy {
            Strategy::OneForOne => return self.start(id, Phase::Restarting, after),
            Strategy::RestForOne => Bound::Excluded(id),
            Strategy::OneForAll => Bound::Unbounded,
        };
        for (sibling, child) in self.children.range_mut((along, Bound::Unbounded)) {
            let is_queued = self.to_start.contains(sibling);
            if matches!(child.phase, Phase::Starting | Phase::Restarting | Phase::Running) && !is_queued {
                child.stop(if child.is_temporary() { Next::Rest } else { Next::Restart });
                self.to_stop.insert(*sibling);
            }
        }
        self.start_after = self.start_after.max(after);
        self.queue_start(id, Phase::Restarting);
        self.advance(Vec::new())
    }

    /// Starts a child at rest: at once if it depends on nobody, else when its turn comes.
    fn start(&mut self, id: ChildId, phase: Phase, after: Duration) -> Vec<Action> {
        let actions = match self.strategy {
            Strategy::OneForOne => self.start_now(id, phase, after),
            Strategy::RestForOne | Strategy::OneForAll => {
                self.queue_start(id, phase);
                Vec::new()
            }
        };
        self.advance(actions)
    }

    fn queue_start(&mut self, id: ChildId, phase: Phase) {
        if let Some(child) = self.children.get_mut(&id) {
            child.phase = phase;
            child.is_told = false;
            self.to_start.insert(id);
        }
    }

    fn start_now(&mut self, id: ChildId, phase: Phase, after: Duration) -> Vec<Action> {
        let Some(child) = self.children.get_mut(&id) else { return Vec::new() };
        child.phase = phase;
        child.is_told = true;
        child.incarnation = child.incarnation.next();
        self.n_alive += 1;
        vec![Action::Start(id, after)]
    }

    /// Gives the next in order its turn: first those that stop, last one first, then those that start.
    fn advance(&mut self, mut actions: Vec<Action>) -> Vec<Action> {
        if self.stopping.is_none()
            && let Some(id) = self.to_stop.pop_last()
        {
            self.stopping = Some(id);
            if let Some(child) = self.children.get_mut(&id) {
                child.is_told = true;
            }
            actions.push(Action::Stop(id));
        }
        match self.course {
            Course::Ending { is_failure } if self.n_alive == 0 => {
                self.course = Course::Ended;
                actions.push(Action::End { is_failure });
            }
            Course::Up if self.stopping.is_none() && self.starting.is_none() => {
                if let Some(id) = self.to_start.pop_first() {
                    self.starting = Some(id);
                    let after = std::mem::take(&mut self.start_after);
                    let phase = self.phase(id).unwrap_or(Phase::Starting);
                    actions.extend(self.start_now(id, phase, after));
                } else {
                    self.start_after = Duration::ZERO;
                }
            }
            _ => {}
        }
        actions
    }
}
