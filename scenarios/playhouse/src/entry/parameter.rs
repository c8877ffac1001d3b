//! The parameters of a scenario: read from the JSON schema of its settings, set by `--set KEY=VALUE`.

use serde::Serialize;
use serde_json::Value;

use crate::nearest::nearest;

/// Why a `--set` does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// It has no `=`.
    #[error("`--set {text}` is not of the form `--set KEY=VALUE`")]
    NoValue {
        /// What was written.
        text: String,
    },
    /// The scenario has no such parameter.
    #[error("scenario `{scenario}` has no parameter `{key}`{hint}")]
    Unknown {
        /// The scenario.
        scenario: String,
        /// What was written.
        key: String,
        /// Which parameters come near, or which there are; empty or beginning with a semicolon.
        hint: String,
    },
    /// The value is of another type.
    #[error("parameter `{key}` takes {expected}, not `{value}`")]
    WrongType {
        /// The parameter.
        key: String,
        /// What it takes.
        expected: String,
        /// What was written.
        value: String,
    },
    /// The value has the right type and is refused all the same.
    #[error("parameter `{key}`: {detail}")]
    Refused {
        /// The parameter.
        key: String,
        /// Why.
        detail: String,
    },
}

/// One parameter of a scenario, as `playhouse list` shows it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it takes: `string`, `integer`, `number`, `boolean`, `json`, or `one of a, b`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its value if it is not set; null if it may be left out.
    pub default: Value,
    /// What it does, in the words of its doc comment.
    pub about: String,
    #[serde(skip)]
    form: Form,
    #[serde(skip)]
    is_optional: bool,
}

/// How a value is read.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Form {
    Text,
    Integer,
    Number,
    Boolean,
    OneOf(Vec<String>),
    Json,
}

impl Form {
    fn name(&self) -> String {
        match self {
            Self::Text => "string".to_owned(),
            Self::Integer => "integer".to_owned(),
            Self::Number => "number".to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::OneOf(values) => format!("one of {}", values.join(", ")),
            Self::Json => "json".to_owned(),
        }
    }

    /// Says what is expected, for an error.
    fn expected(&self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::OneOf(values) => format!("one of `{}`", values.join("`, `")),
            Self::Json => "JSON".to_owned(),
        }
    }

    /// Reads a value as it was typed; `None` if it is of another type.
    fn read(&self, text: &str) -> Option<Value> {
        match self {
            Self::Text => Some(Value::String(text.to_owned())),
            Self::Integer => {
                text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok()
            }
            Self::Number => {
                let number = text.parse::<f64>().ok()?;
                serde_json::Number::from_f64(number).map(Value::Number)
            }
            Self::Boolean => text.parse::<bool>().map(Value::Bool).ok(),
            Self::OneOf(values) => values.iter().find(|value| *value == text).cloned().map(Value::String),
            Self::Json => serde_json::from_str(text).ok(),
        }
    }
}

/// Reads the parameters from the JSON schema of a settings type and its default value, in the order of their names.
pub(super) fn parameters(schema: &Value, defaults: &Value) -> Vec<Parameter> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let read = |(name, property): (&String, &Value)| {
        let (form, is_optional) = form_of(schema, property);
        let about = property.get("description").and_then(Value::as_str).unwrap_or_default();
        Parameter {
            name: name.clone(),
            kind: form.name(),
            default: defaults.get(name).cloned().unwrap_or(Value::Null),
            about: about.replace('\n', " "),
            form,
            is_optional,
        }
    };
    properties.iter().map(read).collect()
}

/// Returns how a property is read, and whether it may be null.
fn form_of(schema: &Value, property: &Value) -> (Form, bool) {
    if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|pointer| schema.pointer(pointer));
        return target.map_or((Form::Json, false), |target| form_of(schema, target));
    }
    if let Some(parts) = alternatives(property) {
        let is_null = |part: &&Value| part.get("type").and_then(Value::as_str) == Some("null");
        let is_optional = parts.iter().any(|part| is_null(&part));
        let others: Vec<&Value> = parts.iter().filter(|part| !is_null(part)).collect();
        return match others.as_slice() {
            [only] => (form_of(schema, only).0, is_optional),
            several => (constants(several).map_or(Form::Json, Form::OneOf), is_optional),
        };
    }
    let types: Vec<&str> = match property.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_optional = types.contains(&"null");
    let named: Vec<&str> = types.into_iter().filter(|name| *name != "null").collect();
    (plain_form(property, &named), is_optional)
}

fn alternatives(property: &Value) -> Option<&Vec<Value>> {
    ["anyOf", "oneOf"].iter().find_map(|key| property.get(key)).and_then(Value::as_array)
}

/// Returns the texts of alternatives that are constants, or of lists of constants, if all of them are.
fn constants(parts: &[&Value]) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for part in parts {
        let values = match (part.get("const"), part.get("enum").and_then(Value::as_array)) {
            (Some(value), _) => std::slice::from_ref(value),
            (None, Some(values)) => values,
            (None, None) => return None,
        };
        for value in values.iter().filter(|value| !value.is_null()) {
            texts.push(value.as_str()?.to_owned());
        }
    }
    Some(texts)
}

fn plain_form(property: &Value, types: &[&str]) -> Form {
    if let Some(values) = constants(&[property]) {
        return Form::OneOf(values);
    }
    match types {
        ["string"] => Form::Text,
        ["integer"] => Form::Integer,
        ["number"] => Form::Number,
        ["boolean"] => Form::Boolean,
        _ => Form::Json,
    }
}

/// Reads one `KEY=VALUE`. An empty value of an optional parameter means that it is left out.
pub(super) fn parse(
    scenario: &str,
    known: &[Parameter],
    setting: &str,
) -> Result<(String, Value), ParameterError> {
    let (key, text) =
        setting.split_once('=').ok_or_else(|| ParameterError::NoValue { text: setting.to_owned() })?;
    let Some(parameter) = known.iter().find(|parameter| parameter.name == key) else {
        let names: Vec<&str> = known.iter().map(|parameter| parameter.name.as_str()).collect();
        let hint = nearest(key, &names).unwrap_or_else(|| "; it has none".to_owned());
        return Err(ParameterError::Unknown { scenario: scenario.to_owned(), key: key.to_owned(), hint });
    };
    if parameter.is_optional && text.is_empty() {
        return Ok((key.to_owned(), Value::Null));
    }
    let value = parameter.form.read(text).ok_or_else(|| ParameterError::WrongType {
        key: key.to_owned(),
        expected: parameter.form.expected(),
        value: text.to_owned(),
    })?;
    Ok((key.to_owned(), value))
}
