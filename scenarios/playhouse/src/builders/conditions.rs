//! The checks of the conditions of a crew.

use std::collections::BTreeSet;
use std::time::Duration;

use playhouse_agents::ASK_PERSON;
use playhouse_coordinator::{Condition, MessageTest};

use super::agent::AgentBuilder;
use super::crew::CrewDraft;
use super::error::Problem;
use super::tool_list::ListedTools;

/// Checks what a crew's conditions name, and that none of them is met before anything has happened.
pub(super) fn check_conditions(crew: &CrewDraft, agents: &[AgentBuilder], problems: &mut Vec<Problem>) {
    let members: BTreeSet<&str> = crew.members.iter().map(|member| member.0.as_ref()).collect();
    let tools = listed_tools(agents);
    let mut tests: Vec<&MessageTest> = Vec::new();
    for (place, condition) in [("until", &crew.until), ("limit", &crew.limit)] {
        for part in condition.iter().flat_map(Condition::parts) {
            let written = written(part);
            if is_met_at_once(part) {
                problems.push(Problem::MetAtOnce { place, condition: written.clone() });
            }
            if let Some(agent) = agent_of(part).filter(|agent| !members.contains(agent)) {
                let agent = agent.to_owned();
                problems.push(Problem::ConditionOnStranger { place, condition: written.clone(), agent });
            }
            match part {
                Condition::Called(tool) if !tools.contains(tool) => {
                    problems.push(Problem::ConditionOnNoTool {
                        place,
                        condition: written,
                        tool: tool.clone(),
                    });
                }
                Condition::External(name) if name.is_empty() => {
                    problems.push(Problem::NamelessCondition { place, condition: written });
                }
                Condition::When(test) if test.name().is_empty() => {
                    problems.push(Problem::NamelessCondition { place, condition: written });
                }
                Condition::When(test) if tests.iter().any(|known| *known == test && !known.is_same(test)) => {
                    problems.push(Problem::TwoFunctions { place, name: test.name().to_owned() });
                }
                Condition::When(test) => tests.push(test),
                _ => {}
            }
        }
    }
}

/// Returns the names of all tools that agents may call.
fn listed_tools(agents: &[AgentBuilder]) -> BTreeSet<String> {
    let listed = agents.iter().flat_map(|agent| &agent.tools).flat_map(ListedTools::specs);
    let asks = agents.iter().any(|agent| agent.may_ask).then(|| ASK_PERSON.to_owned());
    listed.map(|spec| spec.name.to_string()).chain(asks).collect()
}

fn agent_of(part: &Condition) -> Option<&str> {
    match part {
        Condition::SaysBy { agent, .. } | Condition::Spoken(agent) | Condition::HandedOff(agent) => {
            Some(agent)
        }
        _ => None,
    }
}

fn is_met_at_once(part: &Condition) -> bool {
    match part {
        Condition::Says(text) | Condition::SaysWord(text) | Condition::SaysBy { text, .. } => text.is_empty(),
        Condition::Turns(count)
        | Condition::Messages(count)
        | Condition::NoProgress(count)
        | Condition::RepeatedCalls(count)
        | Condition::Silence(count) => *count == 0,
        Condition::Tokens(count) | Condition::CostMicrousd(count) => *count == 0,
        Condition::Active(duration) | Condition::SilentFor(duration) => duration.is_zero(),
        _ => false,
    }
}

/// Returns a condition as it is written in a scenario.
fn written(part: &Condition) -> String {
    let duration =
        |duration: &Duration| if duration.is_zero() { "0".to_owned() } else { format!("{duration:?}") };
    match part {
        Condition::Says(text) => format!("says({text:?})"),
        Condition::SaysWord(text) => format!("says_word({text:?})"),
        Condition::SaysBy { agent, text } => format!("says_by({agent:?}, {text:?})"),
        Condition::Spoken(agent) => format!("spoken({agent:?})"),
        Condition::HandedOff(to) => format!("handoff({to:?})"),
        Condition::Called(tool) => format!("called({tool:?})"),
        Condition::When(test) => format!("when({:?}, ..)", test.name()),
        Condition::External(name) => format!("external({name:?})"),
        Condition::Turns(count) => format!("turns({count})"),
        Condition::Messages(count) => format!("messages({count})"),
        Condition::Tokens(count) => format!("tokens({count})"),
        Condition::CostMicrousd(amount) => format!("cost_microusd({amount})"),
        Condition::NoProgress(count) => format!("no_progress({count})"),
        Condition::RepeatedCalls(count) => format!("repeated_calls({count})"),
        Condition::Silence(count) => format!("silence({count})"),
        Condition::Active(time) => format!("active_for({})", duration(time)),
        Condition::SilentFor(time) => format!("silent_for({})", duration(time)),
        Condition::Deadline(_) => "deadline(..)".to_owned(),
        Condition::All(_) => "..and(..)".to_owned(),
        Condition::Any(_) => "..or(..)".to_owned(),
    }
}
