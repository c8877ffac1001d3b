//! What a supervisor is told about its children before they run.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_messages::Clock;
use playhouse_types::Incarnation;
use ractor::ActorCell;

use super::heartbeat::Heartbeat;
use super::messages::SupervisorObserver;
use super::policy::{Intensity, PolicyFault, RestartPolicy};
use super::tree::Strategy;

/// What a child's start gets.
#[derive(Clone, Debug)]
pub struct StartArgs {
    /// Which start this is.
    pub incarnation: Incarnation,
    /// The supervisor: spawn the child linked to it.
    pub supervisor: ActorCell,
}

/// Why a start led to no running child.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotStarted {
    /// It is not wanted here, by configuration for example: no failure, the child stays disabled.
    Disabled,
    /// It failed; counted as an exit.
    Failed(String),
}

impl From<String> for NotStarted {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

/// Starts a child, linked to its supervisor, and fills its address.
///
/// It waits for nothing after the spawn: a start that is given up in between would leave an actor that nobody knows.
pub type StartChild =
    Arc<dyn Fn(StartArgs) -> BoxFuture<'static, Result<ActorCell, NotStarted>> + Send + Sync>;

/// How a child is asked to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StopMode {
    /// It is killed at once, in the middle of what it does.
    Kill,
    /// It works off its mailbox; after this time it is killed.
    Within(Duration),
    /// It gets the time that it needs. For supervisors, whose children have bounds of their own.
    Forever,
}

/// What a child is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChildKind {
    /// An actor that works: asked to end by draining its mailbox.
    Worker,
    /// A supervisor: asked to end by [`SupervisorMsg::Shutdown`](super::SupervisorMsg::Shutdown).
    Supervisor,
}

/// A child as its supervisor knows it.
#[derive(Clone)]
pub struct ChildSpec {
    /// Its name, unique among its siblings.
    pub name: Arc<str>,
    /// What it is.
    pub kind: ChildKind,
    /// When and how often it is started again.
    pub policy: RestartPolicy,
    /// How it is asked to end.
    pub stop: StopMode,
    /// How long a start may take; then it has failed.
    pub start_within: Duration,
    /// How the supervisor sees that it is stuck, if it looks.
    pub heartbeat: Option<Heartbeat>,
    /// Its newest incarnation before this supervisor; 0 for a child that has never run.
    pub incarnation: Incarnation,
    /// Whether it is started with the supervisor; if not, when somebody asks.
    pub is_eager: bool,
    /// How it is started.
    pub start: StartChild,
}

impl ChildSpec {
    /// How long a worker may take to work off its mailbox when it is stopped. OTP's default.
    pub const STOP_WITHIN: Duration = Duration::from_secs(5);

    /// How long a start may take. A start restores state and calls nobody; a slow disk gets its time.
    pub const START_WITHIN: Duration = Duration::from_secs(30);

    /// Describes a working actor: eager, five seconds to end, thirty to start, no heartbeat.
    #[must_use]
    pub fn worker(name: impl Into<Arc<str>>, policy: RestartPolicy, start: StartChild) -> Self {
        Self {
            name: name.into(),
            kind: ChildKind::Worker,
            policy,
            stop: StopMode::Within(Self::STOP_WITHIN),
            start_within: Self::START_WITHIN,
            heartbeat: None,
            incarnation: Incarnation(0),
            is_eager: true,
            start,
        }
    }

    /// Describes a supervisor: like a worker, but it gets the time that it needs to end.
    #[must_use]
    pub fn supervisor(name: impl Into<Arc<str>>, policy: RestartPolicy, start: StartChild) -> Self {
        let worker = Self::worker(name, policy, start);
        Self { kind: ChildKind::Supervisor, stop: StopMode::Forever, ..worker }
    }

    /// Checks that the values mean something.
    ///
    /// # Errors
    /// [`SpecError`] names the child and what is wrong with it.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.name.is_empty() {
            return Err(SpecError::NoName);
        }
        let child = || Arc::clone(&self.name);
        self.policy.check().map_err(|source| SpecError::Policy { child: child(), source })?;
        if self.start_within.is_zero() {
            return Err(SpecError::NoTimeToStart { child: child() });
        }
        if self.heartbeat.as_ref().is_some_and(|heartbeat| !heartbeat.is_possible()) {
            return Err(SpecError::NoTimeToAnswer { child: child() });
        }
        Ok(())
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("name", &self.name)
            .field("policy", &self.policy)
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}

/// What is wrong with the description of a child or of a supervisor.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// A child has no name.
    #[error("a child has an empty name")]
    NoName,
    /// Two children have one name.
    #[error("two children are named `{child}`")]
    Duplicate {
        /// The name.
        child: Arc<str>,
    },
    /// A restart policy makes no sense.
    #[error("the restart policy of `{child}` makes no sense")]
    Policy {
        /// Whose.
        child: Arc<str>,
        /// What is wrong with it.
        source: PolicyFault,
    },
    /// A start would fail before it began.
    #[error("`start_within` of `{child}` is zero")]
    NoTimeToStart {
        /// Whose.
        child: Arc<str>,
    },
    /// A heartbeat would kill its child at once, or ask without a pause.
    #[error("`heartbeat` of `{child}` leaves no time between questions or none to answer")]
    NoTimeToAnswer {
        /// Whose.
        child: Arc<str>,
    },
    /// The bound over all children makes no sense.
    #[error("the supervisor's own bound on restarts makes no sense")]
    Intensity {
        /// What is wrong with it.
        source: PolicyFault,
    },
}

/// What a supervisor needs.
#[derive(Clone)]
pub struct SupervisorArgs {
    /// Which siblings a restart takes along.
    pub strategy: Strategy,
    /// How many restarts all children may have together; one more stops them all and ends the supervisor. `None`
    /// leaves the bounds of each child.
    pub intensity: Option<Intensity>,
    /// The children: started in this order, stopped in reverse.
    pub children: Vec<ChildSpec>,
    /// Who is told about exits.
    pub observer: Arc<dyn SupervisorObserver>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl SupervisorArgs {
    /// Checks that the values mean something. A supervisor with faulty ones does not start.
    ///
    /// # Errors
    /// [`SpecError`] names the first fault.
    pub fn check(&self) -> Result<(), SpecError> {
        if let Some(intensity) = &self.intensity {
            intensity.check().map_err(|source| SpecError::Intensity { source })?;
        }
        let mut names = HashSet::new();
        for child in &self.children {
            child.check()?;
            if !names.insert(&child.name) {
                return Err(SpecError::Duplicate { child: Arc::clone(&child.name) });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SupervisorArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupervisorArgs").field("children", &self.children).finish_non_exhaustive()
    }
}
