//! What all agents of a run share.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::gate::Effects;
use futures::future::BoxFuture;
use playhouse_journal::{Event, RecordKey};
use playhouse_types::{CaseName, Incarnation, RunId, TenantId, Timestamp, TraceContext};

/// What a run's agents need of the process that owns the run.
pub trait Ownership: Send + Sync {
    /// Tells whether this process may still act for the run, as far as it knows; asked right before each send.
    fn may_act(&self) -> bool;

    /// Keeps the end of a call that the journal did not take: for a person who decides about the call.
    fn keep_late(&self, key: RecordKey, incarnation: Incarnation, event: Event) -> BoxFuture<'static, ()>;
}

/// What all agents of a run share.
#[derive(Clone)]
pub struct RunContext {
    /// The run.
    pub run: RunId,
    /// The case of the batch, if it settles one.
    pub case: Option<CaseName>,
    /// Whose run it is.
    pub tenant: TenantId,
    /// The seed of all draws.
    pub seed: u64,
    /// Whether tools that change anything outside may run.
    pub effects: Effects,
    /// The run's trace.
    pub trace: TraceContext,
    /// The input as JSON text.
    pub input: Arc<str>,
    /// Where the runtime keeps its data.
    pub data_dir: PathBuf,
    /// If this process took the run over from one that is surely gone: when. Nothing was sent after that.
    pub owner_gone_at: Option<Timestamp>,
    /// What the process that owns the run does for it.
    pub ownership: Arc<dyn Ownership>,
}

impl fmt::Debug for RunContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunContext").field("run", &self.run).field("case", &self.case).finish_non_exhaustive()
    }
}
