//! The model that answers from a cassette: no network, no cost but what was recorded.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use playhouse_messages::{Model, ModelAnswer, ModelCall};
use playhouse_types::{CaseName, ModelFailure, ModelFailureKind, ModelReply, RunId};

use super::cassette::{CassetteError, RequestId, read, refuse_special, unavailable};
use super::occurrences::{Occurrences, Place};
use crate::scripted::show;

/// Answers from a cassette, by request and occurrence.
///
/// Of several recordings of a request, the newest one under the name of the same case counts; without one, the newest of
/// any case, so that a recording of a folder serves for one of its cases alone, and one run for a case of the same input.
pub struct RecordedModel {
    path: PathBuf,
    replies: HashMap<RequestId, Vec<Recorded>>,
    n_replies: usize,
    is_priced: bool,
    cut_line: Option<usize>,
    occurrences: Arc<Occurrences>,
}

/// What one run was answered to a request.
struct Recorded {
    run: RunId,
    case: Option<CaseName>,
    /// By occurrence.
    answers: BTreeMap<u32, (ModelReply, u32)>,
}

impl RecordedModel {
    /// What the name of a model begins with that is a cassette; the path of its file follows.
    pub const PREFIX: &'static str = "recorded:";

    /// Reads a cassette into memory. Half a line at its end is left out.
    ///
    /// # Errors
    /// [`CassetteError`]; safe to retry.
    pub fn open(path: &Path, occurrences: Arc<Occurrences>) -> Result<Self, CassetteError> {
        refuse_special(path)?;
        let mut file = File::open(path).map_err(unavailable(path))?;
        match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CassetteError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(unavailable(path)(source)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(unavailable(path))?;
        if bytes.is_empty() {
            return Err(CassetteError::NotACassette { path: path.to_owned() });
        }
        let contents = read(path, &bytes)?;
        let (n_replies, cut_line) = (contents.entries.len(), contents.cut_line);
        let mut replies: HashMap<RequestId, Vec<Recorded>> = HashMap::new();
        for (_, entry) in contents.entries {
            let of_request = replies.entry(entry.request).or_default();
            let known = of_request.iter().position(|recorded| recorded.run == entry.run);
            let mut recorded = match known {
                Some(place) => of_request.remove(place),
                None => Recorded { run: entry.run, case: entry.case, answers: BTreeMap::new() },
            };
            recorded.answers.insert(entry.occurrence, (entry.reply, entry.attempts));
            // The newest last.
            of_request.push(recorded);
        }
        replies.values_mut().for_each(drop_older);
        let mut answers = replies.values().flatten().flat_map(|recorded| recorded.answers.values());
        let is_priced = answers.all(|(reply, _)| reply.cost_microusd.is_some());
        Ok(Self { path: path.to_owned(), replies, n_replies, is_priced, cut_line, occurrences })
    }

    /// Tells whether the cost of every reply is known that can be answered with.
    #[must_use]
    pub const fn is_priced(&self) -> bool {
        self.is_priced
    }

    fn find(&self, place: &Place) -> Option<&Recorded> {
        let recorded = self.replies.get(&place.request)?;
        let of_case = recorded.iter().rev().find(|recorded| recorded.case == place.case);
        of_case.or_else(|| recorded.last())
    }

    fn answer(&self, call: &ModelCall) -> Result<ModelAnswer, ModelFailure> {
        let place = self.occurrences.place(call);
        let recorded = self.find(&place);
        let answer = recorded.and_then(|recorded| recorded.answers.get(&place.occurrence));
        let Some((reply, attempts)) = answer else {
            return Err(self.missing(call, &place, recorded));
        };
        self.occurrences.note(call, place.request);
        show(&call.frames, &reply.content);
        Ok(ModelAnswer { reply: reply.clone(), attempts: *attempts })
    }

    fn missing(&self, call: &ModelCall, place: &Place, recorded: Option<&Recorded>) -> ModelFailure {
        let (request, path) = (&call.request, self.path.display());
        let case = place.case.as_ref().map(|case| format!(" of case `{case}`")).unwrap_or_default();
        let holds = match recorded {
            Some(recorded) => format!(
                "this is occurrence {} of it, and {} of {} replies answer it there",
                place.occurrence,
                recorded.answers.len(),
                self.n_replies
            ),
            None => format!("none of {} replies answers it there", self.n_replies),
        };
        let cut = self
            .cut_line
            .map_or_else(String::new, |line| format!("; line {line}, its last one, is cut and was left out"));
        ModelFailure {
            model: request.header.model.clone(),
            kind: ModelFailureKind::Permanent,
            detail: format!(
                "cassette `{path}` has no reply to agent `{}` in turn {}, step {}{case} (request {}): {holds}{cut}; record again with `--record {path}`",
                request.agent,
                request.turn,
                request.step,
                place.request.prefix()
            ),
            attempts: 1,
            retry_after: None,
        }
    }
}

/// Keeps the newest recording of each case only, which is the last.
fn drop_older(recordings: &mut Vec<Recorded>) {
    let mut cases = HashSet::new();
    let mut is_newest: Vec<bool> =
        recordings.iter().rev().map(|recorded| cases.insert(recorded.case.clone())).collect();
    recordings.retain(|_| is_newest.pop().unwrap_or_default());
}

impl Model for RecordedModel {
    fn complete(&self, call: ModelCall) -> BoxFuture<'_, Result<ModelAnswer, ModelFailure>> {
        Box::pin(std::future::ready(self.answer(&call)))
    }
}

impl std::fmt::Debug for RecordedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordedModel").field("path", &self.path).finish_non_exhaustive()
    }
}
