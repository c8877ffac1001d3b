//! A call whose approval is not optional: without an answer in time, the run is set aside.

use playhouse::prelude::*;
use playhouse_types::OnExpiry;

/// Opens the gate.
#[tool(effect = "once", timeout = "5s")]
async fn open_gate() -> Result<String, ToolError> {
    Ok("open".to_owned())
}

fn ask(_: &GateQuery<'_>) -> Gate {
    Gate::Approve {
        reason: "the gate is guarded".to_owned(),
        within: Some(milliseconds(1)),
        on_expiry: OnExpiry::Escalate,
    }
}

/// Ends in its second turn, whatever became of the first.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario =
        Scenario::builder("escalating").about("Asks to open a gate").default_input("Open.").review(ask);
    let porter = scenario.agent("porter", |agent| {
        agent.tool(open_gate).script(|request: &ModelRequest, _: &ScriptContext| {
            if request.turn.0 == 1 {
                ScriptReply::call("open_gate", &serde_json::json!({}))
            } else {
                ScriptReply::say("DONE")
            }
        })
    });
    scenario.crew(RoundRobin::new(), [&porter]).until(says("DONE"));
    scenario.build()
}
