//! Checks arguments that a model wrote, and tells it what would be right.

use std::fmt::Write;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use playhouse_types::{ToolFailure, ToolFailureKind};
use serde_json::Value;

use crate::canonical;

/// The longest arguments that are read, in bytes: far above what a model writes in one reply.
const MAX_BYTES: usize = 1024 * 1024;
/// How many errors are listed; a model rarely mends more at a time.
const MAX_ERRORS: usize = 5;
/// How many errors are counted; beyond that the number does not matter.
const MAX_COUNTED: usize = 100;
/// How many characters of a value or a list are shown.
const MAX_SHOWN: usize = 200;

/// Reads arguments as a model wrote them, checks them and returns them in canonical form.
///
/// # Errors
/// [`ToolFailureKind::InvalidArguments`]
pub(crate) fn check(validator: &Validator, raw: &str) -> Result<String, ToolFailure> {
    let raw = if raw.trim().is_empty() { "{}" } else { raw };
    if raw.len() > MAX_BYTES {
        return Err(invalid(format!("the arguments have {} bytes; at most {MAX_BYTES} are read", raw.len())));
    }
    let arguments = canonical::parse(raw).map_err(|error| invalid(syntax(raw, &error)))?;
    if !arguments.is_object() {
        return Err(invalid(format!("the arguments must be one JSON object, found {}", shown(&arguments))));
    }
    match misfits(validator, &arguments, "the arguments") {
        None => Ok(canonical::write(&arguments)),
        Some(misfits) => Err(invalid(format!("the arguments do not fit the schema: {misfits}"))),
    }
}

/// Says what in a value does not fit a schema, for a model to mend; `None` if all of it fits. `whole` is what the value is
/// called.
pub(crate) fn misfits(validator: &Validator, value: &Value, whole: &str) -> Option<String> {
    let mut errors = validator.iter_errors(value);
    let listed: Vec<String> =
        errors.by_ref().take(MAX_ERRORS).map(|error| described(&error, whole)).collect();
    if listed.is_empty() {
        return None;
    }
    let mut text = listed.join("; ");
    match errors.take(MAX_COUNTED).count() {
        0 => {}
        MAX_COUNTED => text.push_str("; and many more"),
        n_more => {
            // Writing to a `String` never fails.
            let _ = write!(text, "; and {n_more} more");
        }
    }
    Some(text)
}

pub(crate) const fn invalid(detail: String) -> ToolFailure {
    ToolFailure { kind: ToolFailureKind::InvalidArguments, detail }
}

fn syntax(raw: &str, error: &serde_json::Error) -> String {
    let problem = error.to_string();
    let hint = if problem.starts_with("trailing characters") || raw.trim_start().starts_with('`') {
        "; send one JSON object and nothing else, without code fences"
    } else if raw.contains("NaN") || raw.contains("Infinity") {
        "; `NaN` and `Infinity` are no JSON: leave the field out or send `null` where that is allowed"
    } else if error.is_eof() {
        "; the text ends too early: send the whole object"
    } else {
        ""
    };
    format!("the arguments are not valid JSON: {problem}{hint}")
}

/// Says where, what was expected and what was found.
fn described(error: &ValidationError<'_>, whole: &str) -> String {
    let pointer = error.instance_path().to_string();
    let place = if pointer.is_empty() { whole.to_owned() } else { format!("`{}`", shortened(&pointer)) };
    let found = shown(error.instance());
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            format!("{place}: the field `{}` is missing", property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            format!("{place}: there is no field {}", listed(unexpected))
        }
        ValidationErrorKind::Type { kind } => {
            let expected = match kind {
                TypeKind::Single(one) => one.to_string(),
                TypeKind::Multiple(several) => {
                    several.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or ")
                }
            };
            format!("{place}: expected {expected}, found {found}")
        }
        ValidationErrorKind::Enum { options } => {
            format!("{place}: expected one of {}, found {found}", text_of(options))
        }
        ValidationErrorKind::Constant { expected_value } => {
            format!("{place}: expected {}, found {found}", text_of(expected_value))
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            format!("{place}: {}", alternatives(context, &found, whole))
        }
        ValidationErrorKind::Pattern { pattern } => {
            format!("{place}: expected text that matches `{}`, found {found}", shortened(pattern))
        }
        _ => format!("{place}: {}", shortened(&error.masked_with("the value").to_string())),
    }
}

/// Says why none of several forms fits: an empty branch fits and cannot be at fault.
fn alternatives(context: &[Vec<ValidationError<'static>>], found: &str, whole: &str) -> String {
    let firsts = context.iter().filter_map(|branch| branch.first()).take(MAX_ERRORS);
    let mut reasons: Vec<String> = firsts.map(|error| described_flat(error, whole)).collect();
    reasons.dedup();
    if reasons.is_empty() {
        return format!("{found} fits none of the allowed forms");
    }
    format!("{found} fits none of the allowed forms ({})", reasons.join(", or "))
}

/// Like [`described`], without going into further alternatives.
fn described_flat(error: &ValidationError<'static>, whole: &str) -> String {
    match error.kind() {
        ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
            shortened(&error.masked_with("the value").to_string())
        }
        _ => described(error, whole),
    }
}

/// Returns the kind of a value, and the value if it is small.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => format!("boolean {value}"),
        Value::Number(_) => format!("number {value}"),
        Value::String(_) => format!("string {}", text_of(value)),
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn text_of(value: &Value) -> String {
    shortened(&value.to_string())
}

fn listed(names: &[String]) -> String {
    shortened(&names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
