//! `playhouse list`: the scenarios of this binary.

use std::fmt::Write;

use clap::Args;
use playhouse_types::ExitCode;
use serde::Serialize;
use serde_json::Value;

use super::command_error::CommandError;
use super::output::{print, print_json};
use super::session::Session;
use crate::ScenarioEntry;
use crate::entry::Parameter;
use crate::view::say;

/// Lists the scenarios of this binary and their parameters.
#[derive(Args, Debug)]
pub(super) struct ListArgs {}

/// A scenario as `list --json` shows it.
#[derive(Serialize)]
struct ListedScenario<'a> {
    name: &'a str,
    kind: &'static str,
    about: &'a str,
    parameters: &'a [Parameter],
}

/// Lists what can be run; a scenario that cannot be built is reported and makes the exit code 2.
pub(super) fn list(session: &Session<'_>) -> Result<ExitCode, CommandError> {
    let mut invalid = 0;
    for entry in session.scenarios() {
        if let Err(error) = entry.with_settings(&[]) {
            say(&error.to_string());
            invalid += 1;
        }
    }
    if session.is_json() {
        let listed: Vec<_> = session.scenarios().iter().map(listed).collect();
        print_json(&listed)?;
    } else {
        print(&text(session.scenarios()))?;
    }
    if invalid > 0 { Err(CommandError::InvalidScenarios { count: invalid }) } else { Ok(ExitCode::Concluded) }
}

fn listed(entry: &ScenarioEntry) -> ListedScenario<'_> {
    ListedScenario { name: entry.name(), kind: "crew", about: entry.about(), parameters: entry.parameters() }
}

fn text(scenarios: &[ScenarioEntry]) -> String {
    let mut text = String::new();
    for entry in scenarios {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}  {}", entry.name(), entry.about());
        for parameter in entry.parameters() {
            let default = match &parameter.default {
                Value::Null => String::new(),
                default => format!(" [{default}]"),
            };
            let Parameter { name, kind, about, .. } = parameter;
            let _ = writeln!(text, "    --set {name}={kind}{default}  {about}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{listed, text};
    use crate::ScenarioEntry;
    use crate::prelude::*;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Settings {
        /// How often it is said.
        times: u32,
        /// File to write to.
        file: Option<PathBuf>,
    }

    impl Default for Settings {
        fn default() -> Self {
            Self { times: 2, file: None }
        }
    }

    fn scenario(_: Settings) -> Result<Scenario<String, String>, ScenarioError> {
        let mut scenario = Scenario::builder("echo").about("Says it again");
        let parrot =
            scenario.agent("parrot", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "again"));
        scenario.crew(RoundRobin::new(), [&parrot]).until(turns(1));
        scenario.build()
    }

    #[test]
    fn a_scenario_is_listed_with_its_parameters() {
        let entry = ScenarioEntry::new("echo", scenario);
        let expected = serde_json::json!({
            "name": "echo",
            "kind": "crew",
            "about": "Says it again",
            "parameters": [
                { "name": "file", "type": "string", "default": null, "about": "File to write to." },
                { "name": "times", "type": "integer", "default": 2, "about": "How often it is said." },
            ],
        });
        assert_eq!(serde_json::to_value(listed(&entry)).unwrap(), expected);
        let expected = "echo  Says it again\n    --set file=string  File to write to.\n    \
                        --set times=integer [2]  How often it is said.\n";
        assert_eq!(text(&[entry]), expected);
    }
}
