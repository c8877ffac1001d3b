//! Scenarios, and the builder that makes them.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use playhouse_coordinator::{Pattern, ResultFn};
use playhouse_messages::{ToolError, ToolSet};
use playhouse_review::{Gate, GateQuery, ReviewPolicy};
use playhouse_types::CaseName;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::agent::{AgentBuilder, AgentId};
use super::check;
use super::crew::{CrewBuilder, CrewDraft};
use super::error::ScenarioError;
use super::result;
use super::tool_list::ToolsId;
use super::user_error::{InputError, ResultError};
use crate::Conversation;
use crate::definition::{Definition, LoadCases, OnChange, OpeningMessage, StartContext};

/// Reads the cases of a folder, each with a name that is unique in it; errors name the path.
pub type ReadCases<I> = fn(&Path) -> Result<Vec<(CaseName, I)>, InputError>;

/// A typed report, before it is erased.
pub(crate) type TypedReport<O> = Arc<dyn Fn(&[(CaseName, O)]) -> String + Send + Sync>;

/// A checked scenario: takes an `I`, settles it in a conversation and results in an `O`.
#[derive(Clone)]
pub struct Scenario<I, O> {
    definition: Definition,
    types: PhantomData<fn(I) -> O>,
}

impl<I, O> Scenario<I, O>
where
    I: Serialize + DeserializeOwned + 'static,
    O: Serialize + DeserializeOwned + 'static,
{
    /// Begins a scenario. `name` is what is typed on the command line: 1 to 64 letters, digits, `-` or `_`.
    ///
    /// ```
    /// use playhouse::prelude::*;
    ///
    /// let mut scenario = Scenario::<String, String>::builder("echo").about("Says it again");
    /// let parrot = scenario.agent("parrot", |agent| {
    ///     agent.script(|request: &ModelRequest, _: &ScriptContext| {
    ///         request.last_from(&Participant::User).unwrap_or_default().to_owned()
    ///     })
    /// });
    /// scenario.crew(RoundRobin::new(), [&parrot]).until(turns(1));
    /// let scenario = scenario.build()?;
    /// assert_eq!(scenario.definition().name.as_str(), "echo");
    /// # Ok::<(), ScenarioError>(())
    /// ```
    pub fn builder(name: impl Into<String>) -> ScenarioBuilder<I, O> {
        ScenarioBuilder {
            name: name.into(),
            about: String::new(),
            agents: Vec::new(),
            sets: Vec::new(),
            crews: Vec::new(),
            opening: None,
            result: None,
            cases: None,
            default_input: None,
            default_cases: None,
            report: None,
            policy: ReviewPolicy::default(),
            on_change: OnChange::default(),
            types: PhantomData,
        }
    }
}

impl<I, O> Scenario<I, O> {
    pub(crate) const fn new(definition: Definition) -> Self {
        Self { definition, types: PhantomData }
    }

    /// Returns the scenario as the host runs it, without its types.
    #[must_use]
    pub fn definition(&self) -> Arc<Definition> {
        Arc::new(self.definition.clone())
    }

    pub(crate) fn into_definition(self) -> Definition {
        self.definition
    }
}

impl<I, O> fmt::Debug for Scenario<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.definition, f)
    }
}

/// Says what a scenario is. Does no IO; [`ScenarioBuilder::build`] reports everything that is wrong.
#[must_use]
pub struct ScenarioBuilder<I, O> {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) agents: Vec<AgentBuilder>,
    pub(crate) sets: Vec<ToolsId>,
    pub(crate) crews: Vec<CrewDraft>,
    pub(crate) opening: Option<OpeningMessage>,
    pub(crate) result: Option<ResultFn>,
    pub(crate) cases: Option<LoadCases>,
    pub(crate) default_input: Option<String>,
    pub(crate) default_cases: Option<PathBuf>,
    pub(crate) report: Option<TypedReport<O>>,
    pub(crate) policy: ReviewPolicy,
    pub(crate) on_change: OnChange,
    types: PhantomData<fn(I) -> O>,
}

impl<I, O> ScenarioBuilder<I, O>
where
    I: Serialize + DeserializeOwned + 'static,
    O: Serialize + DeserializeOwned + 'static,
{
    /// Says in a line what the scenario does.
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// Lets the scenario settle batches: `load` reads the cases of a folder, before anything is admitted.
    pub fn cases(mut self, load: ReadCases<I>) -> Self {
        self.cases = Some(result::load_cases(load));
        self
    }

    /// Sets the input of a run whose command line names none.
    pub fn default_input(mut self, input: impl Into<I>) -> Self {
        // An input without a JSON form cannot be run at all: the run is then refused for want of one.
        self.default_input = serde_json::to_string(&input.into()).ok();
        self
    }

    /// Names the folder of cases that is used if the command line names no input.
    pub fn default_cases(mut self, path: impl Into<PathBuf>) -> Self {
        self.default_cases = Some(path.into());
        self
    }

    /// Makes the first message from the input; without it a text opens as it is and anything else as JSON.
    pub fn opening(mut self, make: impl Fn(&I) -> String + Send + Sync + 'static) -> Self {
        self.opening = Some(result::opening(move |input| Ok(make(input))));
        self
    }

    /// Makes the first message like [`ScenarioBuilder::opening`], or refuses the input: then nothing is admitted, and the
    /// person is told why.
    pub fn try_opening(
        mut self,
        make: impl Fn(&I) -> Result<String, InputError> + Send + Sync + 'static,
    ) -> Self {
        self.opening = Some(result::opening(make));
        self
    }

    /// Makes the result from the conversation; without it, the last message is a text result and the last JSON object
    /// in it any other. A pure function: it is called once, when the run ends.
    pub fn result(
        mut self,
        make: impl Fn(&Conversation) -> Result<O, ResultError> + Send + Sync + 'static,
    ) -> Self {
        self.result = Some(result::result(make));
        self
    }

    /// Prints what a person wants to see of the results, in case order; without it they are printed as JSON.
    ///
    /// A run that is not part of a batch is shown under the scenario's name.
    pub fn report(mut self, make: impl Fn(&[(CaseName, O)]) -> String + Send + Sync + 'static) -> Self {
        self.report = Some(Arc::new(make));
        self
    }

    /// Says which tool calls run by themselves, which a person approves first and which are denied: a pure function.
    /// Without it every call runs, but for tools that declare `approval = "required"`.
    pub fn review(mut self, gate: impl Fn(&GateQuery<'_>) -> Gate + Send + Sync + 'static) -> Self {
        self.policy = ReviewPolicy::new(gate);
        self
    }

    /// Says what becomes of a run that is resumed after the scenario has changed; it goes on if not set.
    pub fn on_change(mut self, on_change: OnChange) -> Self {
        self.on_change = on_change;
        self
    }

    /// Adds tools with shared state; `open` is called once per process, before the first run.
    pub fn tools<T, F, Opening>(&mut self, open: F) -> ToolsId
    where
        T: ToolSet + 'static,
        F: Fn(StartContext) -> Opening + Send + Sync + 'static,
        Opening: Future<Output = Result<T, ToolError>> + Send + 'static,
    {
        let tools = ToolsId::new(open);
        self.sets.push(tools.clone());
        tools
    }

    /// Adds an agent. Its name is its identity: 1 to 64 letters, digits, `-` or `_`, unique, not `run` or `user`.
    pub fn agent(&mut self, name: &str, define: impl FnOnce(AgentBuilder) -> AgentBuilder) -> AgentId {
        let agent = define(AgentBuilder::new(name));
        let id = agent.id();
        self.agents.push(agent);
        id
    }

    /// Says who takes part, in speaking order, and who speaks when.
    pub fn crew<'a>(
        &mut self,
        pattern: impl Pattern + 'static,
        members: impl IntoIterator<Item = &'a AgentId>,
    ) -> CrewBuilder<'_> {
        let draft = CrewDraft::new(None, pattern, members.into_iter().cloned().collect());
        CrewBuilder(self.crews.push_mut(draft))
    }

    /// Adds a crew that takes part in another one as if it were an agent: it is asked what an agent would be asked, talks
    /// about that in a conversation of its own, and what is said there last is its answer.
    pub fn crew_named<'a>(
        &mut self,
        name: &str,
        pattern: impl Pattern + 'static,
        members: impl IntoIterator<Item = &'a AgentId>,
        define: impl FnOnce(CrewBuilder<'_>) -> CrewBuilder<'_>,
    ) -> AgentId {
        let draft = CrewDraft::new(Some(name), pattern, members.into_iter().cloned().collect());
        define(CrewBuilder(self.crews.push_mut(draft)));
        AgentId(name.into())
    }

    /// Checks the whole scenario.
    ///
    /// # Errors
    /// [`ScenarioError`] with everything that is wrong, each naming what is at fault.
    pub fn build(self) -> Result<Scenario<I, O>, ScenarioError> {
        check::build(self)
    }
}

impl<I, O> fmt::Debug for ScenarioBuilder<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScenarioBuilder")
            .field("name", &self.name)
            .field("agents", &self.agents)
            .finish_non_exhaustive()
    }
}
