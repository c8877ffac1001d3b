//! Writes a cassette while runs go on.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use playhouse_messages::{Model, ModelAnswer, ModelCall};
use playhouse_types::{ModelFailure, RunId};
use tracing::error;

use super::cassette::{CassetteError, Entry, Position, RequestId};
use super::occurrences::{AnsweredBefore, Occurrences};
use super::tape::Tape;
use crate::scripted::show;

/// What has come of a recording so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    /// The file.
    pub path: PathBuf,
    /// How many replies were written by this process.
    pub n_replies: u64,
    /// The number of a half line at the end of the file that was taken away, left by an end in the middle of writing.
    pub cut_line: Option<usize>,
    /// The replies that could not be written.
    pub lost: Option<LostReplies>,
    /// How many replies the runs had been given before that are not in the file.
    pub n_missing: usize,
}

/// Replies that were given and are not in the cassette.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LostReplies {
    /// How many.
    pub count: u64,
    /// Why the first of them could not be written.
    pub cause: String,
}

/// Writes the replies of all runs of the process into one file. The file is ours alone while this value lives.
pub struct Recorder {
    path: PathBuf,
    occurrences: Arc<Occurrences>,
    /// Held while the disk is waited for, by threads that may wait.
    tape: Mutex<Tape>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// Where the lines of each run are.
    lines: HashMap<RunId, BTreeMap<Position, Range<u64>>>,
    missing: HashMap<RunId, usize>,
    n_replies: u64,
    cut_line: Option<usize>,
    lost: Option<LostReplies>,
}

impl Recorder {
    /// Opens a cassette to go on with it, or makes one. Half a line at its end is taken away.
    ///
    /// # Errors
    /// [`CassetteError`]: nothing that was in the file has changed.
    pub fn open(path: &Path, occurrences: Arc<Occurrences>) -> Result<Self, CassetteError> {
        let (tape, contents) = Tape::open(path)?;
        let mut progress = Progress { cut_line: contents.cut_line, ..Progress::default() };
        for (range, entry) in contents.entries {
            let range = range.start as u64..range.end as u64;
            progress.lines.entry(entry.run).or_default().insert(entry.position, range);
        }
        let (tape, progress) = (Mutex::new(tape), Mutex::new(progress));
        Ok(Self { path: path.to_owned(), occurrences, tape, progress })
    }

    /// Looks which of the replies that a run had before are not in the file.
    pub fn begin(&self, run: RunId, before: &[AnsweredBefore]) {
        let mut progress = self.progress();
        let lines = progress.lines.get(&run);
        let is_there = |reply: &&AnsweredBefore| {
            let position = Position { turn: reply.turn, step: reply.step };
            lines.is_some_and(|lines| lines.contains_key(&position))
        };
        let n_missing = before.iter().filter(|reply| !is_there(reply)).count();
        progress.missing.insert(run, n_missing);
    }

    /// Returns what has come of the recording so far.
    #[must_use]
    pub fn recording(&self) -> Recording {
        let progress = self.progress();
        Recording {
            path: self.path.clone(),
            n_replies: progress.n_replies,
            cut_line: progress.cut_line,
            lost: progress.lost.clone(),
            n_missing: progress.missing.values().sum(),
        }
    }

    /// Has the disk keep what was written, and returns what has come of the recording. It blocks on the disk.
    ///
    /// Some file systems find out only now that they are full: then nothing counts as written.
    pub fn finish(&self) -> Recording {
        if let Err(cause) = self.tape().sync() {
            let n_replies = std::mem::take(&mut self.progress().n_replies);
            self.lose(n_replies, &cause);
        }
        self.recording()
    }

    fn is_recorded(&self, call: &ModelCall) -> bool {
        let progress = self.progress();
        let lines = progress.lines.get(&call.frames.run);
        lines.is_some_and(|lines| lines.contains_key(&Position::of(&call.request)))
    }

    /// Returns the reply to a call that was recorded already. It blocks on the disk.
    fn recorded(&self, call: &ModelCall) -> Option<ModelAnswer> {
        let position = Position::of(&call.request);
        let range = self.progress().lines.get(&call.frames.run)?.get(&position)?.clone();
        let entry = self.tape().entry(&range)?;
        let request = RequestId::of(&call.request);
        if entry.request != request {
            return None;
        }
        self.occurrences.note(call, request);
        Some(ModelAnswer { reply: entry.reply, attempts: entry.attempts })
    }

    /// Writes a reply. It blocks on the disk.
    fn keep(&self, call: &ModelCall, answer: ModelAnswer) {
        // A call that was left by its run counts for nobody: the next one to work on the run asks again.
        if !self.occurrences.knows(call.frames.run) {
            return;
        }
        // Held until the reply is noted, so that no two replies have one place.
        let mut tape = self.tape();
        let place = self.occurrences.place(call);
        let entry = Entry {
            request: place.request,
            occurrence: place.occurrence,
            case: place.case,
            run: call.frames.run,
            agent: call.request.agent.clone(),
            position: Position::of(&call.request),
            model: call.request.header.model.clone(),
            attempts: answer.attempts,
            reply: answer.reply,
        };
        match tape.write(&entry) {
            Ok(range) => {
                let mut progress = self.progress();
                progress.lines.entry(entry.run).or_default().insert(entry.position, range);
                progress.n_replies += 1;
            }
            Err(cause) => self.lose(1, &cause),
        }
        self.occurrences.note(call, place.request);
    }

    fn lose(&self, count: u64, cause: &dyn std::error::Error) {
        if count == 0 {
            return;
        }
        let mut progress = self.progress();
        if let Some(lost) = &mut progress.lost {
            lost.count += count;
            return;
        }
        error!(cassette = %self.path.display(), error = %cause, "replies cannot be recorded, the run goes on");
        progress.lost = Some(LostReplies { count, cause: cause.to_string() });
    }

    /// A poisoned lock only means that a panic happened elsewhere: what counts is in the file.
    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Asks another model, and records what it answers before anybody uses it.
///
/// A call whose reply was recorded but did not get into the journal, because the process was killed in between, is answered
/// with that reply: it is neither paid nor recorded twice.
#[derive(Clone)]
pub struct RecordingModel {
    model: Arc<dyn Model>,
    recorder: Arc<Recorder>,
}

impl RecordingModel {
    /// Records the replies of a model.
    #[must_use]
    pub fn new(model: Arc<dyn Model>, recorder: Arc<Recorder>) -> Self {
        Self { model, recorder }
    }

    async fn answer(&self, call: ModelCall) -> Result<ModelAnswer, ModelFailure> {
        if self.recorder.is_recorded(&call) {
            let (recorder, asked) = (Arc::clone(&self.recorder), call.clone());
            let recorded = tokio::task::spawn_blocking(move || recorder.recorded(&asked)).await;
            // Whatever went wrong, the model can be asked.
            if let Ok(Some(answer)) = recorded {
                show(&call.frames, &answer.reply.content);
                return Ok(answer);
            }
        }
        let answer = self.model.complete(call.clone()).await?;
        let (recorder, copy) = (Arc::clone(&self.recorder), answer.clone());
        let keep = tokio::task::spawn_blocking(move || recorder.keep(&call, copy));
        if let Err(cause) = keep.await {
            // It panicked, or the process ends: the run need not suffer from that.
            self.recorder.lose(1, &cause);
        }
        Ok(answer)
    }
}

impl Model for RecordingModel {
    fn complete(&self, call: ModelCall) -> BoxFuture<'_, Result<ModelAnswer, ModelFailure>> {
        Box::pin(self.answer(call))
    }
}

impl std::fmt::Debug for RecordingModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordingModel").field("recorder", &self.recorder).finish_non_exhaustive()
    }
}
