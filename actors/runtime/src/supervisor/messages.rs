//! What a supervisor is asked, what it answers, and whom it tells.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_journal::ExitKind;
use playhouse_types::Incarnation;
use ractor::{ActorCell, ActorId, RpcReplyPort};

use super::spec::{ChildSpec, NotStarted, SpecError};
use super::tree::{ChildId, Phase};

/// Who is told about exits. Reports run in tasks of their own; a child's ends before the child is started again.
pub trait SupervisorObserver: Send + Sync {
    /// A child ended other than as asked.
    fn exited(
        &self,
        child: &str,
        incarnation: Incarnation,
        exit: ExitKind,
        reason: String,
    ) -> BoxFuture<'static, ()>;

    /// A child failed too often and is not started again; told once.
    fn escalated(&self, child: &str, bound: Bound, reason: String) -> BoxFuture<'static, ()>;
}

/// Which bound on restarts was exceeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bound {
    /// The child's own.
    OfChild,
    /// That of all children together: the supervisor stops them all and ends.
    OfAll,
}

/// Why an admin call did nothing.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// There is no such child.
    #[error("there is no child of this name")]
    Unknown,
    /// The child runs. To start it once more or to remove it, stop it first.
    #[error("the child is running")]
    AlreadyRunning,
    /// A child of this name exists and does not run: restart or remove it.
    #[error("a child of this name exists")]
    AlreadyPresent,
    /// The child is being started, stopped or started again; stopping it works, anything else later.
    #[error("the child is being started or stopped")]
    Restarting,
    /// The supervisor is stopping: nothing is started any more.
    #[error("the supervisor is stopping")]
    Stopping,
    /// The description of the child is faulty.
    #[error("the child cannot be added")]
    Invalid(#[source] SpecError),
    /// Its start says that it is not wanted here.
    #[error("the child is disabled")]
    Disabled,
    /// Its start failed; it is started again as its policy says.
    #[error("{0}")]
    NotStarted(String),
}

/// What a child is doing, for admin calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChildStatus {
    /// Its name.
    pub name: Arc<str>,
    /// What it is doing.
    pub phase: Phase,
    /// Its newest incarnation.
    pub incarnation: Incarnation,
}

/// How many children a supervisor has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ChildCounts {
    /// Those that it knows.
    pub specs: usize,
    /// Those that run.
    pub running: usize,
    /// Those that are started again or wait for that.
    pub restarting: usize,
    /// Those that are not wanted here.
    pub disabled: usize,
    /// Those that failed too often.
    pub given_up: usize,
    /// Those that are supervisors.
    pub supervisors: usize,
}

/// What a supervisor is asked. Every message is handled at once: slow work runs in tasks, and replies that say how it
/// ended come when it has.
#[derive(Debug)]
pub enum SupervisorMsg {
    /// Start a child if it has not been started or has ended as it should; else leave it alone.
    Start {
        /// Its name.
        child: Arc<str>,
    },
    /// Start a child that does not run; also one that was given up: its count of failures begins anew.
    Restart {
        /// Its name.
        child: Arc<str>,
        /// Told when the start has succeeded or failed.
        reply: RpcReplyPort<Result<(), AdminError>>,
    },
    /// Add a child behind the others and start it. A temporary one is forgotten when it has ended.
    Add {
        /// The child.
        spec: ChildSpec,
        /// Told when its first start has succeeded or failed; a failed start is restarted by its policy all the same.
        reply: RpcReplyPort<Result<(), AdminError>>,
    },
    /// Stop a child and leave it stopped. One that does not run is left alone.
    Terminate {
        /// Its name.
        child: Arc<str>,
        /// Told when it has ended.
        reply: RpcReplyPort<Result<(), AdminError>>,
    },
    /// Forget a child that does not run.
    Remove {
        /// Its name.
        child: Arc<str>,
        /// Told at once.
        reply: RpcReplyPort<Result<(), AdminError>>,
    },
    /// Say what the children are doing.
    Children {
        /// Told their states in order.
        reply: RpcReplyPort<Vec<ChildStatus>>,
    },
    /// Say how many children there are.
    Counts {
        /// Told at once.
        reply: RpcReplyPort<ChildCounts>,
    },
    /// Stop all children in reverse order, then end.
    Shutdown,
    /// What a task of the supervisor's own has to say.
    Note(Note),
}

/// What a supervisor's own tasks tell it. Made inside this module only.
#[derive(Debug)]
pub enum Note {
    /// A start ended.
    #[doc(hidden)]
    Started {
        /// Which child.
        child: ChildId,
        /// Which start of it.
        incarnation: Incarnation,
        /// The child, or why it could not start.
        outcome: Result<ActorCell, NotStarted>,
    },
    /// A stop ended: the actor is gone, or it did not even end when it was killed.
    #[doc(hidden)]
    Stopped {
        /// The actor.
        actor: ActorId,
        /// Whether its thread may still be busy with it.
        is_left_behind: bool,
    },
    /// A child did not answer its supervisor.
    #[doc(hidden)]
    Silent {
        /// The actor.
        actor: ActorId,
        /// How long it had.
        patience: Duration,
    },
    /// All that had to be told before the end has been told.
    #[doc(hidden)]
    End,
}
