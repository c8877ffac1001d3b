//! Every crash of every reference crew, and seeded double crashes.

use std::time::{Duration, Instant};

use playhouse_tests::{CrashPoint, Finding, ReferenceCrew, Survived, double_points, points, survive};

/// How many double crashes of each crew.
const N_DOUBLE: usize = 100;

#[derive(Default)]
struct Tally {
    n_survived: usize,
    n_in_doubt: usize,
    n_asked_again: usize,
    longest: Duration,
    findings: Vec<Finding>,
}

impl Tally {
    fn add(&mut self, outcome: Result<Survived, Finding>) {
        match outcome {
            Ok(survived) => {
                self.n_survived += 1;
                self.n_in_doubt += usize::from(survived.is_in_doubt);
                self.n_asked_again += survived.n_asked_again;
                self.longest = self.longest.max(survived.took);
            }
            Err(finding) => {
                println!("FAILED {finding}");
                self.findings.push(finding);
            }
        }
    }
}

/// Returns whether all crashes were survived.
#[expect(clippy::disallowed_methods, reason = "how long the matrix takes is a figure")]
pub(crate) fn run() -> bool {
    let seed = std::env::var("PLAYHOUSE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let (mut is_good, mut n_points, began) = (true, 0, Instant::now());
    for crew in ReferenceCrew::ALL {
        is_good &= report(crew, "single", &points(crew), &mut n_points);
        is_good &= report(
            crew,
            &format!("double, seed {seed}"),
            &double_points(crew, seed, N_DOUBLE),
            &mut n_points,
        );
    }
    let took = began.elapsed();
    println!(
        "{n_points} crashes in {took:.1?}, {:.1?} each",
        took / u32::try_from(n_points.max(1)).unwrap_or(1)
    );
    is_good
}

fn report(crew: ReferenceCrew, what: &str, points: &[CrashPoint], n_points: &mut usize) -> bool {
    let mut tally = Tally::default();
    points.iter().for_each(|point| tally.add(survive(crew, *point)));
    *n_points += points.len();
    println!(
        "{crew} ({what}): {} of {} survived, {} in doubt as they must, {} lost askings of a model repeated, at most {:?} simulated",
        tally.n_survived,
        points.len(),
        tally.n_in_doubt,
        tally.n_asked_again,
        tally.longest,
    );
    tally.findings.is_empty()
}
