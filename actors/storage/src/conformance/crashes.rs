//! What is found after a process has ended without closing its store.

use futures::poll;
use playhouse_journal::JournalRead;

use super::sample::{Run, admitted, commit, large, read, same};
use super::{FIRST, Harness, SECOND};
use crate::{RunAppend, Store};

/// Everything that was acknowledged, and nothing else is needed to go on.
pub async fn what_was_acknowledged_outlives_its_process(harness: &impl Harness) {
    let mut run = Run::new(0);
    for (number, boot) in [FIRST, SECOND, FIRST, SECOND].into_iter().enumerate() {
        let store = harness.open(boot);
        if number == 0 {
            commit(&store, vec![run.admit(boot, &["first"])]).await;
        } else {
            let claim = store.claim(run.id, false).await.unwrap();
            assert!(!claim.clean);
            run = run.under(claim.epoch);
            run.row = claim.row;
        }
        run.row.turns += 1;
        let append = run.append(&[&format!("of process {number}"), &large("long ")]);
        commit(&store, vec![RunAppend { row: Some(run.row.clone()), ..append }]).await;
        drop(store);
        let store = harness.open(boot);
        same(&run, &read(&store, &run).await);
        assert_eq!(store.run(run.id).await.unwrap().as_ref(), Some(&run.row));
        assert!(!store.check().await.unwrap().is_damaged());
    }
}

/// A commit whose answer nobody got is there for all of its runs or for none, with rows and records that belong
/// together, and the next owner goes on from where it finds them.
pub async fn a_commit_whose_answer_was_lost_is_there_whole_or_not_at_all(harness: &impl Harness) {
    let mut runs = Vec::new();
    for round in 0..8 {
        let (before, after) = {
            let store = harness.open(FIRST);
            let before =
                [admitted(&store, FIRST, 2 * round).await, admitted(&store, FIRST, 2 * round + 1).await];
            let mut after = before.clone();
            let appends = after.each_mut().map(|run| {
                run.row.turns += 1;
                RunAppend { row: Some(run.row.clone()), ..run.append(&["lost answer", &large("long ")]) }
            });
            let mut lost = store.commit(appends.into());
            // The process may end before, while or after it is written.
            for _ in 0..round {
                if poll!(&mut lost).is_ready() {
                    break;
                }
            }
            (before, after)
        };
        let store = harness.open(SECOND);
        let is_there = read(&store, &before[0]).await.len() > 1;
        for run in if is_there { after } else { before } {
            same(&run, &read(&store, &run).await);
            let claim = store.claim(run.id, false).await.unwrap();
            assert_eq!(claim.row.turns, run.row.turns);
            let mut run = run.under(claim.epoch);
            commit(&store, vec![run.append(&["the next owner"])]).await;
            same(&run, &read(&store, &run).await);
            runs.push(run);
        }
    }
    let store = harness.open(FIRST);
    for run in &runs {
        same(run, &read(&store, run).await);
    }
}
