//! What all agents of a run share.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::gate::Effects;
use futures::future::BoxFuture;
use playhouse_journal::{Event, ReadError, RecordKey};
use playhouse_tools::KeyPlace;
use playhouse_types::{CallId, CaseName, Incarnation, RunId, TenantId, Timestamp, TraceContext};

/// What a run's agents need of the process that owns the run.
pub trait Ownership: Send + Sync {
    /// Tells whether this process may still act for the run, as far as it knows; asked right before each send.
    fn may_act(&self) -> bool;

    /// Looks for another run that has asked for the effect before our `call` did, by their intent key. The intent of
    /// `call` has to be durable; of two runs that ask, exactly one finds nothing.
    fn earlier_intent(
        &self,
        call: CallId,
        key: String,
    ) -> BoxFuture<'static, Result<Option<OtherIntent>, ReadError>>;

    /// Keeps the end of a call that the journal did not take: for a person who decides about the call.
    fn keep_late(&self, key: RecordKey, incarnation: Incarnation, event: Event) -> BoxFuture<'static, ()>;
}

/// What became of an effect that another run has asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OtherIntent {
    /// It was done, with this answer.
    Done {
        /// What it answered.
        output: String,
    },
    /// It may be under way, or is in doubt.
    Unsettled {
        /// Which run.
        run: RunId,
        /// Which of its calls.
        call: CallId,
    },
}

/// What all agents of a run share.
#[derive(Clone)]
pub struct RunContext {
    /// The run.
    pub run: RunId,
    /// Its batch; the run itself if it has none.
    pub batch: RunId,
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

impl RunContext {
    /// Returns what the keys of its calls depend on.
    #[must_use]
    pub const fn key_place(&self) -> KeyPlace<'_> {
        KeyPlace { run: self.run, batch: self.batch, tenant: &self.tenant }
    }
}

impl fmt::Debug for RunContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunContext").field("run", &self.run).field("case", &self.case).finish_non_exhaustive()
    }
}
