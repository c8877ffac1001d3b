//! Scenarios from the builders to a recorded result, as a scenario crate uses them.

mod builders;
mod library;
mod shared_intents;
