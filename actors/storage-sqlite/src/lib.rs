//! The embedded store: runs in one SQLite file, durable before anything is acknowledged.
//!
//! ```text
//! commit, claim, submit, ... --queue (bounded)--> writer thread --one transaction per group, one sync--> playhouse.db
//!        ^-------------------one answer each, after the sync---------|
//! run, records, pending, ... --a blocking thread and one of a few read connections------------------> playhouse.db
//! <dir>/owners/<boot id>.lock: held by the process for its life; a lock that is free means a dead owner
//! ```
//!
//! - Whatever is queued while a transaction runs goes into the next one: many callers share one sync.
//! - Each run is tested before it is written, in the transaction: a refused run leaves its neighbors alone.
//! - After a failed write nothing is written any more: every later write of this process fails at once, no sync is
//!   repeated, reads go on. A lock held by another process is waited for, for a minute ([`SqliteOptions::lock_timeout`]).
//! - The log is moved into the file by the writer thread alone, after an answer or at the close. If that fails, it counts
//!   as a failed write: the log is left as it is, for the next process.
//! - On a full disk one more commit ([`Store::commit_last`]) gets the room of `<dir>/reserve`, which is held back again at
//!   the next opening. Late results go to `<dir>/late/<run>.jsonl`, whatever the database does.
//! - A journal is read in one transaction and checked against the end of the chain in the run's row, so that missing
//!   records at the end show as well.
//!
//! - [`SqliteStore::open_to_read`] changes nothing that is stored: it reads a directory that another process owns, that is
//!   read-only for this process, or that is on a full disk. SQLite needs a file beside the log to read it, which goes
//!   with the last reader; where none can be made, a file without a log is read alone (`immutable`), on trust that nobody
//!   writes to it meanwhile, and one with a log is refused with what to do.
//!
//! Limits: the directory must be on a local disk (write-ahead log and lock files need shared memory and `flock`).
//! [`Store::commit`] takes part in a transaction from its first poll on, as soon as the queue has room; after that,
//! dropping the future does not stop it. The writer is an OS thread that a paused tokio clock does not see: tests with
//! simulated time use the store in memory. A damaged page that the writer meets is a failed write.
//! How long an owner has been silent is wall time: after the clock has jumped ahead, a takeover succeeds until the owner's
//! next heartbeat.
//!
//! Damage: records verify by their hash chain, bodies by their addresses, and the rows of runs, snapshots, commands and
//! intents by checksums over all of their columns. Of an intent that is lost or damaged, what came after it is not told. A damaged run is refused by name and takes nothing any more, the others serve;
//! [`JournalRead::runs`] leaves it out and [`JournalRead::damaged_runs`] names it. A damaged snapshot is none, as if it
//! had been deleted. What a person does: stop all processes, copy the directory, and put back a copy from before the
//! damage; or go on with the other runs. Nothing is repaired: a row could be told again from its records but for its key,
//! without which no large body can be verified. What a crash left in the write-ahead log is trusted by its own checksums:
//! the part of it behind a damaged place is lost as if it had never been written.
//!
//! Format: tables and their meaning are in `schema/*.sql`; a stored sample of each format is in the tests.
//!
//! It must never acknowledge before the sync, block a tokio worker, repair a file or write one of a newer format.
//!
//! [`Store::commit`]: playhouse_storage::Store::commit
//! [`Store::commit_last`]: playhouse_storage::Store::commit_last
//! [`JournalRead::runs`]: playhouse_journal::JournalRead::runs
//! [`JournalRead::damaged_runs`]: playhouse_journal::JournalRead::damaged_runs

mod append;
mod check;
mod checkpoint;
mod checksum;
#[doc(hidden)]
pub mod damage;
mod failure;
mod inbox;
mod intent;
mod late;
mod options;
mod owner;
mod read_only;
mod reader;
mod records;
mod reserve;
mod run_row;
mod schema;
mod snapshot;
mod store;
mod writer;

pub use options::SqliteOptions;
pub use store::SqliteStore;
