//! Answers of persons: the names of their commands, and whether edited arguments fit.

use playhouse_journal::CommandId;
use playhouse_runtime::new_run_id;

use crate::definition::{Definition, ToolSource};

/// Returns the id of a command that is given now.
///
/// Each asking is one of its own: who pauses, goes on and pauses again has asked for three things, and an answer that
/// was refused may be given again, by another process too. The first valid answer to a review wins, so that repeating
/// one is harmless.
pub(crate) fn new_command_id() -> CommandId {
    CommandId(new_run_id().to_string())
}

/// Checks arguments for a tool of a scenario; the error says what would be right.
pub(crate) fn check_edited(definition: &Definition, tool: &str, arguments: &str) -> Result<String, String> {
    let specs = definition.tools.iter().flat_map(ToolSource::specs);
    let Some(spec) = specs.into_iter().find(|spec| spec.name.as_str() == tool) else {
        return Err(format!("scenario `{}` has no tool `{tool}` any more", definition.name));
    };
    playhouse_tools::check_arguments(&spec, arguments).map_err(|failure| failure.detail)
}

#[cfg(test)]
mod tests {
    use super::new_command_id;

    #[test]
    fn each_asking_is_a_command_of_its_own() {
        assert_ne!(new_command_id(), new_command_id());
    }
}
