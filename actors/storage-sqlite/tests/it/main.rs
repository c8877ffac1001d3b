//! The store on disk: the suite that every store passes, and what only a file can suffer.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod checkpoints;
mod damage;
mod every_byte;
mod late;
mod opening;
mod place;
mod reading;
mod sample;
mod sharing;

use place::Place;
use playhouse_storage::conformance::model;
use proptest::prelude::*;

playhouse_storage::conformance_suite!(Place::new());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn random_commits_equal_the_model(numbers in proptest::collection::vec(any::<u32>(), 0..60)) {
        place::block_on(model::check(&Place::new(), &numbers));
    }
}
