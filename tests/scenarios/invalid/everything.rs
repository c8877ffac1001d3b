//! Several faults at once.

use playhouse::prelude::*;

use super::tool_twice::nothing;

pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("everything");
    let twin = scenario.agent("twin", |agent| agent.tool(nothing).tool(nothing));
    let other = scenario.agent("twin", |agent| agent.max_steps(0));
    scenario.crew(RoundRobin::new(), [&twin, &other]);
    scenario.build()
}
