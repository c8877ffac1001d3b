//! The index of effects that several runs may mean.

use playhouse_journal::CodecError;
use playhouse_storage::{IntentRow, IntentState};
use playhouse_types::{CallId, RunId, Seq, Step, TurnId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::checksum::{INTENT, intent_columns};
use crate::failure::{ReadFailure, is_damage};
use crate::run_row;

/// A row with its place among those of its key.
struct Placed {
    place: i64,
    intent: IntentRow,
}

/// Tests the rows that [`write`] would replace, before anything is written.
pub(crate) fn verify(conn: &Connection, intents: &[IntentRow]) -> rusqlite::Result<Result<(), CodecError>> {
    for intent in intents {
        match find(conn, intent.run, intent.call)? {
            Some(Some(stored)) if stored.intent.key == intent.key => {}
            None => {}
            // To seal it again would hide the damage.
            Some(_) => return Ok(Err(IntentRow::lost())),
        }
    }
    Ok(Ok(()))
}

/// Writes rows: a new one after all others of its key, one of a known call in the place of that.
pub(crate) fn write(conn: &Connection, intents: &[IntentRow]) -> rusqlite::Result<()> {
    for IntentRow { key, run, call, seq, state } in intents {
        let sql = "INSERT INTO intent (key, place, run, turn, step, ordinal, seq, state) \
                   VALUES (?1, 1 + coalesce((SELECT max(place) FROM intent WHERE key = ?1), 0), ?2, ?3, ?4, ?5, ?6, ?7) \
                   ON CONFLICT (run, turn, step, ordinal) DO UPDATE SET seq = excluded.seq, state = excluded.state \
                   RETURNING no";
        let CallId { turn, step, ordinal } = *call;
        let values =
            params![key, run_row::id(*run), turn.0, step.0, ordinal, seq.0.cast_signed(), word(*state)];
        let no = conn.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
        INTENT.seal(conn, no)?;
    }
    Ok(())
}

/// Returns the first row of the key before that of the call which stands in the way of its run. All rows up to it are
/// read and have to be whole, so that a lost one is not taken for none.
pub(crate) fn earlier(
    conn: &Connection,
    key: &str,
    run: RunId,
    call: CallId,
) -> Result<Option<IntentRow>, ReadFailure> {
    let lost = || ReadFailure::Damaged(run, IntentRow::lost());
    let tell = |error| if is_damage(&error) { lost() } else { error.into() };
    let own = find(conn, run, call).map_err(tell)?.flatten().filter(|own| own.intent.key == key);
    let own = own.ok_or_else(lost)?;
    let sql =
        concat!("SELECT ", intent_columns!(), " FROM intent WHERE key = ?1 AND place < ?2 ORDER BY place");
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![key, own.place])?;
    for place in 1..own.place {
        let row = rows.next().map_err(tell)?;
        let earlier = row.and_then(decode).filter(|row| row.place == place && row.intent.key == key);
        let earlier = earlier.ok_or_else(lost)?;
        if earlier.intent.stands_in_the_way_of(run) {
            return Ok(Some(earlier.intent));
        }
    }
    Ok(None)
}

/// Counts the rows that are whole, and those that are lost or damaged.
pub(crate) fn count(conn: &Connection) -> Result<(u64, u64), ReadFailure> {
    let (mut n_whole, mut n_bad) = (0, 0);
    let mut statement = conn.prepare(concat!("SELECT ", intent_columns!(), " FROM intent NOT INDEXED"))?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        match decode(row) {
            Some(_) => n_whole += 1,
            None => n_bad += 1,
        }
    }
    let sql =
        "SELECT coalesce(sum(gap), 0) FROM (SELECT max(place) - count(*) AS gap FROM intent GROUP BY key)";
    let n_lost: i64 = conn.query_row(sql, (), |row| row.get(0))?;
    Ok((n_whole, n_bad + n_lost.unsigned_abs()))
}

/// Finds the row of a call; the inner `None` is one that is damaged.
fn find(conn: &Connection, run: RunId, call: CallId) -> rusqlite::Result<Option<Option<Placed>>> {
    let sql = concat!(
        "SELECT ",
        intent_columns!(),
        " FROM intent WHERE run = ?1 AND turn = ?2 AND step = ?3 AND ordinal = ?4"
    );
    let CallId { turn, step, ordinal } = call;
    conn.prepare_cached(sql)?
        .query_row(params![run_row::id(run), turn.0, step.0, ordinal], |row| {
            // A damaged index leads to the row of another call, which is whole.
            Ok(decode(row).filter(|found| (found.intent.run, found.intent.call) == (run, call)))
        })
        .optional()
}

/// Decodes and verifies a row.
fn decode(row: &Row<'_>) -> Option<Placed> {
    let number = |column| row.get::<_, u32>(column).ok();
    let call =
        CallId { turn: TurnId(number("turn")?), step: Step(number("step")?), ordinal: number("ordinal")? };
    let intent = IntentRow {
        key: row.get("key").ok()?,
        run: RunId::from_u128(u128::from_be_bytes(row.get("run").ok()?)),
        call,
        seq: Seq(row.get::<_, i64>("seq").ok()?.cast_unsigned()),
        state: state(&row.get::<_, String>("state").ok()?)?,
    };
    let placed = Placed { place: row.get("place").ok()?, intent };
    INTENT.is_intact(row).then_some(placed)
}

const fn word(state: IntentState) -> &'static str {
    match state {
        IntentState::Open => "open",
        IntentState::Done => "done",
        IntentState::Failed => "failed",
        IntentState::InDoubt => "in_doubt",
    }
}

fn state(stored: &str) -> Option<IntentState> {
    use IntentState::{Done, Failed, InDoubt, Open};
    [Open, Done, Failed, InDoubt].into_iter().find(|state| word(*state) == stored)
}
