//! The row of a run as columns.

use playhouse_journal::{CodecError, RunKey, RunRow};
use playhouse_storage::RunAppend;
use playhouse_types::{
    BootId, CaseName, RunId, RunOutcome, RunStatus, ScenarioName, TenantId, Timestamp, TraceContext, Usage,
};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::failure::ReadFailure;

/// The columns that [`decode`] reads.
const COLUMNS: &str = "id, parent, scenario, case_name, is_batch, tenant, status, outcome, started_at, ended_at, \
                       turns, usage, trace, starts_without_progress, key";

/// Returns the bytes under which a run stands; they sort as the ids do.
pub(crate) fn id(run: RunId) -> [u8; 16] {
    run.as_u128().to_be_bytes()
}

/// Returns the bytes of a process's id.
pub(crate) fn boot(boot: BootId) -> [u8; 16] {
    boot.as_u128().to_be_bytes()
}

/// Returns the number of a run.
pub(crate) fn number(conn: &Connection, run: RunId) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT no FROM run WHERE id = ?1")?.query_row([id(run)], |row| row.get(0)).optional()
}

/// Admits a run, without records yet, and returns its number.
pub(crate) fn insert(
    conn: &Connection,
    append: &RunAppend,
    row: &RunRow,
    owner: BootId,
) -> rusqlite::Result<i64> {
    // The columns that `update` sets next only have to be of the right type here.
    conn.prepare_cached(
        "INSERT INTO run (id, epoch, owner, head_seq, head_hash, scenario, is_batch, tenant, status, started_at, \
         turns, usage, trace, starts_without_progress, key) \
         VALUES (?1, ?2, ?3, 0, zeroblob(32), '', 0, '', '', 0, 0, '', x'', 0, x'')",
    )?
    .execute(params![id(append.run), append.epoch.cast_signed(), boot(owner)])?;
    let no = conn.last_insert_rowid();
    update(conn, no, row)?;
    Ok(no)
}

/// Replaces the row of a run.
pub(crate) fn update(conn: &Connection, no: i64, row: &RunRow) -> rusqlite::Result<()> {
    let trace = [&row.trace.trace_id.to_be_bytes()[..], &row.trace.span_id.to_be_bytes()[..]].concat();
    conn.prepare_cached(
        "UPDATE run SET parent = ?2, scenario = ?3, case_name = ?4, is_batch = ?5, tenant = ?6, status = ?7, \
         outcome = ?8, started_at = ?9, ended_at = ?10, turns = ?11, usage = ?12, trace = ?13, \
         starts_without_progress = ?14, key = ?15 WHERE no = ?1",
    )?
    .execute(params![
        no,
        row.parent.map(id),
        row.scenario.as_str(),
        row.case.as_ref().map(CaseName::as_str),
        row.is_batch,
        row.tenant.0,
        row.status.as_str(),
        row.outcome.as_ref().map(json).transpose()?,
        row.started_at.0,
        row.ended_at.map(|time| time.0),
        row.turns,
        json(&row.usage)?,
        trace,
        row.starts_without_progress,
        row.key.0,
    ])?;
    Ok(())
}

pub(crate) fn json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Finds the row of one run; the inner error is a row that cannot be decoded.
pub(crate) fn find(conn: &Connection, run: RunId) -> rusqlite::Result<Option<Result<RunRow, CodecError>>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE id = ?1"))?;
    statement.query_row([id(run)], |row| Ok(decode(row))).optional()
}

/// Reads the row of one run.
pub(crate) fn read(conn: &Connection, run: RunId) -> Result<Option<RunRow>, ReadFailure> {
    find(conn, run)?.transpose().map_err(|source| ReadFailure::Damaged(run, source))
}

/// Reads the rows of all runs, oldest first.
pub(crate) fn read_all(conn: &Connection) -> Result<Vec<RunRow>, ReadFailure> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM run ORDER BY started_at, id"))?;
    let mut rows = statement.query(())?;
    let mut decoded = Vec::new();
    while let Some(row) = rows.next()? {
        let id = RunId::from_u128(u128::from_be_bytes(row.get("id")?));
        decoded.push(decode(row).map_err(|source| ReadFailure::Damaged(id, source))?);
    }
    Ok(decoded)
}

fn decode(row: &Row<'_>) -> Result<RunRow, CodecError> {
    let trace: [u8; 24] = column(row, "trace")?;
    let (trace_id, span_id) = trace.split_at(16);
    let key: [u8; 32] = column(row, "key")?;
    Ok(RunRow {
        run: run_id(column(row, "id")?),
        parent: column::<Option<[u8; 16]>>(row, "parent")?.map(run_id),
        scenario: parsed(row, "scenario", |text| ScenarioName::new(text).ok())?,
        case: optional(row, "case_name", |text| CaseName::new(text).ok())?,
        is_batch: column(row, "is_batch")?,
        tenant: TenantId(column(row, "tenant")?),
        status: parsed(row, "status", status)?,
        outcome: optional(row, "outcome", |text| serde_json::from_str::<RunOutcome>(text).ok())?,
        started_at: Timestamp(column(row, "started_at")?),
        ended_at: column::<Option<i64>>(row, "ended_at")?.map(Timestamp),
        turns: column(row, "turns")?,
        usage: parsed(row, "usage", |text| serde_json::from_str::<Usage>(text).ok())?,
        trace: TraceContext {
            trace_id: u128::from_be_bytes(sized(trace_id, "trace")?),
            span_id: u64::from_be_bytes(sized(span_id, "trace")?),
        },
        starts_without_progress: column(row, "starts_without_progress")?,
        key: RunKey(key),
    })
}

fn run_id(bytes: [u8; 16]) -> RunId {
    RunId::from_u128(u128::from_be_bytes(bytes))
}

fn status(text: &str) -> Option<RunStatus> {
    RunStatus::deserialize(StrDeserializer::<ValueError>::new(text)).ok()
}

fn sized<const N: usize>(bytes: &[u8], field: &'static str) -> Result<[u8; N], CodecError> {
    bytes.try_into().map_err(|_| CodecError::UnreadableRow { field })
}

fn column<T: FromSql>(row: &Row<'_>, field: &'static str) -> Result<T, CodecError> {
    row.get(field).map_err(|_| CodecError::UnreadableRow { field })
}

fn parsed<T>(row: &Row<'_>, field: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, CodecError> {
    parse(&column::<String>(row, field)?).ok_or(CodecError::UnreadableRow { field })
}

fn optional<T>(
    row: &Row<'_>,
    field: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, CodecError> {
    column::<Option<String>>(row, field)?
        .map(|text| parse(&text).ok_or(CodecError::UnreadableRow { field }))
        .transpose()
}
