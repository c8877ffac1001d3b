//! One tool as the call table sees it: checked, limited, and run apart from the actors.

use std::fmt;
use std::sync::Arc;

use jsonschema::Validator;
use playhouse_messages::{Address, Clock, PlacesTaken, Tool, ToolLimits};
use playhouse_runtime::UserPool;
use playhouse_types::{CallId, Effect, EffectKeys, IntentScope, ToolFailure, ToolName, ToolSpec};
use serde_json::Value;

use crate::arguments;
use crate::keys::{KeyPlace, idempotency_key, intent_key};
use crate::limits_actor::ToolLimitsArguments;
use crate::output::MIN_OUTPUT_LIMIT_BYTES;

/// Why a tool cannot be offered; its author must mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolDefinitionError {
    /// The schema is no JSON text.
    #[error("the argument schema of tool `{tool}` is not JSON")]
    SchemaSyntax {
        /// The tool.
        tool: ToolName,
        /// Where it breaks.
        #[source]
        source: serde_json::Error,
    },
    /// The schema is JSON but no valid JSON schema.
    #[error("the argument schema of tool `{tool}` is not a JSON schema")]
    Schema {
        /// The tool.
        tool: ToolName,
        /// What is wrong with it.
        #[source]
        source: Box<jsonschema::ValidationError<'static>>,
    },
    /// Arguments must be an object: models send nothing else.
    #[error("the arguments of tool `{tool}` must be a struct with named fields (a schema of type `object`)")]
    NotAnObject {
        /// The tool.
        tool: ToolName,
    },
    /// The intent key names a field that the arguments do not have.
    #[error("tool `{tool}` has no argument `{field}`, which its intent key names")]
    NoSuchIntentField {
        /// The tool.
        tool: ToolName,
        /// The field.
        field: String,
    },
    /// A limit that lets no call through or has no meaning.
    #[error("the {limit} of tool `{tool}` must be {bounds}")]
    Limit {
        /// The tool.
        tool: ToolName,
        /// Which limit.
        limit: &'static str,
        /// What it may be.
        bounds: &'static str,
    },
}

/// What tools share: where their code runs, and the time.
#[derive(Clone)]
pub struct ToolServices {
    /// Runs their code.
    pub pool: Arc<UserPool>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// A tool, ready to be called.
///
/// One per tool and process, shared by all runs. Its actor ([`crate::ToolLimitsActor`], started by a supervisor with
/// [`ToolHandle::actor_arguments`] at [`ToolHandle::limits`]) hands out its places; without it no call starts.
pub struct ToolHandle {
    pub(crate) tool: Arc<dyn Tool>,
    pub(crate) spec: Arc<ToolSpec>,
    pub(crate) services: ToolServices,
    pub(crate) limits: ToolLimits,
    validator: Validator,
    taken: PlacesTaken,
}

impl ToolHandle {
    /// Checks what a tool declares and compiles its schema.
    ///
    /// # Errors
    /// [`ToolDefinitionError`]
    pub fn new(tool: Arc<dyn Tool>, services: ToolServices) -> Result<Self, ToolDefinitionError> {
        let spec = tool.spec();
        let validator = compiled(&spec)?;
        check_limits(&spec)?;
        let limits = ToolLimits::new(Address::new(ToolLimits::MAILBOX));
        Ok(Self { tool, spec, services, limits, validator, taken: PlacesTaken::default() })
    }

    /// Returns what the tool declares.
    #[must_use]
    pub const fn spec(&self) -> &Arc<ToolSpec> {
        &self.spec
    }

    /// Returns the handle of the tool's actor; its address has the slot that the supervisor fills.
    #[must_use]
    pub const fn limits(&self) -> &ToolLimits {
        &self.limits
    }

    /// Returns what each incarnation of the tool's actor starts with.
    #[must_use]
    pub fn actor_arguments(&self) -> ToolLimitsArguments {
        ToolLimitsArguments {
            spec: Arc::clone(&self.spec),
            limits: self.limits.clone(),
            taken: self.taken.clone(),
            clock: Arc::clone(&self.services.clock),
        }
    }

    /// Reads arguments as a model wrote them and returns them in canonical form, ready for the intent's record.
    ///
    /// An empty text counts as `{}`. At most 1 MiB and 64 levels are read. The canonical form is that of RFC 8785, except
    /// that integers keep all their digits up to 64 bits.
    /// # Errors
    /// [`playhouse_types::ToolFailureKind::InvalidArguments`], with up to 5 errors that a model can act on.
    pub fn check(&self, raw: &str) -> Result<String, ToolFailure> {
        arguments::check(&self.validator, raw)
    }

    /// Returns the keys of a call with canonical arguments; they go into the intent's record.
    #[must_use]
    pub fn keys(&self, place: KeyPlace<'_>, call: CallId, canonical_arguments: &str) -> EffectKeys {
        EffectKeys {
            idempotency: idempotency_key(place.run, call, &self.spec.name, canonical_arguments),
            intent: intent_key(&self.spec, canonical_arguments).map(|key| place.scoped(self.spec.scope, key)),
        }
    }
}

impl fmt::Debug for ToolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolHandle").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

/// Checks arguments that a person wrote in place of a model's, and returns them in canonical form.
///
/// # Errors
/// [`playhouse_types::ToolFailureKind::InvalidArguments`] with what is wrong, also if the tool itself is not right.
pub fn check_arguments(spec: &ToolSpec, raw: &str) -> Result<String, ToolFailure> {
    let validator = compiled(spec).map_err(|error| arguments::invalid(error.to_string()))?;
    arguments::check(&validator, raw)
}

fn compiled(spec: &ToolSpec) -> Result<Validator, ToolDefinitionError> {
    let tool = || spec.name.clone();
    let schema: Value = serde_json::from_str(&spec.schema)
        .map_err(|source| ToolDefinitionError::SchemaSyntax { tool: tool(), source })?;
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(ToolDefinitionError::NotAnObject { tool: tool() });
    }
    for field in &spec.intent {
        if schema.get("properties").and_then(|fields| fields.get(field)).is_none() {
            return Err(ToolDefinitionError::NoSuchIntentField { tool: tool(), field: field.clone() });
        }
    }
    jsonschema::validator_for(&schema)
        .map_err(|source| ToolDefinitionError::Schema { tool: tool(), source: Box::new(source) })
}

fn check_limits(spec: &ToolSpec) -> Result<(), ToolDefinitionError> {
    let reconciles_first = spec.effect == Effect::Reconcile || spec.scope != IntentScope::Destination;
    let has_intent =
        !spec.intent.is_empty() || !matches!(spec.scope, IntentScope::Batch | IntentScope::Tenant);
    let limits = [
        (spec.concurrency > 0, "concurrency", "at least 1"),
        (!spec.timeout.is_zero(), "timeout", "longer than zero"),
        (spec.rate_per_second.is_none_or(|rate| rate.is_finite() && rate > 0.0), "rate", "a positive number"),
        (spec.output_limit_bytes >= MIN_OUTPUT_LIMIT_BYTES, "output limit", "at least 256 bytes"),
        (reconciles_first, "scope", "another than the destination, unless its effect is `reconcile`"),
        (has_intent, "scope", "the run, unless it names the fields of an intent key"),
    ];
    match limits.into_iter().find(|(holds, ..)| !holds) {
        Some((_, limit, bounds)) => {
            Err(ToolDefinitionError::Limit { tool: spec.name.clone(), limit, bounds })
        }
        None => Ok(()),
    }
}
