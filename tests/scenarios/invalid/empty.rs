//! Without agents.

use playhouse::prelude::*;

pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("empty");
    scenario.crew(RoundRobin::new(), []).until(turns(1));
    scenario.build()
}
