//! The folded state of a run as of one record, and its stored form.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use playhouse_agents::AgentState;
use playhouse_coordinator::CoordinatorState;
use playhouse_journal::Record;
use playhouse_messages::{RunFacts, RunLog, TranscriptView};
use playhouse_storage::Snapshot;
use playhouse_types::{AgentName, Lane, Message};
use serde::{Deserialize, Serialize};

use crate::definition::Definition;

/// The version of all folds and of the stored form together: a change of either gets the next one, and snapshots of other
/// versions are not used.
const FOLD_VERSION: u32 = 2;

/// What the records of a run up to one of them come to, conversation aside. Changes only in [`RunFold::apply`].
#[derive(Clone, Debug)]
pub(crate) struct RunFold {
    definition_hash: [u8; 32],
    facts: RunFacts,
    coordinator: CoordinatorState,
    /// In the order of the definition.
    agents: Vec<Arc<AgentState>>,
}

/// A folded state with the conversation so far: a log can begin with it.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) fold: RunFold,
    pub(crate) messages: Vec<Message>,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    definition_hash: [u8; 32],
    facts: Cow<'a, RunFacts>,
    messages: Vec<Cow<'a, Message>>,
    /// As the coordinator writes it.
    coordinator: Vec<u8>,
    agents: Cow<'a, [Arc<AgentState>]>,
}

/// Why a snapshot is not used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("it has fold version {0}, this build has {FOLD_VERSION}")]
    FoldVersion(u32),
    #[error("its state does not fit its hash")]
    WrongHash,
    #[error("its state cannot be decoded")]
    Undecodable,
    #[error("the scenario has changed since")]
    OtherDefinition,
}

impl RunFold {
    /// Makes the state of a run without records.
    pub(crate) fn new(definition: &Definition) -> Self {
        let agents = definition.agents.iter();
        let agents = agents.map(|agent| Arc::new(AgentState::new(agent.name.clone(), agent.max_steps)));
        Self {
            definition_hash: definition.hash,
            facts: RunFacts::default(),
            coordinator: CoordinatorState::new(definition.crew.clone()),
            agents: agents.collect(),
        }
    }

    pub(crate) const fn facts(&self) -> &RunFacts {
        &self.facts
    }

    pub(crate) const fn coordinator(&self) -> &CoordinatorState {
        &self.coordinator
    }

    pub(crate) fn agent(&self, name: &AgentName) -> Option<&Arc<AgentState>> {
        self.agents.iter().find(|agent| agent.name() == name)
    }

    /// Takes in the next record.
    pub(crate) fn apply(&mut self, record: &Record) {
        self.facts.apply(record);
        self.coordinator.apply(record);
        self.agents.iter_mut().for_each(|agent| Arc::make_mut(agent).apply(record));
    }

    /// Returns the snapshot of this state; `None` if the crew's pattern has no stored form. `log` holds the conversation.
    pub(crate) fn to_snapshot(&self, log: &RunLog) -> Option<Snapshot> {
        let conversation = TranscriptView::new(Arc::clone(log.transcript()), self.facts.n_messages());
        let stored = Stored {
            definition_hash: self.definition_hash,
            facts: Cow::Borrowed(&self.facts),
            messages: conversation.iter().map(|entry| Cow::Borrowed(&entry.message)).collect(),
            coordinator: self.coordinator.save()?,
            agents: Cow::Borrowed(&self.agents),
        };
        // Plain data always has a stored form; without one there is no snapshot.
        let state = postcard::to_stdvec(&stored).ok()?;
        Some(Snapshot {
            run: log.run(),
            lane: Lane::run(),
            seq: self.facts.head().seq,
            fold_version: FOLD_VERSION,
            state_hash: *blake3::hash(&state).as_bytes(),
            state,
        })
    }

    /// Reads a snapshot of a run of `definition`. Whether the journal has the record that it ends with is for the caller
    /// to test.
    pub(crate) fn from_snapshot(snapshot: &Snapshot, definition: &Definition) -> Result<Restored, Unusable> {
        if snapshot.fold_version != FOLD_VERSION {
            return Err(Unusable::FoldVersion(snapshot.fold_version));
        }
        if *blake3::hash(&snapshot.state).as_bytes() != snapshot.state_hash {
            return Err(Unusable::WrongHash);
        }
        let (stored, rest): (Stored<'_>, _) =
            postcard::take_from_bytes(&snapshot.state).map_err(|_| Unusable::Undecodable)?;
        if stored.definition_hash != definition.hash {
            return Err(Unusable::OtherDefinition);
        }
        if !rest.is_empty() || stored.facts.head().seq != snapshot.seq {
            return Err(Unusable::Undecodable);
        }
        // A pattern is user code.
        let restore = || CoordinatorState::restore(definition.crew.clone(), &stored.coordinator);
        let coordinator =
            catch_unwind(AssertUnwindSafe(restore)).ok().flatten().ok_or(Unusable::Undecodable)?;
        let fold = Self {
            definition_hash: stored.definition_hash,
            facts: stored.facts.into_owned(),
            coordinator,
            agents: stored.agents.into_owned(),
        };
        Ok(Restored { fold, messages: stored.messages.into_iter().map(Cow::into_owned).collect() })
    }
}

#[cfg(test)]
mod tests;
