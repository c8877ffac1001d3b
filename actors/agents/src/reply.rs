//! Whether a reply may end a turn: it fits the schema that was asked for, and passes the guardrails.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use playhouse_tools::check_reply;
use playhouse_types::Brief;

use crate::AgentDefinition;

/// How many replies of one turn are rejected before it ends without one.
pub const MAX_REJECTIONS: usize = 3;

/// What a reply has to pass: a pure function that says what is wrong, in words for the model.
#[derive(Clone)]
pub struct Guardrail(Arc<Check>);

type Check = dyn Fn(&str) -> Result<(), String> + Send + Sync;

impl Guardrail {
    /// Makes a guardrail of a pure function. It is called again when a run is replayed.
    pub fn new(check: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }

    /// Says what is wrong with a reply. A guardrail that panics rejects it.
    ///
    /// # Errors
    /// What is wrong, for the model.
    pub fn check(&self, reply: &str) -> Result<(), String> {
        // Code of the scenario: whatever it does, the turn comes to a typed end.
        catch_unwind(AssertUnwindSafe(|| (self.0)(reply))).unwrap_or_else(|payload| {
            Err(format!("a guardrail panicked on the reply: {}", text_of(payload.as_ref())))
        })
    }
}

impl fmt::Debug for Guardrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guardrail")
    }
}

fn text_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)")
}

impl AgentDefinition {
    /// Says whether a reply may end a turn. A pure function: replay asks it again.
    ///
    /// # Errors
    /// What is wrong, for the model.
    pub fn check_reply(&self, brief: Option<&Brief>, reply: &str) -> Result<(), String> {
        let schema = brief.and_then(|brief| brief.schema.as_deref()).or(self.schema.as_deref());
        if let Some(schema) = schema {
            check_reply(schema, reply)?;
        }
        self.guardrails.iter().try_for_each(|guardrail| guardrail.check(reply))
    }
}

#[cfg(test)]
mod tests {
    use super::Guardrail;
    use crate::AgentDefinition;
    use playhouse_types::{AgentName, Brief};

    fn agent(guardrails: Vec<Guardrail>) -> AgentDefinition {
        AgentDefinition { guardrails, ..AgentDefinition::new(AgentName::new("clerk").unwrap()) }
    }

    #[test]
    fn what_the_brief_asks_for_goes_before_what_the_agent_always_does() {
        let agent = AgentDefinition { schema: Some(r#"{"type":"object"}"#.to_owned()), ..agent(Vec::new()) };
        assert!(agent.check_reply(None, "[1]").is_err());
        assert!(agent.check_reply(None, "{}").is_ok());
        let brief = Brief::new("").fitting(r#"{"type":"array"}"#);
        assert!(agent.check_reply(Some(&brief), "[1]").is_ok());
    }

    #[test]
    fn the_first_guardrail_that_fails_is_heard_and_one_that_panics_rejects() {
        let short = Guardrail::new(|reply| (reply.len() < 9).then_some(()).ok_or("too long".to_owned()));
        // Without the panic hook: a planned panic needs no backtrace.
        let broken = Guardrail::new(|_| std::panic::resume_unwind(Box::new("as planned")));
        let agent = agent(vec![short, broken]);
        assert_eq!(agent.check_reply(None, "far too long"), Err("too long".to_owned()));
        let error = agent.check_reply(None, "short").unwrap_err();
        assert_eq!(error, "a guardrail panicked on the reply: as planned");
    }
}
