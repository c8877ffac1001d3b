//! Concurrent: all members speak at once.

#[cfg(test)]
mod tests;

use playhouse_journal::Event;
use playhouse_types::AgentName;

use super::given_turns::{restore, save};
use super::layers::Layers;
use crate::{ConversationView, Pattern, PatternDecision};

/// Lets all members speak at once, and one agent bring together what they said: a concurrent orchestration in Microsoft's
/// Agent Framework, a fan-out in `LangGraph`.
///
/// All see the same conversation; what they say is posted in the order of their declaration, whoever is ready first. Then
/// the aggregator speaks, if there is one: a member, who then does not speak with the others, or an agent that is no member.
///
/// It ends by itself: once all have spoken, or the aggregator has. Who does not answer is left out; if nobody answers, the
/// conversation fails. If the aggregator does not answer, it ends as limited, and the answers stand as they are.
///
/// ```
/// use playhouse_coordinator::Concurrent;
/// use playhouse_types::AgentName;
///
/// let pattern = Concurrent::new().aggregated_by(AgentName::of_text("editor"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Concurrent {
    aggregator: Option<AgentName>,
    state: Layers,
}

impl Concurrent {
    /// Makes the pattern without an aggregator.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets who brings together what was said.
    #[must_use]
    pub fn aggregated_by(mut self, agent: impl Into<AgentName>) -> Self {
        self.aggregator = Some(agent.into());
        self
    }
}

impl Pattern for Concurrent {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        self.state.decide(view, 1, self.aggregator.as_ref())
    }

    fn apply(&mut self, event: &Event) {
        self.state.apply(event);
    }

    fn has_own_end(&self) -> bool {
        true
    }

    fn staff(&self) -> Vec<AgentName> {
        self.aggregator.iter().cloned().collect()
    }

    fn faults(&self, members: &[AgentName]) -> Vec<String> {
        match (&self.aggregator, members) {
            (Some(aggregator), [only]) if only == aggregator => {
                vec![format!("`{aggregator}` has no answers to bring together: it is the only member")]
            }
            _ => Vec::new(),
        }
    }

    fn describe(&self) -> String {
        format!("aggregator {:?}", self.aggregator)
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
