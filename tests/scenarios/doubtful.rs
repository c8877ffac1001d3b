//! A call that may be made once, and that nobody knows the end of.

use std::io::Write;

use playhouse::prelude::*;

/// Rings the bell, and fails before it can tell.
#[tool(effect = "once", timeout = "5s")]
async fn ring_bell(ctx: &ToolContext) -> Result<String, ToolError> {
    let mut bell = std::fs::OpenOptions::new().create(true).append(true).open(ctx.data_dir.join("bell"))?;
    bell.write_all(b"ding\n")?;
    panic!("the rope tears")
}

/// Rests until a person says what became of the bell.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("doubtful").about("Rings a bell").default_input("Ring.");
    let ringer = scenario.agent("ringer", |agent| {
        agent.tool(ring_bell).script(|request: &ModelRequest, _: &ScriptContext| {
            if request.exchanges().is_empty() {
                ScriptReply::call("ring_bell", &serde_json::json!({}))
            } else {
                ScriptReply::say("DONE")
            }
        })
    });
    scenario.crew(RoundRobin::new(), [&ringer]).until(says("DONE"));
    scenario.build()
}
