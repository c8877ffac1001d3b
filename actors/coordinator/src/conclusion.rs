//! How a run ends on record: its outcome, its result and what it used.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use playhouse_journal::{Event, Record, RunKey, RunRow};
use playhouse_types::{OutcomeKind, RunOutcome, Usage};

/// Makes a run's result, as JSON text, from its records; an error says what is missing.
pub type ResultFn = Arc<dyn Fn(&[Arc<Record>]) -> Result<String, String> + Send + Sync>;

/// Makes the last record of a run with these records: a pure function, as `result` is one.
///
/// A run that reached its planned end without a result has failed; one that ended otherwise keeps its outcome.
#[must_use]
pub fn conclusion(outcome: RunOutcome, result: &ResultFn, records: &[Arc<Record>]) -> Event {
    // Code of the scenario: a run must come to an end whatever it does.
    let made = catch_unwind(AssertUnwindSafe(|| result(records)))
        .unwrap_or_else(|_| Err("the result function panicked".to_owned()));
    let (outcome, result) = match made {
        Ok(result) => (outcome, Some(result)),
        Err(missing) if outcome.kind == OutcomeKind::Concluded => {
            let detail = format!("{}, but there is no result: {missing}", outcome.detail);
            (RunOutcome { kind: OutcomeKind::Failed, detail }, None)
        }
        Err(_) => (outcome, None),
    };
    Event::RunConcluded { outcome, result, usage: usage_of(records) }
}

/// Folds what the records of a run have used.
#[must_use]
pub fn usage_of(records: &[Arc<Record>]) -> Usage {
    let Some(first) = records.first() else { return Usage::default() };
    let Event::RunAdmitted(admitted) = &first.event else { return Usage::default() };
    let key = RunKey([0; 32]);
    let mut row = RunRow::admitted(first.run, admitted.scenario.clone(), first.time, admitted.trace, key);
    records.iter().for_each(|record| row.apply(record));
    row.usage
}
