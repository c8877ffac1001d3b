//! What advocates say, in a form that the others and the judge can check.

use playhouse::prelude::ModelRequest;
use serde::{Deserialize, Serialize};

use super::ADVOCATES;

/// One turn of an advocate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Argument {
    /// Where the own option is ahead.
    pub(crate) claims: Vec<Claim>,
    /// Claims of others that are true.
    pub(crate) concedes: Vec<Claim>,
    /// Weak points of options.
    pub(crate) doubts: Vec<Doubt>,
}

/// That an option is ahead of another one by a criterion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// The one ahead.
    pub(crate) option: String,
    /// The other one.
    pub(crate) over: String,
    /// By which criterion.
    pub(crate) criterion: String,
}

/// That an option is weak by a criterion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Doubt {
    /// The option.
    pub(crate) option: String,
    /// By which criterion.
    pub(crate) criterion: String,
}

/// Returns the arguments so far, oldest first, each with its advocate.
pub(crate) fn arguments(request: &ModelRequest) -> Vec<(&str, Argument)> {
    let messages = request.transcript.iter().map(|entry| &entry.message);
    let of_advocates = messages.filter(|message| ADVOCATES.contains(&message.from.as_str()));
    of_advocates
        .filter_map(|message| {
            // A message of another form, as a model may write it, holds nothing that a script can check.
            let argument = serde_json::from_str(message.content.lines().next_back()?).ok()?;
            Some((message.from.as_str(), argument))
        })
        .collect()
}
