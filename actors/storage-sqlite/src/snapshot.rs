//! Folded states: a cache.

use playhouse_storage::Snapshot;
use playhouse_types::{Lane, RunId, Seq};
use rusqlite::{Connection, OptionalExtension, Row, params};
use tracing::warn;

use crate::checksum::SNAPSHOT;
use crate::failure::{ReadFailure, is_damage};
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
                   state_hash = excluded.state_hash, state = excluded.state WHERE excluded.seq >= snapshot.seq RETURNING rowid";
        let snapshot = &self.snapshot;
        let kept = session
            .conn
            .prepare_cached(sql)?
            .query_row(
                params![
                    run_row::id(snapshot.run),
                    self.epoch.cast_signed(),
                    snapshot.lane.as_str(),
                    snapshot.seq.0.cast_signed(),
                    snapshot.fold_version,
                    snapshot.state_hash,
                    snapshot.state,
                ],
                |row| row.get(0),
            )
            .optional()?;
        kept.map_or(Ok(()), |no| SNAPSHOT.seal(session.conn, no))
    }
}

/// Returns the newest snapshot of a lane. A damaged one is none: whoever asks folds from the beginning instead.
pub(crate) fn read(conn: &Connection, run: RunId, lane: &Lane) -> Result<Option<Snapshot>, ReadFailure> {
    let Some(stored) = run_row::read(conn, run)? else { return Ok(None) };
    let sql = "SELECT run, lane, seq, fold_version, state_hash, state, checksum FROM snapshot \
               WHERE run = ?1 AND lane = ?2";
    let found = conn
        .prepare_cached(sql)?
        .query_row(params![stored.no, lane.as_str()], |row| {
            // A damaged index leads to another snapshot, which is whole.
            let is_run = row.get("run") == Ok(stored.no);
            Ok(decode(row, run).filter(|snapshot| is_run && snapshot.lane == *lane))
        })
        .optional();
    let found = match found {
        Err(error) if is_damage(&error) => Some(None),
        found => found?,
    };
    if let Some(None) = found {
        warn!(run.id = %run, lane = %lane, "snapshot damaged, going on without it");
    }
    Ok(found.flatten())
}

/// Decodes and verifies a snapshot of `run`.
pub(crate) fn decode(row: &Row<'_>, run: RunId) -> Option<Snapshot> {
    let snapshot = Snapshot {
        run,
        lane: Lane::new(&row.get::<_, String>("lane").ok()?).ok()?,
        seq: Seq(row.get::<_, i64>("seq").ok()?.cast_unsigned()),
        fold_version: row.get("fold_version").ok()?,
        state_hash: row.get("state_hash").ok()?,
        state: row.get("state").ok()?,
    };
    SNAPSHOT.is_intact(row).then_some(snapshot)
}
