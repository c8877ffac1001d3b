//! The checks of the crews of a scenario, and the definition that comes out of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use playhouse_agents::HANDOFF_PREFIX;
use playhouse_coordinator::CrewDefinition;
use playhouse_types::{AgentName, ToolName};

use super::agent::AgentBuilder;
use super::check::{RESERVED, repeated};
use super::colleagues;
use super::conditions::check_conditions;
use super::crew::CrewDraft;
use super::error::Problem;

/// Checks the crews and returns the one that the run begins with, if there is exactly one.
pub(super) fn check<'a>(
    crews: &'a [CrewDraft],
    agents: &[AgentBuilder],
    problems: &mut Vec<Problem>,
) -> Option<&'a CrewDraft> {
    let main: Vec<&CrewDraft> = crews.iter().filter(|crew| crew.name.is_none()).collect();
    let main = match main.as_slice() {
        [crew] => *crew,
        [] => {
            problems.push(Problem::NoCrew);
            return None;
        }
        crews => {
            problems.push(Problem::SeveralCrews { count: crews.len() });
            return None;
        }
    };
    check_names(crews, agents, problems);
    let places = Places::of(crews, agents);
    for crew in crews {
        check_members(crew, agents, &places, problems);
        check_ends(crew, problems);
        check_conditions(crew, agents, problems);
        let faults = crew.pattern.faults(&member_names(crew));
        let label = crew.label();
        problems
            .extend(faults.into_iter().map(|fault| Problem::Pattern { crew: label.clone(), detail: fault }));
    }
    places.check(problems);
    agents.iter().for_each(|agent| check_handoffs(agent, crews, problems));
    colleagues::check(crews, agents, problems);
    Some(main)
}

/// Makes the definition of a checked crew, and of those within it.
pub(super) fn definition(crew: &CrewDraft, crews: &[CrewDraft], agents: &[AgentBuilder]) -> CrewDefinition {
    // The names were checked with the agents they belong to.
    let members = member_names(crew);
    let staff = colleagues::staff(crew, agents).into_iter().filter_map(|name| AgentName::new(&name).ok());
    let staff: Vec<AgentName> = staff.filter(|name| !members.contains(name)).collect();
    let named = |name: &AgentName| crews.iter().find(|crew| crew.name.as_deref() == Some(name.as_str()));
    let within = members.iter().chain(&staff).filter_map(|name| {
        let crew = named(name)?;
        Some((name.clone(), Arc::new(definition(crew, crews, agents))))
    });
    let policy = |agent: &AgentBuilder| Some((AgentName::new(&agent.name).ok()?, agent.policy.clone()));
    let all = members.iter().chain(&staff);
    CrewDefinition {
        roles: all.filter_map(|name| Some((name.clone(), role_of(name, agents, crews)?))).collect(),
        crews: within.collect(),
        policies: agents.iter().filter_map(policy).collect(),
        agents: members,
        staff,
        pattern: crew.pattern.boxed(),
        until: crew.until.clone(),
        limit: crew.limit.clone().unwrap_or_else(CrewDefinition::default_limit),
    }
}

/// Returns what an agent is and is for; a crew is what its members are.
fn role_of(name: &AgentName, agents: &[AgentBuilder], crews: &[CrewDraft]) -> Option<String> {
    if let Some(agent) = agents.iter().find(|agent| *agent.name == *name.as_str()) {
        let parts: Vec<&str> = [&agent.role, &agent.goal].into_iter().flatten().map(String::as_str).collect();
        return Some(parts.join(". "));
    }
    let crew = crews.iter().find(|crew| crew.name.as_deref() == Some(name.as_str()))?;
    let members: Vec<&str> = crew.members.iter().map(|member| member.0.as_ref()).collect();
    Some(format!("the crew of {}", members.join(", ")))
}

pub(super) fn member_names(crew: &CrewDraft) -> Vec<AgentName> {
    crew.members.iter().filter_map(|member| AgentName::new(&member.0).ok()).collect()
}

fn check_names(crews: &[CrewDraft], agents: &[AgentBuilder], problems: &mut Vec<Problem>) {
    let names: Vec<&str> = crews.iter().filter_map(|crew| crew.name.as_deref()).collect();
    for name in &names {
        match AgentName::new(name) {
            Ok(_) if RESERVED.contains(name) => {
                problems.push(Problem::ReservedName { agent: (*name).to_owned() });
            }
            Ok(_) => {}
            Err(error) => problems.push(Problem::AgentName(error)),
        }
    }
    let agents = agents.iter().map(|agent| agent.name.to_string());
    let all = agents.chain(names.iter().map(|name| (*name).to_owned()));
    for (agent, count) in repeated(all).filter(|(name, _)| names.contains(&name.as_str())) {
        problems.push(Problem::DuplicateAgent { agent, count });
    }
}

/// Where each agent and named crew takes part.
struct Places {
    /// In the order of their declaration.
    labels: BTreeMap<Arc<str>, Vec<String>>,
}

impl Places {
    fn of(crews: &[CrewDraft], agents: &[AgentBuilder]) -> Self {
        let names =
            agents.iter().map(|agent| &agent.name).chain(crews.iter().filter_map(|crew| crew.name.as_ref()));
        let mut labels: BTreeMap<Arc<str>, Vec<String>> =
            names.map(|name| (Arc::clone(name), Vec::new())).collect();
        for crew in crews {
            let mut here: Vec<String> = crew.members.iter().map(|member| member.0.to_string()).collect();
            here.extend(colleagues::staff(crew, agents));
            here.sort_unstable();
            here.dedup();
            for name in here {
                if let Some(labels) = labels.get_mut(name.as_str()) {
                    labels.push(crew.label());
                }
            }
        }
        Self { labels }
    }

    fn has(&self, name: &str) -> bool {
        self.labels.contains_key(name)
    }

    /// An agent has one place: it is nowhere to be waited for while it speaks elsewhere.
    fn check(&self, problems: &mut Vec<Problem>) {
        for (agent, labels) in &self.labels {
            let agent = agent.to_string();
            match labels.as_slice() {
                [] => problems.push(Problem::NotInCrew { agent }),
                [_] => {}
                labels => problems.push(Problem::InSeveralCrews { agent, crews: labels.join(" and ") }),
            }
        }
    }
}

fn check_members(crew: &CrewDraft, agents: &[AgentBuilder], places: &Places, problems: &mut Vec<Problem>) {
    let label = crew.label();
    if crew.members.is_empty() {
        return problems.push(Problem::EmptyCrew { crew: label });
    }
    for member in crew.members.iter().filter(|member| !places.has(&member.0)) {
        problems.push(Problem::UnknownMember { crew: label.clone(), agent: member.0.to_string() });
    }
    for agent in colleagues::staff(crew, agents).into_iter().filter(|staff| !places.has(staff)) {
        problems.push(Problem::UnknownMember { crew: label.clone(), agent });
    }
    for (agent, count) in repeated(crew.members.iter().map(|member| member.0.to_string())) {
        problems.push(Problem::DuplicateMember { crew: label.clone(), agent, count });
    }
}

fn check_ends(crew: &CrewDraft, problems: &mut Vec<Problem>) {
    if crew.until.is_none() && !crew.pattern.has_own_end() {
        problems.push(Problem::NoEnd { crew: crew.label() });
    }
}

/// Handoffs lead to other members of the agent's own crew.
fn check_handoffs(agent: &AgentBuilder, crews: &[CrewDraft], problems: &mut Vec<Problem>) {
    let crew = crews.iter().find(|crew| crew.members.iter().any(|member| member.0 == agent.name));
    for to in &agent.handoffs {
        let name = agent.name.to_string();
        let is_member = crew.is_some_and(|crew| crew.members.iter().any(|member| *member.0 == **to));
        if !is_member || *to == name {
            problems.push(Problem::HandoffToNobody { agent: name, to: to.clone() });
        } else if ToolName::new(&format!("{HANDOFF_PREFIX}{to}")).is_err() {
            problems.push(Problem::HandoffName { agent: name, to: to.clone() });
        }
    }
}
