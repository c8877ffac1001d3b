//! Ids and keys that come from the system, never from a seed: two runs must not share them.

use playhouse_journal::RunKey;
use playhouse_types::{BootId, RunId, TraceContext};
use uuid::Uuid;

/// Makes the id of a new run.
#[must_use]
pub fn new_run_id() -> RunId {
    RunId::from_u128(Uuid::now_v7().as_u128())
}

/// Makes the id of this process start.
#[must_use]
pub fn new_boot_id() -> BootId {
    BootId::from_u128(Uuid::now_v7().as_u128())
}

/// Makes the key of a new run's bodies: 244 random bits.
#[must_use]
pub fn new_run_key() -> RunKey {
    let (a, b) = (Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes());
    RunKey(*blake3::hash(&[a, b].concat()).as_bytes())
}

/// Makes the trace of a new run.
#[must_use]
pub fn new_trace() -> TraceContext {
    let (trace_id, span) = (Uuid::new_v4().as_u128(), Uuid::new_v4().as_u128());
    // The low half holds 62 random bits besides the variant, so a span id is never 0.
    TraceContext { trace_id, span_id: span as u64 }
}
