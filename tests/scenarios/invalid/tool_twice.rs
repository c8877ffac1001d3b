//! A tool that is listed twice.

use playhouse::prelude::*;

/// Does nothing.
#[tool(effect = "pure")]
pub(super) async fn nothing() -> Result<(), ToolError> {
    Ok(())
}

pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("tool-twice");
    let speaker = scenario.agent("speaker", |agent| {
        agent.tool(nothing).tool(nothing).script(|_: &ModelRequest, _: &ScriptContext| "on")
    });
    scenario.crew(RoundRobin::new(), [&speaker]).until(turns(1));
    scenario.build()
}
