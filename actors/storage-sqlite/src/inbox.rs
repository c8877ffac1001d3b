//! Commands from outside.

use playhouse_journal::{CodecError, Command, CommandId, PendingCommand};
use playhouse_types::RunId;
use rusqlite::{Connection, params};

use crate::failure::ReadFailure;
use crate::run_row;
use crate::writer::{Session, Task};

/// Leaves a command for a run.
pub(crate) struct Submit {
    pub(crate) run: RunId,
    pub(crate) id: CommandId,
    pub(crate) command: Command,
}

/// Whether there is a run to leave a command for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Submitted {
    Left,
    UnknownRun,
}

impl Task for Submit {
    type Output = Submitted;

    fn execute(&self, session: &Session<'_>) -> rusqlite::Result<Submitted> {
        let Some(no) = run_row::number(session.conn, self.run)? else { return Ok(Submitted::UnknownRun) };
        let command = run_row::json(&self.command)?;
        let sql = "INSERT INTO inbox (run, id, command) VALUES (?1, ?2, ?3) ON CONFLICT (run, id) DO NOTHING";
        session.conn.prepare_cached(sql)?.execute(params![no, self.id.0, command])?;
        Ok(Submitted::Left)
    }
}

/// Returns the commands that wait, oldest first.
pub(crate) fn pending(conn: &Connection, run: RunId) -> Result<Vec<PendingCommand>, ReadFailure> {
    let no = run_row::number(conn, run)?.ok_or(ReadFailure::Unknown(run))?;
    let sql = "SELECT id, command FROM inbox WHERE run = ?1 AND command IS NOT NULL ORDER BY no";
    let mut statement = conn.prepare_cached(sql)?;
    let texts = statement
        .query_map([no], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    texts
        .into_iter()
        .map(|(id, text)| {
            let command = serde_json::from_str(&text)
                .map_err(|_| ReadFailure::Damaged(run, CodecError::UnreadableRow { field: "command" }))?;
            Ok(PendingCommand { id: CommandId(id), command })
        })
        .collect()
}
