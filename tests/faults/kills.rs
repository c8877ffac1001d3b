//! Kills at the N-th write or sync of the real binary and at random times, and second kills while it recovers.
//!
//! A kill counts if it ended the process; a pair counts if both did. `strace` counts calls per thread and kills at the
//! first thread that comes so far: that may be the one that opens the store or the one that prints. A process killed
//! there is killed as well, and counts.

use std::collections::BTreeMap;

use playhouse_tests::{Limited, Table};
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::crew::{CREWS, Crew, LIMIT, Stage};
use crate::plan::{Effort, Plan};
use crate::point::{Kill, Point, Store};
use crate::random_kills;
use crate::strace::{counted, counts, missing};
use crate::trials::{NO_HARM, Trials};

const GROUP: &str = "kills";
const WHAT: &str = "kill points survived over the reference crews: writes, fsyncs and random times";
const WHAT_RANDOM: &str = "kill points survived over the reference crews: only random times";
const WHAT_TWICE: &str = "with a second kill during recovery (pairs of which both killed)";

/// The most points of one crew in the full matrix; the long one has thousands, which are alike.
const MAX_POINTS: usize = 400;

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    let mut cause = |what, points, at_least| {
        Trials { group: GROUP, what, points, at_least }.run(plan, table, &Point::cause);
    };
    if plan.only_point(GROUP).is_some() {
        return cause("repeated", Vec::new(), 0);
    }
    let at_random = random_kills::points(plan);
    if let Some(why) = missing() {
        cause(WHAT_RANDOM, at_random, plan.count(800, 10));
        table.not_run(WHAT, &format!("at least 1500; {NO_HARM}"), &why);
        return table.not_run(WHAT_TWICE, &format!("at least 300; {NO_HARM}"), &why);
    }
    let mut random = plan.random(GROUP);
    let points = points(plan, &mut random);
    // More than have to count: some recoveries end before the second kill.
    let pairs = (0..plan.count(360, 12)).map(|_| pair(&points, &mut random).to_string()).collect();
    let all = points.iter().map(ToString::to_string).chain(at_random).collect();
    cause(WHAT, all, plan.count(1_500, 50));
    cause(WHAT_TWICE, pairs, plan.count(300, 6));
}

/// Chooses the points: all of them, or a sample.
fn points(plan: &Plan, random: &mut ChaCha8Rng) -> Vec<Point> {
    let mut points = Vec::new();
    for crew in &CREWS {
        let mut own: Vec<Point> = Vec::new();
        for store in crew.stores() {
            let counted = *store != Store::Fresh || crew.name == "single-agent";
            // Making a store is the same for all crews; `write` counts nothing there.
            if counted {
                let on_disk = |point: &Point| *store != Store::Fresh || is_on_disk(point);
                own.extend(all_points(crew, *store).into_iter().filter(on_disk));
            }
        }
        own.shuffle(random);
        // A long conversation takes seconds for each point.
        let quick = if crew.name == "long-history" { 2 } else { 11 };
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
    let command = counted(&trace_file, &stage.next_command().unwrap());
    let finished = Limited::start(command).finish_within(LIMIT);
    assert!(finished.as_ref().is_some_and(|finished| matches!(finished.code, Some(0 | 3))), "{finished:?}");
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
    let (call, most) = *[("pwrite64", 24), ("fsync", 6), ("write", 8)].choose(random).unwrap();
    point.kills.push(Kill::At { call: call.to_owned(), nth: random.random_range(1..=most) });
    point
}
