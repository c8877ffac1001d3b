//! Supervision: children that are started again when they fail, in the manner of Erlang/OTP.
//!
//! ```text
//! messages, exits --> actor --> state --> tree (pure: phases, order, bounds) --> actions
//!                                 |                                                 |
//!                                 +--- starting, stopping, heartbeat (tasks) <------+
//! ```
//!
//! The tree decides and the tasks do; the actor only passes on, so that it answers in the middle of any storm.

mod actor;
mod children;
mod heartbeat;
mod messages;
mod policy;
mod spec;
mod starting;
mod state;
mod stopping;
mod tree;

pub use actor::Supervisor;
pub use heartbeat::Heartbeat;
pub use messages::{AdminError, Bound, ChildCounts, ChildStatus, Note, SupervisorMsg, SupervisorObserver};
pub use policy::{Backoff, Intensity, PolicyFault, RestartPolicy, RestartType};
pub use spec::{
    ChildKind, ChildSpec, NotStarted, SpecError, StartArgs, StartChild, StopMode, SupervisorArgs,
};
pub use state::SupervisorState;
pub use tree::{ChildId, Phase, Strategy};
