//! Agents that could not go on, and what is still to be done about each.

use std::collections::BTreeMap;

use playhouse_journal::{Event, Record};
use playhouse_types::{AgentName, Participant, TurnId, TurnOutcome};
use serde::{Deserialize, Serialize};

use crate::{AgentPolicy, Escalation};

/// Why an agent could not go on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Cause {
    Crash,
    ModelFailure,
}

/// An agent that waits for a measure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Trouble {
    cause: Cause,
    /// The turn that failed, if its end is on record.
    turn: Option<TurnId>,
    reason: String,
}

/// A measure that is due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Measure {
    /// Against whom.
    pub agent: AgentName,
    /// The turn that it is about: open, or just ended; `None` if the agent had none.
    pub turn: Option<TurnId>,
    /// What.
    pub escalation: Escalation,
    /// Why, for the record.
    pub reason: String,
    /// Whether the agent was given up, and has to be started again.
    pub is_crash: bool,
}

/// The troubles of a crew. Changes only in [`Troubles::apply`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Troubles {
    due: BTreeMap<AgentName, Trouble>,
    n_crashes: BTreeMap<AgentName, usize>,
    n_model_failures: BTreeMap<AgentName, usize>,
    /// Gets another turn at once, as its model was replaced after it failed.
    again: Option<AgentName>,
}

impl Troubles {
    /// Takes in the next record; `speaker` is whose turn it is about, if it is about one.
    pub(crate) fn apply(&mut self, record: &Record, speaker: Option<&AgentName>) {
        match &record.event {
            Event::ActorGivenUp { actor, reason, .. } if !actor.is_run() => {
                let Ok(agent) = AgentName::new(actor.as_str()) else { return };
                *self.n_crashes.entry(agent.clone()).or_default() += 1;
                let trouble = Trouble { cause: Cause::Crash, turn: None, reason: reason.clone() };
                self.due.insert(agent, trouble);
            }
            Event::TurnEnded { turn, outcome: TurnOutcome::ModelFailed { detail } } => {
                let Some(agent) = speaker else { return };
                *self.n_model_failures.entry(agent.clone()).or_default() += 1;
                let reason = format!("turn {turn} of `{agent}`: {detail}");
                self.due
                    .insert(agent.clone(), Trouble { cause: Cause::ModelFailure, turn: Some(*turn), reason });
            }
            Event::TurnEnded { outcome: TurnOutcome::Skipped { .. }, .. } => {
                speaker.and_then(|agent| self.due.remove(agent));
            }
            // The note about a turn that failed settles it.
            Event::MessagePosted { message } if message.from == Participant::Runtime => {
                self.due.retain(|_, trouble| trouble.turn != Some(message.turn));
            }
            Event::AgentDropped { agent, .. } => {
                self.due.remove(agent);
            }
            Event::ModelReplaced { agent: Some(agent), .. } => {
                let settled = self.due.remove(agent);
                if settled.is_some_and(|trouble| trouble.cause == Cause::ModelFailure) {
                    self.again = Some(agent.clone());
                }
            }
            Event::TurnAssigned { .. } => self.again = None,
            // A person has dealt with it.
            Event::ReviewDecided { review: playhouse_types::ReviewId::Quarantine(_), .. } => self.due.clear(),
            _ => {}
        }
    }

    /// Returns the measures that are due. `turn_of` finds an agent's open turn.
    pub(crate) fn measures<'a>(
        &'a self,
        policies: &'a BTreeMap<AgentName, AgentPolicy>,
        turn_of: impl Fn(&AgentName) -> Option<TurnId> + 'a,
    ) -> impl Iterator<Item = Measure> + 'a {
        self.due.iter().filter_map(move |(agent, trouble)| {
            let standard = AgentPolicy::default();
            let policy = policies.get(agent).unwrap_or(&standard);
            let nth =
                |counts: &BTreeMap<AgentName, usize>| counts.get(agent).map_or(0, |n| n.saturating_sub(1));
            let is_crash = trouble.cause == Cause::Crash;
            let escalation = match trouble.cause {
                Cause::Crash => policy.after_crash(nth(&self.n_crashes)),
                Cause::ModelFailure => policy.after_model_failure(nth(&self.n_model_failures)),
            };
            let turn = trouble.turn.or_else(|| turn_of(agent));
            let (agent, reason) = (agent.clone(), trouble.reason.clone());
            // An agent that crashed between two turns has nothing to skip.
            (turn.is_some() || escalation != Escalation::SkipTurn).then_some(Measure {
                agent,
                turn,
                escalation,
                reason,
                is_crash,
            })
        })
    }

    /// Returns who gets another turn before the pattern is asked.
    pub(crate) const fn again(&self) -> Option<&AgentName> {
        self.again.as_ref()
    }
}
