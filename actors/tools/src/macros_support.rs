//! What the code that `#[tool]` and `#[tools]` write refers to. Nothing here is for people.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use futures::future::BoxFuture;
pub use playhouse_messages::{Probe, Tool, ToolContext, ToolError, ToolOutput, ToolSet};
pub use playhouse_types::{Effect, EffectKeys, IntentScope, ToolSpec};

pub use crate::declaration::Declaration;

/// Reads a tool's arguments.
///
/// # Errors
/// [`ToolError::Invalid`], naming the field: the schema allows more than the type.
pub fn arguments<T: DeserializeOwned>(text: &str) -> Result<T, ToolError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (path, cause) = (error.path().to_string(), error.inner());
        ToolError::Invalid(format!("the argument `{path}` does not fit: {cause}"))
    })
}

/// Answers with a value as JSON.
///
/// # Errors
/// [`ToolError::InDoubt`] if the value has no JSON form: the tool has run, so what it did is done.
pub fn json(value: &impl Serialize) -> Result<ToolOutput, ToolError> {
    let text = serde_json::to_vec(value);
    text.map(ToolOutput).map_err(|error| ToolError::InDoubt(format!("its answer has no JSON form: {error}")))
}

/// Turns the answer a probe found into the tool's output.
///
/// # Errors
/// As `output` does.
pub fn probed<T>(
    probe: Probe<T>,
    output: impl FnOnce(T) -> Result<ToolOutput, ToolError>,
) -> Result<Probe<ToolOutput>, ToolError> {
    Ok(match probe {
        Probe::Landed(value) => Probe::Landed(output(value)?),
        Probe::Absent => Probe::Absent,
        Probe::Unknown => Probe::Unknown,
    })
}
