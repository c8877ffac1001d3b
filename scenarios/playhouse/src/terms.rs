//! What a run is worked on with: chosen when it was admitted, and anew by records on the way.

use std::collections::BTreeMap;

use playhouse_agents::Effects;
use playhouse_journal::{AdmittedRun, Event, Fork, Record};
use playhouse_messages::RunLog;
use playhouse_types::{AgentName, ModelName, Seq};

/// What is in force after some record of a run: a fold of the records up to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Terms {
    /// The seed of all draws.
    pub(crate) seed: u64,
    /// The model that all agents ask, if one was chosen.
    pub(crate) model: Option<ModelName>,
    /// The models that single agents were given since.
    pub(crate) replaced: BTreeMap<AgentName, ModelName>,
    /// Whether tools that change anything outside may run.
    pub(crate) effects: Effects,
    /// The hash of the scenario's definition.
    pub(crate) definition_hash: [u8; 32],
    /// The last fork of the run, if it is one.
    pub(crate) fork: Option<Fork>,
}

impl Terms {
    /// Returns what a run begins with.
    pub(crate) fn admitted(admitted: &AdmittedRun) -> Self {
        Self {
            seed: admitted.seed,
            model: admitted.model.clone(),
            replaced: BTreeMap::new(),
            effects: Effects::On,
            definition_hash: admitted.definition_hash,
            fork: None,
        }
    }

    /// Folds records of a run from the first on; `None` if they do not begin with its admission, as those of a batch.
    pub(crate) fn fold<'a>(records: impl IntoIterator<Item = &'a Record>) -> Option<Self> {
        let mut records = records.into_iter();
        let Event::RunAdmitted(admitted) = &records.next()?.event else { return None };
        let mut terms = Self::admitted(admitted);
        records.for_each(|record| terms.apply(&record.event));
        Some(terms)
    }

    /// Folds a whole log.
    pub(crate) fn of(log: &RunLog) -> Option<Self> {
        Self::fold(log.after(Seq(0)).map(AsRef::as_ref))
    }

    /// Takes in the next record.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Forked(fork) => {
                self.seed = fork.seed;
                if let Some(model) = &fork.model {
                    self.choose(model);
                }
                self.effects = Effects::of(fork);
                self.fork = Some(fork.as_ref().clone());
            }
            Event::ModelReplaced { agent: Some(agent), model, .. } => {
                self.replaced.insert(agent.clone(), model.clone());
            }
            Event::ModelReplaced { agent: None, model, .. } => self.choose(model),
            Event::DefinitionChanged { to, .. } => self.definition_hash = *to,
            _ => {}
        }
    }

    fn choose(&mut self, model: &ModelName) {
        self.model = Some(model.clone());
        self.replaced.clear();
    }
}
