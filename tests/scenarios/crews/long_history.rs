//! Two agents with a long conversation, who pay an invoice every fiftieth turn.

use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::{Desk, call};

/// How long it is.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Settings {
    /// How many turns there are.
    n_turns: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { n_turns: 300 }
    }
}

fn speak(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    if request.turn.0.is_multiple_of(50) && request.exchanges().is_empty() {
        return call("pay_invoice", &format!("invoice {}", request.turn));
    }
    ScriptReply::say(format!(
        "{} in turn {}, having read {}.",
        request.agent,
        request.turn,
        request.transcript.len()
    ))
}

/// Ends after its turns.
pub(crate) fn scenario(Settings { n_turns }: Settings) -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("long-history").about("Talks for long").default_input("Go on.");
    let desk = scenario.tools(Desk::open);
    let agents = ["ann", "ben"].map(|name| scenario.agent(name, |agent| agent.tools(&desk).script(speak)));
    scenario.crew(RoundRobin::new(), &agents).until(turns(n_turns)).limit(turns(n_turns.saturating_add(1)));
    scenario.build()
}
