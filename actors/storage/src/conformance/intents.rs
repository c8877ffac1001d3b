//! The index of effects that several runs may mean.

use playhouse_journal::{CodecError, ReadError};
use playhouse_types::{CallId, Seq, Step, TurnId};

use super::sample::{Run, admitted, commit};
use super::{FIRST, Harness, SECOND};
use crate::IntentState::{Done, Failed, InDoubt, Open};
use crate::{AppendError, IntentRow, IntentState, STALE_AFTER, Store};

const KEY: &str = "tenant:local:00ff";

const fn call(ordinal: u32) -> CallId {
    CallId { turn: TurnId(1), step: Step(2), ordinal }
}

/// Admits `n_runs` runs, each of which then means `KEY` by its call 0, in order.
async fn meaning(store: &impl Store, n_runs: u8) -> Vec<Run> {
    let mut runs = Vec::new();
    for number in 0..n_runs {
        let mut run = admitted(store, FIRST, number).await;
        commit(store, vec![run.intend(KEY, call(0), Open)]).await;
        runs.push(run);
    }
    runs
}

/// Returns what stands in the way of the call 0 of a run.
async fn earlier(store: &impl Store, run: &Run) -> Option<IntentRow> {
    store.earlier_intent(KEY, run.id, call(0)).await.unwrap()
}

fn row(run: &Run, seq: u64, state: IntentState) -> Option<IntentRow> {
    Some(IntentRow { key: KEY.to_owned(), run: run.id, call: call(0), seq: Seq(seq), state })
}

/// Whoever committed first may go on, also within one commit.
pub async fn the_first_of_two_runs_finds_nothing_and_the_second_finds_it(harness: &impl Harness) {
    let (store, other) = (harness.open(FIRST), harness.open(SECOND));
    // The order is that of the commits, not that of the ids.
    let (mut second, mut first) = (admitted(&store, FIRST, 0).await, admitted(&store, FIRST, 1).await);
    let mut third = admitted(&other, SECOND, 2).await;
    commit(&store, vec![first.intend(KEY, call(0), Open), second.intend(KEY, call(0), Open)]).await;
    commit(&other, vec![third.intend(KEY, call(0), Open)]).await;
    for store in [&store, &other] {
        assert_eq!(earlier(store, &first).await, None);
        assert_eq!(earlier(store, &second).await, row(&first, 2, Open));
        assert_eq!(earlier(store, &third).await, row(&first, 2, Open));
    }
}

/// A failure lets the next one go on, whenever it comes.
pub async fn what_has_failed_stands_in_nobodys_way(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut runs = meaning(&store, 3).await;
    commit(&store, vec![runs[0].intend(KEY, call(0), Failed)]).await;
    assert_eq!(earlier(&store, &runs[1]).await, None);
    assert_eq!(earlier(&store, &runs[2]).await, row(&runs[1], 2, Open));
    commit(&store, vec![runs[1].intend(KEY, call(0), InDoubt)]).await;
    assert_eq!(earlier(&store, &runs[2]).await, row(&runs[1], 3, InDoubt));
    commit(&store, vec![runs[1].intend(KEY, call(0), Failed)]).await;
    assert_eq!(earlier(&store, &runs[2]).await, None);
}

/// What became of the first call shows, also when both rows are of one commit.
pub async fn a_later_row_keeps_the_place_of_the_first(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut runs = meaning(&store, 2).await;
    let (doubt, done) = (runs[0].intend(KEY, call(0), InDoubt), runs[0].intend(KEY, call(0), Done));
    commit(&store, vec![doubt, done]).await;
    assert_eq!(earlier(&store, &runs[0]).await, None);
    assert_eq!(earlier(&store, &runs[1]).await, row(&runs[0], 4, Done));
    commit(&store, vec![runs[1].intend(KEY, call(0), Failed)]).await;
    assert_eq!(earlier(&store, &runs[0]).await, None);
    assert_eq!(store.check().await.unwrap().read.intents, 2);
}

/// A key is compared as a whole, and a run's own calls are its own affair.
pub async fn other_keys_and_own_calls_are_not_found(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut runs = [admitted(&store, FIRST, 0).await, admitted(&store, FIRST, 1).await];
    for (ordinal, key) in
        ["tenant:local:00", "tenant:local:00ff ", "TENANT:local:00ff", ""].iter().enumerate()
    {
        let call = call(u32::try_from(ordinal).unwrap() + 5);
        commit(&store, vec![runs[0].intend(key, call, Open)]).await;
    }
    for ordinal in [4, 3, 0] {
        commit(&store, vec![runs[1].intend(KEY, call(ordinal), Open)]).await;
    }
    assert_eq!(earlier(&store, &runs[1]).await, None);
}

/// A fenced append leaves no intent, and its neighbors' are there.
pub async fn an_intent_commits_with_its_record_or_not_at_all(harness: &impl Harness) {
    let (old, new) = (harness.open(FIRST), harness.open(SECOND));
    let (mut fenced, mut run) = (admitted(&old, FIRST, 0).await, admitted(&old, FIRST, 1).await);
    harness.clock().advance(STALE_AFTER);
    new.claim(fenced.id, true).await.unwrap();
    let appends = vec![fenced.intend(KEY, call(0), Open), run.intend(KEY, call(0), Open)];
    let answers = old.commit(appends).await.unwrap();
    assert_eq!(answers, [Err(AppendError::Fenced { run: fenced.id, epoch: 1, current: 2 }), Ok(())]);
    assert_eq!(earlier(&new, &run).await, None);
    let mut other = admitted(&new, SECOND, 2).await;
    commit(&new, vec![other.intend(KEY, call(0), Open)]).await;
    assert_eq!(earlier(&new, &other).await, row(&run, 2, Open));
}

/// They outlive their process as the records do.
pub async fn a_store_opened_again_finds_the_intents(harness: &impl Harness) {
    let runs = {
        let store = harness.open(FIRST);
        let mut runs = meaning(&store, 3).await;
        commit(&store, vec![runs[0].intend(KEY, call(0), Failed)]).await;
        runs
    };
    let store = harness.open(SECOND);
    assert_eq!(earlier(&store, &runs[1]).await, None);
    assert_eq!(earlier(&store, &runs[2]).await, row(&runs[1], 2, Open));
    let check = store.check().await.unwrap();
    assert_eq!((check.read.intents, check.findings), (3, Vec::new()));
    let claim = store.claim(runs[1].id, false).await.unwrap();
    let mut next = runs[1].clone().under(claim.epoch);
    commit(&store, vec![next.intend(KEY, call(0), Done)]).await;
    assert_eq!(earlier(&store, &runs[2]).await, row(&runs[1], 3, Done));
}

/// An intent that is not there, or has another key, is no "nothing earlier".
pub async fn whoever_asks_without_an_intent_is_refused(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let runs = meaning(&store, 2).await;
    for (key, asked) in [(KEY, call(1)), ("tenant:local:", call(0)), ("", call(0))] {
        let refused = store.earlier_intent(key, runs[1].id, asked).await.unwrap_err();
        let damaged = CodecError::Damaged { part: "intent" };
        assert!(matches!(&refused, ReadError::Corrupt { source, .. } if *source == damaged), "{refused}");
    }
}
