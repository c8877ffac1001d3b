//! What was changed or damaged behind the store's back is refused by name, and only that.

use playhouse_journal::{
    CodecError, Command, CommandId, CommandInbox, DamagedRun, JournalRead, ReadError, Record,
};
use playhouse_storage::conformance::FIRST;
use playhouse_storage::conformance::sample::{Run, commit, large, read, same};
use playhouse_storage::{AppendError, CheckFinding, ClaimError, Fault, IntentState, Snapshot, Store};
use playhouse_types::{CallId, Lane, RunId, Seq, Step, TurnId};
use proptest::prelude::*;

use crate::place::{Place, block_on};

/// Makes three runs of five records, the second with a large body in its third.
async fn written(place: &Place) -> Vec<Run> {
    let store = place.store();
    let mut runs: Vec<Run> = (1..=3).map(Run::new).collect();
    let appends = runs
        .iter_mut()
        .map(|run| {
            let number = run.row.key.0[0];
            let texts = ["a", "needle", &large("haystack "), "b", "c"].map(|text| format!("{text} {number}"));
            run.admit(FIRST, &texts.each_ref().map(String::as_str))
        })
        .collect();
    commit(&store, appends).await;
    store.close().await;
    runs
}

fn corrupt(read: Result<Vec<Record>, ReadError>) -> CodecError {
    match read.unwrap_err() {
        ReadError::Corrupt { source, .. } => source,
        other => panic!("{other}"),
    }
}

/// Changes run 2 by `sql` and expects that reading it, and only it, fails with `expected`.
#[track_caller]
fn check(sql: &str, after: u64, expected: &CodecError) {
    block_on(async {
        let place = Place::new();
        let runs = written(&place).await;
        assert_ne!(place.sql().execute(sql, ()).unwrap(), 0, "the change has to change something");
        let store = place.store();
        assert_eq!(corrupt(store.records(runs[1].id, Seq(after), 100).await), *expected, "{sql}");
        for run in [&runs[0], &runs[2]] {
            same(run, &read(&store, run).await);
        }
    });
}

#[test]
fn an_edited_header_breaks_the_chain() {
    let sql = "UPDATE journal SET header = CAST(header || x'00' AS BLOB) WHERE run = 2 AND seq = 2";
    check(sql, 0, &CodecError::BrokenChain { seq: Seq(2) });
}

#[test]
fn a_header_of_another_record_breaks_the_chain() {
    let sql = "UPDATE journal SET header = (SELECT header FROM journal WHERE run = 2 AND seq = 4) \
               WHERE run = 2 AND seq = 2";
    check(sql, 1, &CodecError::BrokenChain { seq: Seq(2) });
}

#[test]
fn an_edited_hash_breaks_the_chain() {
    check(
        "UPDATE journal SET hash = zeroblob(32) WHERE run = 2 AND seq = 5",
        0,
        &CodecError::BrokenChain { seq: Seq(5) },
    );
}

#[test]
fn a_hash_of_another_length_cannot_be_decoded() {
    check(
        "UPDATE journal SET hash = x'00' WHERE run = 2 AND seq = 5",
        0,
        &CodecError::Undecodable { seq: Seq(5) },
    );
    check(
        "UPDATE journal SET hash = x'00' WHERE run = 2 AND seq = 5",
        5,
        &CodecError::Undecodable { seq: Seq(5) },
    );
}

#[test]
fn a_record_moved_to_another_run_is_missing_here() {
    let sql = "UPDATE journal SET run = 4 WHERE run = 2 AND seq = 2";
    check(sql, 0, &CodecError::Gap { expected: Seq(2), found: Seq(3) });
}

#[test]
fn a_deleted_record_is_a_gap_also_where_a_page_begins() {
    let gap = CodecError::Gap { expected: Seq(2), found: Seq(3) };
    check("DELETE FROM journal WHERE run = 2 AND seq = 2", 0, &gap);
    check("DELETE FROM journal WHERE run = 2 AND seq = 2", 2, &gap);
}

#[test]
fn a_deleted_tail_is_noticed_from_every_page() {
    let truncated = CodecError::Truncated { head: Seq(5), found: Seq(3) };
    for after in [0, 3, 4, 5] {
        check("DELETE FROM journal WHERE run = 2 AND seq >= 4", after, &truncated);
    }
    check("DELETE FROM journal WHERE run = 2", 0, &CodecError::Truncated { head: Seq(5), found: Seq(0) });
}

#[test]
fn a_head_that_is_not_the_last_record_is_noticed() {
    let damaged = CodecError::Damaged { part: "row" };
    check("UPDATE run SET head_seq = 4 WHERE no = 2", 0, &damaged);
    check("UPDATE run SET head_hash = zeroblob(32) WHERE no = 2", 5, &damaged);
    check(
        "UPDATE run SET head_hash = x'' WHERE no = 2",
        0,
        &CodecError::UnreadableRow { field: "head_hash" },
    );
}

#[test]
fn an_edited_or_missing_body_is_named() {
    let wrong = CodecError::WrongBody { seq: Seq(3) };
    check("UPDATE body SET bytes = CAST(bytes || x'00' AS BLOB) WHERE run = 2", 0, &wrong);
    check("DELETE FROM body WHERE run = 2", 0, &wrong);
    check("UPDATE journal SET body = 1 WHERE run = 2 AND seq = 3", 0, &wrong);
}

#[test]
fn a_flipped_byte_of_the_file_is_named() {
    for (needle, expected) in [
        (&b"needle 2"[..], CodecError::BrokenChain { seq: Seq(2) }),
        (&b"haystack  2"[..], CodecError::WrongBody { seq: Seq(3) }),
    ] {
        block_on(async {
            let place = Place::new();
            let runs = written(&place).await;
            let mut bytes = std::fs::read(place.file()).unwrap();
            let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
            bytes[at] ^= 1;
            std::fs::write(place.file(), bytes).unwrap();
            let store = place.store();
            assert_eq!(corrupt(store.records(runs[1].id, Seq(0), 100).await), expected);
            for run in [&runs[0], &runs[2]] {
                same(run, &read(&store, run).await);
            }
        });
    }
}

/// Expects that the listing keeps all runs but one, which is named as damaged.
async fn lists_all_but(store: &impl Store, runs: &[Run], damaged: usize, source: &CodecError) {
    let mut rows: Vec<_> = runs.iter().map(|run| run.row.clone()).collect();
    let lost = rows.remove(damaged).run;
    assert_eq!(store.runs().await.unwrap(), rows);
    assert_eq!(store.damaged_runs().await.unwrap(), [DamagedRun { run: lost, source: source.clone() }]);
}

#[tokio::test]
async fn a_change_of_any_column_is_noticed_by_every_reader_of_the_row() {
    let place = Place::new();
    drop(written(&place).await);
    let columns: Vec<(String, String)> = {
        let conn = place.sql();
        let mut statement = conn.prepare("SELECT name, type FROM pragma_table_info('run')").unwrap();
        statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(columns.len(), 23);
    for (column, kind) in columns.iter().filter(|(column, _)| column != "no") {
        let place = Place::new();
        let mut runs = written(&place).await;
        let changed = match kind.as_str() {
            "INTEGER" if column == "is_batch" => "1 - is_batch".to_owned(),
            "INTEGER" => format!("coalesce({column}, 0) - 1"),
            "TEXT" => format!("coalesce({column}, '') || 'x'"),
            _ => format!("CAST(coalesce({column}, x'') || x'00' AS BLOB)"),
        };
        let sql = format!("UPDATE run SET {column} = {changed} WHERE no = 2");
        assert_eq!(place.sql().execute(&sql, ()).unwrap(), 1);
        let store = place.store();
        // A run whose id was changed is not found under the old one.
        if column != "id" {
            assert!(matches!(store.run(runs[1].id).await, Err(ReadError::Corrupt { .. })), "{sql}");
            assert!(matches!(store.pending(runs[1].id).await, Err(ReadError::Corrupt { .. })), "{sql}");
            corrupt(store.records(runs[1].id, Seq(0), 9).await);
            let answers = store.commit(vec![runs[1].append(&["next"])]).await.unwrap();
            assert!(matches!(answers[0], Err(AppendError::Damaged { .. })), "{sql}");
        }
        assert_eq!(store.runs().await.unwrap().len(), 2, "{sql}");
        assert_eq!(store.damaged_runs().await.unwrap().len(), 1, "{sql}");
    }
}

#[tokio::test]
async fn a_row_that_its_table_or_its_index_has_lost_is_noticed() {
    for (name, expected) in [("run", 2), ("sqlite_autoindex_run_1", 3)] {
        let place = Place::new();
        let runs = written(&place).await;
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        let root: u32 = place.sql().query_row(sql, [name], |row| row.get(0)).unwrap();
        let mut bytes = std::fs::read(place.file()).unwrap();
        // The number of cells of a page (<https://www.sqlite.org/fileformat2.html#b_tree_pages>).
        let count = (root as usize - 1) * 4096 + 4;
        assert_eq!(bytes[count], 3);
        bytes[count] -= 1;
        std::fs::write(place.file(), bytes).unwrap();
        let store = place.store();
        assert_eq!(store.runs().await.unwrap().len(), expected, "{name}");
        assert_eq!(store.damaged_runs().await.unwrap().len(), 3 - expected, "{name}");
        for run in &runs {
            let found = store.run(run.id).await;
            assert!(
                found.is_err() || matches!(&found, Ok(Some(row)) if *row == run.row),
                "{name}: {found:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_changed_or_lost_command_is_noticed() {
    for sql in [
        "UPDATE inbox SET command = replace(command, 'enough', 'enougg') WHERE no = 2",
        "UPDATE inbox SET id = 'other' WHERE no = 2",
        "UPDATE inbox SET no = 9 WHERE no = 2",
        "UPDATE inbox SET run = 1 WHERE no = 2",
        "UPDATE inbox SET command = NULL WHERE no = 2",
        "UPDATE inbox SET command = '' WHERE no = 2",
        "DELETE FROM inbox WHERE no = 2",
    ] {
        let place = Place::new();
        let runs = written(&place).await;
        let store = place.store();
        for (name, run) in [("a", 1), ("b", 1), ("c", 0)] {
            let command = Command::Cancel { reason: "enough".to_owned() };
            store.submit(runs[run].id, CommandId(name.to_owned()), command).await.unwrap();
        }
        store.close().await;
        assert_eq!(place.sql().execute(sql, ()).unwrap(), 1);
        let store = place.store();
        let refused = store.pending(runs[1].id).await.unwrap_err();
        let damaged = CodecError::Damaged { part: "command" };
        assert!(
            matches!(&refused, ReadError::Corrupt { source, .. } if *source == damaged),
            "{sql}: {refused}"
        );
        assert_eq!(store.pending(runs[2].id).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_damaged_snapshot_is_none() {
    for sql in
        ["seq = seq + 1", "fold_version = 9", "state_hash = zeroblob(32)", "state = x'00'", "lane = 'run2'"]
    {
        let place = Place::new();
        let runs = written(&place).await;
        let store = place.store();
        let lane = Lane::run();
        let (state_hash, state) = ([5; 32], b"state".to_vec());
        let snapshot =
            Snapshot { run: runs[1].id, lane: lane.clone(), seq: Seq(2), fold_version: 1, state_hash, state };
        store.put_snapshot(1, snapshot.clone()).await.unwrap();
        assert_eq!(store.snapshot(runs[1].id, &lane).await.unwrap(), Some(snapshot));
        assert_eq!(place.sql().execute(&format!("UPDATE snapshot SET {sql}"), ()).unwrap(), 1);
        for lane in [lane, Lane::new("run2").unwrap()] {
            assert_eq!(store.snapshot(runs[1].id, &lane).await.unwrap(), None, "{sql}");
        }
    }
}

#[tokio::test]
async fn a_field_that_cannot_be_decoded_is_named_and_never_replaced() {
    for (field, sql) in [
        ("status", "UPDATE run SET status = 'odd' WHERE no = 2"),
        ("outcome", "UPDATE run SET outcome = '{}' WHERE no = 2"),
        ("usage", "UPDATE run SET usage = '' WHERE no = 2"),
        ("scenario", "UPDATE run SET scenario = 'two words' WHERE no = 2"),
        ("trace", "UPDATE run SET trace = x'00' WHERE no = 2"),
        ("parent", "UPDATE run SET parent = x'00' WHERE no = 2"),
        ("turns", "UPDATE run SET turns = -1 WHERE no = 2"),
        ("key", "UPDATE run SET key = x'' WHERE no = 2"),
        ("owner", "UPDATE run SET owner = x'' WHERE no = 2"),
        ("open_reviews", "UPDATE run SET open_reviews = -1 WHERE no = 2"),
    ] {
        let place = Place::new();
        let runs = written(&place).await;
        place.sql().execute(sql, ()).unwrap();
        let store = place.store();
        let unreadable = CodecError::UnreadableRow { field };
        let refused = store.run(runs[1].id).await.unwrap_err();
        assert!(matches!(&refused, ReadError::Corrupt { source, .. } if *source == unreadable), "{refused}");
        lists_all_but(&store, &runs, 1, &unreadable).await;
        let refused = store.claim(runs[1].id, true).await.unwrap_err();
        assert!(matches!(&refused, ClaimError::Damaged { source, .. } if *source == unreadable), "{refused}");
        assert_eq!(store.run(runs[0].id).await.unwrap(), Some(runs[0].row.clone()));
    }
}

const KEY: &str = "tenant:local:00ff";
const CALL: CallId = CallId { turn: TurnId(1), step: Step(1), ordinal: 0 };

/// Each run means the same effect, in order; that of the first has surely failed.
async fn mean(store: &impl Store, runs: &mut [Run]) {
    for run in &mut *runs {
        commit(store, vec![run.intend(KEY, CALL, IntentState::Open)]).await;
    }
    commit(store, vec![runs[0].intend(KEY, CALL, IntentState::Failed)]).await;
}

#[tokio::test]
async fn a_changed_or_lost_intent_is_never_taken_for_none() {
    for (sql, is_own) in [
        ("UPDATE intent SET state = 'failed' WHERE no = 2", false),
        ("UPDATE intent SET key = 'tenant:local:0000' WHERE no = 2", false),
        ("UPDATE intent SET place = 7 WHERE no = 2", false),
        ("UPDATE intent SET run = x'00000000000000000000000000000007' WHERE no = 2", false),
        ("UPDATE intent SET ordinal = 7 WHERE no = 2", false),
        ("UPDATE intent SET checksum = x'' WHERE no = 2", false),
        ("DELETE FROM intent WHERE no = 1", false),
        ("DELETE FROM intent WHERE no = 2", false),
        ("UPDATE intent SET place = place - 1 WHERE no = 3", true),
        ("DELETE FROM intent WHERE no = 3", true),
    ] {
        let place = Place::new();
        let mut runs = written(&place).await;
        let store = place.store();
        mean(&store, &mut runs).await;
        let earlier = store.earlier_intent(KEY, runs[2].id, CALL).await.unwrap().unwrap();
        assert_eq!((earlier.run, earlier.state), (runs[1].id, IntentState::Open));
        store.close().await;
        if sql.contains("place - 1") {
            place.sql().execute("DELETE FROM intent WHERE no = 2", ()).unwrap();
        }
        assert_eq!(place.sql().execute(sql, ()).unwrap(), 1, "{sql}");
        let store = place.store();
        let refused = store.earlier_intent(KEY, runs[2].id, CALL).await.unwrap_err();
        let damaged = CodecError::Damaged { part: "intent" };
        assert!(
            matches!(&refused, ReadError::Corrupt { source, .. } if *source == damaged),
            "{sql}: {refused}"
        );
        // What is damaged is never sealed again.
        if sql.starts_with("UPDATE") {
            let changed = if is_own { 2 } else { 1 };
            let answers = store.commit(vec![runs[changed].intend(KEY, CALL, IntentState::Done)]).await;
            let refused = AppendError::Damaged { run: runs[changed].id, source: damaged };
            let is_found = !sql.contains("run =") && !sql.contains("ordinal =");
            assert_eq!(answers.unwrap(), [if is_found { Err(refused) } else { Ok(()) }], "{sql}");
        }
    }
}

#[tokio::test]
async fn a_check_names_what_is_damaged_and_what_is_left_over() {
    let second = RunId::from_u128(3);
    let row = CodecError::Damaged { part: "row" };
    let command = CodecError::Damaged { part: "command" };
    for (sql, run, fault) in [
        ("UPDATE run SET turns = turns + 1 WHERE no = 2", Some(second), Fault::Row(row.clone())),
        (
            "UPDATE journal SET hash = zeroblob(32) WHERE run = 2 AND seq = 4",
            Some(second),
            Fault::Record(CodecError::BrokenChain { seq: Seq(4) }),
        ),
        (
            "DELETE FROM body WHERE run = 2",
            Some(second),
            Fault::Record(CodecError::WrongBody { seq: Seq(3) }),
        ),
        ("UPDATE inbox SET id = 'other' WHERE no = 1", Some(second), Fault::Command(command)),
        ("UPDATE snapshot SET seq = 9", Some(second), Fault::Snapshot(Lane::run())),
        ("UPDATE intent SET state = 'open' WHERE no = 1", None, Fault::Intents(1)),
        ("DELETE FROM intent WHERE no = 1", None, Fault::Intents(1)),
        ("INSERT INTO body (run, address, bytes) VALUES (2, x'00', x'00')", None, Fault::UnusedBodies(1)),
        ("INSERT INTO journal VALUES (9, 1, x'00', x'00', NULL)", None, Fault::WithoutRun("journal", 1)),
    ] {
        let place = Place::new();
        let mut runs = written(&place).await;
        let store = place.store();
        let command = Command::Cancel { reason: "enough".to_owned() };
        store.submit(runs[1].id, CommandId("cancel".to_owned()), command).await.unwrap();
        let (lane, state) = (Lane::run(), b"state".to_vec());
        let snapshot =
            Snapshot { run: second, lane, seq: Seq(2), fold_version: 1, state_hash: [5; 32], state };
        store.put_snapshot(1, snapshot).await.unwrap();
        mean(&store, &mut runs).await;
        assert_eq!(store.check().await.unwrap().findings, []);
        store.close().await;
        assert_ne!(place.sql().execute(sql, ()).unwrap(), 0);
        let check = place.store().check().await.unwrap();
        assert_eq!(check.findings, [CheckFinding { run, fault: fault.clone() }], "{sql}");
        assert_eq!(check.is_damaged(), !fault.is_harmless());
        assert_eq!((check.format, check.read.runs), (Some(3), 3));
    }
}

#[tokio::test]
async fn a_check_tells_what_sqlite_finds_in_its_pages() {
    let place = Place::new();
    written(&place).await;
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_run_1'";
    let root: usize = place.sql().query_row(sql, (), |row| row.get::<_, u32>(0)).unwrap() as usize;
    let mut bytes = std::fs::read(place.file()).unwrap();
    bytes[root * 4096 - 1] ^= 1;
    std::fs::write(place.file(), bytes).unwrap();
    let check = place.store().check().await.unwrap();
    assert!(check.is_damaged());
    assert!(check.findings.iter().any(|finding| matches!(finding.fault, Fault::File(_))), "{check:?}");
    assert_eq!(check.read.records, 15);
}

#[tokio::test]
async fn a_damaged_run_takes_no_append_and_its_neighbors_do() {
    let place = Place::new();
    let mut runs = written(&place).await;
    place.sql().execute("UPDATE run SET head_hash = x'00' WHERE no = 2", ()).unwrap();
    let store = place.store();
    let answers = store.commit(runs.iter_mut().map(|run| run.append(&["next"])).collect()).await.unwrap();
    let source = CodecError::UnreadableRow { field: "head_hash" };
    assert_eq!(answers, [Ok(()), Err(AppendError::Damaged { run: runs[1].id, source }), Ok(())]);
    same(&runs[2], &read(&store, &runs[2]).await);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_flipped_byte_never_changes_what_is_read(at in any::<prop::sample::Index>(), mask in 1u8..) {
        block_on(async {
            let place = Place::new();
            let runs = written(&place).await;
            let mut bytes = std::fs::read(place.file()).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
            std::fs::write(place.file(), bytes).unwrap();
            // A file that cannot be opened any more is refused as a whole.
            let Ok(store) = playhouse_storage_sqlite::SqliteStore::open(
                &place.dir(),
                FIRST,
                std::sync::Arc::new(|| playhouse_types::Timestamp(0)),
            ) else {
                return;
            };
            for run in &runs {
                if let Ok(records) = store.records(run.id, Seq(0), 100).await {
                    same(run, &records);
                }
            }
        });
    }
}
