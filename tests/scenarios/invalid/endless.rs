//! No planned end, and a pattern that has none of its own.

use playhouse::prelude::*;

pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("endless");
    let speaker = scenario.agent("speaker", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "on"));
    scenario.crew(RoundRobin::new(), [&speaker]);
    scenario.build()
}
