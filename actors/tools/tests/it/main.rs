//! Tools as the call table meets them: on the user pool, behind their actor, in simulated time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests; clippy exempts only the functions marked as such, not what they share"
)]

mod effects;
mod limits;
mod macros;
mod user_code;
mod world;
