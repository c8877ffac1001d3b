//! Model clients against a server of this process that fails in every way a script says.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, whose helpers clippy does not know as such"
)]

mod limits;
mod openai;
mod recorded;
mod requests;
mod scripted;
mod server;
mod support;
