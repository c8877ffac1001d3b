//! The first records of runs and batches.

use std::sync::Arc;

use playhouse_journal::{AdmittedBatch, AdmittedRun, BatchCase, Event, Kind, NewRecord, RecordKey, RunRow};
use playhouse_messages::{Admission, RunLog};
use playhouse_runtime::{new_run_id, new_run_key, new_trace};
use playhouse_types::{
    CaseName, Incarnation, Integrity, Label, Lane, Message, ModelName, Participant, RunId, Step, Timestamp,
    TurnId,
};

use super::batch::StartBatch;
use super::error::RunError;
use crate::definition::Definition;

/// What a run begins with, besides its scenario.
pub(crate) struct FirstInput<'a> {
    pub(crate) case: Option<&'a CaseName>,
    pub(crate) parent: Option<RunId>,
    pub(crate) input: &'a str,
    pub(crate) seed: u64,
    pub(crate) model: Option<&'a ModelName>,
    pub(crate) now: Timestamp,
}

/// Makes the admission of one run; it is open at once if it has no parent.
pub(crate) fn admit_run(definition: &Definition, first: &FirstInput<'_>) -> Result<Admission, RunError> {
    let opening = (definition.opening)(first.input).map_err(|reason| {
        let what = first.case.map_or_else(|| "the input".to_owned(), |case| format!("case `{case}`"));
        RunError::Invalid(format!("{what} does not fit scenario `{}`: {reason}", definition.name))
    })?;
    let run = new_run_id();
    let trace = new_trace();
    let mut row = RunRow::admitted(run, definition.name.clone(), first.now, trace, new_run_key());
    row.parent = first.parent;
    row.case = first.case.cloned();
    let admitted = AdmittedRun {
        scenario: definition.name.clone(),
        case: first.case.cloned(),
        parent: first.parent,
        input: first.input.to_owned(),
        parameters: definition.parameters.clone(),
        seed: first.seed,
        model: first.model.cloned(),
        agents: definition.agents.iter().map(|agent| agent.name.clone()).collect(),
        definition_hash: definition.hash,
        trace,
    };
    let label = Label { integrity: Integrity::Trusted, ..Label::default() };
    let message = Message { turn: TurnId(0), from: Participant::User, content: opening, label };
    let records = vec![
        first_record(Kind::RunAdmitted, Event::RunAdmitted(Box::new(admitted))),
        first_record(Kind::MessagePosted, Event::MessagePosted { message }),
    ];
    let log = first.parent.is_none().then(|| Arc::new(RunLog::new(run)));
    Ok(Admission { row, records, log })
}

/// Makes the admission of a batch and of all its cases, the batch first.
pub(crate) fn admit_batch(
    definition: &Definition,
    start: &StartBatch,
    now: Timestamp,
) -> Result<Vec<Admission>, RunError> {
    let batch = new_run_id();
    let trace = new_trace();
    let mut admissions = Vec::with_capacity(start.cases.len() + 1);
    let mut cases = Vec::with_capacity(start.cases.len());
    for case in &start.cases {
        let first = FirstInput {
            case: Some(&case.case),
            parent: Some(batch),
            input: &case.input,
            seed: start.seed,
            model: start.model.as_ref(),
            now,
        };
        let admission = admit_run(definition, &first)?;
        let input_hash = *blake3::hash(case.input.as_bytes()).as_bytes();
        cases.push(BatchCase { case: case.case.clone(), run: admission.row.run, input_hash });
        admissions.push(admission);
    }
    let mut row = RunRow::admitted(batch, definition.name.clone(), now, trace, new_run_key());
    row.is_batch = true;
    let admitted = AdmittedBatch {
        scenario: definition.name.clone(),
        parameters: definition.parameters.clone(),
        input_path: start.input_path.display().to_string(),
        seed: start.seed,
        model: start.model.clone(),
        concurrency: u32::try_from(start.concurrency).unwrap_or(u32::MAX),
        cases,
    };
    let records = vec![first_record(Kind::BatchAdmitted, Event::BatchAdmitted(Box::new(admitted)))];
    admissions.insert(0, Admission { row, records, log: Some(Arc::new(RunLog::new(batch))) });
    Ok(admissions)
}

fn first_record(kind: Kind, event: Event) -> NewRecord {
    NewRecord {
        lane: Lane::run(),
        incarnation: Incarnation(1),
        key: RecordKey::new(TurnId(0), Step(0), 0, kind),
        causation: None,
        label: Label { integrity: Integrity::Trusted, ..Label::default() },
        event,
    }
}
