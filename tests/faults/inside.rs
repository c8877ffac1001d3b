//! Crashes within one process at every record boundary: of the process, of who writes, and of the store.

use std::sync::atomic::{AtomicUsize, Ordering};

use playhouse_tests::{Crash, CrashPoint, ReferenceCrew, Table, double_points, points, survive};
use rand::seq::SliceRandom;

use crate::plan::Plan;
use crate::trials::{Harm, Survived, Trials, Wrong};

const GROUP: &str = "inside";

/// How many double crashes of each crew there are to choose from.
const N_DOUBLE: usize = 100;

/// How many stores that fail by chance for each crew.
const N_SEEDED: u64 = 25;

/// What crashed agents, coordinators and calls came to.
#[derive(Default)]
struct Writers {
    n_crashes: AtomicUsize,
    n_asked_again: AtomicUsize,
}

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    let writers = Writers::default();
    let cause = |point: &str| cause(point, plan.seed, &writers);
    let points = chosen(plan);
    let at_least = points.len() * 9 / 10;
    let what = "crash points within the process: every record boundary, store failures, pairs";
    Trials { group: GROUP, what, points, at_least }.run(plan, table, &cause);
    let (n_crashes, n_asked_again) = (writers.n_crashes.into_inner(), writers.n_asked_again.into_inner());
    // `survive` takes as harm what was asked again although its reply was not lost.
    let measured =
        format!("0 in {n_crashes} crashes, besides {n_asked_again} whose call crashed with its reply");
    let what = "model calls repeated when only an agent or the coordinator crashed";
    table.must_hold(what, "0", &measured, n_crashes > 0 || plan.only_point(GROUP).is_some());
}

/// Names the crashes: `CREW:once:PLACE`, `CREW:twice:PLACE` or `CREW:store:SEED`.
fn chosen(plan: &Plan) -> Vec<String> {
    let mut chosen = Vec::new();
    for crew in ReferenceCrew::ALL {
        chosen.extend((0..points(crew).len()).map(|at| format!("{crew}:once:{at}")));
        chosen.extend((0..N_DOUBLE).map(|at| format!("{crew}:twice:{at}")));
        let seeds = plan.seed * 1_000..plan.seed * 1_000 + N_SEEDED;
        chosen.extend(seeds.map(|seed| format!("{crew}:store:{seed}")));
    }
    chosen.shuffle(&mut plan.random(GROUP));
    chosen.truncate(plan.count(usize::MAX, 120));
    chosen
}

fn cause(text: &str, seed: u64, writers: &Writers) -> Result<Survived, Wrong> {
    let Some((crew, point)) = read(text, seed) else {
        return Err(Wrong::new(Harm::Misbehaved, format!("`{text}` is not CREW:KIND:PLACE")));
    };
    // A finding says what is wrong, not of which kind it is.
    let survived =
        survive(crew, point).map_err(|finding| Wrong::new(Harm::Different, finding.to_string()))?;
    if matches!(point.crash, Crash::Writer(_)) {
        writers.n_crashes.fetch_add(1, Ordering::Relaxed);
        writers.n_asked_again.fetch_add(survived.n_asked_again, Ordering::Relaxed);
    }
    Ok(match survived {
        survived if !survived.is_hit => Survived::Unreached,
        survived if survived.is_in_doubt => Survived::Resting,
        _ => Survived::Same,
    })
}

fn read(text: &str, seed: u64) -> Option<(ReferenceCrew, CrashPoint)> {
    let mut parts = text.splitn(3, ':');
    let (name, kind, place) = (parts.next()?, parts.next()?, parts.next()?);
    let crew = ReferenceCrew::ALL.into_iter().find(|crew| crew.to_string() == name)?;
    let at: usize = place.parse().ok()?;
    let point = match kind {
        "once" => points(crew).get(at).copied()?,
        "twice" => double_points(crew, seed, N_DOUBLE).get(at).copied()?,
        "store" => CrashPoint::once(Crash::SeededStore, place.parse().ok()?),
        _ => return None,
    };
    Some((crew, point))
}
