//! How often each run has been answered to each request.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use playhouse_messages::{ModelCall, ModelRequest};
use playhouse_types::{CaseName, ModelName, RunId, Step, TurnId};

use super::cassette::{Position, RequestId};

/// A reply that is in the journal of a run when its work begins in this process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnsweredBefore {
    /// The turn.
    pub turn: TurnId,
    /// The step.
    pub step: Step,
    /// The model that was asked.
    pub model: ModelName,
    /// The hash of the request to it, as its intent has it.
    pub request_hash: [u8; 32],
}

/// Which request is asked, by which run: what a reply is recorded and found under.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) request: RequestId,
    /// From 1.
    pub(super) occurrence: u32,
    pub(super) case: Option<CaseName>,
}

/// Counts the replies of all runs of the process, so that recording and replay mean the same by an occurrence.
///
/// An occurrence follows from what is in the journal and nothing else: a run that is resumed or forked goes on counting
/// where it was.
#[derive(Debug, Default)]
pub struct Occurrences(Mutex<HashMap<RunId, Answered>>);

#[derive(Debug, Default)]
struct Answered {
    case: Option<CaseName>,
    /// By model and hash of the request to it.
    before: BTreeMap<ModelName, HashMap<[u8; 32], u32>>,
    here: HashMap<RequestId, BTreeSet<Position>>,
}

impl Occurrences {
    /// Begins to count for a run, from what is in its journal.
    pub fn begin(&self, run: RunId, case: Option<CaseName>, before: &[AnsweredBefore]) {
        let mut answered = Answered { case, ..Answered::default() };
        for reply in before {
            let of_model = answered.before.entry(reply.model.clone()).or_default();
            *of_model.entry(reply.request_hash).or_default() += 1;
        }
        self.runs().insert(run, answered);
    }

    /// Ends to count for a run.
    pub fn end(&self, run: RunId) {
        self.runs().remove(&run);
    }

    /// Tells whether a run is counted for.
    pub(super) fn knows(&self, run: RunId) -> bool {
        self.runs().contains_key(&run)
    }

    /// Returns what a call asks for. A call of a run that was not begun is the first of its kind.
    pub(super) fn place(&self, call: &ModelCall) -> Place {
        let request = RequestId::of(&call.request);
        let runs = self.runs();
        let Some(answered) = runs.get(&call.frames.run) else {
            return Place { request, occurrence: 1, case: None };
        };
        let here = answered.here.get(&request).map_or(0, |positions| {
            positions.iter().filter(|position| **position != Position::of(&call.request)).count()
        });
        let before = answered.n_before(&call.request);
        let occurrence = u32::try_from(here).unwrap_or(u32::MAX).saturating_add(before).saturating_add(1);
        Place { request, occurrence, case: answered.case.clone() }
    }

    /// Notes that a call was answered.
    pub(super) fn note(&self, call: &ModelCall, request: RequestId) {
        if let Some(answered) = self.runs().get_mut(&call.frames.run) {
            answered.here.entry(request).or_default().insert(Position::of(&call.request));
        }
    }

    /// A poisoned lock only means that a panic happened elsewhere: every change is one step.
    fn runs(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Answered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answered {
    /// The journal names a request together with its model, which may have been another one then.
    fn n_before(&self, request: &ModelRequest) -> u32 {
        let counts = self.before.iter().filter_map(|(model, counts)| counts.get(&request.hash_as(model)));
        counts.sum()
    }
}
