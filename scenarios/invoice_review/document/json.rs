//! Reads a document from one JSON object.

use std::fmt;

use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::{
    super::amount::Amount,
    DocumentProblem,
    fields::{Cell, Fields, Record, field_name, is_head_field},
};

/// A JSON value that keeps every one of several equal names.
///
/// `serde_json::Value` would silently keep the last, and hide a contradiction.
enum Value {
    Null,
    Text(String),
    Number(Amount),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

/// Reads an object with the names of the fields; `lines` is a list of objects.
///
/// Unknown names are kept as remarks.
pub(super) fn fields(text: &str) -> Result<Fields, DocumentProblem> {
    let value: Value = serde_json::from_str(text).map_err(|error| DocumentProblem::Malformed {
        line: error.line() as u64,
        expected: "valid JSON".to_owned(),
    })?;
    let Value::Object(pairs) = value else {
        return Err(malformed("a JSON object"));
    };
    let mut fields = Fields::default();
    for (name, value) in pairs {
        match value {
            Value::List(values) if field_name(&name) == "lines" => {
                add_lines(&mut fields, values)?;
            }
            value => add_head(&mut fields, &name, value)?,
        }
    }
    Ok(fields)
}

fn add_head(fields: &mut Fields, name: &str, value: Value) -> Result<(), DocumentProblem> {
    match value {
        Value::Text(text) => fields.add_head(name, Cell::Text(text)),
        Value::Number(amount) => fields.add_head(name, Cell::Number(amount)),
        Value::Null => {}
        Value::List(_) | Value::Object(_) if is_head_field(name) => {
            return Err(malformed(&format!("a text or a number as `{name}`")));
        }
        nested => collect_texts(nested, &mut fields.remarks),
    }
    Ok(())
}

fn add_lines(fields: &mut Fields, values: Vec<Value>) -> Result<(), DocumentProblem> {
    let mut records = Vec::new();
    for value in values {
        let Value::Object(pairs) = value else {
            return Err(malformed("a list of objects as `lines`"));
        };
        let mut record = Record::default();
        for (name, value) in pairs {
            match value {
                Value::Text(text) => record.add(&name, Cell::Text(text)),
                Value::Number(amount) => record.add(&name, Cell::Number(amount)),
                nested => collect_texts(nested, &mut fields.remarks),
            }
        }
        records.push(record);
    }
    if fields.lines.is_empty() || fields.lines == records {
        fields.lines = records;
        return Ok(());
    }
    Err(DocumentProblem::Contradiction {
        field: "lines".to_owned(),
        first: format!("a list of {}", fields.lines.len()),
        second: format!("another list of {}", records.len()),
    })
}

fn collect_texts(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::Text(text) => texts.push(text),
        Value::Null | Value::Number(_) => {}
        Value::List(values) => values.into_iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(pairs) => pairs.into_iter().for_each(|(_, value)| collect_texts(value, texts)),
    }
}

fn malformed(expected: &str) -> DocumentProblem {
    DocumentProblem::Malformed { line: 1, expected: expected.to_owned() }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl ValueVisitor {
    /// A number too large for an amount is kept as text: it may be an invoice's number.
    fn number(text: String) -> Value {
        let decimal = Decimal::from_str_exact(&text).ok();
        match decimal.and_then(|decimal| Amount::try_from(decimal).ok()) {
            Some(amount) => Value::Number(amount),
            None => Value::Text(text),
        }
    }
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Self::number(value.to_string()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Self::number(value.to_string()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        // The shortest text that gives this float is the text of the document for any amount
        // below 10^15 with two decimals or fewer.
        Ok(Self::number(value.to_string()))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Value::Object(pairs))
    }
}
