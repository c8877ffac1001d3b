//! The supervisor and the journal writer as running actors, in simulated time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod supervision;
mod writer;
