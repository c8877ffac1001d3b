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
    use crate::{ConversationView, Pattern, PatternDecision};
    use playhouse_types::AgentName;

    #[test]
    fn everybody_speaks_in_order_and_then_again() {
        let agents = ["a", "b", "c"].map(|name| AgentName::new(name).unwrap());
        let transcript = std::sync::Arc::default();
        let speakers: Vec<String> = (0..5)
            .map(|assigned| {
                let view = ConversationView {
                    agents: &agents,
                    transcript: &transcript,
                    assigned,
                    last_speaker: None,
                };
                match RoundRobin::new().decide(&view) {
                    PatternDecision::Speak(turns) => turns[0].speaker.to_string(),
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        assert_eq!(speakers, ["a", "b", "c", "a", "b"]);
    }
}
