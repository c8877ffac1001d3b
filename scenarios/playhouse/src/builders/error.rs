//! What can be wrong with a scenario.

use std::fmt;

use playhouse_runtime::PolicyFault;
use playhouse_types::InvalidName;

/// One thing that is wrong with a scenario; the text names what is at fault and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The scenario's name is not a name.
    #[error("the scenario's name: {0}")]
    ScenarioName(#[source] InvalidName),
    /// There is nobody to speak.
    #[error("it has no agents: add one with `scenario.agent(..)`")]
    NoAgents,
    /// An agent's name is not a name.
    #[error("an agent's name: {0}")]
    AgentName(#[source] InvalidName),
    /// An agent has a name that means something else.
    #[error("agent `{agent}`: the name is reserved, choose another")]
    ReservedName {
        /// The agent.
        agent: String,
    },
    /// Two agents have one name.
    #[error("agent `{agent}` is declared {count} times: names are identities")]
    DuplicateAgent {
        /// The name.
        agent: String,
        /// How often it is declared.
        count: usize,
    },
    /// An agent could not take a single step.
    #[error("agent `{agent}`: `max_steps(0)` leaves it nothing to do")]
    NoSteps {
        /// The agent.
        agent: String,
    },
    /// A temperature that no endpoint takes.
    #[error("agent `{agent}`: temperature {temperature} is not a number of 0 or more")]
    Temperature {
        /// The agent.
        agent: String,
        /// The temperature as text.
        temperature: String,
    },
    /// A restart policy that makes no sense.
    #[error("agent `{agent}`: its restart policy: {fault}")]
    RestartPolicy {
        /// The agent.
        agent: String,
        /// What is wrong with it.
        #[source]
        fault: PolicyFault,
    },
    /// An agent that cannot go on is to answer from a script that it has not.
    #[error(
        "agent `{agent}`: `.{ladder}(..)` names the model `scripted`, but the agent has no script: add `.script(..)`"
    )]
    NoScript {
        /// The agent.
        agent: String,
        /// `on_crash` or `on_model_failure`.
        ladder: &'static str,
    },
    /// An agent lists a tool twice.
    #[error("agent `{agent}` lists the tool `{tool}` {count} times")]
    ToolListedTwice {
        /// The agent.
        agent: String,
        /// The tool.
        tool: String,
        /// How often it is listed.
        count: usize,
    },
    /// Different tools have one name.
    #[error("there are {count} different tools named `{tool}`: rename all but one")]
    DuplicateTool {
        /// The name.
        tool: String,
        /// How many tools have it.
        count: usize,
    },
    /// An agent lists tools that were made by the builder of another scenario.
    #[error(
        "agent `{agent}` lists tools ({tools}) that this scenario does not open: use its own `scenario.tools(..)`"
    )]
    UnknownTools {
        /// The agent.
        agent: String,
        /// The names of the tools.
        tools: String,
    },
    /// Nobody says who speaks when.
    #[error("it has no crew: add `scenario.crew(pattern, [&agent, ..])`")]
    NoCrew,
    /// There is more than one crew.
    #[error("it has {count} crews: a scenario is one conversation")]
    SeveralCrews {
        /// How many.
        count: usize,
    },
    /// A crew without agents.
    #[error("{crew} is empty: list the agents in `scenario.crew(pattern, [&agent, ..])`")]
    EmptyCrew {
        /// Which crew, in words.
        crew: String,
    },
    /// An agent is listed twice in the crew.
    #[error("agent `{agent}` is in {crew} {count} times")]
    DuplicateMember {
        /// Which crew, in words.
        crew: String,
        /// The agent.
        agent: String,
        /// How often.
        count: usize,
    },
    /// The crew lists an agent that was made by the builder of another scenario.
    #[error("{crew} lists `{agent}`, which is no agent of this scenario")]
    UnknownMember {
        /// Which crew, in words.
        crew: String,
        /// The agent.
        agent: String,
    },
    /// An agent takes no part.
    #[error("`{agent}` is in no crew: it would never speak")]
    NotInCrew {
        /// The agent, or the crew that is to take part in another.
        agent: String,
    },
    /// An agent takes part twice.
    #[error("`{agent}` is in {crews}: an agent is in one crew, so declare one for each")]
    InSeveralCrews {
        /// The agent.
        agent: String,
        /// Which crews, in words.
        crews: String,
    },
    /// Something is wrong with how a pattern is set up.
    #[error("{crew}: {detail}")]
    Pattern {
        /// Which crew, in words.
        crew: String,
        /// What is wrong, with the name of the thing at fault.
        detail: String,
    },
    /// A handoff to somebody who could not take the floor.
    #[error("agent `{agent}`: `.handoff(\"{to}\")` names nobody else in its crew")]
    HandoffToNobody {
        /// The agent.
        agent: String,
        /// Whom it names.
        to: String,
    },
    /// Agents that would wait for each other for ever.
    #[error("`{agent}` is its own colleague by way of {way}: take one of them out")]
    ColleaguesInACircle {
        /// The agent.
        agent: String,
        /// The colleagues from it back to itself.
        way: String,
    },
    /// A handoff whose tool no endpoint takes.
    #[error(
        "agent `{agent}`: `.handoff(\"{to}\")` needs a tool `transfer_to_{to}` of more than 64 characters: shorten the name"
    )]
    HandoffName {
        /// The agent.
        agent: String,
        /// Whom it names.
        to: String,
    },
    /// The conversation has no planned end.
    #[error("{crew} has no planned end: its pattern does not conclude by itself, so add `.until(..)`")]
    NoEnd {
        /// Which crew, in words.
        crew: String,
    },
    /// A condition on an agent that takes no part.
    #[error("`.{place}(..)`: `{condition}` names `{agent}`, who is not in the crew")]
    ConditionOnStranger {
        /// `until` or `limit`.
        place: &'static str,
        /// The condition.
        condition: String,
        /// The agent.
        agent: String,
    },
    /// A condition on a tool that nobody can call.
    #[error("`.{place}(..)`: `{condition}` names the tool `{tool}`, which no agent lists")]
    ConditionOnNoTool {
        /// `until` or `limit`.
        place: &'static str,
        /// The condition.
        condition: String,
        /// The tool.
        tool: String,
    },
    /// A condition that is known by its name and has none.
    #[error("`.{place}(..)`: `{condition}` needs a name")]
    NamelessCondition {
        /// `until` or `limit`.
        place: &'static str,
        /// The condition.
        condition: String,
    },
    /// Two functions that would be taken for one.
    #[error("`.{place}(..)`: there are two functions `when({name:?}, ..)`: rename one, or clone the other")]
    TwoFunctions {
        /// `until` or `limit`.
        place: &'static str,
        /// Their name.
        name: String,
    },
    /// A condition that is met before anybody speaks.
    #[error("`.{place}(..)`: `{condition}` is met before anybody speaks")]
    MetAtOnce {
        /// `until` or `limit`.
        place: &'static str,
        /// The condition.
        condition: String,
    },
    /// The scenario's own function refuses its parameters.
    #[error("{detail}")]
    Settings {
        /// What is wrong with which parameter.
        detail: String,
    },
}

/// Why a scenario cannot be run: everything that is wrong with it, not only the first thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    scenario: String,
    problems: Vec<Problem>,
}

impl ScenarioError {
    /// Makes the error of a scenario that refuses its parameters.
    pub fn settings(scenario: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { scenario: scenario.into(), problems: vec![Problem::Settings { detail: detail.into() }] }
    }

    pub(crate) const fn new(scenario: String, problems: Vec<Problem>) -> Self {
        Self { scenario, problems }
    }

    /// Returns what is wrong, in the order of the scenario file; never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [problem] => write!(f, "scenario `{}`: {problem}", self.scenario),
            problems => {
                write!(f, "scenario `{}` has {} problems:", self.scenario, problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
            }
        }
    }
}

impl std::error::Error for ScenarioError {}
