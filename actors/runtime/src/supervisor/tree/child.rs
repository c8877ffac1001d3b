//! One child in the tree, and the words of the tree.

use std::time::Duration;

use playhouse_types::Incarnation;

use crate::supervisor::policy::{Intensity, RestartHistory, RestartPolicy, RestartType};

/// Which siblings a restart takes along: of those that run or are being started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Strategy {
    /// None. A child that fails too often is given up alone. The default.
    #[default]
    OneForOne,
    /// Those that were declared after it: they depend on it. One that fails too often ends the supervisor.
    RestForOne,
    /// All. One that fails too often ends the supervisor.
    OneForAll,
}

/// What a child is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Not started yet, ended as it should, or stopped for good.
    Idle,
    /// Not wanted here, as its start says.
    Disabled,
    /// Being started because somebody asked for it.
    Starting,
    /// Being started after an exit, or waiting for that.
    Restarting,
    /// Running.
    Running,
    /// Being stopped.
    Stopping,
    /// Failed too often.
    GivenUp,
}

/// A child's place, never used twice; later children have later places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChildId(pub(super) u64);

/// How a child came to its supervisor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    /// With it: its description is kept, so that it can be asked for again.
    Declared,
    /// Later: forgotten at rest, if it is temporary.
    Added,
}

/// What the supervisor has to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// Start this child after this wait.
    Start(ChildId, Duration),
    /// Stop this child or end its start; its exit is awaited.
    Stop(ChildId),
    /// This child failed too often; with the bound over all children if that was the one.
    Escalate(ChildId, Option<Intensity>),
    /// This child is no longer known.
    Forget(ChildId),
    /// All children have ended and so does the supervisor.
    End {
        /// Whether that is a failure of its own.
        is_failure: bool,
    },
}

/// What follows the end of a child that is being stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    Rest,
    Restart,
}

#[derive(Debug)]
pub(super) struct Child {
    pub(super) policy: RestartPolicy,
    order: Order,
    pub(super) phase: Phase,
    /// Whether the order to start or to stop has left, so that a report of its end will come.
    pub(super) is_told: bool,
    pub(super) next: Next,
    pub(super) incarnation: Incarnation,
    pub(super) history: RestartHistory,
}

impl Child {
    pub(super) fn new(policy: RestartPolicy, incarnation: Incarnation, order: Order) -> Self {
        let history = RestartHistory::default();
        Self { policy, order, phase: Phase::Idle, is_told: false, next: Next::Rest, incarnation, history }
    }

    /// Notes that the child has to stop; the order may leave later.
    pub(super) const fn stop(&mut self, next: Next) {
        self.phase = Phase::Stopping;
        self.is_told = false;
        self.next = next;
    }

    /// Tells whether there is an actor, or a start under way.
    pub(super) const fn is_alive(&self) -> bool {
        match self.phase {
            Phase::Running | Phase::Stopping => true,
            Phase::Starting | Phase::Restarting => self.is_told,
            Phase::Idle | Phase::Disabled | Phase::GivenUp => false,
        }
    }

    pub(super) const fn is_at_rest(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Disabled | Phase::GivenUp)
    }

    pub(super) fn is_temporary(&self) -> bool {
        self.policy.restart == RestartType::Temporary
    }

    pub(super) fn is_forgotten_at_rest(&self) -> bool {
        self.order == Order::Added && self.is_temporary()
    }
}
