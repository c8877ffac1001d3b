//! The host: opens a store, starts runs of scenarios as supervised actors, and brings them to rest.
//!
//! ```text
//! System (rest_for_one): journal writer, models, tools, runs
//!    runs: one supervisor per run (one_for_one): agents, coordinator
//! ```

mod admission;
mod answered;
mod async_runtime;
mod batch;
mod cassettes;
mod change;
mod children;
mod endpoints;
mod error;
mod fold_again;
mod fork;
mod inbox;
mod incarnations;
mod links;
mod live_run;
mod model_slot;
mod observer;
mod open;
mod options;
mod ownership;
mod parts;
mod replay;
mod resume;
mod run_events;
mod run_fold;
mod run_handle;
mod runtime;
mod snapshots;
mod system;
mod toolbox;
mod work;

pub use answered::Answered;
pub(crate) use answered::Waiting;
pub use async_runtime::async_runtime;
pub use batch::{BatchEnd, BatchHandle, StartBatch};
pub(crate) use children::check_arguments;
pub use error::{OpenError, RunError};
pub use fork::{ForkedRun, StartFork};
pub use inbox::Settlement;
pub use live_run::{RunEnd, StartRun};
pub use options::{Durability, RuntimeOptions, Secret};
pub use parts::RuntimeParts;
pub(crate) use resume::resumable;
pub use resume::{FindScenario, Resumed};
pub use run_events::RunEvents;
pub use run_handle::RunHandle;
pub use runtime::Runtime;
