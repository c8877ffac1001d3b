//! One agent with a tool and without a script: what a model says decides everything.

use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of a few types.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Settings {
    /// How many turns there may be.
    max_turns: u32,
    /// Whether the agent is in a hurry.
    hurried: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_turns: 4, hurried: false }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Echo {
    /// What to say again.
    text: String,
}

/// Says a text again.
#[tool(effect = "pure", timeout = "5s")]
async fn echo(args: Echo) -> Result<String, ToolError> {
    Ok(args.text)
}

/// Ends when the agent says DONE.
pub(crate) fn scenario(
    Settings { max_turns, hurried }: Settings,
) -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("asker").about("Asks a model").default_input("Go on.");
    let goal = if hurried { "Be quick" } else { "Take your time" };
    let asker = scenario.agent("asker", |agent| agent.goal(goal).tool(echo));
    scenario.crew(RoundRobin::new(), [&asker]).until(says("DONE")).limit(turns(max_turns));
    scenario.build()
}
