//! The runtime below agents and tools: supervision, the journal writer, the table of calls, time, chance and ids.
//!
//! ```text
//! supervisor (restarts, escalates)        call table (calls outlive who asked)
//!      |                                        |
//!   any actor ----append----> journal writer ---+--> store (group commit)
//!                                  |
//!                               RunLog, event bus
//! ```
//!
//! - [`Supervisor`]: ractor has no restarts; this one has strategies, restart types, an intensity window and backoff. It
//!   starts children off its own loop, tells a kill from a normal exit, and reports every exit before it restarts.
//! - [`JournalWriter`]: one per store; gives records their place, appends them to the shared log of their run, commits
//!   what has gathered in one transaction. A failed commit tears the affected logs: nothing of it is acknowledged.
//! - [`CallTable`]: model and tool calls in flight, apart from the agents that asked.
//! - [`UserPool`]: where tools run, so that nothing they do stalls an actor.
//!
//! Limits: an abort, a stack overflow or running out of memory takes the process; `resume` is the answer to those. The
//! supervisor's counters live in memory; the crash-loop counter of a run is in the store.

mod bus;
mod calls;
mod clock;
mod draws;
mod ids;
mod journal;
mod restart;
mod supervisor;
mod user_pool;

pub use bus::{BroadcastBus, EventStream, StreamItem};
pub use calls::CallTable;
pub use clock::SystemClock;
pub use draws::KeyedDraws;
pub use ids::{new_boot_id, new_run_id, new_run_key, new_trace};
pub use journal::{JournalWriter, WriterArgs, WriterFailure};
pub use restart::Restarted;
pub use supervisor::{
    AdminError, Backoff, ChildCounts, ChildId, ChildKind, ChildSpec, ChildStatus, Heartbeat, Intensity,
    NotStarted, Note, Phase, PolicyFault, RestartPolicy, RestartType, SpecError, StartArgs, StartChild,
    StopMode, Strategy, Supervisor, SupervisorArgs, SupervisorMsg, SupervisorObserver, SupervisorState,
};
pub use user_pool::{UserCodeError, UserPool, UserPoolLimits};
