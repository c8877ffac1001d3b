//! The keys under which a destination knows an effect.

use playhouse_types::{CallId, IntentScope, RunId, TenantId, ToolName, ToolSpec};
use serde_json::Value;

use crate::canonical;

/// Whose call it is, as far as its keys depend on it.
#[derive(Clone, Copy, Debug)]
pub struct KeyPlace<'a> {
    /// The run.
    pub run: RunId,
    /// Its batch; the run itself if it has none.
    pub batch: RunId,
    /// Whose run it is.
    pub tenant: &'a TenantId,
}

impl KeyPlace<'_> {
    /// Adds to an intent key within what it is unique: `batch:<batch>:<key>`, `tenant:<tenant>:<key>`, and nothing for
    /// the other scopes, whose keys nobody looks for in other runs.
    #[must_use]
    pub fn scoped(self, scope: IntentScope, key: String) -> String {
        match scope {
            IntentScope::Run | IntentScope::Destination => key,
            IntentScope::Batch => format!("batch:{}:{key}", self.batch),
            IntentScope::Tenant => format!("tenant:{}:{key}", self.tenant.0),
        }
    }
}

/// Returns the key of one call: the same for every attempt, incarnation and process.
///
/// BLAKE3 in lower-case hex (64 characters) over these texts, each preceded by its length in bytes as 64 bits little
/// endian: `playhouse idempotency key 1`, run, turn, step, ordinal, tool, canonical arguments. It goes into the
/// intent's record and is never computed again for it.
#[must_use]
pub fn idempotency_key(run: RunId, call: CallId, tool: &ToolName, canonical_arguments: &str) -> String {
    hash(&[
        "playhouse idempotency key 1",
        &run.to_string(),
        &call.turn.to_string(),
        &call.step.to_string(),
        &call.ordinal.to_string(),
        tool.as_str(),
        canonical_arguments,
    ])
}

/// Returns the key that is the same for every call that means the same effect, or `None` if the tool names no fields.
///
/// BLAKE3 as in [`idempotency_key`] over `playhouse intent key 1`, the tool, and for each named field, in the order of
/// the declaration, its name and the canonical text of its value; a field that is not there counts as `null`. The
/// run is no part of it: [`KeyPlace::scoped`] adds within what the key is unique.
#[must_use]
pub fn intent_key(spec: &ToolSpec, canonical_arguments: &str) -> Option<String> {
    if spec.intent.is_empty() {
        return None;
    }
    // Canonical arguments are JSON by construction; anything else has no fields and so all of them are `null`.
    let arguments = canonical::parse(canonical_arguments).unwrap_or(Value::Null);
    let values: Vec<String> = spec
        .intent
        .iter()
        .map(|field| canonical::write(arguments.get(field).unwrap_or(&Value::Null)))
        .collect();
    let mut parts = vec!["playhouse intent key 1", spec.name.as_str()];
    for (field, value) in spec.intent.iter().zip(&values) {
        parts.extend([field.as_str(), value.as_str()]);
    }
    Some(hash(&parts))
}

fn hash(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::{KeyPlace, idempotency_key, intent_key};
    use crate::Declaration;
    use playhouse_types::{
        CallId, EffectKeys, IntentScope, RunId, Step, TenantId, ToolName, TurnId, is_shared_intent,
    };

    fn key(run: u128, [turn, step, ordinal]: [u32; 3], tool: &str, arguments: &str) -> String {
        let call = CallId { turn: TurnId(turn), step: Step(step), ordinal };
        idempotency_key(RunId::from_u128(run), call, &ToolName::new(tool).unwrap(), arguments)
    }

    #[test]
    fn a_call_has_the_same_key_in_every_version_of_this_code() {
        // A stored sample: a release that changes it would pay twice.
        assert_eq!(
            key(1, [2, 3, 0], "pay", r#"{"amount":5}"#),
            "40d991ec3311fdaa4d0732c0b8e22ce2733bb185923b8dc8658455d450addc86"
        );
    }

    #[test]
    fn every_part_of_a_call_changes_its_key() {
        let base = key(1, [2, 3, 4], "pay", "{}");
        let others = [
            key(9, [2, 3, 4], "pay", "{}"),
            key(1, [9, 3, 4], "pay", "{}"),
            key(1, [2, 9, 4], "pay", "{}"),
            key(1, [2, 3, 9], "pay", "{}"),
            key(1, [2, 3, 4], "pay2", "{}"),
            key(1, [2, 3, 4], "pay", "{\"a\":1}"),
            key(1, [23, 4, 4], "pay", "{}"),
        ];
        assert!(others.iter().all(|other| *other != base));
    }

    #[test]
    fn an_intent_key_looks_at_the_named_fields_only() {
        const DECLARATION: Declaration = Declaration {
            name: "pay",
            description: "Pays.",
            intent: &["supplier", "invoice"],
            ..Declaration::DEFAULT
        };
        let spec = DECLARATION.spec_with_schema("{}".to_owned());
        let key = |arguments: &str| intent_key(&spec, arguments).unwrap();
        let base = key(r#"{"amount":5,"invoice":"7","supplier":"ACME"}"#);
        assert_eq!(key(r#"{"amount":6,"invoice":"7","supplier":"ACME"}"#), base);
        assert_ne!(key(r#"{"amount":5,"invoice":7,"supplier":"ACME"}"#), base);
        assert_eq!(key(r#"{"invoice":null}"#), key("{}"), "an absent field counts as null");
        let none = Declaration { intent: &[], ..DECLARATION }.spec_with_schema("{}".to_owned());
        assert_eq!(intent_key(&none, "{}"), None);
    }

    #[test]
    fn a_key_says_within_what_it_is_unique() {
        let tenant = TenantId("acme: north".to_owned());
        let (run, batch) = (RunId::from_u128(1), RunId::from_u128(2));
        let key = |scope| KeyPlace { run, batch, tenant: &tenant }.scoped(scope, "00ff".to_owned());
        // Stored samples: a release that changes one would not recognize what was asked before.
        let table = [
            (IntentScope::Run, "00ff".to_owned(), false),
            (IntentScope::Destination, "00ff".to_owned(), false),
            (IntentScope::Batch, format!("batch:{batch}:00ff"), true),
            (IntentScope::Tenant, "tenant:acme: north:00ff".to_owned(), true),
        ];
        for (scope, expected, is_shared) in table {
            assert_eq!((key(scope), is_shared_intent(&expected)), (expected.clone(), is_shared));
            let keys = EffectKeys { idempotency: String::new(), intent: Some(expected.clone()) };
            assert_eq!(keys.shared_intent(), is_shared.then_some(expected.as_str()));
        }
    }
}
