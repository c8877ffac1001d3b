//! A selector that panics twice before it names a speaker: the coordinator crashes and is started again.

use std::sync::atomic::{AtomicU32, Ordering};

use playhouse::prelude::*;

/// How often it has been asked in this process.
static ASKED: AtomicU32 = AtomicU32::new(0);

/// Ends as if nothing had happened.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("panicking-pattern").about("Cannot decide").default_input("Decide.");
    let speaker =
        scenario.agent("speaker", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "DONE"));
    let name = AgentName::new("speaker").ok();
    let selector = Selector::new(move |_| {
        if ASKED.fetch_add(1, Ordering::Relaxed) < 2 {
            panic!("cannot decide");
        }
        name.clone()
    });
    scenario.crew(selector, [&speaker]).until(says("DONE")).limit(turns(4));
    scenario.build()
}
