//! The canonical journal: what two runs of one seed and input must have in common.

use playhouse_types::{Lane, Timestamp, intent_hash};
use serde::Serialize;

use crate::{Event, Record, RecordKey};

/// A record without what differs from run to run: no sequence, hash, time, owner, trace or id derived from the run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CanonicalRecord {
    /// The line it belongs to.
    pub lane: Lane,
    /// Its key.
    pub key: RecordKey,
    /// What happened, with durations, absolute times and derived keys blanked.
    pub event: Event,
}

/// Returns the canonical form of a run's records: operational ones left out, sorted by (turn, lane, step, ordinal, kind).
#[must_use]
pub fn canonical(records: &[Record]) -> Vec<CanonicalRecord> {
    let mut rows: Vec<CanonicalRecord> = records
        .iter()
        .filter(|record| !record.key.kind.is_operational())
        .map(|record| CanonicalRecord {
            lane: record.lane.clone(),
            key: record.key,
            event: blank(&record.event),
        })
        .collect();
    rows.sort_by(|a, b| order(a).cmp(&order(b)));
    rows
}

fn order(row: &CanonicalRecord) -> (u32, &Lane, u32, u32, crate::Kind) {
    (row.key.turn.0, &row.lane, row.key.step.0, row.key.ordinal, row.key.kind)
}

/// Replaces what depends on the run, the clock or the machine.
fn blank(event: &Event) -> Event {
    let mut event = event.clone();
    match &mut event {
        Event::RunAdmitted(admitted) => {
            admitted.trace = playhouse_types::TraceContext::default();
            admitted.parent = None;
        }
        Event::BatchAdmitted(batch) => {
            for case in &mut batch.cases {
                case.run = playhouse_types::RunId::from_u128(0);
            }
        }
        Event::ModelResult { duration_micros, attempts, .. } => {
            *duration_micros = 0;
            *attempts = 1;
        }
        Event::ModelFailed { duration_micros, .. } | Event::ToolResult { duration_micros, .. } => {
            *duration_micros = 0;
        }
        Event::ToolIntent(intent) => {
            intent.keys.idempotency.clear();
            // What a shared key begins with says whose it is: a batch has another id each time.
            intent.keys.intent = intent.keys.intent.as_deref().map(intent_hash).map(str::to_owned);
            intent.dispatch_by = Timestamp(0);
        }
        Event::RunConcluded { usage, .. } => usage.lost = 0,
        Event::ReviewOpened { request, .. } => request.expires_at = None,
        _ => {}
    }
    event
}
