//! Folded states: a cache.

use playhouse_storage::Snapshot;
use playhouse_types::{Lane, RunId, Seq};
use rusqlite::{Connection, OptionalExtension, params};

use crate::failure::ReadFailure;
use crate::run_row;
use crate::writer::{Session, Task};

/// Keeps a snapshot, if the run still has this epoch and no newer one is there.
pub(crate) struct PutSnapshot {
    pub(crate) epoch: u64,
    pub(crate) snapshot: Snapshot,
}

impl Task for PutSnapshot {
    type Output = ();

    fn execute(&self, session: &Session<'_>) -> rusqlite::Result<()> {
        let sql = "INSERT INTO snapshot (run, lane, seq, fold_version, state_hash, state) \
                   SELECT no, ?3, ?4, ?5, ?6, ?7 FROM run WHERE id = ?1 AND epoch = ?2 \
                   ON CONFLICT (run, lane) DO UPDATE SET seq = excluded.seq, fold_version = excluded.fold_version, \
                   state_hash = excluded.state_hash, state = excluded.state WHERE excluded.seq >= snapshot.seq";
        let snapshot = &self.snapshot;
        session.conn.prepare_cached(sql)?.execute(params![
            run_row::id(snapshot.run),
            self.epoch.cast_signed(),
            snapshot.lane.as_str(),
            snapshot.seq.0.cast_signed(),
            snapshot.fold_version,
            snapshot.state_hash,
            snapshot.state,
        ])?;
        Ok(())
    }
}

/// Returns the newest snapshot of a lane.
pub(crate) fn read(conn: &Connection, run: RunId, lane: &Lane) -> Result<Option<Snapshot>, ReadFailure> {
    let sql = "SELECT seq, fold_version, state_hash, state FROM snapshot \
               WHERE run = (SELECT no FROM run WHERE id = ?1) AND lane = ?2";
    let found = conn
        .prepare_cached(sql)?
        .query_row(params![run_row::id(run), lane.as_str()], |row| {
            Ok(Snapshot {
                run,
                lane: lane.clone(),
                seq: Seq(row.get::<_, i64>(0)?.cast_unsigned()),
                fold_version: row.get(1)?,
                state_hash: row.get(2)?,
                state: row.get(3)?,
            })
        })
        .optional()?;
    Ok(found)
}
