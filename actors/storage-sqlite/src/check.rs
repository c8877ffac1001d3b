//! Looking through the whole file: all rows, records and bodies, and SQLite's own check of its pages.

use std::collections::BTreeMap;
use std::path::Path;

use playhouse_storage::{Fault, Owner, StoreCheck};
use playhouse_types::{BootId, Lane, RunId, Seq, Timestamp};
use rusqlite::Connection;

use crate::failure::{ReadFailure, is_damage};
use crate::run_row::StoredRun;
use crate::{inbox, intent, owner, records, run_row, schema, snapshot};

/// How many records are read at once: enough to be fast, few enough for memory.
const PAGE: usize = 1_000;

/// How many complaints of SQLite are shown; one damaged page can make thousands.
const N_COMPLAINTS: u32 = 20;

/// The tables whose rows belong to a run, each with the column of the run that they name.
const TABLES: [(&str, &str); 5] =
    [("journal", "no"), ("body", "no"), ("snapshot", "no"), ("inbox", "no"), ("intent", "id")];

/// Reads all of it. `conn` is in a transaction, so that all parts belong together.
pub(crate) fn check(conn: &Connection, dir: &Path, now: Timestamp) -> Result<StoreCheck, ReadFailure> {
    let mut check = StoreCheck {
        engine: format!("SQLite {}", rusqlite::version()),
        format: Some(schema::version(conn)?),
        ..StoreCheck::default()
    };
    let read = owners(conn, dir, now, &mut check);
    part("the list of owners", read, &mut check)?;
    let read = integrity(conn, &mut check);
    part("the file", read, &mut check)?;
    let read = runs(conn, &mut check);
    part("the list of runs", read, &mut check)?;
    let read = intents(conn, &mut check);
    part("the index of intents", read, &mut check)?;
    let read = without_run(conn, &mut check);
    part("what belongs to no run", read, &mut check)?;
    let read = unused_bodies(conn, &mut check);
    part("the list of bodies", read, &mut check)?;
    Ok(check)
}

/// A part that damage makes unreadable as a whole is one finding; the others are read all the same.
fn part(name: &str, read: Result<(), ReadFailure>, check: &mut StoreCheck) -> Result<(), ReadFailure> {
    match read {
        Err(ReadFailure::Sql(error)) if is_damage(&error) => {
            check.find(None, Fault::File(format!("{name} cannot be read: {error}")));
            Ok(())
        }
        read => read,
    }
}

fn owners(conn: &Connection, dir: &Path, now: Timestamp, check: &mut StoreCheck) -> Result<(), ReadFailure> {
    let mut statement = conn.prepare("SELECT boot, heartbeat FROM owner ORDER BY boot")?;
    let rows = statement.query_map((), |row| {
        Ok((BootId::from_u128(u128::from_be_bytes(row.get(0)?)), Timestamp(row.get(1)?)))
    })?;
    for row in rows {
        let (boot, heartbeat) = row?;
        let is_alive = owner::seems_alive(dir, boot);
        check.owners.push(Owner { boot, is_alive, silent_for: Some(now.since(heartbeat)) });
    }
    Ok(())
}

fn integrity(conn: &Connection, check: &mut StoreCheck) -> Result<(), ReadFailure> {
    let mut statement = conn.prepare(&format!("PRAGMA integrity_check({N_COMPLAINTS})"))?;
    let complaints = statement.query_map((), |row| row.get::<_, String>(0))?;
    for complaint in complaints {
        let complaint = complaint?;
        if complaint != "ok" {
            check.find(None, Fault::File(complaint));
        }
    }
    Ok(())
}

fn runs(conn: &Connection, check: &mut StoreCheck) -> Result<(), ReadFailure> {
    let listing = run_row::read_all(conn)?;
    check.read.runs = (listing.rows.len() + listing.damaged.len()) as u64;
    for damaged in listing.damaged {
        check.find(damaged.run, Fault::Row(damaged.source));
    }
    for row in listing.rows {
        let stored = match damage(run_row::read(conn, row.run))? {
            Ok(Some(stored)) => stored,
            Ok(None) => continue,
            Err(source) => {
                check.find(row.run, Fault::Row(source));
                continue;
            }
        };
        if let Err(source) = damage(read_records(conn, row.run, &mut check.read.records))? {
            check.find(row.run, Fault::Record(source));
        }
        match damage(inbox::pending(conn, row.run))? {
            Ok(commands) => check.read.commands += commands.len() as u64,
            Err(source) => check.find(row.run, Fault::Command(source)),
        }
        snapshots(conn, &stored, check)?;
    }
    Ok(())
}

/// Tells damage of a run apart from a store that cannot be read.
fn damage<T>(read: Result<T, ReadFailure>) -> Result<Result<T, playhouse_journal::CodecError>, ReadFailure> {
    match read {
        Ok(read) => Ok(Ok(read)),
        Err(ReadFailure::Damaged(_, source)) => Ok(Err(source)),
        Err(failure) => Err(failure),
    }
}

fn read_records(conn: &Connection, run: RunId, n_read: &mut u64) -> Result<(), ReadFailure> {
    let mut after = Seq(0);
    loop {
        let page = records::read(conn, run, after, PAGE)?;
        *n_read += page.len() as u64;
        match page.last() {
            Some(last) if page.len() == PAGE => after = last.seq,
            _ => return Ok(()),
        }
    }
}

fn snapshots(conn: &Connection, stored: &StoredRun, check: &mut StoreCheck) -> Result<(), ReadFailure> {
    let run = stored.row.run;
    let sql = "SELECT run, lane, seq, fold_version, state_hash, state, checksum FROM snapshot WHERE run = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([stored.no])?;
    while let Some(row) = rows.next()? {
        check.read.snapshots += 1;
        if snapshot::decode(row, run).is_none() {
            let lane = row.get::<_, String>("lane").ok().and_then(|lane| Lane::new(&lane).ok());
            check.find(run, Fault::Snapshot(lane.unwrap_or_else(Lane::run)));
        }
    }
    Ok(())
}

fn intents(conn: &Connection, check: &mut StoreCheck) -> Result<(), ReadFailure> {
    let (n_whole, n_bad) = intent::count(conn)?;
    check.read.intents = n_whole;
    if n_bad > 0 {
        check.find(None, Fault::Intents(n_bad));
    }
    Ok(())
}

fn without_run(conn: &Connection, check: &mut StoreCheck) -> Result<(), ReadFailure> {
    let mut found = BTreeMap::new();
    for (table, column) in TABLES {
        let sql = format!("SELECT count(*) FROM {table} WHERE run NOT IN (SELECT {column} FROM run)");
        found.insert(table, conn.query_row(&sql, (), |row| row.get::<_, i64>(0))?);
    }
    for (table, n_rows) in found.into_iter().filter(|(_, n_rows)| *n_rows > 0) {
        check.find(None, Fault::WithoutRun(table, n_rows.cast_unsigned()));
    }
    Ok(())
}

fn unused_bodies(conn: &Connection, check: &mut StoreCheck) -> Result<(), ReadFailure> {
    let sql = "SELECT count(*) FROM body WHERE no NOT IN (SELECT body FROM journal WHERE body IS NOT NULL)";
    let n_bodies = conn.query_row(sql, (), |row| row.get::<_, i64>(0))?.cast_unsigned();
    if n_bodies > 0 {
        check.find(None, Fault::UnusedBodies(n_bodies));
    }
    Ok(())
}
