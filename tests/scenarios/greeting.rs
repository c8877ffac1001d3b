//! One scripted agent that says one thing: the least that a run can be.

use playhouse::prelude::*;

/// Ends with the first turn.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("greeting").about("Says hello").default_input("Hello?");
    let host = scenario.agent("host", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "Hello."));
    scenario.crew(RoundRobin::new(), [&host]).until(turns(1));
    scenario.build()
}
