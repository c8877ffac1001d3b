//! What a crew is, without the code of its agents.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use playhouse_types::AgentName;

use crate::{AgentPolicy, Condition, Pattern, RoundRobin};

/// The conversation of a crew: who takes part, who speaks when, when it ends.
#[derive(Clone)]
pub struct CrewDefinition {
    /// The members in the order of their declaration: agents, and crews that take part as one.
    pub agents: Vec<AgentName>,
    /// Agents that the pattern asks and who take no part in the conversation.
    pub staff: Vec<AgentName>,
    /// What the members and the staff are, in a few words: what a model that chooses among them reads.
    pub roles: BTreeMap<AgentName, String>,
    /// Those of the members and the staff that are crews themselves.
    pub crews: BTreeMap<AgentName, Arc<CrewDefinition>>,
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
    /// Returns the members of the crew in which an agent takes part: with whom it talks. Empty for staff, which is only
    /// asked.
    #[must_use]
    pub fn company_of(&self, agent: &AgentName) -> Vec<AgentName> {
        if self.agents.contains(agent) {
            return self.agents.clone();
        }
        self.crews
            .values()
            .map(|crew| crew.company_of(agent))
            .find(|company| !company.is_empty())
            .unwrap_or_default()
    }

    /// Returns the names of all agents of the crew and of those within it, staff included.
    #[must_use]
    pub fn all_agents(&self) -> Vec<&AgentName> {
        let own = self.agents.iter().chain(&self.staff).filter(|name| !self.crews.contains_key(*name));
        own.chain(self.crews.values().flat_map(|crew| crew.all_agents())).collect()
    }

    /// Tells whether a crew of this name takes part in this one, or in one within it.
    #[must_use]
    pub fn has_crew(&self, name: &AgentName) -> bool {
        self.crews.contains_key(name) || self.crews.values().any(|crew| crew.has_crew(name))
    }

    /// Returns the conditions of the crew and of those within it.
    #[must_use]
    pub fn all_conditions(&self) -> Vec<&Condition> {
        self.conditions().chain(self.crews.values().flat_map(|crew| crew.all_conditions())).collect()
    }

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
            staff: Vec::new(),
            roles: BTreeMap::new(),
            crews: BTreeMap::new(),
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
