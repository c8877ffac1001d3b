//! Which calls may run, which a person has to approve, which may not run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use playhouse_types::{AgentName, Label, OnExpiry, ToolSpec};

/// What policy says about a tool call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Gate {
    /// It may run.
    Auto,
    /// A person has to approve it first.
    Approve {
        /// Why, for the person.
        reason: String,
        /// How long to wait for an answer; `None` for ever.
        within: Option<Duration>,
        /// What happens then.
        on_expiry: OnExpiry,
    },
    /// It may not run.
    Deny {
        /// Why, for the agent.
        reason: String,
    },
}

impl Gate {
    /// Asks a person, and waits for ever.
    #[must_use]
    pub fn approve(reason: impl Into<String>) -> Self {
        Self::Approve { reason: reason.into(), within: None, on_expiry: OnExpiry::Deny }
    }

    /// Asks a person; without an answer within `within` the call is denied.
    #[must_use]
    pub fn approve_within(reason: impl Into<String>, within: Duration) -> Self {
        Self::Approve { reason: reason.into(), within: Some(within), on_expiry: OnExpiry::Deny }
    }

    /// Refuses the call.
    #[must_use]
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::Deny { reason: reason.into() }
    }
}

/// A call that policy is asked about.
#[derive(Clone, Copy, Debug)]
pub struct GateQuery<'a> {
    /// Who calls.
    pub agent: &'a AgentName,
    /// What the tool declares.
    pub tool: &'a ToolSpec,
    /// The canonical arguments as JSON text.
    pub arguments: &'a str,
    /// How far the content that led to the call can be trusted.
    pub label: Label,
}

impl GateQuery<'_> {
    /// Returns how sure the agent is: the number named `confidence` in the arguments, 0 to 1; 0 if there is none.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        let stated = self.argument("confidence").and_then(|value| value.as_f64());
        stated.filter(|value| (0.0..=1.0).contains(value)).unwrap_or(0.0)
    }

    /// Returns one argument.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<serde_json::Value> {
        // Canonical arguments are a JSON object by construction; anything else has no fields.
        serde_json::from_str::<serde_json::Value>(self.arguments).ok()?.get_mut(name).map(std::mem::take)
    }
}

/// A policy's function.
type Decide = Arc<dyn Fn(&GateQuery<'_>) -> Gate + Send + Sync>;

/// What may run without a person: a pure function. Tools that declare `approval = "required"` are asked about whatever
/// the function says, unless it denies them.
#[derive(Clone, Default)]
pub struct ReviewPolicy(Option<Decide>);

impl ReviewPolicy {
    /// Makes a policy; `decide` must depend on its query only.
    #[must_use]
    pub fn new(decide: impl Fn(&GateQuery<'_>) -> Gate + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(decide)))
    }

    /// Says what becomes of a call.
    #[must_use]
    pub fn gate(&self, query: &GateQuery<'_>) -> Gate {
        match self.0.as_ref().map_or(Gate::Auto, |decide| decide(query)) {
            Gate::Auto if query.tool.approval => {
                Gate::approve(format!("`{}` needs the approval of a person", query.tool.name))
            }
            gate => gate,
        }
    }
}

impl fmt::Debug for ReviewPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReviewPolicy").field("has_function", &self.0.is_some()).finish()
    }
}

/// Returns what an answer is bound to: BLAKE3 over the tool's definition and the arguments, each after its length in
/// bytes as 64 bits little endian.
#[must_use]
pub fn subject_hash(tool: &ToolSpec, arguments: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let effect = format!("{:?}", tool.effect);
    for part in [
        "playhouse review subject 1",
        tool.name.as_str(),
        &tool.description,
        &tool.schema,
        &effect,
        arguments,
    ] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    *hasher.finalize().as_bytes()
}
