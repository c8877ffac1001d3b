//! A talk of a thousand turns, and one more.

use playhouse::prelude::*;

/// Ends by itself.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("long-talk").about("Talks for long").default_input("Begin.");
    let agents = ["host", "guest"].map(|name| {
        scenario.agent(name, |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "Go on."))
    });
    scenario.crew(RoundRobin::new(), &agents).until(turns(1_001)).limit(turns(1_002));
    scenario.build()
}
