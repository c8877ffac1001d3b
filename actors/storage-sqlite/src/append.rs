//! Writing what a commit holds for one run.

use playhouse_journal::{ChainHash, ChainHead, CodecError, StoredBody, StoredRecord};
use playhouse_storage::{AppendError, RunAppend, StoredHead};
use playhouse_types::{RunId, Seq};
use rusqlite::{Connection, OptionalExtension, params};

use crate::run_row;
use crate::writer::{Session, Task};

/// The appends of one commit.
pub(crate) struct Commit(pub(crate) Vec<RunAppend>);

impl Task for Commit {
    type Output = Vec<Result<(), AppendError>>;

    fn execute(&self, session: &Session<'_>) -> rusqlite::Result<Self::Output> {
        self.0.iter().map(|append| write(session.conn, append)).collect()
    }
}

/// Tests one run's append, then writes all of it: a refused run has written nothing.
fn write(conn: &Connection, append: &RunAppend) -> rusqlite::Result<Result<(), AppendError>> {
    let (no, stored) = match find(conn, append.run)? {
        Ok(found) => found.unzip(),
        Err(source) => return Ok(Err(AppendError::Damaged { run: append.run, source })),
    };
    let head = match append.check(stored) {
        Ok(head) => head,
        Err(refused) => return Ok(Err(refused)),
    };
    let no = match (no, &append.row, append.admitted_by) {
        (None, Some(row), Some(owner)) => run_row::insert(conn, append, row, owner)?,
        (Some(no), Some(row), _) => {
            run_row::update(conn, no, row)?;
            no
        }
        (Some(no), None, _) => no,
        (None, _, _) => return Ok(Err(AppendError::UnknownRun { run: append.run })),
    };
    for record in &append.records {
        write_record(conn, no, record)?;
    }
    conn.prepare_cached("UPDATE run SET head_seq = ?2, head_hash = ?3 WHERE no = ?1")?.execute(params![
        no,
        head.seq.0.cast_signed(),
        head.hash.0
    ])?;
    for id in &append.acknowledged {
        conn.prepare_cached("UPDATE inbox SET command = NULL WHERE run = ?1 AND id = ?2")?
            .execute(params![no, id.0])?;
    }
    Ok(Ok(()))
}

type Found = Result<Option<(i64, StoredHead)>, CodecError>;

/// Returns the number and the head of a run.
fn find(conn: &Connection, run: RunId) -> rusqlite::Result<Found> {
    let mut statement =
        conn.prepare_cached("SELECT no, epoch, head_seq, head_hash FROM run WHERE id = ?1")?;
    let found = statement
        .query_row([run_row::id(run)], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, Vec<u8>>(3)?))
        })
        .optional()?;
    let Some((no, epoch, seq, hash)) = found else { return Ok(Ok(None)) };
    let Ok(hash) = <[u8; 32]>::try_from(hash) else {
        return Ok(Err(CodecError::UnreadableRow { field: "head_hash" }));
    };
    let head = ChainHead { seq: Seq(seq.cast_unsigned()), hash: ChainHash(hash) };
    Ok(Ok(Some((no, StoredHead { epoch: epoch.cast_unsigned(), head }))))
}

fn write_record(conn: &Connection, no: i64, record: &StoredRecord) -> rusqlite::Result<()> {
    let body = record.body.as_ref().map(|body| write_body(conn, no, body)).transpose()?;
    conn.prepare_cached("INSERT INTO journal (run, seq, hash, header, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![no, record.seq.0.cast_signed(), record.hash.0, record.header, body])?;
    Ok(())
}

/// Stores a body unless the run has it already, and returns its number.
fn write_body(conn: &Connection, no: i64, body: &StoredBody) -> rusqlite::Result<i64> {
    let sql =
        "INSERT INTO body (run, address, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (run, address) DO NOTHING";
    if conn.prepare_cached(sql)?.execute(params![no, body.address, body.bytes])? == 1 {
        return Ok(conn.last_insert_rowid());
    }
    conn.prepare_cached("SELECT no FROM body WHERE run = ?1 AND address = ?2")?
        .query_row(params![no, body.address], |row| row.get(0))
}
