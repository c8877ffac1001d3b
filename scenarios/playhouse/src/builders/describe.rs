//! The description of a scenario that its hash is made of.

use playhouse_agents::{AgentDefinition, Memory};
use playhouse_types::ScenarioName;
use serde_json::json;

use super::crew::CrewDraft;
use crate::definition::ToolSource;

/// Returns BLAKE3 of what a resumed run should find unchanged: names, instructions, tools and conditions.
///
/// Code (scripts, tool bodies, result functions) has no description: a change there does not show.
pub(super) fn hash(
    name: &ScenarioName,
    agents: &[AgentDefinition],
    tools: &[ToolSource],
    crews: &[CrewDraft],
) -> [u8; 32] {
    let agents: Vec<_> = agents.iter().map(describe_agent).collect();
    let tools: Vec<_> = tools.iter().flat_map(ToolSource::specs).collect();
    let description = json!({
        "name": name,
        "agents": agents,
        "tools": tools,
        "crews": crews.iter().map(describe_crew).collect::<Vec<_>>(),
    });
    // The keys of a JSON object are sorted: the text is the same in every process.
    *blake3::hash(description.to_string().as_bytes()).as_bytes()
}

fn describe_crew(crew: &CrewDraft) -> serde_json::Value {
    json!({
        "name": crew.name.as_deref(),
        "pattern": crew.pattern_name,
        "set_up": crew.pattern.describe(),
        "members": crew.members.iter().map(|member| member.0.as_ref()).collect::<Vec<_>>(),
        "until": crew.until,
        "limit": crew.limit,
    })
}

fn describe_agent(agent: &AgentDefinition) -> serde_json::Value {
    let mut description = json!({
        "name": agent.name,
        "role": agent.role,
        "goal": agent.goal,
        "instructions": agent.instructions,
        "tools": agent.tools,
        "model": agent.model,
        "temperature": agent.temperature,
        "max_output_tokens": agent.max_output_tokens,
        "max_steps": agent.max_steps,
        "may_ask": agent.may_ask,
        "handoffs": agent.handoffs,
        "colleagues": agent.colleagues,
        "output": agent.schema,
        "guardrails": agent.guardrails.len(),
    });
    // Only where it was chosen: nothing has changed for whom keeps all.
    if let Some(fields) = description.as_object_mut().filter(|_| agent.memory != Memory::whole()) {
        fields.insert("memory".to_owned(), json!(agent.memory));
    }
    description
}
