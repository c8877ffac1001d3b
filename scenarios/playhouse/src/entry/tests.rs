use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ScenarioEntry;
use crate::prelude::*;

#[derive(Default, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Fast,
    /// Takes its time.
    Careful,
}

/// The settings.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Settings {
    ledger: Option<PathBuf>,
    copies: u8,
    share: f64,
    dry: bool,
    title: String,
    mode: Mode,
    second_mode: Option<Mode>,
    tags: Vec<String>,
    limit: Option<u32>,
}

#[expect(clippy::needless_pass_by_value, reason = "this is the form of a scenario function")]
fn scenario(settings: Settings) -> Result<Scenario<String, String>, ScenarioError> {
    if settings.title == "bad" {
        return Err(ScenarioError::settings("demo", "`title` is bad"));
    }
    let mut scenario = Scenario::builder("demo").about("Shows settings");
    let agent = scenario.agent("one", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "hi"));
    scenario.crew(RoundRobin::new(), [&agent]).until(turns(1));
    scenario.build()
}

fn without_settings() -> Result<Scenario<String, String>, ScenarioError> {
    scenario(Settings::default())
}

#[track_caller]
fn check(setting: &str, expected: Result<serde_json::Value, &str>) {
    let entry = ScenarioEntry::new("demo", scenario);
    let found = entry.with_settings(&[setting.to_owned()]).map_err(|error| error.to_string());
    match expected {
        Ok(value) => {
            let parameters: serde_json::Value = serde_json::from_str(&found.unwrap().parameters).unwrap();
            let (key, _) = setting.split_once('=').unwrap();
            assert_eq!(parameters[key], value);
        }
        Err(text) => assert_eq!(found.map(|_| ()).unwrap_err(), text),
    }
}

#[test]
fn values_are_read_by_their_type() {
    check("ledger=/tmp/a=b", Ok(json!("/tmp/a=b")));
    check("ledger=", Ok(json!(null)));
    check("copies=3", Ok(json!(3)));
    check("share=0.5", Ok(json!(0.5)));
    check("share=2", Ok(json!(2.0)));
    check("dry=true", Ok(json!(true)));
    check("title=42", Ok(json!("42")));
    check("title=", Ok(json!("")));
    check("mode=careful", Ok(json!("careful")));
    check("second_mode=fast", Ok(json!("fast")));
    check("second_mode=", Ok(json!(null)));
    check("tags=[\"a\"]", Ok(json!(["a"])));
    check("limit=7", Ok(json!(7)));
}

#[test]
fn a_wrong_type_names_parameter_expectation_and_value() {
    check("copies=many", Err("parameter `copies` takes a whole number, not `many`"));
    check("dry=yes", Err("parameter `dry` takes `true` or `false`, not `yes`"));
    check("share=NaN", Err("parameter `share` takes a number, not `NaN`"));
    check("mode=slow", Err("parameter `mode` takes one of `fast`, `careful`, not `slow`"));
    check("tags=a", Err("parameter `tags` takes JSON, not `a`"));
    check("copies=300", Err("parameter `copies`: invalid value: integer `300`, expected u8"));
}

#[test]
fn an_unknown_parameter_is_answered_with_near_ones() {
    check("leger=x", Err("scenario `demo` has no parameter `leger`; did you mean `ledger`?"));
    check("ledger", Err("`--set ledger` is not of the form `--set KEY=VALUE`"));
    let entry = ScenarioEntry::new("demo", without_settings);
    let error = entry.with_settings(&["a=1".to_owned()]).unwrap_err();
    assert_eq!(error.to_string(), "scenario `demo` has no parameter `a`; it has none");
}

#[test]
fn the_scenario_may_refuse_its_settings() {
    check("title=bad", Err("scenario `demo`: `title` is bad"));
}

#[test]
fn types_are_listed_as_people_set_them() {
    let entry = ScenarioEntry::new("demo", scenario);
    let kinds: Vec<(&str, &str)> = entry
        .parameters()
        .iter()
        .map(|parameter| (parameter.name.as_str(), parameter.kind.as_str()))
        .collect();
    let expected = [
        ("copies", "integer"),
        ("dry", "boolean"),
        ("ledger", "string"),
        ("limit", "integer"),
        ("mode", "one of fast, careful"),
        ("second_mode", "one of fast, careful"),
        ("share", "number"),
        ("tags", "json"),
        ("title", "string"),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn stored_parameters_build_the_same_scenario_again() {
    let entry = ScenarioEntry::new("demo", scenario);
    let first = entry.with_settings(&["copies=3".to_owned()]).unwrap();
    let again = entry.build(&first.parameters).unwrap();
    assert_eq!((&again.parameters, again.hash), (&first.parameters, first.hash));
    let error = entry.build("{\"copies\": \"many\"}").unwrap_err().to_string();
    assert!(error.starts_with("the stored parameters of scenario `demo` do not fit it any more"), "{error}");
}

#[test]
fn an_invalid_scenario_still_has_a_name() {
    fn broken() -> Result<Scenario<String, String>, ScenarioError> {
        Scenario::builder("broken").build()
    }
    let entry = ScenarioEntry::new("my_module", broken);
    assert_eq!(entry.name(), "my-module");
    assert!(entry.with_settings(&[]).unwrap_err().to_string().contains("it has no agents"));
}
