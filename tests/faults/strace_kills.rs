//! Kills at the N-th write or sync of the real binary, and second kills while it recovers.

use std::collections::BTreeMap;

use playhouse_tests::{Limited, Table};
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::crew::{CREWS, Crew, LIMIT, Stage};
use crate::plan::{Effort, Plan};
use crate::point::{Kill, Point, Store};
use crate::strace::{counted, counts, missing};
use crate::trials::Trials;

const GROUP: &str = "strace";
const WHAT: &str = "killed before the N-th `pwrite64`, `fsync` or `write`, then resumed";
const WHAT_TWICE: &str = "killed so, and once more while it was resumed";

/// The most points of one crew in the full matrix; the long one has thousands, which are alike.
const MAX_POINTS: usize = 400;

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    if let Some(why) = missing() {
        table.not_run(WHAT, "all survived", &why);
        table.not_run(WHAT_TWICE, "all survived", &why);
        return;
    }
    if plan.only_point(GROUP).is_some() {
        let trials = Trials { group: GROUP, what: "repeated", points: Vec::new(), at_least: 0 };
        return trials.run(plan, table, &Point::cause);
    }
    let mut random = plan.random(GROUP);
    let points = points(plan, &mut random);
    let twice: Vec<String> =
        (0..plan.count(300, 30)).map(|_| pair(&points, &mut random).to_string()).collect();
    let texts = points.iter().map(ToString::to_string).collect();
    let (at_least, at_least_twice) = (plan.count(500, 100), plan.count(300, 30) / 2);
    Trials { group: GROUP, what: WHAT, points: texts, at_least }.run(plan, table, &Point::cause);
    Trials { group: GROUP, what: WHAT_TWICE, points: twice, at_least: at_least_twice }.run(
        plan,
        table,
        &Point::cause,
    );
}

/// Chooses the points: all of them, or a sample.
fn points(plan: &Plan, random: &mut ChaCha8Rng) -> Vec<Point> {
    let mut points = Vec::new();
    for crew in &CREWS {
        let mut own = all_points(crew, Store::Kept);
        if crew.name == "single-agent" {
            // Making a store is the same for all crews; `write` counts nothing there.
            own.extend(all_points(crew, Store::Fresh).into_iter().filter(is_on_disk));
        }
        own.shuffle(random);
        // A long conversation takes seconds for each point.
        let quick = if crew.name == "long-history" { 5 } else { 40 };
        own.truncate(match plan.effort {
            Effort::Full => MAX_POINTS,
            Effort::Quick => quick,
        });
        points.extend(own);
    }
    points
}

fn is_on_disk(point: &Point) -> bool {
    point.kills.iter().all(|kill| matches!(kill, Kill::At { call, .. } if call != "write"))
}

/// Counts the calls of an undisturbed run: each is a point.
fn all_points(crew: &'static Crew, store: Store) -> Vec<Point> {
    let stage = Stage::new(crew, store);
    let trace_file = stage.playhouse.dir().join("trace");
    let command = counted(&trace_file, &stage.playhouse.command(&crew.run()));
    let finished = Limited::start(command).finish_within(LIMIT);
    assert!(finished.as_ref().is_some_and(|finished| finished.code == Some(0)), "{finished:?}");
    let counts: BTreeMap<&str, usize> = counts(&trace_file);
    eprintln!("{} makes {counts:?} at most on one thread", crew.name);
    let kills = counts
        .into_iter()
        .flat_map(|(call, count)| (1..=count).map(move |nth| Kill::At { call: call.to_owned(), nth }));
    kills.map(|kill| Point { crew, store, kills: vec![kill] }).collect()
}

/// Draws a point with a second kill during the recovery, which makes fewer calls.
fn pair(points: &[Point], random: &mut ChaCha8Rng) -> Point {
    let short: Vec<&Point> = points.iter().filter(|point| point.crew.name != "long-history").collect();
    let mut point = Point::clone(short.choose(random).unwrap());
    let (call, most) = *[("pwrite64", 60), ("fsync", 14), ("write", 30)].choose(random).unwrap();
    point.kills.push(Kill::At { call: call.to_owned(), nth: random.random_range(1..=most) });
    point
}
