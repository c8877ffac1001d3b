//! How long a call waits before it is repeated.

use std::time::Duration;

use playhouse_messages::Draws;
use playhouse_runtime::KeyedDraws;

/// The longest wait before the first repetition; it doubles with each, up to [`MAX`].
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait before any repetition.
const MAX: Duration = Duration::from_secs(2);

/// Returns the wait before repetition number `n`, from 1: between half and all of the longest one.
///
/// Drawn by the call's key, so that calls which failed together do not come back together, and a run that is repeated
/// with its keys waits as before. Never less than half: a destination in trouble gets time in any case.
pub(crate) fn backoff(key: &str, n: u32) -> Duration {
    let longest = FIRST.saturating_mul(1 << n.saturating_sub(1).min(8)).min(MAX);
    longest.mul_f64((1.0 + KeyedDraws::named(0, key, &[n]).unit()) / 2.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::backoff;

    #[test]
    fn a_wait_is_at_least_half_of_the_longest_which_doubles_up_to_two_seconds() {
        for (n, longest_millis) in
            [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1_600), (6, 2_000), (99, 2_000)]
        {
            let longest = Duration::from_millis(longest_millis);
            for call in 0..50 {
                let wait = backoff(&format!("call {call}"), n);
                assert!(longest / 2 <= wait && wait <= longest, "repetition {n}: {wait:?}");
            }
        }
    }

    #[test]
    fn calls_that_failed_together_come_back_apart_and_each_as_it_did_before() {
        let waits = || (0..50).map(|call| backoff(&format!("call {call}"), 1)).collect::<Vec<_>>();
        assert_eq!(waits(), waits());
        assert_eq!(waits().into_iter().collect::<BTreeSet<_>>().len(), 50);
        assert_ne!(backoff("call", 6), backoff("call", 7), "each repetition draws anew");
    }
}
