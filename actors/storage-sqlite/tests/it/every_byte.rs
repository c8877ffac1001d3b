//! No flipped byte and no missing end of a file changes silently what is read.

use std::thread;

use playhouse_storage_sqlite::damage::{Original, Tally, sample};

use crate::place::{Place, block_on};

/// Set to anything: every byte, in three ways, and every length instead of some.
const ALL: &str = "PLAYHOUSE_EVERY_BYTE";

fn original() -> Original {
    let place = Place::new();
    let original = Original::new(block_on(sample(&place.dir())).unwrap()).unwrap();

    assert!(original.n_bytes() >= 64 << 10, "{}", original.n_bytes());
    original
}

/// Runs `examine` on every `step`th place, on all cores, starting with each of the first places.
fn tally(step: usize, examine: impl Fn(usize, usize) -> Tally + Sync) -> Tally {
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let mut total = Tally::default();
    thread::scope(|scope| {
        let examine = &examine;
        let threads: Vec<_> = (0..n_threads)
            .map(|number| scope.spawn(move || examine(number * step, n_threads * step)))
            .collect();
        for thread in threads {
            total += thread.join().unwrap();
        }
    });
    total
}

#[test]
fn a_flipped_byte_is_detected_or_harmless() {
    let original = original();
    let (step, masks) =
        if std::env::var_os(ALL).is_some() { (1, vec![0x01, 0x80, 0xff]) } else { (37, vec![0x01]) };
    let tally = tally(step, |first, step| original.flip_all(first, step, &masks));
    assert_eq!(tally.different, [""; 0]);
    assert_eq!(tally.n_harmless + tally.n_detected, original.n_bytes().div_ceil(step) * masks.len());
    // What holds nothing is harmless, about half of the file: a suite that detects nothing has broken.
    assert!(tally.n_detected * 4 > tally.n_harmless, "{tally:?}");
}

#[test]
fn a_missing_end_is_always_detected() {
    let original = original();
    let step = if std::env::var_os(ALL).is_some() { 1 } else { 61 };
    let tally = tally(step, |first, step| original.truncate_all(first, step));
    assert_eq!(tally, Tally { n_detected: original.n_bytes().div_ceil(step), ..Tally::default() });
}

/// The first bytes decide how everything else is read.
#[test]
fn a_flipped_byte_of_the_header_is_detected_or_harmless() {
    let original = original();
    let mut tally = Tally::default();
    for offset in 0..100 {
        for mask in [0x01, 0xff] {
            tally.add(|| format!("byte {offset} ^ {mask:#04x}"), original.flip(offset, mask));
        }
    }
    assert_eq!(tally.different, [""; 0]);
}
