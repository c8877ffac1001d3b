//! Checksums of the rows that no hash chain covers: runs, snapshots, commands, intents.
//!
//! SQLite returns a damaged value without complaint as long as the page still parses. Each checksum covers all columns
//! of its row as they are stored, so that a flipped byte in any of them shows when the row is read.

use playhouse_storage::IntentRow;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

/// A kind of row that has a checksum; the checksum is its last column.
pub(crate) struct Sealed {
    /// Names the kind in an error and keeps its hashes apart from others'.
    pub(crate) part: &'static str,
    /// How many columns the checksum covers: all before it in `select` and in every query that verifies.
    n_columns: usize,
    /// Selects the columns of one row.
    select: &'static str,
    /// Sets the checksum of one row.
    update: &'static str,
    /// Selects the numbers of all rows.
    all: &'static str,
}

/// The columns of a run.
macro_rules! run_columns {
    () => {
        "no, id, epoch, owner, head_seq, head_hash, parent, scenario, case_name, is_batch, tenant, status, outcome, \
         started_at, ended_at, turns, usage, trace, starts_without_progress, open_reviews, key, commands_waiting, \
         checksum"
    };
}
pub(crate) use run_columns;

/// The rows of runs.
pub(crate) const RUN: Sealed = Sealed {
    part: "row",
    n_columns: 22,
    select: concat!("SELECT ", run_columns!(), " FROM run WHERE no = ?1"),
    update: "UPDATE run SET checksum = ?2 WHERE no = ?1",
    all: "SELECT no FROM run",
};

/// The rows of snapshots.
pub(crate) const SNAPSHOT: Sealed = Sealed {
    part: "snapshot",
    n_columns: 6,
    select: "SELECT run, lane, seq, fold_version, state_hash, state, checksum FROM snapshot WHERE rowid = ?1",
    update: "UPDATE snapshot SET checksum = ?2 WHERE rowid = ?1",
    all: "SELECT rowid FROM snapshot",
};

/// The rows of commands.
pub(crate) const COMMAND: Sealed = Sealed {
    part: "command",
    n_columns: 4,
    select: "SELECT no, run, id, command, checksum FROM inbox WHERE no = ?1",
    update: "UPDATE inbox SET checksum = ?2 WHERE no = ?1",
    all: "SELECT no FROM inbox",
};

/// The columns of an intent.
macro_rules! intent_columns {
    () => {
        "no, key, place, run, turn, step, ordinal, seq, state, checksum"
    };
}
pub(crate) use intent_columns;

/// The rows of intents.
pub(crate) const INTENT: Sealed = Sealed {
    part: IntentRow::PART,
    n_columns: 9,
    select: concat!("SELECT ", intent_columns!(), " FROM intent WHERE no = ?1"),
    update: "UPDATE intent SET checksum = ?2 WHERE no = ?1",
    all: "SELECT no FROM intent",
};

impl Sealed {
    /// Gives row `no` the checksum of what it holds now; whoever changes a row calls this in the same transaction.
    pub(crate) fn seal(&self, conn: &Connection, no: i64) -> rusqlite::Result<()> {
        let checksum = conn.prepare_cached(self.select)?.query_row([no], |row| self.checksum(row))?;
        conn.prepare_cached(self.update)?.execute((no, checksum))?;
        Ok(())
    }

    /// Gives every row its checksum: for files of a format that had none.
    pub(crate) fn seal_all(&self, conn: &Connection) -> rusqlite::Result<()> {
        let numbers = conn
            .prepare(self.all)?
            .query_map((), |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<i64>>>()?;
        numbers.into_iter().try_for_each(|no| self.seal(conn, no))
    }

    /// Tells whether a row holds what was sealed; its columns are those of `select`.
    pub(crate) fn is_intact(&self, row: &Row<'_>) -> bool {
        let stored = row.get::<_, [u8; 16]>(self.n_columns);
        matches!((self.checksum(row), stored), (Ok(made), Ok(stored)) if made == stored)
    }

    fn checksum(&self, row: &Row<'_>) -> rusqlite::Result<[u8; 16]> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"playhouse store row v2 ").update(self.part.as_bytes());
        for column in 0..self.n_columns {
            let mut update = |kind: u8, bytes: &[u8]| {
                hasher.update(&[kind]).update(&bytes.len().to_be_bytes()).update(bytes);
            };
            match row.get_ref(column)? {
                ValueRef::Null => update(0, &[]),
                ValueRef::Integer(value) => update(1, &value.to_be_bytes()),
                ValueRef::Real(value) => update(2, &value.to_be_bytes()),
                ValueRef::Text(bytes) => update(3, bytes),
                ValueRef::Blob(bytes) => update(4, bytes),
            }
        }
        let mut checksum = [0; 16];
        hasher.finalize_xof().fill(&mut checksum);
        Ok(checksum)
    }
}
