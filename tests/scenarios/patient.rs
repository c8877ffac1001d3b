//! An agent that waits for a model, but not for ever.

use playhouse::prelude::*;

/// Is ended by its deadline.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("patient").about("Waits for a model").default_input("Well?");
    let asker = scenario.agent("asker", |agent| agent.goal("Wait"));
    scenario.crew(RoundRobin::new(), [&asker]).until(says("DONE")).limit(active_for(milliseconds(400)));
    scenario.build()
}
