//! Figures of one process, each a function that returns numbers: the commands that print tables call them.
//!
//! Times are real unless a comment says otherwise; nothing here asserts one.

mod open_runs;
mod overload;
mod panics;
mod percentile;
mod restart;
mod starts;
mod store;
mod talk;

pub use open_runs::{OpenRuns, open_runs, reopen_from_process_start};
pub use overload::{Overload, overload};
pub use panics::{PanickingAgent, always_panicking_agent, panicking_agent};
pub use restart::{AgentRestart, agent_restart};
pub use starts::{FailedStarts, failed_starts};
pub use store::{Reopened, StoreSize, reopen, store_size};
