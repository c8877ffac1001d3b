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
//! - [`Supervisor`]: ractor has no restarts; this one has strategies, restart types, intensity windows, backoff, start and
//!   stop times, heartbeats and admin calls. It starts children off its own loop, tells a kill from a normal exit, and
//!   reports every exit before it restarts. What it promises stands below.
//! - [`JournalWriter`]: one per store; gives records their place, appends them to the shared log of their run, commits
//!   what has gathered in one transaction. A failed commit tears the affected logs: nothing of it is acknowledged.
//! - [`CallTable`]: model and tool calls in flight, apart from the agents that asked.
//! - [`UserPool`]: where tools run, so that nothing they do stalls an actor.
//!
//! Limits: an abort, a stack overflow or running out of memory takes the process; `resume` is the answer to those. The
//! supervisor's counters live in memory; the crash-loop counter of a run is in the store.
//!
//! # What the supervisor promises
//!
//! The behaviours that Erlang/OTP tests its `supervisor` for, and some that OTP leaves out. Each has tests that carry its
//! number, in `tests/it/supervision` unless said otherwise; `src/supervisor/tree` has unit and property tests of the state.
//!
//! - S01, S20 ordered start and reverse stop, nothing left behind. S02 unwanted children are disabled. S03, S04 starts that
//!   fail, panic or hang. S05, S06 faulty descriptions are refused. S07 defaults: transient (OTP: permanent; an agent that
//!   ended as it should starts when it is next addressed), 3 restarts in 60 s, 5 s to stop, for ever for supervisors.
//! - S08, S09, S21 ways to stop, races with exits, children that unlink themselves. Tasks that an actor spawned are its own
//!   to end; calls are not its tasks: they run in the [`CallTable`] and outlive it.
//! - S10, S16 typed admin calls, answered at once in a storm. S11, S12, S14, S15, S19 who restarts after what.
//! - S13 escalation: once, to the [`SupervisorObserver`]. With `OneForOne` a child is given up alone and the observer
//!   decides; OTP would end the supervisor, as ours does for a group and for the bound of all children together, which the
//!   host has a test for, too: a run whose actors exceed it is set aside.
//! - S22 to S25 trees and counts, nothing grows or is kept, ten thousand children, names.
//! - S27 reasons are bounded; secrets never reach a reason, as secret types print `***`. S28 every exit has its reason.
//! - S29 backoff with jitter and reset. S30 requests to a restarting actor ([`Address::request`]). S31 children of a
//!   supervisor end with it and start with it. S36, S37 panics in the supervisor, in its observer, without a text. S40 a
//!   child that blocks its thread; `user_pool.rs` has the tests for tools that do.
//! - S32 restart from the journal, S33 nothing that waits is lost (a mailbox is a doorbell, and what it rings for is a
//!   record), S35 effects that are not repeated: the crash matrix of the workspace (`tests/it`). S34: a poisonous request ends
//!   in one escalation here.
//! - S38: a panic while another one unwinds aborts the process, which no test of its own process can survive; that the next
//!   process goes on is ensured by the kill tests of the workspace (`tests/it`), to which an abort looks the same. S39: a
//!   build that aborts on panic is refused by the `compile_error` below.
//!
//! Not there, on purpose:
//! - S17, S18 significant children and automatic shutdown: a run ends by a record (`RunConcluded`), never by the absence of
//!   an actor. An agent that an operator stops ends nothing but itself.
//! - S26 code change in a running supervisor: a definition is compiled in; a changed one meets a run when it is resumed.
//!
//! [`Address::request`]: playhouse_messages::Address::request

#[cfg(panic = "abort")]
compile_error!("a panic must unwind: supervisors catch it (set `panic = \"unwind\"` in the profile)");

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
pub use clock::{SimulatedClock, SystemClock};
pub use draws::KeyedDraws;
pub use ids::{new_boot_id, new_run_id, new_run_key, new_trace};
pub use journal::{JournalWriter, WriterArgs, WriterFailure};
pub use restart::Restarted;
pub use supervisor::{
    AdminError, Backoff, Bound, ChildCounts, ChildId, ChildKind, ChildSpec, ChildStatus, Heartbeat,
    Intensity, NotStarted, Note, Phase, PolicyFault, RestartPolicy, RestartType, SpecError, StartArgs,
    StartChild, StopMode, Strategy, Supervisor, SupervisorArgs, SupervisorMsg, SupervisorObserver,
    SupervisorState,
};
pub use user_pool::{UserCodeError, UserPool, UserPoolLimits};
