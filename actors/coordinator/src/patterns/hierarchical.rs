//! Hierarchical: a manager does the work with colleagues whom it calls as tools.

use playhouse_journal::Event;
use playhouse_types::{AgentName, TurnOutcome};
use serde::{Deserialize, Serialize};

use crate::{ConversationView, Pattern, PatternDecision};

/// The first member is the manager and has the only turn; the others are its tools: the hierarchical process of `CrewAI`,
/// agents as tools of the Agents SDKs.
///
/// The manager gets a tool `ask_<name>` for every other member, agent or crew, and says itself what the result is. It cannot
/// call itself, and those it calls have only colleagues of their own, in no circle: so the depth is bounded by the
/// scenario, and the breadth by the manager's `max_steps`. A colleague that gives no answer is a failed call of which the
/// manager hears.
///
/// Ends when the manager replies; limited if it reaches a bound, with what was said until then; failed if its turn brings
/// nothing.
///
/// ```
/// use playhouse_coordinator::Hierarchical;
///
/// let pattern = Hierarchical::new();
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hierarchical {
    state: State,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
enum State {
    #[default]
    Begins,
    /// The manager's turn has ended with a reply.
    Done,
    /// It has ended without one.
    Failed(String),
}

impl Hierarchical {
    /// Makes the pattern.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Pattern for Hierarchical {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        match (&self.state, view.agents.first()) {
            (State::Done, _) => PatternDecision::concluded("the manager is done"),
            (State::Failed(reason), _) => PatternDecision::failed(reason.clone()),
            (State::Begins, Some(manager)) => PatternDecision::speak(manager.clone(), "manages"),
            (State::Begins, None) => PatternDecision::failed("nobody is left to manage"),
        }
    }

    fn apply(&mut self, event: &Event) {
        let Event::TurnEnded { outcome, .. } = event else { return };
        self.state = match outcome {
            TurnOutcome::Replied | TurnOutcome::HandedOff { .. } | TurnOutcome::Answered { .. } => {
                State::Done
            }
            // Asked again if its model is replaced.
            TurnOutcome::ModelFailed { .. } => State::Begins,
            TurnOutcome::Skipped { reason } => {
                State::Failed(format!("the manager brought nothing: {reason}"))
            }
            TurnOutcome::Cancelled => State::Failed("the manager's turn was cancelled".to_owned()),
            TurnOutcome::Limited { limit } | TurnOutcome::Unfit { detail: limit } => {
                State::Failed(format!("the manager reached a limit: {limit}"))
            }
        };
    }

    fn has_own_end(&self) -> bool {
        true
    }

    fn colleagues(&self, members: &[AgentName]) -> Vec<(AgentName, AgentName)> {
        let Some((manager, others)) = members.split_first() else { return Vec::new() };
        others.iter().map(|other| (manager.clone(), other.clone())).collect()
    }

    fn faults(&self, members: &[AgentName]) -> Vec<String> {
        match members {
            [manager] => vec![format!("`Hierarchical` has nobody whom `{manager}` could call: add members")],
            _ => Vec::new(),
        }
    }

    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }

    fn save(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(&self.state).ok()
    }

    fn restore(&mut self, state: &[u8]) -> bool {
        postcard::from_bytes(state).map(|state| self.state = state).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Hierarchical;
    use crate::Pattern;
    use crate::patterns::test_crew::{check_end, crew, forgiving, name, names};
    use crate::test_talk::{Does, talk};
    use playhouse_types::{OutcomeKind, TurnOutcome};

    #[test]
    fn the_manager_speaks_once_and_that_is_the_end() {
        let crew = crew(&["lead", "lab", "press"], Hierarchical::new(), None);
        let talk = talk(crew, "weigh it", |_| "3 g");
        assert_eq!(talk.said(), ["lead: 3 g"]);
        check_end(&talk, OutcomeKind::Concluded, "the manager is done");
    }

    #[test]
    fn all_others_are_the_tools_of_the_first() {
        let expected = [(name("lead"), name("lab")), (name("lead"), name("press"))];
        assert_eq!(Hierarchical::new().colleagues(&names(&["lead", "lab", "press"])), expected);
    }

    #[test]
    fn a_manager_of_nobody_is_refused() {
        let faults = Hierarchical::new().faults(&names(&["lead"]));
        assert_eq!(faults, ["`Hierarchical` has nobody whom `lead` could call: add members"]);
    }

    #[test]
    fn a_manager_that_brings_nothing_fails_the_run_by_name() {
        let crew = || forgiving(crew(&["lead", "lab"], Hierarchical::new(), None), &[]);
        let skipped = TurnOutcome::Skipped { reason: "it crashed".to_owned() };
        let talk = talk(crew(), "go", |_| Does::Ends(skipped.clone()));
        check_end(&talk, OutcomeKind::Failed, "the manager brought nothing: it crashed");
        let limited = TurnOutcome::Limited { limit: "32 model calls".to_owned() };
        let talk = crate::test_talk::talk(crew(), "go", |_| Does::Ends(limited.clone()));
        check_end(&talk, OutcomeKind::Limited, "turn 1 of `lead`: 32 model calls");
    }
}
