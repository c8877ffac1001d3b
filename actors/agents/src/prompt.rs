//! The instructions that a model gets.

use std::fmt::Write;
use std::sync::Arc;

use playhouse_messages::RequestHeader;
use playhouse_types::{AgentName, ModelName, ToolSpec};

use crate::AgentDefinition;

/// Makes the part of an agent's requests that stays the same throughout a run.
#[must_use]
pub fn request_header(
    agent: &AgentDefinition,
    model: ModelName,
    participants: &[AgentName],
    tools: Vec<Arc<ToolSpec>>,
) -> RequestHeader {
    RequestHeader {
        model,
        system: system_text(agent, participants),
        tools,
        max_output_tokens: agent.max_output_tokens,
        temperature: agent.temperature,
    }
}

fn system_text(agent: &AgentDefinition, participants: &[AgentName]) -> String {
    let mut text = match &agent.role {
        Some(role) => format!("You are `{}`: {role}.", agent.name),
        None => format!("You are `{}`.", agent.name),
    };
    let others: Vec<String> =
        participants.iter().filter(|name| **name != agent.name).map(|name| format!("`{name}`")).collect();
    // Writing to a string cannot fail.
    if !others.is_empty() {
        let _ = write!(
            text,
            "\nYou talk with {}. Their messages begin with their name; yours must not.",
            others.join(", ")
        );
    }
    if let Some(goal) = &agent.goal {
        let _ = write!(text, "\nYour goal: {goal}.");
    }
    if let Some(instructions) = &agent.instructions {
        let _ = write!(text, "\n{instructions}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::request_header;
    use crate::AgentDefinition;
    use playhouse_types::{AgentName, ModelName};

    #[test]
    fn the_instructions_name_role_goal_and_the_others() {
        let [clerk, cashier] = ["clerk", "cashier"].map(|name| AgentName::new(name).unwrap());
        let mut agent = AgentDefinition::new(clerk.clone());
        agent.role = Some("accounts clerk".to_owned());
        agent.goal = Some("extract the figures".to_owned());
        agent.instructions = Some("Read every document.".to_owned());
        let header = request_header(&agent, ModelName::new("m"), &[clerk, cashier], Vec::new());
        assert_eq!(
            header.system,
            "You are `clerk`: accounts clerk.\n\
             You talk with `cashier`. Their messages begin with their name; yours must not.\n\
             Your goal: extract the figures.\n\
             Read every document."
        );
    }
}
