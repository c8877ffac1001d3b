//! The files of late results.

use std::fs::{self, OpenOptions};
use std::io::Write;

use playhouse_journal::{Event, Kind, RecordKey};
use playhouse_storage::{Fault, LATE_LIMIT_BYTES, LateError, LateResult, Store};
use playhouse_types::{Incarnation, RunId, Step, Timestamp, TurnId};

use crate::place::Place;

const RUN: RunId = RunId::from_u128(7);

fn late(output: &str) -> LateResult {
    LateResult {
        key: RecordKey::new(TurnId(1), Step(0), 0, Kind::ToolResult),
        epoch: 1,
        incarnation: Incarnation(1),
        time: Timestamp(5),
        event: Event::Suspended { reason: output.to_owned() },
    }
}

fn file(place: &Place) -> std::path::PathBuf {
    place.dir().join(format!("late/{RUN}.jsonl"))
}

#[tokio::test]
async fn a_line_that_a_crash_cut_off_spares_those_around_it() {
    let place = Place::new();
    let store = place.store();
    store.keep_late(RUN, late("before")).await.unwrap();
    let whole = fs::read(file(&place)).unwrap();
    let cut_off = &whole[..whole.len() / 2];
    OpenOptions::new().append(true).open(file(&place)).unwrap().write_all(cut_off).unwrap();
    let read = store.late(RUN).await.unwrap();
    assert_eq!((read.results, read.n_unreadable), (vec![late("before")], 0));
    store.keep_late(RUN, late("after")).await.unwrap();
    let read = store.late(RUN).await.unwrap();
    assert_eq!((read.results, read.n_unreadable), (vec![late("before"), late("after")], 1));
    let check = store.check().await.unwrap();
    assert_eq!(check.read.late, 2);
    let faults: Vec<_> = check.findings.into_iter().map(|finding| (finding.run, finding.fault)).collect();
    assert_eq!(faults, [(Some(RUN), Fault::Late(1))]);
}

#[tokio::test]
async fn a_file_that_is_full_refuses_more_and_is_left_alone() {
    let place = Place::new();
    let store = place.store();
    store.keep_late(RUN, late("first")).await.unwrap();
    OpenOptions::new().append(true).open(file(&place)).unwrap().set_len(LATE_LIMIT_BYTES).unwrap();
    let refused = store.keep_late(RUN, late("too much")).await.unwrap_err();
    assert!(matches!(refused, LateError::TooMany { run: RUN, .. }), "{refused}");
    assert_eq!(fs::metadata(file(&place)).unwrap().len(), LATE_LIMIT_BYTES);
}

#[tokio::test]
async fn results_are_kept_without_a_database() {
    let place = Place::new();
    let store = place.store();
    place.sql().execute_batch("DROP TABLE run").unwrap();
    store.keep_late(RUN, late("kept")).await.unwrap();
    assert_eq!(store.late(RUN).await.unwrap().results, [late("kept")]);
    fs::remove_dir_all(place.dir().join("late")).unwrap();
    fs::write(place.dir().join("late"), "in the way").unwrap();
    let failed = store.keep_late(RUN, late("lost")).await.unwrap_err();
    assert!(matches!(failed, LateError::Store(_)), "{failed}");
}
