//! Scenarios from the builders to a recorded result, as a scenario crate uses them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests, whose helpers clippy does not know as such"
)]

mod builders;
mod conversations;
mod library;
mod shared_intents;
mod talkers;
mod usage;
