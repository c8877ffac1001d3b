//! The supervisor and the journal writer as running actors, in simulated time.

mod supervisor;
mod writer;
