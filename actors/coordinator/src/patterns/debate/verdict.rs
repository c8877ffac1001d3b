//! What the judge of a debate says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::patterns::given_turns::EndedTurn;

/// What the judge says about a round.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Verdict {
    /// Whether the debate can be decided.
    pub(super) is_over: bool,
    /// The decision and its reasons, or what is still open.
    pub(super) verdict: String,
    /// The decision as JSON text, if a typed one was given.
    pub(super) decision: Option<String>,
}

/// A reply of the judge.
#[derive(Deserialize, JsonSchema)]
struct Reply {
    over: bool,
    verdict: String,
    #[serde(default)]
    #[schemars(skip)]
    decision: Option<Value>,
}

/// A reply with a typed decision, if there is one already.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ReplyWith<T> {
    over: bool,
    verdict: String,
    decision: Option<T>,
}

/// The last reply with a typed decision.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct LastReplyWith<T> {
    over: bool,
    verdict: String,
    decision: T,
}

/// What the judge is asked for: words, or words and a typed decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct VerdictForm {
    schema: String,
    /// After the last round.
    last_schema: String,
    is_typed: bool,
}

impl VerdictForm {
    /// A verdict in words.
    pub(super) fn words() -> Self {
        let schema = playhouse_tools::schema_text::<Reply>();
        Self { last_schema: schema.clone(), schema, is_typed: false }
    }

    /// A verdict in words with a decision of type `T`.
    pub(super) fn typed<T: JsonSchema>() -> Self {
        let schema = playhouse_tools::schema_text::<ReplyWith<T>>();
        Self { schema, last_schema: playhouse_tools::schema_text::<LastReplyWith<T>>(), is_typed: true }
    }

    /// Returns the schema of a reply, as JSON text.
    pub(super) fn schema(&self, is_last: bool) -> &str {
        if is_last { &self.last_schema } else { &self.schema }
    }

    /// Says the form to the judge.
    pub(super) const fn told(&self) -> &'static str {
        if self.is_typed {
            "Reply with JSON: {\"over\": true or false, \"verdict\": TEXT, \"decision\": OBJECT or null}. `over` says \
             whether the debate can be decided; `verdict` is your decision in words and `decision` the same as an object of \
             the form you were told then, and otherwise `verdict` is what is still open and `decision` null."
        } else {
            "Reply with JSON: {\"over\": true or false, \"verdict\": TEXT}. `over` says whether the debate can be \
             decided; `verdict` is your decision with its reasons then, and otherwise what is still open."
        }
    }

    /// Reads what the judge replied; else says why there is no verdict.
    pub(super) fn read(&self, ended: &EndedTurn<'_>) -> Result<Verdict, String> {
        let Reply { over, verdict, decision } = ended.read()?;
        let decision = decision.filter(|decision| self.is_typed && !decision.is_null());
        if verdict.trim().is_empty() {
            return Err("the verdict is empty".to_owned());
        }
        if over && self.is_typed && decision.is_none() {
            return Err("the decision is missing".to_owned());
        }
        Ok(Verdict { is_over: over, verdict, decision: decision.map(|decision| decision.to_string()) })
    }

    /// Returns what is said of a verdict that ends the debate; `None` if it lacks the decision.
    pub(super) fn said(&self, verdict: &Verdict) -> Option<String> {
        match (&verdict.decision, self.is_typed) {
            (Some(decision), true) => Some(format!("{}\n{decision}", verdict.verdict)),
            (None, true) => None,
            (_, false) => Some(verdict.verdict.clone()),
        }
    }
}
