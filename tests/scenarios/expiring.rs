//! A call that needs an approval which nobody can give in time.

use playhouse::prelude::*;

/// Opens the door.
#[tool(effect = "once", timeout = "5s")]
async fn open_door(ctx: &ToolContext) -> Result<String, ToolError> {
    std::fs::write(ctx.data_dir.join("door"), "open")?;
    Ok("open".to_owned())
}

/// Says what became of the call.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("expiring")
        .about("Asks to open a door")
        .default_input("Open.")
        .review(|_: &GateQuery<'_>| Gate::approve_within("doors are closed at night", milliseconds(1)));
    let porter = scenario.agent("porter", |agent| {
        agent.tool(open_door).script(|request: &ModelRequest, _: &ScriptContext| {
            match request.exchanges().first().and_then(|exchange| exchange.calls.first()) {
                None => ScriptReply::call("open_door", &serde_json::json!({})),
                Some(call) => ScriptReply::say(format!("failed: {} DONE", call.failed)),
            }
        })
    });
    scenario.crew(RoundRobin::new(), [&porter]).until(says("DONE"));
    scenario.build()
}
