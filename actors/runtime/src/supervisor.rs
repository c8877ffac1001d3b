//! Supervision: children that are started again when they fail, in the manner of Erlang/OTP.

mod actor;
mod policy;
mod tree;

pub use actor::{
    ChildSpec, ChildStatus, StartArgs, StartChild, Supervisor, SupervisorArgs, SupervisorMsg,
    SupervisorObserver,
};
pub use policy::{Backoff, RestartPolicy, RestartType};
pub use tree::{Phase, Strategy};
