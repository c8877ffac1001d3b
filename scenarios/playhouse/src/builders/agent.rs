//! The builder of one agent.

use std::fmt;
use std::sync::Arc;

use playhouse_agents::{AgentDefinition, Guardrail, Memory};
use playhouse_coordinator::{AgentPolicy, Escalation};
use playhouse_messages::{ModelRequest, Script, ScriptContext, ScriptReply, Tool};
use playhouse_runtime::RestartPolicy;
use playhouse_types::{AgentName, ModelName};
use schemars::JsonSchema;

use super::tool_list::{ListedTools, SingleTool, ToolsId};

/// An agent of a scenario, as [`ScenarioBuilder::agent`](crate::ScenarioBuilder::agent) returns it, or a crew that takes
/// part in another as if it were one ([`ScenarioBuilder::crew_named`](crate::ScenarioBuilder::crew_named)).
///
/// Cheap to clone; borrows nothing.
#[derive(Clone)]
pub struct AgentId(pub(crate) Arc<str>);

impl From<&AgentId> for AgentName {
    /// Returns the name. Building the scenario refuses one that is none, so what stands for it here is never used.
    fn from(id: &AgentId) -> Self {
        Self::of_text(&id.0)
    }
}

impl AsRef<str> for AgentId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what one agent is. Everything but the name is optional.
#[must_use]
pub struct AgentBuilder {
    pub(crate) name: Arc<str>,
    pub(crate) role: Option<String>,
    pub(crate) goal: Option<String>,
    pub(crate) instructions: Option<String>,
    pub(crate) tools: Vec<ListedTools>,
    pub(crate) script: Option<Script>,
    pub(crate) model: Option<ModelName>,
    pub(crate) temperature: Option<f32>,
    pub(crate) max_output_tokens: Option<u32>,
    pub(crate) max_steps: u32,
    pub(crate) restart: RestartPolicy,
    pub(crate) may_ask: bool,
    pub(crate) policy: AgentPolicy,
    pub(crate) handoffs: Vec<String>,
    pub(crate) colleagues: Vec<AgentId>,
    pub(crate) schema: Option<String>,
    pub(crate) guardrails: Vec<Guardrail>,
    pub(crate) memory: Memory,
}

impl AgentBuilder {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            role: None,
            goal: None,
            instructions: None,
            tools: Vec::new(),
            script: None,
            model: None,
            temperature: None,
            max_output_tokens: None,
            max_steps: AgentDefinition::DEFAULT_MAX_STEPS,
            restart: RestartPolicy::default(),
            may_ask: false,
            policy: AgentPolicy::default(),
            handoffs: Vec::new(),
            colleagues: Vec::new(),
            schema: None,
            guardrails: Vec::new(),
            memory: Memory::whole(),
        }
    }

    /// Says what it is, in a few words.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// Says what it is to achieve.
    pub fn goal(mut self, goal: impl Into<String>) -> Self {
        self.goal = Some(goal.into());
        self
    }

    /// Says how it is to work.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Lets it call a tool without state: the unit struct that `#[tool]` makes of a function.
    pub fn tool(mut self, tool: impl Tool + 'static) -> Self {
        self.tools.push(ListedTools::Single(SingleTool::new(tool)));
        self
    }

    /// Lets it call all tools of a set.
    pub fn tools(mut self, tools: &ToolsId) -> Self {
        self.tools.push(ListedTools::Set(tools.clone()));
        self
    }

    /// Says what it answers without a model: a pure function that keeps nothing between calls.
    pub fn script<R: Into<ScriptReply>>(
        mut self,
        script: impl Fn(&ModelRequest, &ScriptContext) -> R + Send + Sync + 'static,
    ) -> Self {
        self.script = Some(Arc::new(move |request, ctx| script(request, ctx).into()));
        self
    }

    /// Names the model it asks; `--model` on the command line wins over it.
    pub fn model(mut self, model: &str) -> Self {
        self.model = Some(ModelName::new(model));
        self
    }

    /// Sets the sampling temperature, 0 or more; the endpoint's own if not set.
    pub const fn temperature(mut self, temperature: f32) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Bounds one reply, in tokens; the endpoint's own bound if not set.
    pub const fn max_output_tokens(mut self, count: u32) -> Self {
        self.max_output_tokens = Some(count);
        self
    }

    /// Bounds the model calls of one turn; 32 if not set. Reaching it ends the run as limited.
    pub const fn max_steps(mut self, count: u32) -> Self {
        self.max_steps = count;
        self
    }

    /// Says when and how often it is started again after a crash.
    pub fn restart(mut self, restart: RestartPolicy) -> Self {
        self.restart = restart;
        self
    }

    /// Says what becomes of it when it crashed more often than its restart policy allows: the first measure the first
    /// time, and so on; after the last one the run is set aside until a person says what to do.
    pub fn on_crash(mut self, ladder: impl IntoIterator<Item = Escalation>) -> Self {
        self.policy.on_crash = ladder.into_iter().collect();
        self
    }

    /// Says what becomes of it when its model failed for good: the first measure the first time, and so on; after the
    /// last one the run fails.
    pub fn on_model_failure(mut self, ladder: impl IntoIterator<Item = Escalation>) -> Self {
        self.policy.on_model_failure = ladder.into_iter().collect();
        self
    }

    /// Lets it ask a person: it gets a tool `ask_person` whose answer a person gives (`playhouse review answer`).
    pub const fn may_ask(mut self) -> Self {
        self.may_ask = true;
        self
    }

    /// Lets it give the floor to another member of its crew, by name: it gets a tool `transfer_to_<name>`. The pattern
    /// [`Handoff`](crate::Handoff) follows it.
    pub fn handoff(mut self, to: impl AsRef<str>) -> Self {
        self.handoffs.push(to.as_ref().to_owned());
        self
    }

    /// Lets it call another agent, or a crew, as a tool: it gets a tool `ask_<name>` with a task, and what the colleague came
    /// to as the result. The colleague sees nothing but the task, and need not take part in the conversation.
    ///
    /// Colleagues may have colleagues of their own, but nobody can be its own colleague, not even by way of others: so the
    /// depth is bounded. A colleague that gives no answer is a failed call.
    pub fn colleague(mut self, colleague: &AgentId) -> Self {
        self.colleagues.push(colleague.clone());
        self
    }

    /// Asks for replies that are, or end with, the JSON of a `T`. One that does not fit goes back to its model with what is
    /// wrong, up to three times in a turn; then the turn ends as limited.
    pub fn output<T: JsonSchema>(mut self) -> Self {
        self.schema = Some(playhouse_tools::schema_text::<T>());
        self
    }

    /// Adds something that every reply has to pass: a pure function that says what is wrong, in words for the model.
    ///
    /// A reply that does not pass is rejected like one that does not fit [`AgentBuilder::output`]. A function that panics
    /// rejects.
    pub fn guardrail(mut self, check: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.guardrails.push(Guardrail::new(check));
        self
    }

    /// Bounds how much of its conversation its model reads; all of it if not set.
    pub const fn memory(mut self, memory: Memory) -> Self {
        self.memory = memory;
        self
    }

    pub(crate) fn id(&self) -> AgentId {
        AgentId(Arc::clone(&self.name))
    }

    /// Makes the definition under the checked name.
    pub(crate) fn definition(&self, name: AgentName) -> AgentDefinition {
        let specs = self.tools.iter().flat_map(ListedTools::specs);
        AgentDefinition {
            role: self.role.clone(),
            goal: self.goal.clone(),
            instructions: self.instructions.clone(),
            tools: specs.map(|spec| spec.name.clone()).collect(),
            script: self.script.clone(),
            model: self.model.clone(),
            temperature: self.temperature,
            max_output_tokens: self.max_output_tokens,
            max_steps: self.max_steps,
            restart: self.restart.clone(),
            may_ask: self.may_ask,
            handoffs: self.handoffs.iter().filter_map(|to| AgentName::new(to).ok()).collect(),
            colleagues: self.colleagues.iter().map(AgentName::from).collect(),
            schema: self.schema.clone(),
            guardrails: self.guardrails.clone(),
            memory: self.memory,
            ..AgentDefinition::new(name)
        }
    }
}

impl fmt::Debug for AgentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentBuilder")
            .field("name", &self.name)
            .field("tools", &self.tools)
            .finish_non_exhaustive()
    }
}
