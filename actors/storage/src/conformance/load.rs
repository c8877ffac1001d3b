//! Many writers at once.

use futures::future::join_all;
use playhouse_journal::JournalRead;
use playhouse_types::RunStatus;

use super::sample::{Run, admitted, commit, large, read, same};
use super::{FIRST, Harness};
use crate::{RunAppend, Store};

const N_TASKS: u8 = 64;
const N_COMMITS: u32 = 16;

/// Each run's chain is whole, whatever shared its transactions.
pub async fn a_thousand_commits_of_64_tasks_all_land(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let runs: Vec<Run> = join_all((0..N_TASKS).map(|number| write(&store, number))).await;
    for run in &runs {
        same(run, &read(&store, run).await);
        assert_eq!(store.run(run.id).await.unwrap().as_ref(), Some(&run.row));
    }
    assert_eq!(store.runs().await.unwrap().len(), usize::from(N_TASKS));
}

async fn write(store: &impl Store, number: u8) -> Run {
    let mut run = admitted(store, FIRST, number).await;
    for turn in 1..=N_COMMITS {
        run.row.turns = turn;
        run.row.status = RunStatus::Running;
        let text = if turn % 4 == 0 { large("long ") } else { format!("turn {turn}") };
        let append = RunAppend { row: Some(run.row.clone()), ..run.append(&[&text]) };
        commit(store, vec![append]).await;
    }
    run
}
