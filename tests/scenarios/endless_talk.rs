//! Two agents that never come to an end.

use playhouse::prelude::*;

/// Is ended by its limit.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("endless-talk").about("Talks on and on").default_input("Hello.");
    let say = |text: &'static str| move |_: &ModelRequest, _: &ScriptContext| text;
    let host = scenario.agent("host", |agent| agent.script(say("Do go on.")));
    let guest = scenario.agent("guest", |agent| agent.script(say("As I said:")));
    scenario.crew(RoundRobin::new(), [&host, &guest]).until(says("GOODBYE")).limit(turns(3));
    scenario.build()
}
