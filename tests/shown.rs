//! What `show --json` prints, without what differs between two runs.

use serde_json::Value;

/// Fields that hold times, ids and what a crash may add.
const DIFFERING: &[&str] = &["run", "parent", "started_at", "trace_id", "restarts", "lost", "call"];

/// Takes away times, ids and what a crash may add, wherever they stand.
pub fn without_ids(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            DIFFERING.iter().for_each(|name| drop(fields.remove(*name)));
            fields.values_mut().for_each(without_ids);
        }
        Value::Array(values) => values.iter_mut().for_each(without_ids),
        _ => {}
    }
}
