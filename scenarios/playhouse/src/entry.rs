//! Scenarios as the command line knows them: by name, with parameters, without types.

mod parameter;

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use parameter::{Parameter, ParameterError};

use crate::builders::{Scenario, ScenarioError};
use crate::definition::Definition;

/// Why an entry gave no definition.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The scenario is not valid with these parameters.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A `--set` does not fit.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The parameters of a stored run do not fit the scenario as it is now.
    #[error("the stored parameters of scenario `{scenario}` do not fit it any more: {detail}")]
    Stored {
        /// The scenario.
        scenario: String,
        /// What does not fit.
        detail: String,
    },
}

/// Builds a definition from parameters, which it checks and completes.
type Build = Arc<dyn Fn(&Value) -> Result<Definition, BuildError> + Send + Sync>;

/// Why a set of parameters gave no definition.
enum BuildError {
    /// They are not the scenario's parameters.
    Parameters(String),
    /// The scenario refuses them, or is not valid at all.
    Scenario(ScenarioError),
}

/// One scenario of a binary; [`scenario!`](crate::scenario) makes it.
#[derive(Clone)]
pub struct ScenarioEntry {
    name: String,
    about: String,
    defaults: Value,
    parameters: Vec<Parameter>,
    build: Build,
}

impl ScenarioEntry {
    /// Makes an entry of a module's `scenario` function, with or without settings; `module` names it should it fail.
    pub fn new<Form>(module: &str, scenario: impl ScenarioFn<Form>) -> Self {
        scenario.entry(module)
    }

    fn of<S, I, O>(module: &str, make: impl Fn(S) -> Made<I, O> + Send + Sync + 'static) -> Self
    where
        S: Default + Serialize + DeserializeOwned + JsonSchema,
    {
        // Settings without a JSON form have no parameters: every `--set` is then refused by name.
        let defaults = serde_json::to_value(S::default()).unwrap_or_else(|_| Value::Object(Map::new()));
        let parameters = parameter::parameters(schemars::schema_for!(S).as_value(), &defaults);
        let build: Build = Arc::new(move |values| {
            let settings: S = serde_json::from_value(values.clone())
                .map_err(|error| BuildError::Parameters(error.to_string()))?;
            let parameters = serde_json::to_string(&settings)
                .map_err(|error| BuildError::Parameters(error.to_string()))?;
            let mut definition = make(settings).map_err(BuildError::Scenario)?.into_definition();
            definition.parameters = parameters;
            Ok(definition)
        });
        let (name, about) = match build(&defaults) {
            Ok(definition) => (definition.name.to_string(), definition.about),
            Err(_) => (module.trim_start_matches("crate::").replace('_', "-"), String::new()),
        };
        Self { name, about, defaults, parameters, build }
    }

    /// Returns the name that is typed on the command line.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the scenario does, in a line.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Returns the parameters that `--set` takes.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Builds the definition with parameters from the command line, each `KEY=VALUE`.
    ///
    /// # Errors
    /// [`EntryError::Parameter`] names the parameter; [`EntryError::Scenario`] names all that is wrong.
    pub fn with_settings(&self, settings: &[String]) -> Result<Arc<Definition>, EntryError> {
        let mut values = self.defaults.clone();
        for setting in settings {
            let (key, value) = parameter::parse(&self.name, &self.parameters, setting)?;
            if let Value::Object(fields) = &mut values {
                fields.insert(key.clone(), value);
            }
            // Tried one by one, so that a value of the right type that is out of range is reported under its name.
            if let Err(BuildError::Parameters(detail)) = (self.build)(&values) {
                return Err(ParameterError::Refused { key, detail }.into());
            }
        }
        self.finish(&values)
    }

    /// Builds the definition with the parameters of a stored run, as JSON text.
    ///
    /// # Errors
    /// [`EntryError::Stored`] if they do not fit any more; [`EntryError::Scenario`].
    pub fn build(&self, parameters_json: &str) -> Result<Arc<Definition>, EntryError> {
        let stored: Value = serde_json::from_str(parameters_json)
            .map_err(|error| EntryError::Stored { scenario: self.name.clone(), detail: error.to_string() })?;
        self.finish(&stored)
    }

    fn finish(&self, values: &Value) -> Result<Arc<Definition>, EntryError> {
        match (self.build)(values) {
            Ok(definition) => Ok(Arc::new(definition)),
            Err(BuildError::Scenario(error)) => Err(error.into()),
            Err(BuildError::Parameters(detail)) => {
                Err(EntryError::Stored { scenario: self.name.clone(), detail })
            }
        }
    }
}

impl fmt::Debug for ScenarioEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScenarioEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a scenario function returns.
type Made<I, O> = Result<Scenario<I, O>, ScenarioError>;

/// A module's `scenario` function. `Form` tells its forms apart and is always inferred.
pub trait ScenarioFn<Form> {
    /// Makes the entry.
    fn entry(self, module: &str) -> ScenarioEntry;
}

impl<F, S, I, O> ScenarioFn<(S, Made<I, O>)> for F
where
    F: Fn(S) -> Made<I, O> + Send + Sync + 'static,
    S: Default + Serialize + DeserializeOwned + JsonSchema,
{
    fn entry(self, module: &str) -> ScenarioEntry {
        ScenarioEntry::of(module, self)
    }
}

impl<F, I, O> ScenarioFn<Made<I, O>> for F
where
    F: Fn() -> Made<I, O> + Send + Sync + 'static,
{
    fn entry(self, module: &str) -> ScenarioEntry {
        ScenarioEntry::of(module, move |NoSettings {}| self())
    }
}

/// The parameters of a scenario that has none.
#[derive(Default, Serialize, serde::Deserialize, JsonSchema)]
struct NoSettings {}

/// Makes a [`ScenarioEntry`] of a module with a function `scenario`.
///
/// The function takes no arguments, or settings (`Default`, serde's traits, `JsonSchema`) whose fields become the
/// parameters that `--set` takes; it returns `Result<Scenario<I, O>, ScenarioError>`.
///
/// ```
/// mod greeting {
///     use playhouse::prelude::*;
///
///     pub fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
///         let mut scenario = Scenario::builder("greeting").about("Says hello");
///         let host = scenario.agent("host", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "hello"));
///         scenario.crew(RoundRobin::new(), [&host]).until(turns(1));
///         scenario.build()
///     }
/// }
///
/// assert_eq!(playhouse::scenario!(greeting).about(), "Says hello");
/// ```
#[macro_export]
macro_rules! scenario {
    ($($module:ident)::+) => {
        $crate::ScenarioEntry::new(stringify!($($module)::+), $($module)::+::scenario)
    };
}

#[cfg(test)]
mod tests;
