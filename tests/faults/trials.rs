//! Causing many failures, and counting what they came to.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use playhouse_tests::Table;

use crate::plan::Plan;

/// What a caused failure came to, if it was survived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Survived {
    /// Everything came out as if nothing had happened.
    Same,
    /// The same, after a person has said what became of a call that may be made only once.
    InDoubt,
    /// A call that may be made only once was made at most once, and the run rests until a person settles it.
    Resting,
    /// The process ended before the failure could be caused.
    Unreached,
}

/// How a failure was not survived.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Harm {
    /// Something that was acknowledged is gone.
    Lost,
    /// An effect happened twice.
    Duplicated,
    /// The conversation or the effects came out differently.
    Different,
    /// A process hung, panicked or ended with a code that does not fit.
    Misbehaved,
}

/// A failure that was not survived.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) harm: Harm,
    pub(crate) detail: String,
}

impl Wrong {
    pub(crate) fn new(harm: Harm, detail: impl Into<String>) -> Self {
        Self { harm, detail: detail.into() }
    }
}

/// The target of all trials.
pub(crate) const NO_HARM: &str = "0 lost, 0 duplicated, 0 differing";

/// Causes the failure at a point.
pub(crate) type Cause<'a> = dyn Fn(&str) -> Result<Survived, Wrong> + Sync + 'a;

/// Failures of one kind.
pub(crate) struct Trials<'a> {
    pub(crate) group: &'static str,
    pub(crate) what: &'a str,
    pub(crate) points: Vec<String>,
    /// The least number of failures that must have been caused.
    pub(crate) at_least: usize,
}

/// How many failures came to what.
#[derive(Default)]
struct Tally {
    n_same: usize,
    n_in_doubt: usize,
    n_resting: usize,
    n_unreached: usize,
    harms: Vec<Harm>,
}

impl Tally {
    fn count(&self, harm: Harm) -> usize {
        self.harms.iter().filter(|found| **found == harm).count()
    }

    fn n_caused(&self) -> usize {
        self.n_same + self.n_in_doubt + self.n_resting + self.harms.len()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let harm = |harm| self.count(harm);
        write!(f, "{} caused: {} lost, ", self.n_caused(), harm(Harm::Lost))?;
        write!(f, "{} duplicated, {} differing", harm(Harm::Duplicated), harm(Harm::Different))?;
        for (count, name) in [
            (harm(Harm::Misbehaved), "misbehaving"),
            (self.n_in_doubt, "with a doubt that a person settled"),
            (self.n_resting, "left to a person, as they must"),
            (self.n_unreached, "ended before they were reached"),
        ] {
            if count > 0 {
                write!(f, ", {count} {name}")?;
            }
        }
        Ok(())
    }
}

impl Trials<'_> {
    /// Causes all of them, one for each core at a time, and adds a row.
    pub(crate) fn run(self, plan: &Plan, table: &mut Table, cause: &Cause<'_>) {
        let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.run_many(plan, table, n_cores, cause);
    }

    /// Causes all of them, this many at a time, and adds a row.
    pub(crate) fn run_many(mut self, plan: &Plan, table: &mut Table, n_workers: usize, cause: &Cause<'_>) {
        if let Some(only) = plan.only_point(self.group) {
            (self.points, self.at_least) = (vec![only.to_owned()], 0);
        }
        let (tally, next) = (Mutex::new(Tally::default()), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..n_workers {
                scope.spawn(|| {
                    while let Some(point) = self.points.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let came_to = cause(point);
                        self.count(plan, point, came_to, &mut tally.lock().unwrap());
                    }
                });
            }
        });
        let tally = tally.into_inner().unwrap();
        let is_met = tally.harms.is_empty() && tally.n_caused() >= self.at_least;
        let target = match self.at_least {
            0 => NO_HARM.to_owned(),
            at_least => format!("at least {at_least}; {NO_HARM}"),
        };
        table.must_hold(self.what, &target, &tally.to_string(), is_met);
    }

    fn count(&self, plan: &Plan, point: &str, came_to: Result<Survived, Wrong>, tally: &mut Tally) {
        match came_to {
            Ok(Survived::Same) => tally.n_same += 1,
            Ok(Survived::InDoubt) => tally.n_in_doubt += 1,
            Ok(Survived::Resting) => tally.n_resting += 1,
            Ok(Survived::Unreached) => tally.n_unreached += 1,
            Err(Wrong { harm, detail }) => {
                tally.harms.push(harm);
                eprintln!("{harm:?} at {}:{point}: {detail}\nrepeat it with:", self.group);
                eprintln!(
                    "    cargo bench -p playhouse-tests --bench faults -- --seed {} --repeat '{}:{point}'",
                    plan.seed, self.group
                );
            }
        }
    }
}
