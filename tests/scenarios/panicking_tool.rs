//! A tool that panics: the agent is told.

use playhouse::prelude::*;

/// Divides by nothing.
#[tool(effect = "pure", timeout = "5s")]
async fn divide() -> Result<u32, ToolError> {
    panic!("divided by nothing")
}

/// Says what became of the call.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario =
        Scenario::builder("panicking-tool").about("Calls a tool that panics").default_input("Divide.");
    let clerk = scenario.agent("clerk", |agent| {
        agent.tool(divide).script(|request: &ModelRequest, _: &ScriptContext| {
            match request.exchanges().first().and_then(|exchange| exchange.calls.first()) {
                None => ScriptReply::call("divide", &serde_json::json!({})),
                Some(call) => ScriptReply::say(format!("failed: {}: {} DONE", call.failed, call.answer)),
            }
        })
    });
    scenario.crew(RoundRobin::new(), [&clerk]).until(says("DONE"));
    scenario.build()
}
