//! Two agents of which one has neither script nor model.

use playhouse::prelude::*;

/// Cannot be started without a model.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("silent").about("Waits for words").default_input("Hello.");
    let host = scenario.agent("host", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "DONE"));
    let guest = scenario.agent("guest", |agent| agent.goal("Say something"));
    scenario.crew(RoundRobin::new(), [&host, &guest]).until(says("DONE"));
    scenario.build()
}
