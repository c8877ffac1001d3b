//! What a run is replayed with: the scenario's definition, and its tools as they are declared.

use std::sync::Arc;

use playhouse_agents::{AgentDefinition, question_spec, request_header};
use playhouse_messages::RequestHeader;
use playhouse_tools::ToolRegistry;
use playhouse_types::{AgentName, ModelName};

use crate::definition::Definition;

/// What a run is replayed with. The tools check arguments and make keys; they are never called.
pub(crate) struct Cast {
    pub(crate) definition: Arc<Definition>,
    pub(crate) tools: Arc<ToolRegistry>,
}

impl Cast {
    /// Makes the header of an agent's requests to a model.
    pub(super) fn header(&self, agent: &AgentDefinition, model: ModelName) -> RequestHeader {
        let names: Vec<AgentName> = self.definition.agents.iter().map(|agent| agent.name.clone()).collect();
        let specs = agent.tools.iter().filter_map(|name| self.tools.get(name.as_str()));
        let specs = specs.map(|tool| Arc::clone(tool.spec())).chain(agent.may_ask.then(question_spec));
        request_header(agent, model, &names, specs.collect())
    }
}
