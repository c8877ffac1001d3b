//! Random commits against a model of a few maps.

use std::collections::BTreeMap;

use playhouse_journal::JournalRead;
use playhouse_types::RunId;

use super::sample::{Run, large, read, same};
use super::{FIRST, Harness};
use crate::{AppendError, RunAppend, Store};

/// What a random number asks for.
#[derive(Debug)]
struct Step {
    run: u8,
    action: Action,
    /// Whether the commit ends here; else the next step belongs to it.
    ends_commit: bool,
}

#[derive(Debug)]
enum Action {
    Admit,
    Append { n_records: u32, is_large: bool },
    Row { turns: u32 },
    WrongHead,
    OldEpoch,
    Claim,
}

impl Step {
    /// Every number is a step, so that any sequence can be shrunk.
    fn new(number: u32) -> Self {
        let value = number / 64;
        let action = match number % 8 {
            0 | 1 => Action::Admit,
            2..=4 => Action::Append { n_records: value % 4, is_large: value.is_multiple_of(5) },
            5 => Action::Row { turns: value },
            6 if value.is_multiple_of(2) => Action::WrongHead,
            6 => Action::OldEpoch,
            _ => Action::Claim,
        };
        Self {
            run: u8::try_from(number / 8 % 3).unwrap(),
            action,
            ends_commit: (number / 32).is_multiple_of(2),
        }
    }
}

/// Does what `numbers` ask for, compares each answer with the model's, and at the end all runs with the model's.
pub async fn check(harness: &impl Harness, numbers: &[u32]) {
    let store = harness.open(FIRST);
    let mut model = BTreeMap::new();
    let mut appends = Vec::new();
    let mut expected = Vec::new();
    for step in numbers.iter().copied().map(Step::new) {
        if matches!(step.action, Action::Claim) {
            commit(&store, &mut appends, &mut expected).await;
            claim(&store, &mut model, step.run).await;
        } else {
            let (append, answer) = apply(&mut model, &step);
            appends.push(append);
            expected.push(answer);
        }
        if step.ends_commit {
            commit(&store, &mut appends, &mut expected).await;
        }
    }
    commit(&store, &mut appends, &mut expected).await;
    for run in model.values() {
        same(run, &read(&store, run).await);
    }
    let rows: Vec<_> = model.into_values().map(|run| run.row).collect();
    assert_eq!(store.runs().await.unwrap(), rows);
}

async fn commit(
    store: &impl Store,
    appends: &mut Vec<RunAppend>,
    expected: &mut Vec<Result<(), AppendError>>,
) {
    let answers = store.commit(std::mem::take(appends)).await.unwrap();
    assert_eq!(answers, std::mem::take(expected));
}

async fn claim(store: &impl Store, model: &mut BTreeMap<RunId, Run>, number: u8) {
    if let Some(run) = model.get_mut(&Run::new(number).id) {
        run.epoch += 1;
        assert_eq!(store.claim(run.id, false).await.unwrap().epoch, run.epoch);
    }
}

/// Applies a step to the model; the answer follows from what the step is, not from the rules under test.
fn apply(model: &mut BTreeMap<RunId, Run>, step: &Step) -> (RunAppend, Result<(), AppendError>) {
    let mut fresh = Run::new(step.run);
    let id = fresh.id;
    let Some(run) = model.get_mut(&id) else {
        if matches!(step.action, Action::Admit) {
            let append = fresh.admit(FIRST, &["first"]);
            model.insert(id, fresh);
            return (append, Ok(()));
        }
        return (fresh.append(&["lost"]), Err(AppendError::UnknownRun { run: id }));
    };
    let stored = run.records.last().unwrap().seq;
    match step.action {
        Action::Append { n_records, is_large } => {
            let text = if is_large { large("long ") } else { "short".to_owned() };
            let texts: Vec<&str> = (0..n_records).map(|_| text.as_str()).collect();
            (run.append(&texts), Ok(()))
        }
        Action::Row { turns } => {
            run.row.turns = turns;
            (RunAppend { row: Some(run.row.clone()), ..run.append(&[]) }, Ok(()))
        }
        Action::OldEpoch => {
            let mut old = run.clone().under(run.epoch - 1);
            (old.append(&["x"]), Err(AppendError::Fenced { run: id, epoch: old.epoch, current: run.epoch }))
        }
        Action::Admit | Action::WrongHead | Action::Claim => {
            let mut ahead = run.clone();
            let _never_committed = ahead.append(&["x"]);
            (ahead.append(&["y"]), Err(AppendError::WrongHead { run: id, expected: stored.next(), stored }))
        }
    }
}
