//! Colleagues that agents have called as tools: each gets a turn, one after the other if several call the same.

use std::collections::BTreeMap;

use playhouse_journal::{Event, Record};
use playhouse_types::{AgentName, Brief, CallId, ReplyTo, Sees, TurnId};
use serde::{Deserialize, Serialize};

use super::{CoordinatorState, Decision};
use crate::Assignment;

/// The calls of colleagues that have not ended. Changes only in [`Consults::apply`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Consults {
    /// Those that nobody has the floor for yet: whom, and what for.
    waiting: BTreeMap<CallId, (AgentName, String)>,
    /// The turns of the others.
    given: BTreeMap<TurnId, CallId>,
}

impl Consults {
    pub(super) fn apply(&mut self, record: &Record) {
        match &record.event {
            Event::Consulted { call, whom, task } => {
                self.waiting.insert(*call, (whom.clone(), task.clone()));
            }
            Event::Briefed { turn, brief } => {
                if let ReplyTo::Caller(call) = brief.reply_to {
                    self.waiting.remove(&call);
                    self.given.insert(*turn, call);
                }
            }
            Event::TurnEnded { turn, .. } => {
                self.given.remove(turn);
                self.waiting.retain(|call, _| call.turn != *turn);
            }
            _ => {}
        }
    }

    /// Tells whether a turn was given to a colleague that was called.
    pub(super) fn is_given(&self, turn: TurnId) -> bool {
        self.given.contains_key(&turn)
    }
}

impl CoordinatorState {
    /// Gives the floor to colleagues that were called. They belong to a turn that is open, so a pause does not hold them.
    pub(super) fn decide_on_consults(&self) -> Option<Decision> {
        self.consults.waiting.iter().find_map(|(call, (whom, task))| {
            let thread = self.thread_of(call.turn);
            let team = self.teams.get(&thread)?;
            let caller = &team.open.get(&call.turn)?.speaker;
            let turn = self.assigned.next();
            let brief = Brief { thread, reply_to: ReplyTo::Caller(*call), ..Brief::new(task.clone()) };
            let brief = brief.seeing(Sees::Nothing);
            if !team.can_ask(whom) {
                let reason = "it takes no part any more".to_owned();
                return Some(Decision::Decline { turn, brief, reason });
            }
            let is_busy = team.open.values().any(|open| open.speaker == *whom);
            let assignment = Assignment::new(whom.clone(), format!("called by {caller}")).with(brief);
            (!is_busy).then(|| Decision::Assign(vec![(turn, assignment)]))
        })
    }

    /// Returns who goes on with a record: the caller of the colleague whose turn it ends.
    pub(crate) fn caller_of(&self, record: &Record) -> Option<(TurnId, AgentName)> {
        let Event::TurnEnded { turn, .. } = &record.event else { return None };
        let call = self.consults.given.get(turn)?;
        Some((call.turn, self.turn(call.turn)?.speaker.clone()))
    }
}
