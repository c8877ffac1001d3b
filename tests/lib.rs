//! What the end-to-end tests and the benchmarks share.
//!
//! ```text
//! test --> Playhouse (the real binary in a directory of its own) --> Endpoint (a scripted model of this process)
//!              |                                                         ^
//!              +--> data directory, ledger <-- CaseFolder                +-- closure on the parsed request
//! ```
//!
//! Everything runs on this machine alone; nothing waits for time to pass.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: one that fails fails its test"
)]

mod binary;
mod case_folder;
mod crash;
mod endpoint;
mod faulty_store;
mod figures;
mod finished;
mod ledger;
mod limited;
mod playhouse;
mod shown;
mod table;
mod terminal;

pub use binary::{cargo, playhouse_binary, target_dir, workspace_root};
pub use case_folder::CaseFolder;
pub use crash::{
    Crash, CrashPoint, Finding, Moment, ReferenceCrew, StoreTrouble, Survived, double_points, points, survive,
};
pub use endpoint::{Answer, AskedModel, Endpoint, Reply, Then};
pub use faulty_store::{End, FaultyStore, Rival, StoreFault};
pub use figures::{
    AgentRestart, FailedStarts, OpenRuns, Overload, PanickingAgent, Reopened, StoreSize, agent_restart,
    always_panicking_agent, failed_starts, open_runs, overload, panicking_agent, reopen,
    reopen_from_process_start, store_size,
};
pub use finished::Finished;
pub use ledger::{LedgerLine, read_ledger};
pub use limited::Limited;
pub use playhouse::{Playhouse, Started};
pub use shown::without_ids;
pub use table::{Figure, Table};
pub use terminal::Terminal;
