//! What the attributes of one tool say, checked.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Ident, Path, Token};

use crate::setting::Setting;

const KEYS: [&str; 13] = [
    "effect",
    "probe",
    "settles_within",
    "intent",
    "scope",
    "timeout",
    "concurrency",
    "rate",
    "retries",
    "output_limit",
    "approval",
    "name",
    "crate",
];
const EFFECTS: [(&str, &str); 4] =
    [("pure", "Pure"), ("idempotent", "Idempotent"), ("reconcile", "Reconcile"), ("once", "Once")];
const SCOPES: [(&str, &str); 4] =
    [("run", "Run"), ("batch", "Batch"), ("tenant", "Tenant"), ("destination", "Destination")];

/// Settings of one tool; what is `None` is left to `Declaration::DEFAULT`.
#[derive(Default)]
pub(crate) struct Declared {
    /// The name for models, with its place.
    pub name: Option<(String, Span)>,
    pub probe: Option<Path>,
    pub krate: Option<Path>,
    /// Fields of a `Declaration` literal, without name and description.
    pub fields: Vec<TokenStream>,
}

/// Collects errors, so that all of an item are reported at once.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Reads `key = value, ..`; each key at most once.
pub(crate) fn settings(tokens: TokenStream, errors: &mut Errors) -> Vec<Setting> {
    let parsed = Punctuated::<Setting, Token![,]>::parse_terminated.parse2(tokens);
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for setting in errors.take(parsed).into_iter().flatten() {
        if seen.insert(setting.key.to_string()) {
            kept.push(setting);
        } else {
            errors.push(syn::Error::new(setting.key.span(), format!("`{}` is given twice", setting.key)));
        }
    }
    kept
}

/// Says that there is no such key, and which one is near.
pub(crate) fn unknown(key: &Ident, keys: &[&str]) -> syn::Error {
    let name = key.to_string();
    let nearest = keys
        .iter()
        .map(|key| (strsim::jaro_winkler(&name, key), *key))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let hint = match nearest {
        Some((_, key)) => format!("did you mean `{key}`?"),
        None => format!("there are `{}`", keys.join("`, `")),
    };
    syn::Error::new(key.span(), format!("there is no attribute `{name}`; {hint}"))
}

impl Declared {
    /// Reads the attributes of a `#[tool]`.
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let settings = settings(tokens, errors);
        let mut declared = Self::default();
        for setting in &settings {
            let read = declared.take(setting);
            errors.take(read);
        }
        let place =
            |key: &str| settings.iter().find(|setting| setting.key == key).map(|setting| setting.key.span());
        let reconciles = settings.iter().any(|setting| {
            setting.key == "effect" && setting.text("").is_ok_and(|effect| effect.value() == "reconcile")
        });
        match (reconciles, place("effect"), place("probe")) {
            (true, Some(effect), None) => errors.push(syn::Error::new(
                effect,
                "a `reconcile` tool needs a probe that asks the destination: `probe = path`",
            )),
            (false, _, Some(probe)) => {
                errors.push(syn::Error::new(probe, "a probe is of use for `effect = \"reconcile\"` only"));
            }
            _ => {}
        }
        let at_destination = settings.iter().find(|setting| {
            setting.key == "scope" && setting.text("").is_ok_and(|scope| scope.value() == "destination")
        });
        let needs_probe = [at_destination.map(|setting| setting.key.span()), place("settles_within")];
        for span in needs_probe.into_iter().flatten().filter(|_| !reconciles) {
            errors.push(syn::Error::new(span, "this is about the probe: it needs `effect = \"reconcile\"`"));
        }
        let is_shared = |setting: &&Setting| {
            let among_runs = |scope: &syn::LitStr| matches!(scope.value().as_str(), "batch" | "tenant");
            setting.key == "scope" && setting.text("").is_ok_and(among_runs)
        };
        if let (Some(shared), None) = (settings.iter().find(is_shared), place("intent")) {
            let problem = "nothing says when two calls mean the same: `intent = \"field, field\"`";
            errors.push(syn::Error::new(shared.key.span(), problem));
        }
        declared
    }

    fn take(&mut self, setting: &Setting) -> syn::Result<()> {
        let millis = |least: u64| match setting.millis()? {
            millis if millis >= least => Ok(quote!(::core::time::Duration::from_millis(#millis))),
            _ => Err(syn::Error::new(setting.key.span(), format!("`{}` is longer than zero", setting.key))),
        };
        let field = match setting.key.to_string().as_str() {
            "effect" => variant(setting, "Effect", &EFFECTS)?,
            "scope" => variant(setting, "IntentScope", &SCOPES)?,
            "timeout" => millis(1).map(|time| quote!(timeout: #time))?,
            "settles_within" => millis(0).map(|time| quote!(settles_within: #time))?,
            "concurrency" => {
                let concurrency = setting.number(1)? as usize;
                quote!(concurrency: #concurrency)
            }
            "retries" => {
                let retries = setting.number(0)?;
                quote!(retries: #retries)
            }
            "rate" => {
                let rate = setting.per_second()?;
                quote!(rate_per_second: ::core::option::Option::Some(#rate))
            }
            "output_limit" => {
                let bytes = setting.bytes(256)? as usize;
                quote!(output_limit_bytes: #bytes)
            }
            "approval" => {
                let is_required = setting.word(&["none", "required"])? == 1;
                quote!(approval: #is_required)
            }
            "intent" => {
                let fields = intent(setting)?;
                quote!(intent: &[#(#fields),*])
            }
            "name" => {
                let text = setting.text("a text")?;
                self.name = Some((text.value(), text.span()));
                return Ok(());
            }
            "probe" => {
                self.probe = Some(setting.path("the path of an async function")?);
                return Ok(());
            }
            "crate" => {
                self.krate = Some(setting.path("the path of the crate that has `macros_support`")?);
                return Ok(());
            }
            _ => return Err(unknown(&setting.key, &KEYS)),
        };
        self.fields.push(field);
        Ok(())
    }
}

/// Reads a word as the variant of an enum; `support` is the module that the field is written in.
fn variant(setting: &Setting, kind: &str, words: &[(&str, &str)]) -> syn::Result<TokenStream> {
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let place = setting.word(&names)?;
    let (key, kind) = (&setting.key, Ident::new(kind, Span::call_site()));
    let variant = words.get(place).map(|(_, variant)| Ident::new(variant, Span::call_site()));
    Ok(quote!(#key: __playhouse::#kind::#variant))
}

fn intent(setting: &Setting) -> syn::Result<Vec<String>> {
    let text = setting.text("a list of argument fields such as \"supplier, invoice\"")?;
    let list = text.value();
    let fields: Vec<String> = list.split(',').map(|field| field.trim().to_owned()).collect();
    let distinct: BTreeSet<_> = fields.iter().collect();
    if fields.iter().any(String::is_empty) {
        let problem = "`intent` names at least one argument field, and no empty one";
        return Err(syn::Error::new(text.span(), problem));
    }
    if distinct.len() < fields.len() {
        return Err(syn::Error::new(text.span(), "`intent` names a field twice"));
    }
    Ok(fields)
}
