//! What a store of runs must do, an in-memory one, and the conformance suite that every store passes.
//!
//! ```text
//! journal writer --commit(appends of many runs)--> Store --one answer per run-->
//! any process   --submit(command)----------------> Store --pending--> the run's owner
//! fold, trace, command line <--records, checked--- Store
//! ```
//!
//! A store keeps records, bodies, run rows, snapshots, the command inbox, and an index of the effects that several runs
//! may mean ([`Store::earlier_intent`]). One [`Store::commit`] takes the appends of
//! many runs in one transaction and answers for each run: a fenced run never fails its neighbors. Every append tests the
//! epoch of its run inside the transaction; that test, and nothing else, is what makes two processes on one store safe.
//! The rules themselves ([`RunAppend::check`], [`PreviousOwner::claim`]) are written once, here, for all stores.
//!
//! [`Store::commit_last`] is for the one commit after a disk is full, [`Store::keep_late`] for results that may not be
//! written any more, [`Store::check`] for a person who wants to know what is damaged.
//!
//! A store must never acknowledge what a crash could lose, never repair what it cannot read, and never retry a failed
//! sync.

mod check;
pub mod conformance;
mod intents;
mod late;
mod memory;
mod rules;
mod store;

pub use check::{CheckFinding, Counts, Fault, Owner, StoreCheck};
pub use intents::{IntentRow, IntentState};
pub use late::{LATE_LIMIT_BYTES, LateError, LateResult, LateResults};
pub use memory::MemoryStore;
pub use rules::{PreviousOwner, StoredHead};
pub use store::{
    AppendError, Claim, ClaimError, Now, RESERVE_BYTES, RunAppend, STALE_AFTER, Snapshot, Store, StoreError,
};
