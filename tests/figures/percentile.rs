//! Times in order.

use std::time::Duration;

/// Returns the time that 99 of 100 do not exceed; zero if there are none.
pub(super) fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let place = (times.len() * 99).div_ceil(100).saturating_sub(1);
    times.get(place).copied().unwrap_or_default()
}
