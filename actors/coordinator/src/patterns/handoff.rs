//! Handoff: the speakers themselves say who goes on.

#[cfg(test)]
mod tests;

use playhouse_journal::Event;
use playhouse_types::{AgentName, Brief};
use serde::{Deserialize, Serialize};

use super::given_turns::{GivenTurns, restore, save};
use crate::{Assignment, ConversationView, Pattern, PatternDecision};

/// How many handoffs in a row to somebody who takes no further part are given back; one more ends the conversation.
const MAX_IN_VAIN: u32 = 3;

/// Gives the floor to whom the last speaker handed it: `Swarm` in `AutoGen`, handoffs in the Agents SDKs.
///
/// The first member begins. Who has the floor keeps it until it hands over with its tool `transfer_to_<name>`; of several
/// handoffs in one reply the first one counts. A handoff to somebody who takes no further part gives the floor back, with a
/// word about it, up to three times in a row. If the agent that has the floor is dropped itself, whoever gave it the floor
/// goes on, or else the first member that is left.
///
/// It ends by the crew's `until`, or with [`Handoff::ends_without_handoff`] once a reply comes without a handoff.
/// [`Handoff::max_handoffs`] bounds how often the floor goes on.
///
/// ```
/// use playhouse_coordinator::Handoff;
///
/// let pattern = Handoff::new().ends_without_handoff().max_handoffs(8);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Handoff {
    ends_without_handoff: bool,
    max_handoffs: Option<u32>,
    state: State,
}

/// Where the floor is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct State {
    given: GivenTurns,
    floor: Option<AgentName>,
    /// Who gave it to whom it is with.
    giver: Option<AgentName>,
    n_handoffs: u32,
    /// How many handoffs in a row went to somebody who takes no further part.
    n_in_vain: u32,
    /// Who has replied without handing over, if that was the last thing to happen.
    kept_by: Option<AgentName>,
}

impl Handoff {
    /// Makes the pattern.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the conversation as planned once an agent replies without handing over.
    #[must_use]
    pub const fn ends_without_handoff(mut self) -> Self {
        self.ends_without_handoff = true;
        self
    }

    /// Sets how many handoffs are followed: one more ends the conversation as limited. No bound if not set.
    #[must_use]
    pub const fn max_handoffs(mut self, n: u32) -> Self {
        self.max_handoffs = Some(n);
        self
    }

    /// Gives the floor to somebody who is there: `floor` if possible.
    fn pass(&self, floor: &AgentName, view: &ConversationView<'_>) -> PatternDecision {
        if view.agents.contains(floor) {
            let reason = match &self.state.giver {
                Some(giver) if view.last_speaker != Some(floor) => format!("has the floor from `{giver}`"),
                _ => "keeps the floor".to_owned(),
            };
            return PatternDecision::speak(floor.clone(), reason);
        }
        let giver = self.state.giver.as_ref().filter(|giver| view.agents.contains(giver));
        let Some(speaker) = giver.or(view.agents.first()) else {
            return PatternDecision::failed("nobody is left to hand over to");
        };
        let told = format!(
            "`{floor}` takes no further part in this conversation. Go on yourself, or hand over to somebody else."
        );
        let reason = format!("has the floor, as `{floor}` takes no further part");
        PatternDecision::Speak(vec![Assignment::new(speaker.clone(), reason).with(Brief::new(told))])
    }
}

impl Pattern for Handoff {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        let state = &self.state;
        if let Some(agent) = state.kept_by.as_ref().filter(|_| self.ends_without_handoff) {
            return PatternDecision::concluded(format!("`{agent}` replied without handing over"));
        }
        if let Some(max) = self.max_handoffs.filter(|max| state.n_handoffs > *max) {
            return PatternDecision::limited(format!(
                "the floor went on {max} times, and may not more often"
            ));
        }
        if let Some(gone) = state.floor.as_ref().filter(|_| state.n_in_vain > MAX_IN_VAIN) {
            return PatternDecision::limited(format!(
                "`{gone}` takes no further part and is still handed over to"
            ));
        }
        match (&state.floor, view.agents.first()) {
            (Some(floor), _) => self.pass(floor, view),
            (None, Some(first)) => PatternDecision::speak(first.clone(), "begins"),
            (None, None) => PatternDecision::failed("the crew has no agents"),
        }
    }

    fn apply(&mut self, event: &Event) {
        let Some(ended) = self.state.given.apply(event) else { return };
        let state = &mut self.state;
        state.kept_by = None;
        if let Some(to) = ended.handed_to() {
            state.n_handoffs = state.n_handoffs.saturating_add(1);
            state.n_in_vain = if state.given.is_dropped(to) { state.n_in_vain.saturating_add(1) } else { 0 };
            state.floor = Some(to.clone());
            state.giver = Some(ended.speaker);
            return;
        }
        if ended.reply().is_ok() {
            state.kept_by = Some(ended.speaker.clone());
            state.n_in_vain = 0;
        }
        if state.floor.as_ref() != Some(&ended.speaker) {
            state.floor = Some(ended.speaker);
            state.giver = None;
        }
    }

    fn has_own_end(&self) -> bool {
        self.ends_without_handoff
    }

    fn describe(&self) -> String {
        format!("ends without handoff {} max {:?}", self.ends_without_handoff, self.max_handoffs)
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
