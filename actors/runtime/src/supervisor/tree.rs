//! The state of a supervisor: which child is in which phase, and what follows from an exit. Pure.

use std::time::Duration;

use playhouse_journal::ExitKind;
use playhouse_types::Incarnation;

use super::policy::{RestartHistory, RestartPolicy, Verdict};

/// Which siblings a restart takes along.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Strategy {
    /// None. The default.
    #[default]
    OneForOne,
    /// Those that were declared after it: they depend on it.
    RestForOne,
    /// All.
    OneForAll,
}

/// What a child is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Not started yet, or ended for good.
    Idle,
    /// Being started, possibly after a wait.
    Starting,
    /// Running.
    Running,
    /// Being stopped so that it can start again after a sibling.
    Stopping,
    /// Failed too often.
    GivenUp,
}

/// What the supervisor has to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// Start this child after this wait.
    Start(usize, Duration),
    /// Stop this child; its exit is awaited.
    Stop(usize),
    /// This child failed too often.
    Escalate(usize),
}

#[derive(Debug)]
struct Child {
    policy: RestartPolicy,
    phase: Phase,
    incarnation: Incarnation,
    history: RestartHistory,
}

/// The children in the order of their declaration.
#[derive(Debug)]
pub(crate) struct Tree {
    strategy: Strategy,
    children: Vec<Child>,
    /// A restart that waits until the siblings it takes along have stopped: the child, and how long to wait then.
    pending: Option<(usize, Duration)>,
}

impl Tree {
    /// Makes the tree; each child comes with its policy and the incarnation before its first start.
    pub(crate) fn new(
        strategy: Strategy,
        children: impl IntoIterator<Item = (RestartPolicy, Incarnation)>,
    ) -> Self {
        let mut tree = Self { strategy, children: Vec::new(), pending: None };
        for (policy, incarnation) in children {
            tree.add(policy, incarnation);
        }
        tree
    }

    /// Adds a child behind the others and returns its index; it is idle.
    pub(crate) fn add(&mut self, policy: RestartPolicy, incarnation: Incarnation) -> usize {
        let history = RestartHistory::default();
        self.children.push(Child { policy, phase: Phase::Idle, incarnation, history });
        self.children.len() - 1
    }

    pub(crate) fn phase(&self, index: usize) -> Phase {
        self.children.get(index).map_or(Phase::GivenUp, |child| child.phase)
    }

    /// Tells whether any child is being started, also one that was told to stop meanwhile.
    pub(crate) fn is_starting(&self) -> bool {
        self.children.iter().any(|child| matches!(child.phase, Phase::Starting | Phase::Stopping))
    }

    pub(crate) fn incarnation(&self, index: usize) -> Incarnation {
        self.children.get(index).map_or(Incarnation(0), |child| child.incarnation)
    }

    /// Asks for a child: starts it if it is idle, else changes nothing.
    pub(crate) fn request(&mut self, index: usize) -> Vec<Action> {
        match self.phase(index) {
            Phase::Idle => self.start(index, Duration::ZERO),
            _ => Vec::new(),
        }
    }

    /// Notes that a child runs.
    pub(crate) fn started(&mut self, index: usize, now: Duration) {
        if let Some(child) = self.children.get_mut(index) {
            child.phase = Phase::Running;
            child.history.note_start(now);
        }
    }

    /// Takes in an exit of a child that ran, or its failure to start.
    pub(crate) fn exited(&mut self, index: usize, exit: ExitKind, now: Duration, unit: f64) -> Vec<Action> {
        let Some(child) = self.children.get_mut(index) else { return Vec::new() };
        if child.phase == Phase::Stopping {
            child.phase = Phase::Idle;
            return self.start_pending();
        }
        match child.history.decide(&child.policy, exit, now, unit) {
            Verdict::Stay => {
                child.phase = Phase::Idle;
                Vec::new()
            }
            Verdict::Escalate => {
                child.phase = Phase::GivenUp;
                vec![Action::Escalate(index)]
            }
            Verdict::Restart(after) => {
                child.phase = Phase::Idle;
                self.restart(index, after)
            }
        }
    }

    /// Restarts a child and those it takes along: stops them in reverse order first.
    fn restart(&mut self, index: usize, after: Duration) -> Vec<Action> {
        let along = match self.strategy {
            Strategy::OneForOne => return self.start(index, after),
            Strategy::RestForOne => index + 1..self.children.len(),
            Strategy::OneForAll => 0..self.children.len(),
        };
        let mut stops = Vec::new();
        for sibling in along.rev().filter(|sibling| *sibling != index) {
            if let Some(child) = self.children.get_mut(sibling)
                && matches!(child.phase, Phase::Running | Phase::Starting)
            {
                child.phase = Phase::Stopping;
                stops.push(Action::Stop(sibling));
            }
        }
        // Another failure during a group restart: the earliest child is where the group begins again.
        let first = self.pending.map_or(index, |(pending, _)| pending.min(index));
        self.pending = Some((first, after));
        if stops.is_empty() { self.start_pending() } else { stops }
    }

    /// Starts the group once nobody of it is stopping any more, in order.
    fn start_pending(&mut self) -> Vec<Action> {
        if self.children.iter().any(|child| child.phase == Phase::Stopping) {
            return Vec::new();
        }
        let Some((first, after)) = self.pending.take() else { return Vec::new() };
        let from = if self.strategy == Strategy::OneForAll { 0 } else { first };
        (from..self.children.len())
            .filter(|index| self.was_started(*index))
            .collect::<Vec<_>>()
            .into_iter()
            .flat_map(|index| self.start(index, after))
            .collect()
    }

    /// A child that nobody has asked for yet stays idle when its group begins again.
    fn was_started(&self, index: usize) -> bool {
        self.children
            .get(index)
            .is_some_and(|child| child.phase == Phase::Idle && child.incarnation > Incarnation(0))
    }

    fn start(&mut self, index: usize, after: Duration) -> Vec<Action> {
        match self.children.get_mut(index) {
            Some(child) => {
                child.phase = Phase::Starting;
                child.incarnation = child.incarnation.next();
                vec![Action::Start(index, after)]
            }
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Phase, RestartPolicy, Strategy, Tree};
    use playhouse_journal::ExitKind::{Failed, Killed, Normal};
    use playhouse_types::Incarnation;
    use std::time::Duration;

    const NOW: Duration = Duration::from_secs(1);

    fn running(strategy: Strategy, count: usize) -> Tree {
        let mut tree = Tree::new(strategy, (0..count).map(|_| (RestartPolicy::default(), Incarnation(0))));
        for index in 0..count {
            tree.request(index);
            tree.started(index, NOW);
        }
        tree
    }

    fn start(index: usize) -> Action {
        Action::Start(index, Duration::ZERO)
    }

    #[test]
    fn one_for_one_restarts_the_failed_child_only() {
        let mut tree = running(Strategy::OneForOne, 3);
        assert_eq!(tree.exited(1, Failed, NOW, 0.0), [start(1)]);
        assert_eq!(
            [0, 1, 2].map(|index| tree.phase(index)),
            [Phase::Running, Phase::Starting, Phase::Running]
        );
        assert_eq!(tree.incarnation(1), Incarnation(2));
    }

    #[test]
    fn rest_for_one_stops_later_children_in_reverse_and_starts_all_in_order() {
        let mut tree = running(Strategy::RestForOne, 4);
        assert_eq!(tree.exited(1, Killed, NOW, 0.0), [Action::Stop(3), Action::Stop(2)]);
        assert_eq!(tree.exited(3, Normal, NOW, 0.0), []);
        assert_eq!(tree.exited(2, Normal, NOW, 0.0), [start(1), start(2), start(3)]);
        assert_eq!(tree.phase(0), Phase::Running);
    }

    #[test]
    fn one_for_all_restarts_everybody() {
        let mut tree = running(Strategy::OneForAll, 3);
        assert_eq!(tree.exited(2, Failed, NOW, 0.0), [Action::Stop(1), Action::Stop(0)]);
        tree.exited(1, Normal, NOW, 0.0);
        assert_eq!(tree.exited(0, Normal, NOW, 0.0), [start(0), start(1), start(2)]);
    }

    #[test]
    fn a_child_that_nobody_asked_for_stays_idle_in_a_group_restart() {
        let children = (0..3).map(|_| (RestartPolicy::default(), Incarnation(0)));
        let mut tree = Tree::new(Strategy::RestForOne, children);
        tree.request(0);
        tree.started(0, NOW);
        assert_eq!(tree.exited(0, Failed, NOW, 0.0), [start(0)]);
    }

    #[test]
    fn a_normal_exit_of_a_transient_child_is_the_end_and_a_kill_is_not() {
        let mut tree = running(Strategy::OneForOne, 2);
        assert_eq!(tree.exited(0, Normal, NOW, 0.0), []);
        assert_eq!(tree.exited(1, Killed, NOW, 0.0), [start(1)]);
    }

    #[test]
    fn a_child_that_fails_too_often_escalates_once() {
        let mut tree = running(Strategy::OneForOne, 1);
        for _ in 0..3 {
            assert!(matches!(tree.exited(0, Failed, NOW, 0.0).as_slice(), [Action::Start(0, _)]));
            tree.started(0, NOW);
        }
        assert_eq!(tree.exited(0, Failed, NOW, 0.0), [Action::Escalate(0)]);
        assert_eq!(tree.request(0), []);
    }

    #[test]
    fn a_running_child_is_not_started_twice() {
        let mut tree = running(Strategy::OneForOne, 1);
        assert_eq!(tree.request(0), []);
    }

    #[test]
    fn a_second_failure_during_a_group_restart_neither_hangs_nor_starts_anybody_twice() {
        let mut tree = running(Strategy::RestForOne, 3);
        assert_eq!(tree.exited(1, Failed, NOW, 0.0), [Action::Stop(2)]);
        assert_eq!(tree.exited(0, Failed, NOW, 0.0), []);
        let starts = tree.exited(2, Normal, NOW, 0.0);
        assert_eq!(starts, [start(0), start(1), start(2)]);
    }
}
