//! Ends that nobody asked for: `kill -9` at random moments, and Ctrl-C.
//!
//! `PLAYHOUSE_KILLS=100` kills more often, `PLAYHOUSE_SEED=N` at other moments.

use std::sync::OnceLock;

use playhouse_tests::{Playhouse, Started};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::settled::{RUN, Settled};

/// The longest wait after a line, in turns of a spin loop: some milliseconds, so that kills fall between lines, too.
const MAX_SPINS: u32 = 2_000_000;

pub(crate) const RESUME: &[&str] = &["resume", "--all", "--json"];

/// A batch that nobody disturbed.
struct Undisturbed {
    settled: Settled,
    n_lines: usize,
}

fn undisturbed() -> &'static Undisturbed {
    static UNDISTURBED: OnceLock<Undisturbed> = OnceLock::new();
    UNDISTURBED.get_or_init(|| {
        let playhouse = Playhouse::new();
        let finished = playhouse.run(RUN).with_code(0);
        Undisturbed { settled: Settled::read(&playhouse), n_lines: finished.stderr.lines().count() }
    })
}

pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a whole number"))
}

/// Waits for a random moment among the first lines, and kills.
pub(crate) fn kill_somewhere(mut started: Started, n_lines: usize, random: &mut ChaCha8Rng) -> String {
    let line = random.random_range(0..=n_lines);
    let spins = random.random_range(0..MAX_SPINS);
    started.wait_for_lines(line);
    (0..spins).for_each(|_| std::hint::spin_loop());
    let finished = started.kill().without_panic();
    format!("killed after line {line} and {spins} spins (code {:?})", finished.code)
}

/// Returns whether a run or batch was admitted before the process died.
pub(crate) fn is_admitted(playhouse: &Playhouse) -> bool {
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    !runs.as_array().unwrap().is_empty()
}

/// Kills a batch `n_kills` times, each time as it goes on, lets it end, and checks what it has come to.
fn check_killed(seed: u64, n_kills: usize) {
    let (random, expected) = (&mut ChaCha8Rng::seed_from_u64(seed), undisturbed());
    let playhouse = Playhouse::new();
    let mut hint = format!("seed {seed}");
    for _ in 0..n_kills {
        let arguments = if is_admitted(&playhouse) { RESUME } else { RUN };
        let moment = kill_somewhere(playhouse.start(arguments), expected.n_lines, random);
        hint = format!("{hint}, {moment}");
    }
    let arguments = if is_admitted(&playhouse) { RESUME } else { RUN };
    let finished = playhouse.run(arguments);
    assert_eq!(finished.code, Some(0), "{hint}\n{}", finished.stderr);
    let _ = finished.without_panic();
    Settled::read(&playhouse).check_same(&expected.settled, &hint);
    // Nothing is left to do.
    let nothing = playhouse.run(RESUME).with_code(0);
    assert_eq!(nothing.json(), serde_json::json!([]), "{hint}");
}

#[test]
fn a_batch_that_is_killed_goes_on_as_if_nothing_had_happened() {
    let (first, n_kills) = (number("PLAYHOUSE_SEED", 1), number("PLAYHOUSE_KILLS", 6));
    for seed in first..first + n_kills {
        eprintln!("kill with seed {seed}");
        check_killed(seed, 1);
    }
}

#[test]
fn a_batch_that_is_killed_twice_goes_on_too() {
    let seed = number("PLAYHOUSE_SEED", 1) + 1_000_000;
    eprintln!("two kills with seed {seed}");
    check_killed(seed, 2);
}

#[test]
fn a_batch_that_is_interrupted_rests_and_goes_on() {
    let expected = undisturbed();
    let playhouse = Playhouse::new();
    let mut started = playhouse.start(RUN);
    assert!(started.wait_for_lines(expected.n_lines / 4));
    started.interrupt();
    let interrupted = started.finish().with_code(130).telling(&["resume"]);
    assert!(interrupted.stderr.lines().count() < expected.n_lines);
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    assert!(runs.as_array().unwrap().iter().any(|run| run["status"] == "running"), "{runs:#}");
    let resumed = playhouse.run(&["resume", "last", "--json"]).with_code(0);
    assert_eq!(resumed.json().as_array().unwrap().len(), expected.settled.cases.len());
    let settled = Settled::read(&playhouse);
    settled.check_same(&expected.settled, "interrupted");
}
