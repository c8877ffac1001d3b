//! What `#[tool]` says about a tool, and how that becomes a [`ToolSpec`].

use std::time::Duration;

use playhouse_types::{Effect, IntentScope, ToolName, ToolSpec};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

/// The schema of a tool without arguments.
const NO_ARGUMENTS: &str = r#"{"additionalProperties":false,"properties":{},"type":"object"}"#;

/// What a tool declares in its attributes; [`Declaration::DEFAULT`] is what it gets for those it leaves out.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// Its name: 1 to 64 ASCII letters, digits, `-` or `_`; the macro checks that.
    pub name: &'static str,
    /// What it does, for the model.
    pub description: &'static str,
    /// What running it does to the world.
    pub effect: Effect,
    /// The argument fields of the intent key.
    pub intent: &'static [&'static str],
    /// Within what the intent key is unique.
    pub scope: IntentScope,
    /// How long one call may take.
    pub timeout: Duration,
    /// After the end of a send, how long until the destination surely shows it.
    pub settles_within: Duration,
    /// How many calls may run at once, over all runs.
    pub concurrency: usize,
    /// How many calls may start per second, over all runs.
    pub rate_per_second: Option<f64>,
    /// How often a call that surely did nothing is tried again.
    pub retries: u32,
    /// How many bytes of output are kept.
    pub output_limit_bytes: usize,
    /// Whether a person has to approve each call.
    pub approval: bool,
}

impl Declaration {
    /// A `once` tool: 60 s per call, 16 at once, no rate, no retries, 64 KiB of output.
    ///
    /// No retries, as a tool that says no usually means it, and the model may ask again.
    pub const DEFAULT: Self = Self {
        name: "tool",
        description: "",
        effect: Effect::Once,
        intent: &[],
        scope: IntentScope::Run,
        timeout: Duration::from_secs(60),
        settles_within: Duration::ZERO,
        concurrency: 16,
        rate_per_second: None,
        retries: 0,
        output_limit_bytes: 64 * 1024,
        approval: false,
    };

    /// Returns the spec of a tool whose arguments are a `T`.
    #[must_use]
    pub fn spec<T: JsonSchema>(&self) -> ToolSpec {
        self.spec_with_schema(schema_text::<T>())
    }

    /// Returns the spec of a tool without arguments.
    #[must_use]
    pub fn spec_without_arguments(&self) -> ToolSpec {
        self.spec_with_schema(NO_ARGUMENTS.to_owned())
    }

    /// Returns the spec of a tool whose arguments fit a JSON schema.
    ///
    /// # Panics
    /// If the name is none; the macro refuses such a name.
    #[must_use]
    pub fn spec_with_schema(&self, schema: String) -> ToolSpec {
        #[expect(clippy::expect_used, reason = "`#[tool]` refuses other names when the code is compiled")]
        let name = ToolName::new(self.name).expect("the macro has checked the name");
        ToolSpec {
            name,
            description: self.description.to_owned(),
            schema,
            effect: self.effect,
            intent: self.intent.iter().map(|field| (*field).to_owned()).collect(),
            scope: self.scope,
            timeout: self.timeout,
            settles_within: self.settles_within,
            concurrency: self.concurrency,
            rate_per_second: self.rate_per_second,
            retries: self.retries,
            output_limit_bytes: self.output_limit_bytes,
            approval: self.approval,
        }
    }
}

/// Returns the JSON schema (draft 2020-12) of a type as text, as a model should see it.
///
/// Written inline without `$ref` (except where a type contains itself), without `$schema`, and without the type's name
/// as `title`.
#[must_use]
pub fn schema_text<T: JsonSchema>() -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    let name = T::schema_name();
    if schema.get("title").and_then(|title| title.as_str()) == Some(&name) {
        schema.remove("title");
    }
    schema.as_value().to_string()
}

#[cfg(test)]
mod tests {
    use super::schema_text;
    use schemars::JsonSchema;

    /// Where to pay.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is of interest")]
    struct Account {
        /// Its number.
        number: String,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is of interest")]
    struct Payment {
        title: Option<String>,
        account: Account,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is of interest")]
    struct Folder {
        folders: Vec<Folder>,
    }

    #[test]
    fn a_schema_is_inline_and_without_noise() {
        let expected = r#"{"properties":{"account":{"description":"Where to pay.","properties":{"number":{"description":"Its number.","type":"string"}},"required":["number"],"type":"object"},"title":{"type":["string","null"]}},"required":["account"],"type":"object"}"#;
        let found: serde_json::Value = serde_json::from_str(&schema_text::<Payment>()).unwrap();
        assert_eq!(found, serde_json::from_str::<serde_json::Value>(expected).unwrap());
    }

    #[test]
    fn a_type_that_contains_itself_still_has_a_schema() {
        assert!(schema_text::<Folder>().contains("$ref"));
    }
}
