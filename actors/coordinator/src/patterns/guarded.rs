//! Functions of a scenario that a pattern calls: whatever they do, the pattern comes to a typed end.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a pure function of the scenario.
///
/// # Errors
/// What it panicked with.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        text.unwrap_or("(no text)").to_owned()
    })
}
