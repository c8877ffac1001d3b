//! Who is next: stops before starts, stops in reverse, starts in order.

use std::ops::Bound;
use std::time::Duration;

use super::child::{Action, ChildId, Next, Phase, Strategy};
use super::{Course, Intensity, Tree};

impl Tree {
    pub(super) fn end(&mut self, is_failure: bool, mut actions: Vec<Action>) -> Vec<Action> {
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
    pub(super) fn ended(&mut self, id: ChildId) -> Vec<Action> {
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
    pub(super) fn leave_turn(&mut self, id: ChildId) {
        self.to_stop.remove(&id);
        if self.stopping == Some(id) {
            self.stopping = None;
        }
        if self.starting == Some(id) {
            self.starting = None;
        }
    }

    /// Lays a child to rest; one that nobody may ask for again is forgotten.
    pub(super) fn rest(&mut self, id: ChildId, phase: Phase) -> Vec<Action> {
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

    pub(super) fn give_up(&mut self, id: ChildId, beyond: Option<Intensity>) -> Vec<Action> {
        let mut actions = vec![Action::Escalate(id, beyond)];
        actions.extend(self.rest(id, Phase::GivenUp));
        // Siblings of a group depend on the one that is gone: as in OTP, the next supervisor above has the word.
        if beyond.is_some() || self.strategy != Strategy::OneForOne {
            return self.end(true, actions);
        }
        self.advance(actions)
    }

    /// Restarts a child that has ended, and those it takes along: they stop in reverse order first.
    pub(super) fn restart(&mut self, id: ChildId, after: Duration) -> Vec<Action> {
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
    pub(super) fn start(&mut self, id: ChildId, phase: Phase, after: Duration) -> Vec<Action> {
        let actions = match self.strategy {
            Strategy::OneForOne => self.start_now(id, phase, after),
            Strategy::RestForOne | Strategy::OneForAll => {
                self.queue_start(id, phase);
                Vec::new()
            }
        };
        self.advance(actions)
    }

    pub(super) fn queue_start(&mut self, id: ChildId, phase: Phase) {
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
    pub(super) fn advance(&mut self, mut actions: Vec<Action>) -> Vec<Action> {
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
