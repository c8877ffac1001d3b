//! What an agent is, as its scenario says it.

use std::fmt;

use playhouse_messages::Script;
use playhouse_runtime::RestartPolicy;
use playhouse_types::{AgentName, ModelName, ToolName};

use crate::{Guardrail, Memory};

/// An agent as its scenario defines it. Plain data beside the script.
#[derive(Clone)]
pub struct AgentDefinition {
    /// Its name, which is its identity.
    pub name: AgentName,
    /// What it is, in a few words.
    pub role: Option<String>,
    /// What it is to achieve.
    pub goal: Option<String>,
    /// How it is to work.
    pub instructions: Option<String>,
    /// The tools it may call, in order.
    pub tools: Vec<ToolName>,
    /// What it says without a model.
    pub script: Option<Script>,
    /// The model it asks, unless the command line names one.
    pub model: Option<ModelName>,
    /// The sampling temperature; `None` leaves it to the endpoint.
    pub temperature: Option<f32>,
    /// The most tokens of one reply; `None` leaves it to the endpoint.
    pub max_output_tokens: Option<u32>,
    /// The most model calls of one turn.
    pub max_steps: u32,
    /// When and how often it is started again.
    pub restart: RestartPolicy,
    /// Whether it may ask a person.
    pub may_ask: bool,
    /// To whom it may give the floor.
    pub handoffs: Vec<AgentName>,
    /// Whom it may call as a tool: agents and crews.
    pub colleagues: Vec<AgentName>,
    /// The JSON schema that its replies have to fit, as JSON text.
    pub schema: Option<String>,
    /// What its replies have to pass, in order.
    pub guardrails: Vec<Guardrail>,
    /// How much of its conversation its model reads.
    pub memory: Memory,
}

impl AgentDefinition {
    /// The most model calls of one turn unless said otherwise.
    pub const DEFAULT_MAX_STEPS: u32 = 32;

    /// Makes an agent that has only a name.
    #[must_use]
    pub fn new(name: AgentName) -> Self {
        Self {
            name,
            role: None,
            goal: None,
            instructions: None,
            tools: Vec::new(),
            script: None,
            model: None,
            temperature: None,
            max_output_tokens: None,
            max_steps: Self::DEFAULT_MAX_STEPS,
            restart: RestartPolicy::default(),
            may_ask: false,
            handoffs: Vec::new(),
            colleagues: Vec::new(),
            schema: None,
            guardrails: Vec::new(),
            memory: Memory::whole(),
        }
    }
}

impl fmt::Debug for AgentDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentDefinition")
            .field("name", &self.name)
            .field("tools", &self.tools)
            .finish_non_exhaustive()
    }
}
