//! Single settings: how `key = value` is read, and the units that values are written in.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Ident, LitInt, LitStr, Path, Token};

/// The value of a setting.
pub(crate) enum Value {
    Text(LitStr),
    Number(LitInt),
    Path(Path),
}

/// One `key = value`.
pub(crate) struct Setting {
    pub key: Ident,
    pub value: Value,
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = Ident::parse_any(input)?;
        input.parse::<Token![=]>()?;
        let value = if input.peek(LitStr) {
            Value::Text(input.parse()?)
        } else if input.peek(LitInt) {
            Value::Number(input.parse()?)
        } else {
            Value::Path(input.parse().map_err(|error| {
                syn::Error::new(error.span(), format!("`{key}` takes a text, a number or a path"))
            })?)
        };
        Ok(Self { key, value })
    }
}

impl Setting {
    fn expected(&self, what: &str) -> syn::Error {
        let span = match &self.value {
            Value::Text(text) => text.span(),
            Value::Number(number) => number.span(),
            Value::Path(path) => {
                path.segments.first().map_or_else(Span::call_site, |segment| segment.ident.span())
            }
        };
        syn::Error::new(span, format!("`{}` is {what}", self.key))
    }

    /// Reads a text.
    pub(crate) fn text(&self, what: &str) -> syn::Result<&LitStr> {
        match &self.value {
            Value::Text(text) => Ok(text),
            Value::Number(_) | Value::Path(_) => Err(self.expected(what)),
        }
    }

    /// Reads a path.
    pub(crate) fn path(&self, what: &str) -> syn::Result<Path> {
        match &self.value {
            Value::Path(path) => Ok(path.clone()),
            Value::Text(_) | Value::Number(_) => Err(self.expected(what)),
        }
    }

    /// Reads a whole number of at least `least`.
    pub(crate) fn number(&self, least: u32) -> syn::Result<u32> {
        let what = format!("a whole number of at least {least}");
        let Value::Number(number) = &self.value else { return Err(self.expected(&what)) };
        number.base10_parse().ok().filter(|read| *read >= least).ok_or_else(|| self.expected(&what))
    }

    /// Reads a duration in milliseconds.
    pub(crate) fn millis(&self) -> syn::Result<u64> {
        let what = "a time such as \"500ms\", \"5s\" or \"2m\"";
        let text = self.text(what)?.value();
        scaled(&text, &[("ms", 1), ("s", 1_000), ("m", 60_000)]).ok_or_else(|| self.expected(what))
    }

    /// Reads a size in bytes.
    pub(crate) fn bytes(&self, least: u64) -> syn::Result<u64> {
        let what = format!("a size such as \"512B\", \"64KiB\" or \"1MiB\", at least \"{least}B\"");
        let text = self.text(&what)?.value();
        let bytes = scaled(&text, &[("KiB", 1 << 10), ("MiB", 1 << 20), ("B", 1)]);
        bytes.filter(|bytes| *bytes >= least).ok_or_else(|| self.expected(&what))
    }

    /// Reads a rate per second.
    pub(crate) fn per_second(&self) -> syn::Result<f64> {
        let what = "a rate such as \"20/s\" or \"5/m\", at least 1";
        let text = self.text(what)?.value();
        let (count, seconds) = match text.split_once('/') {
            Some((count, "s")) => (count, 1.0),
            Some((count, "m")) => (count, 60.0),
            _ => return Err(self.expected(what)),
        };
        let count =
            count.parse::<u32>().ok().filter(|count| *count > 0).ok_or_else(|| self.expected(what))?;
        Ok(f64::from(count) / seconds)
    }

    /// Reads one of some words and returns its place.
    pub(crate) fn word(&self, words: &[&str]) -> syn::Result<usize> {
        let what = format!("one of \"{}\"", words.join("\", \""));
        let text = self.text(&what)?.value();
        words.iter().position(|word| *word == text).ok_or_else(|| self.expected(&what))
    }
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}

#[cfg(test)]
mod tests {
    use super::Setting;

    fn setting(text: &str) -> Setting {
        syn::parse_str(text).unwrap()
    }

    #[test]
    fn units_are_read() {
        let millis = |text: &str| setting(&format!("timeout = \"{text}\"")).millis().ok();
        assert_eq!(["500ms", "5s", "2m", "0s"].map(millis), [Some(500), Some(5_000), Some(120_000), Some(0)]);
        assert_eq!(["5", "5h", "1.5s", "-1s", "s", "", "99999999999999999999s"].map(millis), [None; 7]);
        let bytes = |text: &str| setting(&format!("output_limit = \"{text}\"")).bytes(256).ok();
        assert_eq!(
            ["512B", "64KiB", "1MiB", "255B", "1kb"].map(bytes),
            [Some(512), Some(65_536), Some(1_048_576), None, None]
        );
        let rate = |text: &str| setting(&format!("rate = \"{text}\"")).per_second().ok();
        assert_eq!(["20/s", "30/m", "0/s", "5", "5/h"].map(rate), [Some(20.0), Some(0.5), None, None, None]);
    }
}
