//! A script that panics whenever it is asked.

use playhouse::prelude::*;

fn panics(_: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    panic!("nothing comes to mind")
}

/// Fails, but does not end the process.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario =
        Scenario::builder("panicking-script").about("Has nothing to say").default_input("Speak.");
    let speaker = scenario.agent("speaker", |agent| agent.script(panics));
    scenario.crew(RoundRobin::new(), [&speaker]).until(says("DONE"));
    scenario.build()
}
