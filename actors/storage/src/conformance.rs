//! The conformance suite: what every store must keep, whoever wrote it.
//!
//! A store's tests implement [`Harness`] and name it once; the macro makes one test per promise:
//! ```text
//! playhouse_storage::conformance_suite!(MyHarness::new());
//! ```
//! Random commits against a model are apart ([`model::check`]), because the caller brings the random numbers.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use playhouse_types::{BootId, RunId, Timestamp};

use crate::{Now, Store};

pub mod appends;
pub mod checks;
pub mod commands;
pub mod crashes;
pub mod intents;
pub mod journal;
pub mod late;
pub mod load;
pub mod model;
pub mod ownership;
pub mod sample;
pub mod snapshots;

/// One process of the tests.
pub const FIRST: BootId = BootId::from_u128(101);
/// Another process of the tests.
pub const SECOND: BootId = BootId::from_u128(102);

/// How the suite opens the stores of one kind. All stores of one harness are the same runs, seen by several processes;
/// dropping one is the death of its process, nothing is released.
pub trait Harness {
    /// The store.
    type Store: Store;

    /// Opens the runs as the process `boot`, under the harness's clock.
    fn open(&self, boot: BootId) -> Self::Store;

    /// As [`Harness::open`], with room for about `limit_bytes` bytes in all.
    fn open_limited(&self, boot: BootId, limit_bytes: u32) -> Self::Store;

    /// Returns the clock of all stores.
    fn clock(&self) -> &TestClock;

    /// Returns how many large bodies are stored for a run; no store is open meanwhile.
    fn n_bodies(&self, run: RunId) -> usize;
}

/// A clock that moves when told.
#[derive(Clone, Debug, Default)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// Moves the time on.
    pub fn advance(&self, duration: Duration) {
        let micros = i64::try_from(duration.as_micros()).expect("a test lasts less than 292,000 years");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Returns the function that a store reads it with.
    #[must_use]
    pub fn now(&self) -> Now {
        let micros = Arc::clone(&self.0);
        Arc::new(move || Timestamp(micros.load(Ordering::SeqCst)))
    }
}

/// Makes one `#[tokio::test]` per promise; the harness is made anew for each.
#[macro_export]
macro_rules! conformance_suite {
    ($harness:expr) => {
        $crate::conformance_suite! { $harness;
            journal::records_read_back_as_they_were_sealed
            journal::pages_follow_each_other_without_gap_or_overlap
            journal::a_body_that_repeats_is_stored_once
            journal::rows_are_replaced_and_listed_oldest_first
            journal::what_is_not_there_is_reported_as_unknown
            journal::a_store_opened_again_finds_everything
            appends::one_commit_writes_many_runs
            appends::one_commit_may_append_twice_to_a_run
            appends::a_batch_becomes_visible_as_a_whole
            appends::a_full_store_writes_no_part_of_a_batch
            appends::a_full_store_takes_nothing_more_and_still_reads
            appends::a_full_store_takes_one_last_commit
            appends::a_last_commit_on_a_store_that_works_is_a_commit
            appends::a_wrong_head_is_refused_and_its_neighbors_are_written
            appends::a_forked_head_of_the_right_length_is_refused
            appends::records_with_a_gap_are_refused
            appends::a_fenced_epoch_is_refused_and_its_neighbors_are_written
            appends::a_run_is_admitted_once
            appends::an_unknown_run_is_refused
            commands::commands_wait_in_their_order
            commands::a_command_has_one_effect_also_after_it_was_acknowledged
            commands::an_acknowledgement_commits_with_its_record_or_not_at_all
            commands::another_process_may_leave_a_command
            snapshots::the_newest_snapshot_of_a_lane_wins
            snapshots::a_snapshot_of_a_stale_epoch_is_ignored
            ownership::a_released_run_is_claimed_clean
            ownership::a_run_of_a_living_process_is_refused
            ownership::a_run_of_a_dead_process_is_claimed_and_its_start_counted
            ownership::a_start_counts_only_for_what_was_started
            ownership::a_silent_owner_is_taken_over_only_when_asked
            ownership::a_heartbeat_prevents_a_takeover
            ownership::an_owner_that_was_replaced_is_fenced
            ownership::our_own_run_is_claimed_again_without_counting
            ownership::only_one_of_two_claims_wins
            ownership::an_owner_that_is_replaced_while_it_writes_leaves_a_whole_chain
            ownership::of_two_owners_that_race_only_one_writes
            crashes::what_was_acknowledged_outlives_its_process
            crashes::a_commit_whose_answer_was_lost_is_there_whole_or_not_at_all
            late::results_after_a_takeover_are_kept_apart
            late::results_are_kept_when_the_store_has_failed
            late::results_that_arrive_at_once_are_all_kept
            intents::the_first_of_two_runs_finds_nothing_and_the_second_finds_it
            intents::what_has_failed_stands_in_nobodys_way
            intents::a_later_row_keeps_the_place_of_the_first
            intents::other_keys_and_own_calls_are_not_found
            intents::an_intent_commits_with_its_record_or_not_at_all
            intents::a_store_opened_again_finds_the_intents
            intents::whoever_asks_without_an_intent_is_refused
            checks::an_empty_store_is_whole
            checks::a_whole_store_has_no_findings
            load::a_thousand_commits_of_64_tasks_all_land
        }
    };
    ($harness:expr; $($group:ident :: $case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::$group::$case(&$harness).await;
            }
        )*
    };
}
