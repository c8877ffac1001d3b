//! What the critic says about a draft.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::patterns::given_turns::EndedTurn;

/// The best score.
const MAX_SCORE: u8 = 10;

/// What the critic says about a draft.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Criticism {
    /// Whether the draft is good as it is.
    #[serde(rename = "approved")]
    pub(super) is_approved: bool,
    /// How good it is: 0 useless, 10 perfect.
    #[schemars(range(min = 0, max = 10))]
    pub(super) score: u8,
    /// What to do better; empty if it is approved.
    feedback: String,
}

impl Criticism {
    /// Its form, for the critic.
    pub(super) const FORM: &str = "Reply with JSON: {\"approved\": true or false, \"score\": 0 to 10, \
                                   \"feedback\": TEXT}. `approved` says whether the draft is good as it is; `feedback` \
                                   says what to do better.";

    /// Returns its schema, as JSON text.
    pub(super) fn schema() -> String {
        playhouse_tools::schema_text::<Self>()
    }

    /// Reads what the critic replied; else says why there is no criticism.
    pub(super) fn read(ended: &EndedTurn<'_>) -> Result<Self, String> {
        let criticism: Self = ended.read()?;
        if criticism.score > MAX_SCORE {
            return Err(format!("the score {} is over {MAX_SCORE}", criticism.score));
        }
        Ok(criticism)
    }

    /// Returns what to do better, in words.
    pub(super) fn feedback(&self) -> String {
        match self.feedback.trim() {
            "" => format!("This is not good enough yet: {} of {MAX_SCORE}.", self.score),
            feedback => feedback.to_owned(),
        }
    }
}
