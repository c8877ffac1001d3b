//! What the judge of a debate says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::patterns::given_turns::EndedTurn;

/// What the judge says about a round.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Verdict {
    /// Whether the debate can be decided.
    #[serde(rename = "over")]
    pub(super) is_over: bool,
    /// The decision and its reasons, or what is still open.
    pub(super) verdict: String,
}

impl Verdict {
    /// Its form, for the judge.
    pub(super) const FORM: &str = "Reply with JSON: {\"over\": true or false, \"verdict\": TEXT}. `over` says whether \
                                   the debate can be decided; `verdict` is your decision with its reasons then, and \
                                   otherwise what is still open.";

    /// Returns its schema, as JSON text.
    pub(super) fn schema() -> String {
        playhouse_tools::schema_text::<Self>()
    }

    /// Reads what the judge replied; else says why there is no verdict.
    pub(super) fn read(ended: &EndedTurn<'_>) -> Result<Self, String> {
        let verdict: Self = ended.read()?;
        if verdict.verdict.trim().is_empty() {
            return Err("the verdict is empty".to_owned());
        }
        Ok(verdict)
    }
}
