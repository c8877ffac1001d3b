//! Round robin: the agents speak in the order of their declaration, again and again.

use crate::{ConversationView, Pattern, PatternDecision};

/// Gives the floor to the agents in turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobin;

impl RoundRobin {
    /// Makes the pattern.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Pattern for RoundRobin {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        let place = view.assigned as usize % view.agents.len().max(1);
        match view.agents.get(place) {
            Some(speaker) => {
                PatternDecision::speak(speaker.clone(), format!("round robin, place {}", place + 1))
            }
            None => PatternDecision::failed("the crew has no agents"),
        }
    }

    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(*self)
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some(Vec::new())
    }

    fn restore(&mut self, state: &[u8]) -> bool {
        state.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::RoundRobin;
    use crate::test_talk::talk;
    use crate::{CrewDefinition, turns};
    use playhouse_types::AgentName;

    #[test]
    fn everybody_speaks_in_order_and_then_again() {
        let agents = ["a", "b", "c"].map(|name| AgentName::new(name).unwrap()).to_vec();
        let pattern = Box::new(RoundRobin::new());
        let crew = CrewDefinition { agents, pattern, until: Some(turns(5)), ..CrewDefinition::default() };
        let talk = talk(crew, "go", |asked| format!("{} seen", asked.seen.len()));
        assert_eq!(talk.said(), ["a: 1 seen", "b: 2 seen", "c: 3 seen", "a: 4 seen", "b: 5 seen"]);
    }
}
