//! What `#[tool]` and `#[tools]` write, used as a scenario would.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use playhouse_macros::{tool, tools};
use playhouse_messages::{Clock, Probe, Tool, ToolContext, ToolError, ToolOutput, ToolSet};
use playhouse_tools::{Declaration, DuplicateTool, ToolHandle, ToolRegistry, ToolServices};
use playhouse_types::{Effect, EffectKeys, IntentScope, ToolName, ToolSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::world::{SimulatedClock, brief, context, dispatch, open, pool};

#[derive(Deserialize, JsonSchema)]
struct ReadDocument {
    /// The file's name.
    name: String,
}

#[derive(Serialize, PartialEq, Debug)]
struct Document {
    text: String,
}

/// Reads one document of the case.
///
/// Text files only.
/// # Errors
/// None.
#[tool(effect = "pure", timeout = "5s", rate = "30/m", concurrency = 8, crate = playhouse_tools)]
async fn read_document(args: ReadDocument, ctx: &ToolContext) -> Result<Document, ToolError> {
    Ok(Document { text: format!("{} for {}", args.name, ctx.agent) })
}

/// Tells the time.
#[tool(name = "clock-time", output_limit = "1KiB", crate = playhouse_tools)]
async fn clock_time() -> Result<ToolOutput, ToolError> {
    Ok(ToolOutput::text("noon"))
}

/// Names the caller.
#[tool(crate = playhouse_tools)]
pub(crate) async fn caller(ctx: &ToolContext) -> Result<String, ToolError> {
    Ok(ctx.agent.to_string())
}

/// Fails on a number that is no number.
#[tool(effect = "idempotent", retries = 2, crate = playhouse_tools)]
async fn fallible(ReadDocument { name }: ReadDocument) -> Result<u8, ToolError> {
    Ok(name.parse()?)
}

#[derive(Deserialize, JsonSchema)]
struct Payment {
    supplier: String,
    invoice: String,
}

#[derive(Default)]
struct Payments {
    paid: Mutex<BTreeMap<String, u64>>,
}

#[tools(crate = playhouse_tools)]
impl Payments {
    const FEE: u64 = 1;

    /// Pays an invoice.
    #[tool(
        effect = "reconcile",
        probe = Self::paid,
        intent = "supplier, invoice",
        scope = "destination",
        settles_within = "2s"
    )]
    async fn release_payment(&self, args: Payment, ctx: &ToolContext) -> Result<u64, ToolError> {
        let _ = args.invoice;
        self.paid.lock().unwrap().insert(ctx.keys.idempotency.clone(), Self::FEE);
        Ok(Self::FEE)
    }

    async fn paid(&self, args: &Payment, keys: &EffectKeys) -> Result<Probe<u64>, ToolError> {
        if args.supplier == "nobody" {
            return Ok(Probe::Unknown);
        }
        Ok(self.paid.lock().unwrap().get(&keys.idempotency).map_or(Probe::Absent, |fee| Probe::Landed(*fee)))
    }

    /// Counts payments.
    #[tool(effect = "pure")]
    async fn count(&self) -> Result<usize, ToolError> {
        Ok(self.paid.lock().unwrap().len())
    }

    /// Is not there.
    #[cfg(any())]
    #[tool]
    async fn missing(&self) -> Result<usize, ToolError> {
        Ok(0)
    }
}

#[tokio::test]
async fn a_body_stays_callable() {
    let args = ReadDocument { name: "a.txt".to_owned() };
    let document = read_document.call(args, &context()).await.unwrap();
    assert_eq!(document, Document { text: "a.txt for clerk".to_owned() });
    assert_eq!(clock_time.call().await.unwrap(), ToolOutput::text("noon"));
    assert_eq!(caller.call(&context()).await.unwrap(), "clerk");
    assert_eq!(Payments::default().count().await.unwrap(), 0);
}

#[test]
fn a_spec_says_what_was_declared() {
    let found = read_document.spec();
    let expected = ToolSpec {
        name: ToolName::new("read_document").unwrap(),
        description: "Reads one document of the case.\n\nText files only.".to_owned(),
        schema: found.schema.clone(),
        effect: Effect::Pure,
        timeout: Duration::from_secs(5),
        concurrency: 8,
        rate_per_second: Some(0.5),
        ..Declaration::DEFAULT.spec_with_schema(String::new())
    };
    assert_eq!(*found, expected);
    let schema: serde_json::Value = serde_json::from_str(&found.schema).unwrap();
    let described = serde_json::json!({"name": {"type": "string", "description": "The file's name."}});
    assert_eq!(schema, serde_json::json!({"type": "object", "properties": described, "required": ["name"]}));
    assert_eq!(
        (clock_time.spec().name.as_str(), clock_time.spec().output_limit_bytes),
        ("clock-time", 1_024)
    );
}

#[tokio::test(start_paused = true)]
async fn a_tool_answers_json_or_text_and_names_the_argument_that_does_not_fit() {
    let call = |tool: Arc<dyn Tool>, arguments: &'static str| async move {
        tool.call(arguments.to_owned(), context()).await.map(|output| String::from_utf8(output.0).unwrap())
    };
    assert_eq!(call(Arc::new(read_document), r#"{"name":"b"}"#).await.unwrap(), r#"{"text":"b for clerk"}"#);
    assert_eq!(call(Arc::new(clock_time), "{}").await.unwrap(), "noon");
    assert_eq!(call(Arc::new(caller), "{}").await.unwrap(), r#""clerk""#);
    let invalid = call(Arc::new(read_document), r#"{"name":5}"#).await.unwrap_err();
    assert!(
        matches!(invalid, ToolError::Invalid(text) if text.starts_with("the argument `name` does not fit"))
    );
    let foreign = call(Arc::new(fallible), r#"{"name":"x"}"#).await.unwrap_err();
    assert!(matches!(foreign, ToolError::Foreign(_)));
}

#[tokio::test(start_paused = true)]
async fn a_set_shares_its_value_and_its_probe_finds_what_was_paid() {
    let specs = Payments::specs();
    assert_eq!(specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>(), ["release_payment", "count"]);
    let spec = &specs[0];
    assert_eq!((spec.effect, spec.scope), (Effect::Reconcile, IntentScope::Destination));
    assert_eq!(
        (spec.intent.join("+"), spec.settles_within),
        ("supplier+invoice".to_owned(), Duration::from_secs(2))
    );

    let clock = SimulatedClock::start();
    let tools = Arc::new(Payments::default()).tools();
    let [pay, count] = tools.as_slice() else { panic!() };
    let (pay, count) = (open(Arc::clone(pay), &clock).await, open(Arc::clone(count), &clock).await);
    let payment = |supplier: &str| {
        let mut dispatch = dispatch(false);
        dispatch.arguments = pay.check(&format!(r#"{{"supplier": "{supplier}", "invoice": "7"}}"#)).unwrap();
        dispatch
    };
    assert_eq!(brief(&pay.run(payment("acme")).await), "1");
    assert_eq!(brief(&pay.run(payment("acme")).await), "recovered 1");
    assert_eq!(brief(&pay.run(payment("nobody")).await), "in doubt");
    assert_eq!(brief(&count.run(dispatch(false)).await), "1");
}

#[tokio::test]
async fn a_registry_refuses_a_second_tool_of_a_name() {
    let clock: Arc<dyn Clock> = SimulatedClock::start();
    let handle = |tool: Arc<dyn Tool>| {
        Arc::new(ToolHandle::new(tool, ToolServices { pool: pool(), clock: Arc::clone(&clock) }).unwrap())
    };
    let mut registry = ToolRegistry::default();
    assert_eq!(registry.insert(handle(Arc::new(read_document))), Ok(()));
    assert_eq!(registry.insert(handle(Arc::new(caller))), Ok(()));
    let name = ToolName::new("caller").unwrap();
    assert_eq!(registry.insert(handle(Arc::new(caller))), Err(DuplicateTool { name }));
    assert_eq!(
        registry.iter().map(|tool| tool.spec().name.as_str()).collect::<Vec<_>>(),
        ["caller", "read_document"]
    );
    assert!(registry.get("caller").is_some() && registry.get("nobody").is_none());
}

#[tokio::test]
async fn a_tool_that_cannot_work_is_refused_with_the_reason() {
    let clock: Arc<dyn Clock> = SimulatedClock::start();
    let refused = |declaration: Declaration, schema: &str| {
        let spec = Arc::new(declaration.spec_with_schema(schema.to_owned()));
        let clock = Arc::clone(&clock);
        ToolHandle::new(Arc::new(Declared(spec)), ToolServices { pool: pool(), clock })
            .unwrap_err()
            .to_string()
    };
    let (plain, object) = (Declaration::DEFAULT, r#"{"type":"object","properties":{"a":{}}}"#);
    let table = [
        (plain, "{", "the argument schema of tool `tool` is not JSON"),
        (
            plain,
            r#"{"type":"object","required":7}"#,
            "the argument schema of tool `tool` is not a JSON schema",
        ),
        (
            plain,
            r#"{"type":"string"}"#,
            "the arguments of tool `tool` must be a struct with named fields (a schema of type `object`)",
        ),
        (
            Declaration { intent: &["a", "b"], ..plain },
            object,
            "tool `tool` has no argument `b`, which its intent key names",
        ),
        (
            Declaration { concurrency: 0, ..plain },
            object,
            "the concurrency of tool `tool` must be at least 1",
        ),
        (
            Declaration { timeout: Duration::ZERO, ..plain },
            object,
            "the timeout of tool `tool` must be longer than zero",
        ),
        (
            Declaration { rate_per_second: Some(f64::NAN), ..plain },
            object,
            "the rate of tool `tool` must be a positive number",
        ),
        (
            Declaration { output_limit_bytes: 9, ..plain },
            object,
            "the output limit of tool `tool` must be at least 256 bytes",
        ),
        (
            Declaration { scope: IntentScope::Destination, ..plain },
            object,
            "the scope of tool `tool` must be another than the destination, unless its effect is `reconcile`",
        ),
        (
            Declaration { scope: IntentScope::Tenant, ..plain },
            object,
            "the scope of tool `tool` must be the run, unless it names the fields of an intent key",
        ),
    ];
    for (declaration, schema, says) in table {
        assert_eq!(refused(declaration, schema), says);
    }
}

struct Declared(Arc<ToolSpec>);

impl Tool for Declared {
    fn spec(&self) -> Arc<ToolSpec> {
        Arc::clone(&self.0)
    }
    fn call(
        &self,
        _: String,
        _: ToolContext,
    ) -> futures::future::BoxFuture<'_, Result<ToolOutput, ToolError>> {
        Box::pin(async { Ok(ToolOutput::text("")) })
    }
}
