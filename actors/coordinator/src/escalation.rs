//! What becomes of an agent that cannot go on: a ladder of measures that ends at a person.

use playhouse_types::ModelName;
use serde::{Deserialize, Serialize};

/// One measure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Escalation {
    /// It asks another model from now on.
    ReplaceModel(ModelName),
    /// Its turn is over, with a note in the conversation; it is started again for its next one.
    SkipTurn,
    /// It takes no further part, with a note in the conversation.
    DropAgent,
    /// The run is set aside until a person says what to do.
    Quarantine,
    /// The run fails.
    Fail,
}

/// What becomes of an agent, the first time, the second time and so on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct AgentPolicy {
    /// When it crashed more often than its restart policy allows; after the last measure the run is set aside.
    pub on_crash: Vec<Escalation>,
    /// When its model failed for good; after the last measure the run fails.
    pub on_model_failure: Vec<Escalation>,
}

impl AgentPolicy {
    /// Returns the measure against giving up number `n`, from 0.
    #[must_use]
    pub fn after_crash(&self, n: usize) -> Escalation {
        self.on_crash.get(n).cloned().unwrap_or(Escalation::Quarantine)
    }

    /// Returns the measure against model failure number `n`, from 0.
    #[must_use]
    pub fn after_model_failure(&self, n: usize) -> Escalation {
        self.on_model_failure.get(n).cloned().unwrap_or(Escalation::Fail)
    }
}

#[cfg(test)]
mod tests {
    use super::{AgentPolicy, Escalation};

    #[test]
    fn a_ladder_ends_at_a_person_or_with_the_run() {
        let policy = AgentPolicy {
            on_crash: vec![Escalation::SkipTurn],
            on_model_failure: vec![Escalation::DropAgent, Escalation::SkipTurn],
        };
        assert_eq!(
            [0, 1, 7].map(|n| policy.after_crash(n)),
            [Escalation::SkipTurn, Escalation::Quarantine, Escalation::Quarantine]
        );
        assert_eq!(
            [0, 1, 2].map(|n| policy.after_model_failure(n)),
            [Escalation::DropAgent, Escalation::SkipTurn, Escalation::Fail]
        );
    }
}
