//! Finding a scenario by its name.

use super::command_error::CommandError;
use crate::ScenarioEntry;
use crate::nearest::nearest;

/// Returns the scenario of this name.
pub(super) fn find_scenario<'a>(
    scenarios: &'a [ScenarioEntry],
    name: &str,
) -> Result<&'a ScenarioEntry, CommandError> {
    scenarios.iter().find(|entry| entry.name() == name).ok_or_else(|| {
        let names: Vec<&str> = scenarios.iter().map(ScenarioEntry::name).collect();
        CommandError::UnknownScenario {
            name: name.to_owned(),
            hint: nearest(name, &names).unwrap_or_default(),
        }
    })
}
