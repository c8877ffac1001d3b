//! Reads JSON that a model wrote, strictly, and writes it in one canonical form.
//!
//! The form is that of RFC 8785 (JSON Canonicalization Scheme): no white space, members sorted by the UTF-16 code units
//! of their names, strings with the shortest escapes, floats as ECMAScript writes them (`1.0` as `1`). One difference:
//! an integer between -2^63 and 2^64 - 1 keeps all its digits, where the RFC rounds it to a 64-bit float.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The deepest nesting of arrays and objects that is read; serde_json's own bound is 128.
const MAX_DEPTH: usize = 64;

/// Reads JSON text: one value and nothing after it, no member twice in an object, at most 64 levels deep.
///
/// # Errors
/// serde_json's error, with line and column.
pub(crate) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: 0 }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Writes a value in canonical form.
pub(crate) fn write(value: &Value) -> String {
    let mut text = String::new();
    write_to(&mut text, value);
    text
}

fn write_to(text: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_to(text, item);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (place, (name, member)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&quoted(name));
                text.push(':');
                write_to(text, member);
            }
            text.push('}');
        }
        Value::Number(number) => text.push_str(&written(number)),
        Value::String(string) => text.push_str(&quoted(string)),
        Value::Null | Value::Bool(_) => text.push_str(&value.to_string()),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn written(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_text(float),
        _ => number.to_string(),
    }
}

/// Writes a finite float as ECMA-262, `Number::toString`, does: the shortest digits that read back as the same float.
fn float_text(float: f64) -> String {
    // Rust writes the same digits, as `-1.25e-7`.
    let scientific = format!("{:e}", float.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    // At most 17.
    let n_digits = digits.len() as i32;
    let point = exponent.parse::<i32>().map_or(1, |exponent| exponent + 1);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let sign = if float < 0.0 { "-" } else { "" };
    let split =
        |place: i32| digits.split_at_checked(usize::try_from(place).unwrap_or(0)).unwrap_or((&digits, ""));
    if (n_digits..=21).contains(&point) {
        format!("{sign}{digits}{}", zeros(point - n_digits))
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = split(point);
        format!("{sign}{whole}.{fraction}")
    } else if (-5..=0).contains(&point) {
        format!("{sign}0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = split(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{dot}{rest}e{:+}", point - 1)
    }
}

/// Reads a value at some depth.
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(&self) -> Result<usize, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut read = Vec::new();
        while let Some(item) = items.next_element_seed(Self { depth })? {
            read.push(item);
        }
        Ok(Value::Array(read))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut read = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if read.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "the field `{name:.100}` stands twice in one object"
                )));
            }
            let member = members.next_value_seed(Self { depth })?;
            read.insert(name, member);
        }
        Ok(Value::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, write};
    use serde_json::Value;

    #[track_caller]
    fn check(text: &str, canonical: &str) {
        let written = write(&parse(text).unwrap());
        assert_eq!(written, canonical);
        assert_eq!(write(&parse(canonical).unwrap()), canonical, "the form is stable");
    }

    #[track_caller]
    fn refused(text: &str, says: &str) {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn members_are_sorted_and_white_space_is_gone() {
        check(
            " { \"b\" : [ 1 , 2 ] , \"a\" : { \"d\" : null , \"c\" : true } } ",
            r#"{"a":{"c":true,"d":null},"b":[1,2]}"#,
        );
    }

    #[test]
    fn names_are_sorted_by_utf_16_code_units() {
        // RFC 8785, section 3.2.3: U+1F600 is written with surrogates, which sort below U+FB33.
        check("{\"\u{fb33}\":1,\"\u{1f600}\":2}", "{\"\u{1f600}\":2,\"\u{fb33}\":1}");
    }

    #[test]
    fn strings_have_the_shortest_escapes() {
        check(r#""\u0041\u00e9\/\u000a\u001f\"""#, r#""Aé/\n\u001f\"""#);
    }

    #[test]
    fn numbers_of_one_value_are_written_alike() {
        check("[1.0,1e2,-0.0,-0,2.50,-12.5]", "[1,100,0,0,2.5,-12.5]");
        check("[18446744073709551615,-9223372036854775808]", "[18446744073709551615,-9223372036854775808]");
        check(
            "[9007199254740993.0,1e20,1.5e20]",
            "[9007199254740992,100000000000000000000,150000000000000000000]",
        );
        // From RFC 8785, section 3.2.2 and appendix B.
        check(
            "[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001]",
            "[333333333.3333333,1e+30,4.5,0.002,1e-27]",
        );
        check(
            "[5e-324,1.7976931348623157e308,0.000001,1e-7,1e21]",
            "[5e-324,1.7976931348623157e+308,0.000001,1e-7,1e+21]",
        );
    }

    #[test]
    fn what_is_not_exactly_one_value_is_refused() {
        refused(r#"{"a":1,"a":2}"#, "the field `a` stands twice");
        refused(r#"{"x":{"a":1,"\u0061":2}}"#, "the field `a` stands twice");
        refused("{} {}", "trailing characters");
        refused("[NaN]", "expected value");
        refused("[1e999]", "number out of range");
        refused("", "EOF");
        refused(&"[".repeat(65), "nested deeper than 64 levels");
        refused(&"{\"a\":".repeat(100_000), "nested deeper than 64 levels");
        assert!(parse(&format!("{}{}", "[".repeat(64), "]".repeat(64))).is_ok());
    }

    #[test]
    fn canonical_text_means_the_same() {
        let text = r#"{"a":[1,2.5,"x\ty",{"b":null}],"":false}"#;
        let (read, canonical) = (parse(text).unwrap(), write(&parse(text).unwrap()));
        assert_eq!(serde_json::from_str::<Value>(&canonical).unwrap(), read);
    }
}
