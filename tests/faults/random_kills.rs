//! Kills at random times, which no system call marks.

use std::time::Duration;

use playhouse_tests::Table;
use rand::Rng;
use rand::seq::IndexedRandom;

use crate::crew::CREWS;
use crate::plan::Plan;
use crate::point::{Kill, Point, Store};
use crate::trials::Trials;

const GROUP: &str = "random";

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    let mut random = plan.random(GROUP);
    let points = (0..plan.count(1_000, 60)).map(|_| {
        let crew = CREWS.choose(&mut random).unwrap();
        let store = *[Store::Fresh, Store::Kept].choose(&mut random).unwrap();
        // As long as the crew takes on this machine: kills after its end would find nothing to kill.
        let most = u64::try_from(crew.undisturbed_time().as_micros()).unwrap();
        let time = Duration::from_micros(random.random_range(0..=most));
        Point { crew, store, kills: vec![Kill::After(time)] }.to_string()
    });
    let points = points.collect();
    let what = "killed at a random time, then resumed";
    Trials { group: GROUP, what, points, at_least: plan.count(800, 40) }.run(plan, table, &Point::cause);
}
