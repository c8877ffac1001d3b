//! What a run's first message and result are unless the scenario says otherwise, and the way from types to JSON text.

use std::any::TypeId;
use std::collections::BTreeSet;
use std::sync::Arc;

use playhouse_coordinator::ResultFn;
use playhouse_types::{CaseName, InvalidName, ScenarioName};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::scenario::{ReadCases, TypedReport};
use super::user_error::{InputError, ResultError};
use crate::Conversation;
use crate::definition::{CaseInput, InputForm, LoadCases, OpeningMessage, Report};

/// Tells how people write an `I`: a text as it is, anything else as JSON.
pub(super) fn input_form<I: 'static>() -> InputForm {
    if TypeId::of::<I>() == TypeId::of::<String>() { InputForm::Text } else { InputForm::Json }
}

/// Opens with the input itself: a text as it is, anything else as JSON.
pub(super) fn default_opening<I: DeserializeOwned + 'static>() -> OpeningMessage {
    Arc::new(|json| {
        if input_form::<I>() == InputForm::Text {
            return serde_json::from_str::<String>(json).map_err(|error| error.to_string());
        }
        serde_json::from_str::<I>(json).map_err(|error| error.to_string())?;
        Ok(json.to_owned())
    })
}

pub(super) fn opening<I: DeserializeOwned>(
    make: impl Fn(&I) -> Result<String, InputError> + Send + Sync + 'static,
) -> OpeningMessage {
    Arc::new(move |json| {
        let input: I = serde_json::from_str(json).map_err(|error| error.to_string())?;
        make(&input).map_err(|error| error.to_string())
    })
}

/// Takes the last message: as it is for a text, else the last JSON object in it.
pub(super) fn default_result<O: Serialize + DeserializeOwned + 'static>() -> ResultFn {
    result(|conversation: &Conversation| {
        let last = conversation.last().ok_or_else(|| ResultError::new("nobody has said anything"))?;
        if TypeId::of::<O>() == TypeId::of::<String>() {
            // A text is its own JSON string, so this is the identity.
            return Ok(serde_json::from_value::<O>(serde_json::Value::String(last.content.clone()))?);
        }
        let json = playhouse_tools::last_json_object(&last.content).ok_or_else(|| {
            ResultError::new(format!("the last message, of `{}`, holds no JSON object", last.from))
        })?;
        serde_json::from_str(json).map_err(|error| {
            ResultError::new(format!(
                "the JSON object in the last message, of `{}`, does not fit: {error}",
                last.from
            ))
        })
    })
}

pub(super) fn result<O: Serialize>(
    make: impl Fn(&Conversation) -> Result<O, ResultError> + Send + Sync + 'static,
) -> ResultFn {
    Arc::new(move |records| {
        let conversation = Conversation::fold(records.iter().map(AsRef::as_ref));
        let result = make(&conversation).map_err(|error| error.to_string())?;
        serde_json::to_string(&result).map_err(|error| error.to_string())
    })
}

/// Wraps a scenario's case reader: inputs become JSON text, names must be unique, and every error names the folder.
pub(super) fn load_cases<I: Serialize + 'static>(load: ReadCases<I>) -> LoadCases {
    Arc::new(move |path| {
        let in_folder = |detail: String| format!("cases in `{}`: {detail}", path.display());
        let cases = load(path).map_err(|error| in_folder(error.to_string()))?;
        let mut names = BTreeSet::new();
        if let Some((twice, _)) = cases.iter().find(|(name, _)| !names.insert(name)) {
            return Err(in_folder(format!("there are two cases named `{twice}`")));
        }
        let erase = |(case, input): &(CaseName, I)| {
            let input =
                serde_json::to_string(input).map_err(|error| in_folder(format!("case `{case}`: {error}")))?;
            Ok(CaseInput { case: case.clone(), input })
        };
        cases.iter().map(erase).collect()
    })
}

/// Wraps a scenario's report. A run outside a batch has no case: it is shown under the scenario's name.
pub(super) fn report<O: DeserializeOwned + 'static>(
    scenario: &ScenarioName,
    make: TypedReport<O>,
) -> Result<Report, InvalidName> {
    let own_name = CaseName::new(scenario.as_str())?;
    Ok(Arc::new(move |results| {
        let typed: Result<Vec<(CaseName, O)>, serde_json::Error> = results
            .iter()
            .map(|(case, json)| {
                Ok((case.clone().unwrap_or_else(|| own_name.clone()), serde_json::from_str(json)?))
            })
            .collect();
        match typed {
            Ok(typed) => make(&typed),
            // The results were written by an older scenario: they are shown as they are.
            Err(_) => results.iter().map(|(_, json)| format!("{json}\n")).collect(),
        }
    }))
}
