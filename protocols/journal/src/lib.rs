//! The journal: what happened in a run, in order, as records that are written before anything depends on them.
//!
//! ```text
//! NewRecord --seal--> Record + StoredRecord --store--> ... --open--> Record
//!   (an actor)          (chain of its run)   (bytes)        (checked: hash, address, version)
//! ```
//!
//! - A [`Record`] has a [`RecordKey`] that is unique in its run; appending the same key again returns the stored one.
//! - Every record's hash covers the hash before it, so that an edit, a gap or a swap anywhere shows when it is read.
//! - Bodies of [`INLINE_LIMIT_BYTES`] or more are stored once per run and addressed by a keyed hash; the chain covers
//!   the address, so erasing bodies and key leaves a chain that verifies.
//! - Records are binary (postcard) in a store and JSON at the edges. A new fact is a new variant at the end of
//!   [`Event`]; a changed one is a new [`SCHEMA_VERSION`] with an upcaster in `codec` and a stored sample in the tests.
//!
//! This crate does no IO; it never repairs or guesses: what it cannot read it refuses by name.

mod canonical;
mod chain;
mod codec;
mod command;
mod event;
mod key;
mod read;
mod record;
mod run_row;

pub use canonical::{CanonicalRecord, canonical};
pub use chain::{ChainHash, ChainHead};
pub use codec::{
    CodecError, INLINE_LIMIT_BYTES, RunPlace, SCHEMA_VERSION, StoredBody, StoredRecord, open, seal,
};
pub use command::{Command, CommandId, CommandInbox, PendingCommand};
pub use event::{
    AdmittedBatch, AdmittedRun, BatchCase, Event, ExitKind, Fork, GateVerdict, ModelIntent, ToolIntent,
};
pub use key::{Kind, RecordKey};
pub use read::{DamagedRun, JournalRead, ReadError};
pub use record::{NewRecord, Record};
pub use run_row::{RunKey, RunRow};
