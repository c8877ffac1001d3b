//! An agent that crashes whenever it takes its first turn, until the cause is mended.

use playhouse::Backoff;
use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Set to anything once the cause is mended.
const MENDED: &str = "PLAYHOUSE_TESTS_MENDED";

#[derive(Serialize, Deserialize, JsonSchema)]
struct Step {
    /// The number of the turn.
    turn: u32,
}

/// Takes a step.
#[tool(effect = "pure", timeout = "5s")]
async fn step(args: Step) -> Result<u32, ToolError> {
    Ok(args.turn)
}

/// Policy is asked by the agent itself, so this is a crash of the agent.
fn stumble(query: &GateQuery<'_>) -> Gate {
    if query.arguments.contains('1') && std::env::var_os(MENDED).is_none() {
        panic!("stumbles");
    }
    Gate::Auto
}

/// Ends in its second turn, whatever became of the first.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario =
        Scenario::builder("crashing").about("Stumbles at the start").default_input("Walk.").review(stumble);
    let walker = scenario.agent("walker", |agent| {
        let restart = Restart::transient().max(2, seconds(60));
        let backoff = Backoff { first: Duration::ZERO, max: Duration::ZERO, jitter: 0.0 };
        agent.tool(step).restart(restart.backoff(backoff)).script(
            |request: &ModelRequest, _: &ScriptContext| match request.exchanges() {
                [] => ScriptReply::call("step", &Step { turn: request.turn.0 }),
                _ if request.turn.0 == 1 => ScriptReply::say("The first step is taken."),
                _ => ScriptReply::say("DONE"),
            },
        )
    });
    scenario.crew(RoundRobin::new(), [&walker]).until(says("DONE"));
    scenario.build()
}
