//! One task, as it is declared.

use std::fmt;
use std::sync::Arc;

use playhouse_types::{AgentName, ToolName};
use schemars::JsonSchema;
use serde_json::json;

use crate::patterns::guarded::guarded;

/// What becomes of a task whose agent has come to no output that is accepted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum OnUnfit {
    /// The conversation fails, and names the task.
    #[default]
    Fail,
    /// Another agent does it, with as many retries; if it cannot either, the conversation fails. An agent that may ask a
    /// person takes the task to one.
    FallbackAgent(AgentName),
    /// The task ends with its last output, if there is any: the conversation goes on and ends as limited.
    Partial,
}

/// Says what is wrong with an output.
type Check = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// What an output has to pass.
#[derive(Clone)]
pub(super) struct Guardrail {
    pub(super) name: String,
    check: Check,
}

impl fmt::Debug for Guardrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A piece of work for one agent of the crew: see [`Tasks`](crate::Tasks). Named and described as in CrewAI.
#[derive(Clone, Debug)]
#[must_use]
pub struct Task {
    pub(super) name: String,
    pub(super) description: String,
    expected: Option<String>,
    pub(super) agent: Option<AgentName>,
    context: Option<Vec<String>>,
    pub(super) schema: Option<String>,
    pub(super) guardrails: Vec<Guardrail>,
    pub(super) retries: u32,
    pub(super) tools: Option<Vec<String>>,
    pub(super) on_unfit: OnUnfit,
    pub(super) is_background: bool,
}

impl Task {
    /// The name under which a context lists what the crew was asked.
    pub const INPUT: &str = "input";

    /// Makes a task. Its name is its identity; the description is what its agent is told to do.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            expected: None,
            agent: None,
            context: None,
            schema: None,
            guardrails: Vec::new(),
            retries: 3,
            tools: None,
            on_unfit: OnUnfit::Fail,
            is_background: false,
        }
    }

    /// Says who does it: a member of the crew, also one that is a crew itself.
    pub fn by(mut self, agent: impl Into<AgentName>) -> Self {
        self.agent = Some(agent.into());
        self
    }

    /// Says in words what the output is to be.
    pub fn expects(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Names the earlier tasks whose outputs it sees, and [`Task::INPUT`] for what the crew was asked. A task that declares
    /// no context sees the input.
    pub fn context<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.context = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Asks for an output that is, or ends with, the JSON of a `T`.
    ///
    /// One that does not fit goes back to its model with what is wrong, up to three times in a turn.
    pub fn output<T: JsonSchema>(self) -> Self {
        self.fitting(playhouse_tools::schema_text::<T>())
    }

    /// Asks for an output that fits a JSON schema, given as JSON text.
    pub fn fitting(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Adds something that the output has to pass: a pure function that says what is wrong, in words for the model.
    ///
    /// A function that panics rejects the output.
    pub fn guardrail(
        mut self,
        name: impl Into<String>,
        check: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.guardrails.push(Guardrail { name: name.into(), check: Arc::new(check) });
        self
    }

    /// Bounds how often it is tried again after an output that did not pass; 3 if not set.
    pub const fn retries(mut self, count: u32) -> Self {
        self.retries = count;
        self
    }

    /// Names those of the agent's tools that it may call for this task; all of them if not set.
    pub fn tools<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.tools = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Says what follows if no output is accepted, or the agent cannot go on; the conversation fails if not set.
    pub fn otherwise(mut self, on_unfit: OnUnfit) -> Self {
        self.on_unfit = on_unfit;
        self
    }

    /// Lets it run at the same time as other tasks, as soon as those of its context have ended: `async_execution` in
    /// CrewAI.
    pub const fn in_background(mut self) -> Self {
        self.is_background = true;
        self
    }

    /// Returns the names of what it sees.
    pub(super) fn sees(&self) -> impl Iterator<Item = &str> {
        let declared = self.context.as_deref().unwrap_or_default().iter().map(String::as_str);
        self.context.is_none().then_some(Self::INPUT).into_iter().chain(declared)
    }

    pub(super) fn tool_names(&self) -> Option<Vec<ToolName>> {
        let names = self.tools.as_ref()?.iter();
        Some(names.map(|name| ToolName::of_text(name)).collect())
    }

    /// Says what is wrong with an output.
    pub(super) fn check(&self, output: &str) -> Result<(), String> {
        self.guardrails.iter().try_for_each(|guardrail| {
            let checked = guarded(|| (guardrail.check)(output));
            checked.unwrap_or_else(|text| Err(format!("guardrail `{}` panicked: {text}", guardrail.name)))
        })
    }

    /// Returns all that its agent sees.
    pub(super) fn instruction(
        &self,
        context: Vec<String>,
        refusal: Option<&str>,
        draft: Option<String>,
    ) -> String {
        let mut parts = vec![format!("Task `{}`: {}", self.name, self.description)];
        parts.extend(self.expected.as_ref().map(|expected| format!("Expected output: {expected}")));
        parts.extend(context);
        parts.extend(draft.map(|draft| format!("Output so far:\n{draft}")));
        parts.extend(refusal.map(|why| {
            format!("The last try was not accepted: {why}\nGive the whole output again, without this fault.")
        }));
        parts.join("\n\n")
    }

    /// Describes it for the hash of the scenario. Code has no description: of guardrails only the names count.
    pub(super) fn describe(&self) -> serde_json::Value {
        let guardrails: Vec<&str> = self.guardrails.iter().map(|guardrail| guardrail.name.as_str()).collect();
        json!({
            "name": self.name,
            "description": self.description,
            "expected": self.expected,
            "agent": self.agent,
            "context": self.sees().collect::<Vec<_>>(),
            "output": self.schema,
            "guardrails": guardrails,
            "retries": self.retries,
            "tools": self.tools,
            "otherwise": format!("{:?}", self.on_unfit),
            "in_background": self.is_background,
        })
    }
}
