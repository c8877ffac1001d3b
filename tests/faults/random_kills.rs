//! Kills at random times, which no system call marks.

use std::time::Duration;

use rand::Rng;
use rand::seq::IndexedRandom;

use crate::crew::CREWS;
use crate::plan::Plan;
use crate::point::{Kill, Point};

/// Draws the times.
pub(crate) fn points(plan: &Plan) -> Vec<String> {
    let mut random = plan.random("random");
    let point = |_| {
        let crew = CREWS.choose(&mut random).unwrap();
        let store = *crew.stores().choose(&mut random).unwrap();
        // As long as the crew takes on this machine: kills after its end would find nothing to kill.
        let most = u64::try_from(crew.undisturbed_time().as_micros()).unwrap();
        let time = Duration::from_micros(random.random_range(0..=most));
        Point { crew, store, kills: vec![Kill::After(time)] }.to_string()
    };
    (0..plan.count(1_000, 16)).map(point).collect()
}
