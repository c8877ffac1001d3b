//! End-to-end tests: the real binary, a scripted endpoint, kills; and the rules of this repository.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests, whose helpers clippy does not know as such"
)]

mod bad_endpoint;
mod bad_input;
mod bad_scenario;
mod bad_tools;
mod batch_crashes;
mod control;
mod crash_matrix;
mod damaged_runs;
mod determinism;
mod endpoint_crew;
mod faulty_store;
mod full_store;
mod golden;
mod held_model;
mod injected;
mod killed_run;
mod kills;
mod new_cases;
mod new_project;
mod outcomes;
mod quarantine;
mod reading;
mod recorded;
mod replay;
mod reviews;
mod run_handle;
mod settled;
mod shipped;
mod shipped_crews;
mod snapshots;
mod support_desk;
mod tidy;
