//! Writing what a commit holds for one run.

use playhouse_journal::{StoredBody, StoredRecord};
use playhouse_storage::{AppendError, RunAppend, StoredHead};
use rusqlite::{Connection, params};

use crate::checksum::RUN;
use crate::writer::{Session, Task};
use crate::{inbox, intent, run_row};

/// The appends of one commit.
pub(crate) struct Commit(pub(crate) Vec<RunAppend>);

impl Task for Commit {
    type Output = Vec<Result<(), AppendError>>;

    fn execute(&self, session: &Session<'_>) -> rusqlite::Result<Self::Output> {
        self.0.iter().map(|append| write(session.conn, append)).collect()
    }
}

/// The appends of the last commit.
pub(crate) struct LastCommit(pub(crate) Vec<RunAppend>);

impl Task for LastCommit {
    type Output = Vec<Result<(), AppendError>>;

    const IS_LAST: bool = true;

    fn execute(&self, session: &Session<'_>) -> rusqlite::Result<Self::Output> {
        self.0.iter().map(|append| write(session.conn, append)).collect()
    }
}

/// Tests one run's append, then writes all of it: a refused run has written nothing.
fn write(conn: &Connection, append: &RunAppend) -> rusqlite::Result<Result<(), AppendError>> {
    let stored = match run_row::find(conn, append.run)?.transpose() {
        Ok(stored) => stored,
        Err(source) => return Ok(Err(AppendError::Damaged { run: append.run, source })),
    };
    let before = stored.as_ref().map(|stored| StoredHead { epoch: stored.epoch, head: stored.head });
    let head = match append.check(before) {
        Ok(head) => head,
        Err(refused) => return Ok(Err(refused)),
    };
    if let Err(source) = intent::verify(conn, &append.intents)? {
        return Ok(Err(AppendError::Damaged { run: append.run, source }));
    }
    let no = match (stored, &append.row, append.admitted_by) {
        (None, Some(row), Some(owner)) => run_row::insert(conn, append, row, owner)?,
        (Some(stored), Some(row), _) => {
            run_row::update(conn, stored.no, row)?;
            stored.no
        }
        (Some(stored), None, _) => stored.no,
        (None, _, _) => return Ok(Err(AppendError::UnknownRun { run: append.run })),
    };
    for record in &append.records {
        write_record(conn, no, record)?;
    }
    intent::write(conn, &append.intents)?;
    let n_acknowledged = inbox::acknowledge(conn, no, &append.acknowledged)?;
    let sql = "UPDATE run SET head_seq = ?2, head_hash = ?3, commands_waiting = commands_waiting - ?4 WHERE no = ?1";
    conn.prepare_cached(sql)?.execute(params![no, head.seq.0.cast_signed(), head.hash.0, n_acknowledged])?;
    RUN.seal(conn, no)?;
    Ok(Ok(()))
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
