//! Running a scenario from a program, with its types.

use playhouse_coordinator::RunRest;
use playhouse_types::RunId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builders::Scenario;
use crate::host::{RunError, Runtime, StartRun};

/// How a run of a scenario came to rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome<O> {
    /// The run, for looking at it or going on with it.
    pub run: RunId,
    /// How it came to rest.
    pub rest: RunRest,
    /// Its result; `None` if it has not concluded with one.
    pub result: Option<O>,
}

impl Runtime {
    /// Runs a scenario on one input until it rests, with seed 0 and the models of agents, environment and scripts.
    ///
    /// # Errors
    /// [`RunError`]; `Invalid` if nothing was written, or if the recorded result is not an `O`.
    /// # Cancel safety
    /// Dropping the future does not stop the run.
    pub async fn run<I, O>(&self, scenario: &Scenario<I, O>, input: I) -> Result<Outcome<O>, RunError>
    where
        I: Serialize,
        O: DeserializeOwned,
    {
        let input = serde_json::to_string(&input)
            .map_err(|error| RunError::Invalid(format!("the input: {error}")))?;
        let handle = self.start(scenario.definition(), StartRun { input, seed: 0, model: None }).await?;
        let run = handle.run;
        let end = handle.finished().await?;
        let result = end.result.as_deref().map(serde_json::from_str).transpose();
        let result =
            result.map_err(|error| RunError::Invalid(format!("the result of run `{run}`: {error}")))?;
        Ok(Outcome { run, rest: end.rest, result })
    }
}
