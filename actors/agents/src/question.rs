//! Questions to a person: a tool that is a review instead of a call.

use std::sync::Arc;
use std::time::Duration;

use playhouse_tools::Declaration;
use playhouse_types::{Effect, ToolSpec};
use serde::Deserialize;

use crate::{AgentDefinition, consult_spec, handoff_spec};

/// What an agent that may ask declares to its model.
const DECLARATION: Declaration = Declaration {
    name: "ask_person",
    description: "Asks a person a question and waits for the answer, which may take long. Ask only what nothing else can tell.",
    effect: Effect::Pure,
    timeout: Duration::from_secs(1),
    ..Declaration::DEFAULT
};

const SCHEMA: &str = r#"{"additionalProperties":false,"properties":{"question":{"description":"What you want to know, with all that the person needs to answer.","minLength":1,"type":"string"}},"required":["question"],"type":"object"}"#;

/// The name under which an agent asks a person.
pub const ASK_PERSON: &str = DECLARATION.name;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    question: String,
}

/// Returns what the question tool declares.
#[must_use]
pub fn question_spec() -> Arc<ToolSpec> {
    Arc::new(DECLARATION.spec_with_schema(SCHEMA.to_owned()))
}

/// Returns the tools that an agent has besides those of its scenario: questions to a person, handoffs, colleagues.
pub fn own_specs(agent: &AgentDefinition) -> impl Iterator<Item = Arc<ToolSpec>> {
    let asks = agent.may_ask.then(question_spec);
    let handoffs = agent.handoffs.iter().map(handoff_spec);
    asks.into_iter().chain(handoffs).chain(agent.colleagues.iter().map(consult_spec))
}

/// Reads the question of a call; the error tells the model what is wrong.
pub(crate) fn read(arguments: &str) -> Result<String, String> {
    let question = serde_json::from_str::<Question>(arguments).map(|question| question.question);
    match question {
        Ok(question) if question.trim().is_empty() => Err("the question is empty".to_owned()),
        Ok(question) => Ok(question),
        Err(error) => Err(format!("`{ASK_PERSON}` takes `{{\"question\": \"...\"}}`: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_question_is_a_text_that_says_something() {
        assert_eq!(read(r#"{"question": "Who?"}"#).as_deref(), Ok("Who?"));
        for bad in [r#"{"question": " "}"#, "{}", "Who?", r#"{"question": "a", "more": 1}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
