//! The cassettes of this process: the one that is recorded, and those that are replayed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use playhouse_journal::{Event, JournalRead, Record};
use playhouse_messages::Model;
use playhouse_models::{
    AnsweredBefore, CassetteError, Occurrences, RecordedModel, Recorder, Recording, RecordingModel,
};
use playhouse_types::{RunId, Seq};
use tokio::sync::Mutex;

use super::error::{OpenError, RunError};
use super::live_run::OpenedRun;
use super::resume::PAGE;
use super::runtime::{Runtime, with_sources};

/// The cassettes of this process.
pub(crate) struct Cassettes {
    occurrences: Arc<Occurrences>,
    recorder: Option<Arc<Recorder>>,
    /// Those that are replayed, by the path as it was written.
    recorded: Mutex<HashMap<String, Arc<RecordedModel>>>,
}

impl Cassettes {
    /// Opens the cassette that is to be recorded, if there is one.
    pub(crate) fn open(record: Option<&Path>) -> Result<Self, OpenError> {
        let occurrences = Arc::new(Occurrences::default());
        let recorder = record.map(|path| Recorder::open(path, Arc::clone(&occurrences))).transpose();
        let recorder = recorder.map_err(|error| OpenError::Invalid(with_sources(&error)))?.map(Arc::new);
        Ok(Self { occurrences, recorder, recorded: Mutex::default() })
    }

    /// Returns what is recorded, if anything is.
    pub(crate) const fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.recorder.as_ref()
    }

    /// Returns a model whose replies are recorded, if anything is.
    pub(crate) fn recording(&self, model: Arc<dyn Model>) -> Arc<dyn Model> {
        match &self.recorder {
            Some(recorder) => Arc::new(RecordingModel::new(model, Arc::clone(recorder))),
            None => model,
        }
    }

    /// Returns the model that answers from the cassette that `name` names; `None` if it names none.
    pub(crate) async fn recorded(&self, name: &str) -> Result<Option<Arc<RecordedModel>>, RunError> {
        let Some(path) = name.strip_prefix(RecordedModel::PREFIX) else { return Ok(None) };
        if path.is_empty() {
            return Err(RunError::Invalid(format!(
                "model `{name}` names no file: write `{name}FILE`, with a file that `--record FILE` has made"
            )));
        }
        let mut recorded = self.recorded.lock().await;
        if let Some(model) = recorded.get(path) {
            return Ok(Some(Arc::clone(model)));
        }
        let (file, occurrences) = (path.to_owned(), Arc::clone(&self.occurrences));
        // A cassette may be large, and its disk slow.
        let opened = tokio::task::spawn_blocking(move || RecordedModel::open(Path::new(&file), occurrences));
        let opened: Result<_, CassetteError> = opened.await.map_err(|_| RunError::Closing)?;
        let model = Arc::new(opened.map_err(|error| RunError::Invalid(with_sources(&error)))?);
        recorded.insert(path.to_owned(), Arc::clone(&model));
        Ok(Some(model))
    }

    /// Begins with a run: what is in its journal has been asked before.
    pub(crate) async fn begin(&self, journal: &dyn JournalRead, opened: &OpenedRun) -> Result<(), RunError> {
        if self.recorder.is_none() && self.recorded.lock().await.is_empty() {
            return Ok(());
        }
        let run = opened.row.run;
        let is_new = opened.journal.log().head() <= Seq(1);
        let before = if is_new { Vec::new() } else { answered(journal, run).await? };
        self.occurrences.begin(run, opened.row.case.clone(), &before);
        if let Some(recorder) = &self.recorder {
            recorder.begin(run, &before);
        }
        Ok(())
    }

    /// Forgets how often a run has asked what.
    pub(crate) fn end(&self, run: RunId) {
        self.occurrences.end(run);
    }
}

impl Runtime {
    /// Returns what has come of recording replies so far; `None` if none are recorded.
    #[must_use]
    pub fn recording(&self) -> Option<Recording> {
        self.inner.endpoints.cassettes.recorder().map(|recorder| recorder.recording())
    }

    /// Returns the recorder, which says what has come of it also when the runtime is closed.
    pub(crate) fn recorder(&self) -> Option<Arc<Recorder>> {
        self.inner.endpoints.cassettes.recorder().cloned()
    }
}

/// Reads which model calls of a run were answered. The log of a run may begin with a snapshot, so the store is asked.
async fn answered(journal: &dyn JournalRead, run: RunId) -> Result<Vec<AnsweredBefore>, RunError> {
    let (mut intents, mut answered) = (BTreeMap::new(), Vec::new());
    let mut after = Seq(0);
    loop {
        let page = journal.records(run, after, PAGE).await?;
        page.iter().for_each(|record| take_in(record, &mut intents, &mut answered));
        match page.last() {
            Some(last) if page.len() == PAGE => after = last.seq,
            _ => return Ok(answered),
        }
    }
}

/// The newest intent of each model call, by turn and step.
type Intents = BTreeMap<(u32, u32), playhouse_journal::ModelIntent>;

fn take_in(record: &Record, intents: &mut Intents, answered: &mut Vec<AnsweredBefore>) {
    let (turn, step) = (record.key.turn, record.key.step);
    match &record.event {
        Event::ModelIntent(intent) => drop(intents.insert((turn.0, step.0), intent.clone())),
        Event::ModelResult { .. } => {
            if let Some(intent) = intents.remove(&(turn.0, step.0)) {
                let (model, request_hash) = (intent.model, intent.request_hash);
                answered.push(AnsweredBefore { turn, step, model, request_hash });
            }
        }
        _ => {}
    }
}
