//! What is wrong with a list of tasks, found when the scenario is built.

use std::collections::BTreeSet;

use playhouse_types::{AgentName, ToolName};

use super::{OnUnfit, Task};

/// Returns everything that is wrong with tasks for a crew of these members.
pub(super) fn faults(tasks: &[Task], members: &[AgentName]) -> Vec<String> {
    if tasks.is_empty() {
        return vec!["there are no tasks".to_owned()];
    }
    let mut faults = Vec::new();
    let mut earlier = BTreeSet::from([Task::INPUT]);
    for task in tasks {
        let own = own_faults(task, members).into_iter().chain(context_faults(task, tasks, &earlier));
        faults.extend(own.map(|fault| format!("task `{}` {fault}", task.name)));
        if !earlier.insert(&task.name) {
            faults.push(match task.name.as_str() {
                Task::INPUT => "a task cannot be named `input`: that is what the crew is asked".to_owned(),
                name => format!("there are several tasks named `{name}`"),
            });
        }
    }
    faults
}

fn own_faults(task: &Task, members: &[AgentName]) -> Vec<String> {
    let mut faults = Vec::new();
    if task.name.trim().is_empty() {
        faults.push("has no name".to_owned());
    }
    if task.description.trim().is_empty() {
        faults.push("does not say what is to be done".to_owned());
    }
    match &task.agent {
        None => faults.push("does not say who does it".to_owned()),
        Some(agent) if !members.contains(agent) => {
            faults.push(format!("is given to `{agent}`, who is not in the crew"));
        }
        Some(_) => {}
    }
    match &task.on_unfit {
        OnUnfit::FallbackAgent(agent) if !members.contains(agent) => {
            faults.push(format!("falls back on `{agent}`, who is not in the crew"));
        }
        OnUnfit::FallbackAgent(agent) if task.agent.as_ref() == Some(agent) => {
            faults.push(format!("falls back on `{agent}`, whose task it is"));
        }
        _ => {}
    }
    if let Some(Err(error)) = task.schema.as_deref().map(playhouse_tools::check_schema) {
        faults.push(format!("asks for an output that cannot be checked: {error}"));
    }
    if let Some(guardrail) = task.guardrails.first().filter(|_| task.retries == 0) {
        let name = &guardrail.name;
        faults.push(format!("has guardrail `{name}` and no retries: what it says would reach nobody"));
    }
    let mut names = BTreeSet::new();
    let twice = task.guardrails.iter().find(|guardrail| !names.insert(&guardrail.name));
    faults.extend(twice.map(|guardrail| format!("has several guardrails named `{}`", guardrail.name)));
    let tools = task.tools.iter().flatten().filter_map(|tool| ToolName::new(tool).err());
    faults.extend(tools.map(|error| format!("lists a tool that is none: {error}")));
    faults
}

fn context_faults(task: &Task, tasks: &[Task], earlier: &BTreeSet<&str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let names = task.sees().filter_map(|name| match name {
        _ if !seen.insert(name) => Some(format!("lists `{name}` twice in its context")),
        _ if earlier.contains(name) => None,
        _ if name == task.name => Some("lists itself in its context".to_owned()),
        _ if tasks.iter().any(|other| other.name == name) => {
            Some(format!("lists `{name}` in its context, a task that comes later"))
        }
        _ => Some(format!("lists `{name}` in its context, and there is no such task")),
    });
    names.collect()
}
