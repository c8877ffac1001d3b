//! The row of a run as columns.

use std::collections::BTreeMap;

use playhouse_journal::{ChainHash, ChainHead, CodecError, DamagedRun, RunKey, RunRow};
use playhouse_storage::RunAppend;
use playhouse_types::{
    BootId, CaseName, RunId, RunOutcome, RunStatus, ScenarioName, Seq, TenantId, Timestamp, TraceContext,
    Usage,
};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::checksum::{RUN, run_columns};
use crate::failure::{ReadFailure, is_damage};

/// All that is stored of a run beside its records.
pub(crate) struct StoredRun {
    /// What stands for the run in all other tables.
    pub(crate) no: i64,
    pub(crate) epoch: u64,
    pub(crate) owner: Option<BootId>,
    pub(crate) head: ChainHead,
    /// How many commands wait for it.
    pub(crate) commands_waiting: u32,
    pub(crate) row: RunRow,
}

/// Returns the bytes under which a run stands; they sort as the ids do.
pub(crate) fn id(run: RunId) -> [u8; 16] {
    run.as_u128().to_be_bytes()
}

/// Returns the bytes of a process's id.
pub(crate) fn boot(boot: BootId) -> [u8; 16] {
    boot.as_u128().to_be_bytes()
}

/// Admits a run, without records yet, and returns its number. The caller seals the row.
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

/// Replaces the row of a run. The caller seals the row.
pub(crate) fn update(conn: &Connection, no: i64, row: &RunRow) -> rusqlite::Result<()> {
    let trace = [&row.trace.trace_id.to_be_bytes()[..], &row.trace.span_id.to_be_bytes()[..]].concat();
    conn.prepare_cached(
        "UPDATE run SET parent = ?2, scenario = ?3, case_name = ?4, is_batch = ?5, tenant = ?6, status = ?7, \
         outcome = ?8, started_at = ?9, ended_at = ?10, turns = ?11, usage = ?12, trace = ?13, \
         starts_without_progress = ?14, key = ?15, open_reviews = ?16 WHERE no = ?1",
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
        row.open_reviews,
    ])?;
    Ok(())
}

pub(crate) fn json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Finds a run; the inner error is a row that is damaged.
pub(crate) fn find(conn: &Connection, run: RunId) -> rusqlite::Result<Option<Result<StoredRun, CodecError>>> {
    conn.prepare_cached(concat!("SELECT ", run_columns!(), " FROM run WHERE id = ?1"))?
        .query_row([id(run)], |row| {
            // A damaged index leads to the row of another run, which is whole.
            Ok(decode(row).and_then(|stored| if stored.row.run == run { Ok(stored) } else { Err(LOST) }))
        })
        .optional()
}

/// Reads one run, if there is one. A run that its index does not lead to is looked for in the table itself, because what
/// is damaged must not look like what is not there.
pub(crate) fn read(conn: &Connection, run: RunId) -> Result<Option<StoredRun>, ReadFailure> {
    let by_index = match find(conn, run) {
        Ok(Some(Ok(stored))) => return Ok(Some(stored)),
        Ok(Some(Err(source))) => Some(source),
        Ok(None) => None,
        Err(error) if is_damage(&error) => Some(LOST),
        Err(error) => return Err(error.into()),
    };
    let sql = concat!("SELECT ", run_columns!(), " FROM run NOT INDEXED WHERE id = ?1");
    let by_table = conn.prepare_cached(sql)?.query_row([id(run)], |row| Ok(decode(row))).optional();
    let found = match by_table {
        Ok(found) => found.or(by_index.map(Err)),
        Err(error) if is_damage(&error) => Some(Err(by_index.unwrap_or(LOST))),
        Err(error) => return Err(error.into()),
    };
    found.transpose().map_err(|source| ReadFailure::Damaged(run, source))
}

/// The rows of all runs.
pub(crate) struct Listing {
    /// Those that can be read, oldest first.
    pub(crate) rows: Vec<RunRow>,
    /// Those that cannot.
    pub(crate) damaged: Vec<DamagedRun>,
}

/// Reads the rows of all runs. Table and index have to name the same runs, so that neither loses one unnoticed; what is
/// damaged in one of them is read by way of the other.
pub(crate) fn read_all(conn: &Connection) -> Result<Listing, ReadFailure> {
    let (mut named, index_damage) = tolerate(indexed(conn))?;
    let mut read = BTreeMap::new();
    let mut damaged = Vec::new();
    let scanned = scan(conn, |row| match decode(row) {
        Ok(stored) => {
            named.remove(&stored.no);
            read.insert((stored.row.started_at, stored.row.run), stored.row);
        }
        Err(source) => {
            let by_index = row.get::<_, i64>("no").ok().and_then(|no| named.remove(&no));
            let run = by_index.or_else(|| Some(run_id(row.get("id").ok()?)));
            // Without any id nobody could ask for it either.
            damaged.push(DamagedRun { run: run.unwrap_or(RunId::from_u128(0)), source });
        }
    });
    let ((), table_damage) = tolerate(scanned)?;
    if let (Some(_), Some(error)) = (index_damage, table_damage) {
        return Err(error.into());
    }
    for run in named.into_values() {
        match find(conn, run) {
            Ok(Some(Ok(stored))) => {
                read.insert((stored.row.started_at, stored.row.run), stored.row);
            }
            Ok(Some(Err(source))) => damaged.push(DamagedRun { run, source }),
            Ok(None) | Err(_) => damaged.push(DamagedRun { run, source: LOST }),
        }
    }
    Ok(Listing { rows: read.into_values().collect(), damaged })
}

/// A row that is damaged without a column to name.
const LOST: CodecError = CodecError::Damaged { part: RUN.part };

/// Returns what was read if nothing but damage prevents more of it.
fn tolerate<T: Default>(read: rusqlite::Result<T>) -> rusqlite::Result<(T, Option<rusqlite::Error>)> {
    match read {
        Ok(read) => Ok((read, None)),
        Err(error) if is_damage(&error) => Ok((T::default(), Some(error))),
        Err(error) => Err(error),
    }
}

/// Shows all rows of the table, in the order of their numbers.
fn scan(conn: &Connection, mut show: impl FnMut(&Row<'_>)) -> rusqlite::Result<()> {
    let sql = concat!("SELECT ", run_columns!(), " FROM run NOT INDEXED");
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        show(row);
    }
    Ok(())
}

/// Returns the runs that the index names, by their numbers.
fn indexed(conn: &Connection) -> rusqlite::Result<BTreeMap<i64, RunId>> {
    let sql = "SELECT no, id FROM run INDEXED BY sqlite_autoindex_run_1";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map((), |row| Ok((row.get(0)?, run_id(row.get(1)?))))?;
    rows.collect()
}

/// Decodes a row and verifies it: first by column, so that a column that cannot be decoded is named.
fn decode(row: &Row<'_>) -> Result<StoredRun, CodecError> {
    let stored = StoredRun {
        no: column(row, "no")?,
        epoch: column::<i64>(row, "epoch")?.cast_unsigned(),
        owner: column::<Option<[u8; 16]>>(row, "owner")?
            .map(|bytes| BootId::from_u128(u128::from_be_bytes(bytes))),
        head: ChainHead {
            seq: Seq(column::<i64>(row, "head_seq")?.cast_unsigned()),
            hash: ChainHash(column(row, "head_hash")?),
        },
        commands_waiting: column(row, "commands_waiting")?,
        row: decode_row(row)?,
    };
    if RUN.is_intact(row) { Ok(stored) } else { Err(LOST) }
}

fn decode_row(row: &Row<'_>) -> Result<RunRow, CodecError> {
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
        open_reviews: column(row, "open_reviews")?,
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
