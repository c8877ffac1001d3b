//! What a run is replayed with: the scenario's definition, and its tools as they are declared.

use std::sync::Arc;

use playhouse_agents::{AgentDefinition, own_specs, request_header};
use playhouse_messages::RequestHeader;
use playhouse_tools::ToolRegistry;
use playhouse_types::ModelName;

use crate::definition::Definition;

/// What a run is replayed with. The tools check arguments and make keys; they are never called.
pub(crate) struct Cast {
    pub(crate) definition: Arc<Definition>,
    pub(crate) tools: Arc<ToolRegistry>,
}

impl Cast {
    /// Makes the header of an agent's requests to a model.
    pub(super) fn header(&self, agent: &AgentDefinition, model: ModelName) -> RequestHeader {
        let specs = agent.tools.iter().filter_map(|name| self.tools.get(name.as_str()));
        let specs = specs.map(|tool| Arc::clone(tool.spec())).chain(own_specs(agent));
        request_header(agent, model, &self.definition.crew.company_of(&agent.name), specs.collect())
    }
}
