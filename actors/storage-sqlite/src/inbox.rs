//! Commands from outside.

use playhouse_journal::{CodecError, Command, CommandId, PendingCommand};
use playhouse_types::RunId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::checksum::{COMMAND, RUN};
use crate::failure::{ReadFailure, is_damage};
use crate::run_row;
use crate::writer::{Session, Task};

/// Leaves a command for a run.
pub(crate) struct Submit {
    pub(crate) run: RunId,
    pub(crate) id: CommandId,
    pub(crate) command: Command,
}

/// What became of a command that was left.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Submitted {
    Left,
    UnknownRun,
    /// The run takes no command any more.
    Damaged(CodecError),
}

impl Task for Submit {
    type Output = Submitted;

    fn execute(&self, session: &Session<'_>) -> rusqlite::Result<Submitted> {
        let conn = session.conn;
        let no = match run_row::find(conn, self.run)? {
            None => return Ok(Submitted::UnknownRun),
            Some(Err(source)) => return Ok(Submitted::Damaged(source)),
            Some(Ok(stored)) => stored.no,
        };
        let command = run_row::json(&self.command)?;
        let sql = "INSERT INTO inbox (run, id, command) VALUES (?1, ?2, ?3) ON CONFLICT (run, id) DO NOTHING";
        if conn.prepare_cached(sql)?.execute(params![no, self.id.0, command])? == 1 {
            COMMAND.seal(conn, conn.last_insert_rowid())?;
            conn.prepare_cached("UPDATE run SET commands_waiting = commands_waiting + 1 WHERE no = ?1")?
                .execute([no])?;
            RUN.seal(conn, no)?;
        }
        Ok(Submitted::Left)
    }
}

/// Takes commands out of the inbox of run `no` and returns how many of them waited. The caller counts them down.
pub(crate) fn acknowledge(conn: &Connection, no: i64, ids: &[CommandId]) -> rusqlite::Result<u32> {
    let sql =
        "UPDATE inbox SET command = NULL WHERE run = ?1 AND id = ?2 AND command IS NOT NULL RETURNING no";
    let mut n_acknowledged = 0;
    for id in ids {
        let command = conn.prepare_cached(sql)?.query_row(params![no, id.0], |row| row.get(0)).optional()?;
        if let Some(command) = command {
            COMMAND.seal(conn, command)?;
            n_acknowledged += 1;
        }
    }
    Ok(n_acknowledged)
}

/// Returns the commands that wait, oldest first.
pub(crate) fn pending(conn: &Connection, run: RunId) -> Result<Vec<PendingCommand>, ReadFailure> {
    let stored = run_row::read(conn, run)?.ok_or(ReadFailure::Unknown(run))?;
    let damaged = || ReadFailure::Damaged(run, CodecError::Damaged { part: COMMAND.part });
    let sql =
        "SELECT no, run, id, command, checksum FROM inbox WHERE run = ?1 AND command IS NOT NULL ORDER BY no";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([stored.no])?;
    let mut commands = Vec::new();
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(error) if is_damage(&error) => return Err(damaged()),
            Err(error) => return Err(error.into()),
        };
        // A damaged index leads to another run's command, which is whole.
        let command = decode(row).filter(|_| row.get("run") == Ok(stored.no));
        commands.push(command.ok_or_else(damaged)?);
    }
    if commands.len() == stored.commands_waiting as usize { Ok(commands) } else { Err(damaged()) }
}

fn decode(row: &Row<'_>) -> Option<PendingCommand> {
    let id = CommandId(row.get("id").ok()?);
    let command = serde_json::from_str(&row.get::<_, String>("command").ok()?).ok()?;
    COMMAND.is_intact(row).then_some(PendingCommand { id, command })
}
