//! The catalogue of what a supervisor promises: each test carries the id of its promise (see the crate doc).

mod admin;
mod escalation;
mod faults;
mod heartbeat;
mod requests;
mod restarts;
mod scale;
mod starts;
mod stops;
mod storms;
mod world;
