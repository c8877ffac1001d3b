//! What a crew is, without the code of its agents.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use playhouse_types::AgentName;

use crate::{AgentPolicy, Condition, Pattern, RoundRobin};

/// The conversation of a crew: who takes part, who speaks when, when it ends.
#[derive(Clone)]
pub struct CrewDefinition {
    /// The agents in the order of their declaration.
    pub agents: Vec<AgentName>,
    /// Who speaks next.
    pub pattern: Box<dyn Pattern>,
    /// The planned end.
    pub until: Option<Condition>,
    /// The bound.
    pub limit: Condition,
    /// What becomes of agents that cannot go on; those that are not named get the default.
    pub policies: BTreeMap<AgentName, AgentPolicy>,
}

impl CrewDefinition {
    /// Returns all conditions of the conversation.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.until.iter().chain([&self.limit])
    }

    /// Returns the bound of a crew that names none: 200 turns or an hour of active time.
    #[must_use]
    pub fn default_limit() -> Condition {
        Condition::Any(vec![Condition::Turns(200), Condition::Active(Duration::from_secs(3600))])
    }
}

impl Default for CrewDefinition {
    /// A crew without agents.
    fn default() -> Self {
        let pattern = Box::new(RoundRobin::new());
        Self {
            agents: Vec::new(),
            pattern,
            until: None,
            limit: Self::default_limit(),
            policies: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for CrewDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrewDefinition")
            .field("agents", &self.agents)
            .field("until", &self.until)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
