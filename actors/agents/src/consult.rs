//! Colleagues as tools: a call that is a turn of another agent, or of a crew, instead of a run of code.

use std::sync::Arc;
use std::time::Duration;

use playhouse_journal::Event;
use playhouse_tools::Declaration;
use playhouse_types::{
    AgentName, CallId, Effect, ToolFailure, ToolFailureKind, ToolName, ToolSpec, TurnOutcome,
};
use serde::Deserialize;

use crate::AgentDefinition;

/// What the names of these tools begin with; the colleague's name follows.
pub const CONSULT_PREFIX: &str = "ask_";

const SCHEMA: &str = r#"{"additionalProperties":false,"properties":{"task":{"description":"What it is to do or to tell, with all it needs to know: it sees nothing else of this conversation.","minLength":1,"type":"string"}},"required":["task"],"type":"object"}"#;

/// What a colleague came to: its answer, or why there is none.
pub type Consulted = Result<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    task: String,
}

/// Returns what an agent that may consult `colleague` declares to its model.
#[must_use]
pub fn consult_spec(colleague: &AgentName) -> Arc<ToolSpec> {
    let declaration = Declaration {
        name: "ask",
        description: "",
        effect: Effect::Pure,
        timeout: Duration::from_secs(1),
        ..Declaration::DEFAULT
    };
    let mut spec = declaration.spec_with_schema(SCHEMA.to_owned());
    if let Ok(name) = ToolName::new(&format!("{CONSULT_PREFIX}{colleague}")) {
        spec.name = name;
    }
    spec.description = format!("Gives `{colleague}` a task and returns what it came to.");
    Arc::new(spec)
}

/// Returns the colleague that a tool of this name consults, if it is one of the agent's.
pub(crate) fn colleague(agent: &AgentDefinition, tool: &str) -> Option<AgentName> {
    let name = AgentName::new(tool.strip_prefix(CONSULT_PREFIX)?).ok()?;
    agent.colleagues.contains(&name).then_some(name)
}

/// Returns what a call to a colleague puts on record: its task, or that its arguments are wrong.
pub(crate) fn ask(call: CallId, whom: AgentName, arguments: &str) -> Event {
    let task = serde_json::from_str::<Task>(arguments).map(|task| task.task);
    let detail = match task {
        Ok(task) if !task.trim().is_empty() => return Event::Consulted { call, whom, task },
        Ok(_) => "the task is empty".to_owned(),
        Err(error) => format!("`{CONSULT_PREFIX}{whom}` takes `{{\"task\": \"...\"}}`: {error}"),
    };
    Event::ToolFailed { call, failure: ToolFailure { kind: ToolFailureKind::InvalidArguments, detail } }
}

/// Returns what a call to a colleague ends with.
pub(crate) fn end(call: CallId, consulted: &Consulted) -> Event {
    match consulted {
        Ok(answer) => Event::ToolResult {
            call,
            output: answer.clone(),
            full_bytes: None,
            recovered: false,
            duration_micros: 0,
        },
        Err(detail) => Event::ToolFailed {
            call,
            failure: ToolFailure { kind: ToolFailureKind::NoAnswer, detail: detail.clone() },
        },
    }
}

/// Returns what the end of a colleague's turn tells whoever asked.
pub(crate) fn outcome(whom: &AgentName, outcome: &TurnOutcome) -> Consulted {
    let why = match outcome {
        TurnOutcome::Answered { content } => return Ok(content.clone()),
        TurnOutcome::Limited { limit } => format!("it reached a limit: {limit}"),
        TurnOutcome::ModelFailed { detail } => format!("its model failed: {detail}"),
        TurnOutcome::Unfit { detail } => format!("no reply of it fitted: {detail}"),
        TurnOutcome::Skipped { reason } => reason.clone(),
        TurnOutcome::HandedOff { to } => format!("it passed on to `{to}`"),
        TurnOutcome::Cancelled => "it was cancelled".to_owned(),
        TurnOutcome::Replied => "it said something to others".to_owned(),
    };
    Err(format!("`{whom}` gave no answer: {why}"))
}

#[cfg(test)]
mod tests {
    use super::{ask, colleague, consult_spec, outcome};
    use crate::AgentDefinition;
    use playhouse_journal::Event;
    use playhouse_types::{AgentName, CallId, Step, TurnId, TurnOutcome};

    fn name(text: &str) -> AgentName {
        AgentName::new(text).unwrap()
    }

    #[test]
    fn a_colleague_is_a_tool_named_after_it() {
        let agent = AgentDefinition { colleagues: vec![name("lab")], ..AgentDefinition::new(name("lead")) };
        assert_eq!(consult_spec(&name("lab")).name.as_str(), "ask_lab");
        assert_eq!(colleague(&agent, "ask_lab"), Some(name("lab")));
        assert_eq!(colleague(&agent, "ask_lead"), None);
        assert_eq!(colleague(&agent, "lab"), None);
    }

    #[test]
    fn a_task_is_a_text_that_says_something() {
        let call = CallId { turn: TurnId(1), step: Step(1), ordinal: 0 };
        let asked = ask(call, name("lab"), r#"{"task": "Weigh it."}"#);
        assert_eq!(asked, Event::Consulted { call, whom: name("lab"), task: "Weigh it.".to_owned() });
        for bad in [r#"{"task": " "}"#, "{}", "Weigh it.", r#"{"task": "a", "more": 1}"#] {
            assert!(matches!(ask(call, name("lab"), bad), Event::ToolFailed { .. }), "{bad}");
        }
    }

    #[test]
    fn only_an_answer_is_an_answer() {
        let lab = name("lab");
        assert_eq!(outcome(&lab, &TurnOutcome::Answered { content: "3 g".to_owned() }), Ok("3 g".to_owned()));
        let skipped = TurnOutcome::Skipped { reason: "it crashed".to_owned() };
        assert_eq!(outcome(&lab, &skipped), Err("`lab` gave no answer: it crashed".to_owned()));
    }
}
