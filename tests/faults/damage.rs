//! A store whose file is damaged: each byte in turn is flipped, and the file is cut off at each length.

use std::thread;

use playhouse_storage_sqlite::damage::{Original, Tally, sample};
use playhouse_tests::Table;

use crate::plan::Plan;

const WHAT: &str = "every single-byte flip of a 64 KiB journal, truncation at every offset";

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    let dir = tempfile::tempdir().unwrap();
    let bytes = playhouse::async_runtime().unwrap().block_on(sample(dir.path())).unwrap();
    let original = Original::new(bytes).unwrap();
    assert!(original.n_bytes() >= 64 << 10, "{}", original.n_bytes());
    let mask = 1 << (plan.seed % 8);
    // Prime, so that all kinds of places are met.
    let step = plan.count(1, 499);
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let examine = |number: usize| {
        let first = number * step;
        let mut tally = original.flip_all(first, n_threads * step, &[mask]);
        tally += original.truncate_all(first, n_threads * step);
        tally
    };
    let (mut total, mut n_panics) = (Tally::default(), 0);
    thread::scope(|scope| {
        let examine = &examine;
        let threads: Vec<_> = (0..n_threads).map(|number| scope.spawn(move || examine(number))).collect();
        for thread in threads {
            match thread.join() {
                Ok(tally) => total += tally,
                Err(_) => n_panics += 1,
            }
        }
    });
    let n_damaged = total.n_harmless + total.n_detected + total.different.len();
    let n_due = 2 * original.n_bytes().div_ceil(step);
    total.different.iter().for_each(|different| eprintln!("silently different: {different}"));
    let measured = format!(
        "{n_damaged} damages of {} KiB: {} detected, {} without effect, {} silent differences, {n_panics} panics",
        original.n_bytes() >> 10,
        total.n_detected,
        total.n_harmless,
        total.different.len(),
    );
    // A harness that detects hardly anything has broken: every truncation has to be.
    let holds =
        total.different.is_empty() && n_panics == 0 && n_damaged == n_due && total.n_detected * 2 >= n_due;
    table.must_hold(WHAT, "0 silent differences, 0 panics", &measured, holds);
}
