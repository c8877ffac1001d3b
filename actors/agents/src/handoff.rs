//! Handoffs: a tool that gives the floor to another agent instead of a call.

use std::sync::Arc;
use std::time::Duration;

use playhouse_tools::Declaration;
use playhouse_types::{AgentName, Effect, ToolName, ToolSpec};
use serde::Deserialize;

use crate::AgentDefinition;

/// What the names of handoffs begin with; the agent's name follows.
pub const HANDOFF_PREFIX: &str = "transfer_to_";

const SCHEMA: &str = r#"{"additionalProperties":false,"properties":{"reason":{"description":"Why, and what the other has to know.","type":"string"}},"type":"object"}"#;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Handoff {
    #[serde(default)]
    reason: String,
}

/// Returns what an agent that may hand over to `target` declares to its model.
#[must_use]
pub fn handoff_spec(target: &AgentName) -> Arc<ToolSpec> {
    let declaration = Declaration {
        name: "transfer",
        description: "",
        effect: Effect::Pure,
        timeout: Duration::from_secs(1),
        ..Declaration::DEFAULT
    };
    let mut spec = declaration.spec_with_schema(SCHEMA.to_owned());
    if let Ok(name) = ToolName::new(&format!("{HANDOFF_PREFIX}{target}")) {
        spec.name = name;
    }
    spec.description =
        format!("Gives the floor to `{target}`, who goes on from here. Your turn is over then.");
    Arc::new(spec)
}

/// Returns the agent that a tool of this name hands over to; `None` if it is no handoff.
pub(crate) fn target(tool: &str) -> Option<AgentName> {
    AgentName::new(tool.strip_prefix(HANDOFF_PREFIX)?).ok()
}

/// Checks a handoff of `agent`; the error tells the model what is wrong.
pub(crate) fn check(agent: &AgentDefinition, tool: &str, arguments: &str) -> Result<AgentName, String> {
    let known = || agent.handoffs.iter().map(|name| format!("`{HANDOFF_PREFIX}{name}`")).collect::<Vec<_>>();
    let to = target(tool).filter(|to| agent.handoffs.contains(to));
    let to = to.ok_or_else(|| format!("there is no handoff `{tool}`; there are {}", known().join(", ")))?;
    read(arguments).map_err(|error| format!("`{tool}` takes `{{\"reason\": \"...\"}}`: {error}"))?;
    Ok(to)
}

/// Returns what is said with a handoff.
pub(crate) fn words(to: &AgentName, content: &str, arguments: &str) -> String {
    if !content.trim().is_empty() {
        return content.to_owned();
    }
    let reason = read(arguments).unwrap_or_default().reason;
    if reason.trim().is_empty() { format!("Over to {to}.") } else { format!("Over to {to}: {reason}") }
}

fn read(arguments: &str) -> Result<Handoff, serde_json::Error> {
    // Some models call a tool without parameters with no text at all.
    if arguments.trim().is_empty() { Ok(Handoff::default()) } else { serde_json::from_str(arguments) }
}

#[cfg(test)]
mod tests {
    use super::{check, handoff_spec, target, words};
    use crate::AgentDefinition;
    use playhouse_types::AgentName;

    fn name(text: &str) -> AgentName {
        AgentName::new(text).unwrap()
    }

    #[test]
    fn a_handoff_is_a_tool_named_after_its_target() {
        assert_eq!(handoff_spec(&name("refunds")).name.as_str(), "transfer_to_refunds");
        assert_eq!(target("transfer_to_refunds"), Some(name("refunds")));
        assert_eq!(target("refunds"), None);
        assert_eq!(target("transfer_to_"), None);
    }

    #[test]
    fn only_a_declared_handoff_with_good_arguments_passes() {
        let agent =
            AgentDefinition { handoffs: vec![name("refunds")], ..AgentDefinition::new(name("triage")) };
        assert_eq!(check(&agent, "transfer_to_refunds", r#"{"reason": "money"}"#), Ok(name("refunds")));
        assert_eq!(check(&agent, "transfer_to_refunds", ""), Ok(name("refunds")));
        assert!(check(&agent, "transfer_to_sales", "{}").unwrap_err().contains("`transfer_to_refunds`"));
        assert!(check(&agent, "transfer_to_refunds", r#"{"to": "x"}"#).is_err());
    }

    #[test]
    fn something_is_always_said() {
        let to = name("refunds");
        assert_eq!(words(&to, "I pass you on.", "{}"), "I pass you on.");
        assert_eq!(words(&to, " ", r#"{"reason": "money"}"#), "Over to refunds: money");
        assert_eq!(words(&to, "", ""), "Over to refunds.");
    }
}
