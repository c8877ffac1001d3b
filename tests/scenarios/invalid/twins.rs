//! Two agents of one name.

use playhouse::prelude::*;

pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("twins");
    let first = scenario.agent("twin", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "a"));
    let second = scenario.agent("twin", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "b"));
    scenario.crew(RoundRobin::new(), [&first, &second]).until(turns(1));
    scenario.build()
}
