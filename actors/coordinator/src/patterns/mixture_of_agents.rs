//! Mixture of agents: layers of agents that improve on each other's answers, and one that brings them together.

#[cfg(test)]
mod tests;

use playhouse_journal::Event;
use playhouse_types::AgentName;

use super::given_turns::{restore, save};
use super::layers::Layers;
use crate::{ConversationView, Pattern, PatternDecision};

/// How many layers answer, if nothing else is said.
const LAYERS: u32 = 2;

/// Lets all members answer at once, layer after layer, and one agent bring the last answers together: the mixture of agents
/// of Wang et al. (arXiv 2406.04692), a design pattern in `AutoGen`.
///
/// In the first layer the members see the task; in each further one they see the task and the answers of the layer before,
/// and improve on them. The aggregator, a member who does not answer with the others or an agent that is no member, sees the
/// task and the last answers. From the third layer on the task stands in what they are told, as they see no earlier
/// answers: a long one is on record once more for each of them.
///
/// It ends by itself once the aggregator has spoken. Who does not answer is left out; a layer without any answer is the last
/// one, and the first layer without any fails. If the aggregator does not answer, it ends as limited, and the answers stand
/// as they are.
///
/// ```
/// use playhouse_coordinator::MixtureOfAgents;
/// use playhouse_types::AgentName;
///
/// let pattern = MixtureOfAgents::new(AgentName::of_text("editor")).layers(3);
/// ```
#[derive(Clone, Debug)]
pub struct MixtureOfAgents {
    aggregator: AgentName,
    n_layers: u32,
    state: Layers,
}

impl MixtureOfAgents {
    /// Makes the pattern with two layers before the aggregator.
    #[must_use]
    pub fn new(aggregator: impl Into<AgentName>) -> Self {
        Self { aggregator: aggregator.into(), n_layers: LAYERS, state: Layers::default() }
    }

    /// Sets how many layers answer before the aggregator does.
    #[must_use]
    pub const fn layers(mut self, n: u32) -> Self {
        self.n_layers = n;
        self
    }
}

impl Pattern for MixtureOfAgents {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        self.state.decide(view, self.n_layers, Some(&self.aggregator))
    }

    fn apply(&mut self, event: &Event) {
        self.state.apply(event);
    }

    fn has_own_end(&self) -> bool {
        true
    }

    fn staff(&self) -> Vec<AgentName> {
        vec![self.aggregator.clone()]
    }

    fn faults(&self, members: &[AgentName]) -> Vec<String> {
        let mut faults = Vec::new();
        if members == [self.aggregator.clone()] {
            let aggregator = &self.aggregator;
            faults.push(format!("`{aggregator}` has no answers to bring together: it is the only member"));
        }
        if self.n_layers == 0 {
            faults.push(
                "a mixture of agents with 0 layers has no answers: let `layers` be 1 at least".to_owned(),
            );
        }
        faults
    }

    fn describe(&self) -> String {
        format!("aggregator {} layers {}", self.aggregator, self.n_layers)
    }

    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }

    fn save(&self) -> Option<Vec<u8>> {
        save(&self.state)
    }

    fn restore(&mut self, state: &[u8]) -> bool {
        restore(&mut self.state, state)
    }
}
