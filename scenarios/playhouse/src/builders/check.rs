//! The checks of a scenario, and the definition that comes out of them.

use std::collections::BTreeMap;

use playhouse_agents::{ASK_PERSON, CONSULT_PREFIX, HANDOFF_PREFIX};
use playhouse_coordinator::Escalation;
use playhouse_types::{AgentName, Lane, ModelName, ScenarioName};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::agent::AgentBuilder;
use super::error::{Problem, ScenarioError};
use super::result;
use super::scenario::{Scenario, ScenarioBuilder};
use super::tool_list::{ListedTools, SingleTool, ToolsId};
use super::{colleagues, crews, describe};
use crate::definition::{Definition, ToolSource};

/// Names that a transcript or a journal uses for something other than an agent.
pub(super) const RESERVED: [&str; 3] = [Lane::RUN, "user", "runtime"];

/// Checks a scenario and makes its definition.
pub(super) fn build<I, O>(mut draft: ScenarioBuilder<I, O>) -> Result<Scenario<I, O>, ScenarioError>
where
    I: Serialize + DeserializeOwned + 'static,
    O: Serialize + DeserializeOwned + 'static,
{
    let mut problems = Vec::new();
    colleagues::take_from_patterns(&draft.crews, &mut draft.agents);
    let report = draft.report.take();
    let name =
        ScenarioName::new(&draft.name).map_err(|error| problems.push(Problem::ScenarioName(error))).ok();
    let names = agent_names(&draft.agents, &mut problems);
    draft.agents.iter().for_each(|agent| check_agent(agent, &draft, &mut problems));
    let singles = single_tools(&draft.agents);
    check_tool_names(&draft, &singles, &mut problems);
    let crew = crews::check(&draft.crews, &draft.agents, &mut problems);
    let (Some(name), Some(crew), true) = (name, crew, problems.is_empty()) else {
        return Err(ScenarioError::new(draft.name.clone(), problems));
    };
    let report = report.map(|make| result::report(&name, make)).transpose();
    let report =
        report.map_err(|error| ScenarioError::new(name.to_string(), vec![Problem::ScenarioName(error)]))?;
    let sets = draft.sets.iter().map(ToolsId::source);
    let tools: Vec<ToolSource> =
        singles.into_iter().map(|tool| ToolSource::Single(tool.tool)).chain(sets).collect();
    let agents: Vec<_> = draft.agents.iter().zip(names).map(|(agent, name)| agent.definition(name)).collect();
    let definition = Definition {
        hash: describe::hash(&name, &agents, &tools, &draft.crews),
        crew: crews::definition(crew, &draft.crews, &draft.agents),
        name,
        about: draft.about,
        parameters: "{}".to_owned(),
        input: result::input_form::<I>(),
        agents,
        tools,
        opening: draft.opening.unwrap_or_else(result::default_opening::<I>),
        result: draft.result.unwrap_or_else(result::default_result::<O>),
        cases: draft.cases,
        default_input: draft.default_input,
        default_cases: draft.default_cases,
        report,
        policy: draft.policy,
        on_change: draft.on_change,
    };
    Ok(Scenario::new(definition))
}

/// Checks the names; one for each agent if none is wrong.
fn agent_names(agents: &[AgentBuilder], problems: &mut Vec<Problem>) -> Vec<AgentName> {
    if agents.is_empty() {
        problems.push(Problem::NoAgents);
    }
    for (agent, count) in repeated(agents.iter().map(|agent| agent.name.to_string())) {
        problems.push(Problem::DuplicateAgent { agent, count });
    }
    let mut names = Vec::new();
    for agent in agents {
        match AgentName::new(&agent.name) {
            Ok(name) if RESERVED.contains(&name.as_str()) => {
                problems.push(Problem::ReservedName { agent: name.to_string() });
            }
            Ok(name) => names.push(name),
            Err(error) => problems.push(Problem::AgentName(error)),
        }
    }
    names
}

fn check_agent<I, O>(agent: &AgentBuilder, draft: &ScenarioBuilder<I, O>, problems: &mut Vec<Problem>) {
    let name = agent.name.to_string();
    if agent.max_steps == 0 {
        problems.push(Problem::NoSteps { agent: name.clone() });
    }
    if let Some(temperature) = agent.temperature.filter(|value| !(value.is_finite() && *value >= 0.0)) {
        problems.push(Problem::Temperature { agent: name.clone(), temperature: temperature.to_string() });
    }
    if let Err(fault) = agent.restart.check() {
        problems.push(Problem::RestartPolicy { agent: name.clone(), fault });
    }
    let ladders =
        [("on_crash", &agent.policy.on_crash), ("on_model_failure", &agent.policy.on_model_failure)];
    for (ladder, _) in
        ladders.into_iter().filter(|(_, ladder)| agent.script.is_none() && names_script(ladder))
    {
        problems.push(Problem::NoScript { agent: name.clone(), ladder });
    }
    let asks = agent.may_ask.then(|| ASK_PERSON.to_owned());
    let handoffs = agent.handoffs.iter().map(|to| format!("{HANDOFF_PREFIX}{to}"));
    let listed = agent.tools.iter().flat_map(ListedTools::specs).map(|spec| spec.name.to_string());
    let colleagues = agent.colleagues.iter().map(|colleague| format!("{CONSULT_PREFIX}{}", colleague.0));
    let listed = listed.chain(asks).chain(handoffs).chain(colleagues);
    for (tool, count) in repeated(listed) {
        problems.push(Problem::ToolListedTwice { agent: name.clone(), tool, count });
    }
    for listed in &agent.tools {
        let ListedTools::Set(set) = listed else { continue };
        if !draft.sets.iter().any(|own| own.is_same(set)) {
            let tools: Vec<&str> = set.specs().iter().map(|spec| spec.name.as_str()).collect();
            problems.push(Problem::UnknownTools { agent: name.clone(), tools: tools.join(", ") });
        }
    }
}

/// Tells whether one of the measures is to answer from the agent's script.
fn names_script(ladder: &[Escalation]) -> bool {
    let is_script = |measure: &Escalation| matches!(measure, Escalation::ReplaceModel(model) if model.as_str() == ModelName::SCRIPTED);
    ladder.iter().any(is_script)
}

/// Returns each tool without state once, in the order in which agents first list them.
fn single_tools(agents: &[AgentBuilder]) -> Vec<SingleTool> {
    let mut singles: Vec<SingleTool> = Vec::new();
    for listed in agents.iter().flat_map(|agent| &agent.tools) {
        match listed {
            ListedTools::Single(tool) if !singles.iter().any(|known| known.is_same(tool)) => {
                singles.push(tool.clone());
            }
            _ => {}
        }
    }
    singles
}

fn check_tool_names<I, O>(
    draft: &ScenarioBuilder<I, O>,
    singles: &[SingleTool],
    problems: &mut Vec<Problem>,
) {
    let of_sets = draft.sets.iter().flat_map(ToolsId::specs);
    let names = singles.iter().map(|tool| &tool.spec).chain(of_sets).map(|spec| spec.name.to_string());
    for (tool, count) in repeated(names) {
        problems.push(Problem::DuplicateTool { tool, count });
    }
}

/// Returns the names that occur more than once, with how often.
pub(super) fn repeated(names: impl Iterator<Item = String>) -> impl Iterator<Item = (String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    counts.into_iter().filter(|(_, count)| *count > 1)
}
