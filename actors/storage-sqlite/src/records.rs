//! Reading a journal and checking it.

use playhouse_journal::{ChainHash, ChainHead, CodecError, Record, StoredBody, StoredRecord, open};
use playhouse_types::{RunId, Seq};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::failure::{ReadFailure, is_damage};
use crate::run_row::{self, StoredRun};

/// Returns at most `limit` records after `after`; `conn` is in a transaction, so that row and records belong together.
pub(crate) fn read(
    conn: &Connection,
    run: RunId,
    after: Seq,
    limit: usize,
) -> Result<Vec<Record>, ReadFailure> {
    let place = run_row::read(conn, run)?.ok_or(ReadFailure::Unknown(run))?;
    let Some(before) = before(conn, &place, after)? else { return Ok(Vec::new()) };
    let records = page(conn, &place, before, limit)?;
    let end = records.last().map_or(before, |last| ChainHead { seq: last.seq, hash: last.hash });
    let is_page_full = records.len() == limit;
    let damage = if end.seq < place.head.seq && !is_page_full {
        Some(CodecError::Truncated { head: place.head.seq, found: end.seq })
    } else if end.seq > place.head.seq || (end.seq == place.head.seq && end.hash != place.head.hash) {
        Some(CodecError::BrokenChain { seq: end.seq })
    } else {
        None
    };
    damage.map_or(Ok(records), |damage| Err(ReadFailure::Damaged(run, damage)))
}

/// Returns the end of the chain before the page, or nothing if `after` lies behind the end of the run.
fn before(conn: &Connection, place: &StoredRun, after: Seq) -> Result<Option<ChainHead>, ReadFailure> {
    if after == Seq(0) {
        return Ok(Some(ChainHead::default()));
    }
    if after > place.head.seq {
        return Ok(None);
    }
    let hash = conn
        .prepare_cached("SELECT hash FROM journal WHERE run = ?1 AND seq = ?2")?
        .query_row((place.no, after.0.cast_signed()), |row| row.get(0))
        .optional();
    match hash {
        Ok(Some(hash)) => Ok(Some(ChainHead { seq: after, hash: ChainHash(hash) })),
        Ok(None) => Err(ReadFailure::Damaged(place.row.run, missing(conn, place, after)?)),
        Err(error) if is_damage(&error) => {
            Err(ReadFailure::Damaged(place.row.run, CodecError::Undecodable { seq: after }))
        }
        Err(error) => Err(error.into()),
    }
}

/// Says what it means that record `seq` is not there.
fn missing(conn: &Connection, place: &StoredRun, seq: Seq) -> rusqlite::Result<CodecError> {
    let number = |sql: &str| {
        conn.query_row(sql, (place.no, seq.0.cast_signed()), |row| row.get::<_, Option<i64>>(0))
            .map(|found| found.map(|found| Seq(found.cast_unsigned())))
    };
    if let Some(found) = number("SELECT min(seq) FROM journal WHERE run = ?1 AND seq > ?2")? {
        return Ok(CodecError::Gap { expected: seq, found });
    }
    let found = number("SELECT max(seq) FROM journal WHERE run = ?1 AND seq < ?2")?;
    Ok(CodecError::Truncated { head: place.head.seq, found: found.unwrap_or(Seq(0)) })
}

fn page(
    conn: &Connection,
    place: &StoredRun,
    mut head: ChainHead,
    limit: usize,
) -> Result<Vec<Record>, ReadFailure> {
    let mut statement = conn.prepare_cached(
        "SELECT journal.seq, journal.hash, journal.header, body.address, body.bytes \
         FROM journal LEFT JOIN body ON body.no = journal.body AND body.run = journal.run \
         WHERE journal.run = ?1 AND journal.seq > ?2 ORDER BY journal.seq LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query((place.no, head.seq.0.cast_signed(), limit))?;
    let mut records = Vec::new();
    loop {
        let stored = match rows.next().and_then(|row| row.map(stored).transpose()) {
            Ok(None) => return Ok(records),
            Ok(Some(stored)) => stored,
            Err(error) if is_damage(&error) => {
                let seq = head.seq.next();
                return Err(ReadFailure::Damaged(place.row.run, CodecError::Undecodable { seq }));
            }
            Err(error) => return Err(error.into()),
        };
        let record = open(place.row.run, &place.row.key, head, &stored)
            .map_err(|source| ReadFailure::Damaged(place.row.run, source))?;
        head = ChainHead { seq: record.seq, hash: record.hash };
        records.push(record);
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredRecord> {
    let body = match row.get::<_, Option<[u8; 32]>>(3)? {
        Some(address) => Some(StoredBody { address, bytes: row.get(4)? }),
        None => None,
    };
    let seq = Seq(row.get::<_, i64>(0)?.cast_unsigned());
    Ok(StoredRecord { seq, hash: ChainHash(row.get(1)?), header: row.get(2)?, body })
}
