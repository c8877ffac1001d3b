//! Agents that others call as tools: to which crew they belong, and that nobody waits for itself.

use super::agent::{AgentBuilder, AgentId};
use super::crew::CrewDraft;
use super::crews::member_names;
use super::error::Problem;

/// Gives agents the colleagues that the patterns of their crews name.
pub(super) fn take_from_patterns(crews: &[CrewDraft], agents: &mut [AgentBuilder]) {
    for crew in crews {
        for (caller, called) in crew.pattern.colleagues(&member_names(crew)) {
            let Some(agent) = agents.iter_mut().find(|agent| *agent.name == *caller.as_str()) else {
                continue;
            };
            if !agent.colleagues.iter().any(|known| *known.0 == *called.as_str()) {
                agent.colleagues.push(AgentId(called.as_str().into()));
            }
        }
    }
}

/// Returns those who work for a crew besides its members, in the order in which they are named: whom its pattern asks, and
/// the colleagues of all these and of the members.
pub(super) fn staff(crew: &CrewDraft, agents: &[AgentBuilder]) -> Vec<String> {
    let members: Vec<String> = crew.members.iter().map(|member| member.0.to_string()).collect();
    let mut all = members.clone();
    all.extend(crew.pattern.staff().iter().map(ToString::to_string).filter(|name| !members.contains(name)));
    let mut next = 0;
    while let Some(name) = all.get(next).cloned() {
        let found = colleagues_of(&name, agents);
        for colleague in found {
            if !all.contains(&colleague) {
                all.push(colleague);
            }
        }
        next += 1;
    }
    all.split_off(members.len())
}

/// Checks that nobody is its own colleague: it would wait for itself. A crew that is called is waited for by way of its
/// members, so those count as its colleagues.
pub(super) fn check(crews: &[CrewDraft], agents: &[AgentBuilder], problems: &mut Vec<Problem>) {
    for agent in agents {
        let name = agent.name.to_string();
        if let Some(way) = way_back(&name, &name, &mut Vec::new(), &|name| next_of(name, crews, agents)) {
            let way: Vec<String> = way.iter().map(|name| format!("`{name}`")).collect();
            problems.push(Problem::ColleaguesInACircle { agent: name, way: way.join(", ") });
            // The others of the circle would only say it again.
            return;
        }
    }
}

fn colleagues_of(name: &str, agents: &[AgentBuilder]) -> Vec<String> {
    let agent = agents.iter().find(|agent| *agent.name == *name);
    agent.iter().flat_map(|agent| &agent.colleagues).map(|colleague| colleague.0.to_string()).collect()
}

fn next_of(name: &str, crews: &[CrewDraft], agents: &[AgentBuilder]) -> Vec<String> {
    let crew = crews.iter().find(|crew| crew.name.as_deref() == Some(name));
    let mut next = colleagues_of(name, agents);
    next.extend(crew.iter().flat_map(|crew| &crew.members).map(|member| member.0.to_string()));
    next
}

/// Returns the way from `from` back to `to`, if there is one; `seen` are those who lead nowhere.
fn way_back(
    from: &str,
    to: &str,
    seen: &mut Vec<String>,
    next: &impl Fn(&str) -> Vec<String>,
) -> Option<Vec<String>> {
    for name in next(from) {
        if name == to {
            return Some(vec![name]);
        }
        if !seen.contains(&name) {
            seen.push(name.clone());
            if let Some(mut way) = way_back(&name, to, seen, next) {
                way.insert(0, name);
                return Some(way);
            }
        }
    }
    None
}
