//! What is written reads back.

use playhouse_journal::{CommandInbox, JournalRead, ReadError, Record};
use playhouse_types::{RunId, RunStatus, Seq, Timestamp};

use super::sample::{Run, admitted, commit, large, read, same};
use super::{FIRST, Harness, SECOND};
use crate::RunAppend;

/// Small and large bodies and every field of a record survive.
pub async fn records_read_back_as_they_were_sealed(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut run = Run::new(0);
    commit(&store, vec![run.admit(FIRST, &["small", &large("long ")])]).await;
    commit(&store, vec![run.append(&["", &large("other "), "last"])]).await;
    same(&run, &read(&store, &run).await);
}

/// `after` and `limit` cut the same sequence, also beyond its end.
pub async fn pages_follow_each_other_without_gap_or_overlap(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut run = Run::new(0);
    let contents: Vec<String> = (0..7).map(|number| format!("message {number}")).collect();
    let contents: Vec<&str> = contents.iter().map(String::as_str).collect();
    commit(&store, vec![run.admit(FIRST, &contents)]).await;
    for after in 0..10 {
        for limit in [0, 1, 3, 7, 100] {
            let page = store.records(run.id, Seq(after), limit).await.unwrap();
            let expected: Vec<Record> =
                run.records.iter().filter(|record| record.seq > Seq(after)).take(limit).cloned().collect();
            assert_eq!(page, expected, "after {after}, limit {limit}");
        }
    }
}

/// One body under one address, in one commit or in several, but not across runs.
pub async fn a_body_that_repeats_is_stored_once(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let (mut one, mut two) = (Run::new(1), Run::new(2));
    let text = large("again ");
    let append = one.admit(FIRST, &[&text, "small", &text]);
    commit(&store, vec![append, two.admit(FIRST, &[&text])]).await;
    commit(&store, vec![one.append(&[&text])]).await;
    same(&one, &read(&store, &one).await);
    same(&two, &read(&store, &two).await);
    drop(store);
    assert_eq!((harness.n_bodies(one.id), harness.n_bodies(two.id)), (1, 1));
}

/// A row is what was last committed; `runs` sorts by admission, then by id.
pub async fn rows_are_replaced_and_listed_oldest_first(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut runs: Vec<Run> = [5, 3, 4].map(Run::new).into();
    runs[2].row.started_at = runs[1].row.started_at;
    let appends = runs.iter_mut().map(|run| run.admit(FIRST, &["hello"])).collect();
    commit(&store, appends).await;
    let run = &mut runs[0];
    run.row.status = RunStatus::Concluded;
    (run.row.outcome, run.row.parent, run.row.ended_at, run.row.is_batch) = (None, None, None, true);
    run.row.turns += 1;
    run.row.usage.lost = 7;
    let append = run.append(&[]);
    commit(&store, vec![RunAppend { row: Some(run.row.clone()), ..append }]).await;
    assert_eq!(store.run(runs[0].id).await.unwrap(), Some(runs[0].row.clone()));
    let rows: Vec<_> = [&runs[1], &runs[2], &runs[0]].map(|run| run.row.clone()).into();
    assert_eq!(rows[0].started_at, Timestamp(3));
    assert_eq!(store.runs().await.unwrap(), rows);
}

/// Unknown runs are named by every call that needs one.
pub async fn what_is_not_there_is_reported_as_unknown(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let unknown = RunId::from_u128(77);
    assert_eq!(store.runs().await.unwrap(), []);
    assert_eq!(store.run(unknown).await.unwrap(), None);
    let refused = store.records(unknown, Seq(0), 1).await.unwrap_err();
    assert!(matches!(refused, ReadError::UnknownRun { run } if run == unknown), "{refused}");
    let refused = store.pending(unknown).await.unwrap_err();
    assert!(matches!(refused, ReadError::UnknownRun { run } if run == unknown), "{refused}");
}

/// The runs belong to the place, not to a process.
pub async fn a_store_opened_again_finds_everything(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut run = admitted(&store, FIRST, 0).await;
    commit(&store, vec![run.append(&[&large("kept ")])]).await;
    drop(store);
    let store = harness.open(SECOND);
    same(&run, &read(&store, &run).await);
    assert_eq!(store.runs().await.unwrap(), [run.row]);
}
