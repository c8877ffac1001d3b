//! Colleagues that agents have called as tools: each gets a turn, one after the other if several call the same.

use std::collections::BTreeMap;

use playhouse_journal::{Event, Record};
use playhouse_types::{AgentName, Brief, CallId, ReplyTo, Sees, TurnId};
use serde::{Deserialize, Serialize};

use super::{CoordinatorState, Decision, Team};
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

    /// Tells whether an open turn waits for a colleague.
    pub(super) fn hold(&self, turn: TurnId) -> bool {
        self.waiting.keys().chain(self.given.values()).any(|call| call.turn == turn)
    }

    /// Tells whether a turn was given to a colleague that was called.
    pub(super) fn is_given(&self, turn: TurnId) -> bool {
        self.given.contains_key(&turn)
    }
}

impl CoordinatorState {
    /// Declines the call of a colleague that takes no part any more.
    pub(super) fn decline_a_call(&self) -> Option<Decision> {
        let (call, _, team, brief) = self.calls().find(|(_, whom, team, _)| !team.can_ask(whom))?;
        let reason = format!("it was dropped before `{}` called it", team.open.get(&call.turn)?.speaker);
        Some(Decision::Decline { turn: self.assigned.next(), brief, reason })
    }

    /// Gives the floor to colleagues that were called, to each once. They belong to turns that are open, so a pause does
    /// not hold them.
    pub(super) fn give_to_called(&self) -> Vec<Assignment> {
        let mut given: Vec<Assignment> = Vec::new();
        for (call, whom, team, brief) in self.calls() {
            let has_floor = team.open.values().map(|open| &open.speaker);
            let is_busy = has_floor.chain(given.iter().map(|turn| &turn.speaker)).any(|busy| busy == whom);
            if let Some(caller) = team.open.get(&call.turn).filter(|_| !is_busy) {
                let reason = format!("called by {}", caller.speaker);
                given.push(Assignment::new(whom.clone(), reason).with(brief));
            }
        }
        given
    }

    /// Returns the calls that nobody has the floor for yet: whom, in which crew, and what that one is told.
    fn calls(&self) -> impl Iterator<Item = (CallId, &AgentName, &Team, Brief)> {
        self.consults.waiting.iter().filter_map(|(call, (whom, task))| {
            let thread = self.thread_of(call.turn);
            let brief = Brief { thread, reply_to: ReplyTo::Caller(*call), ..Brief::new(task.clone()) };
            Some((*call, whom, self.teams.get(&thread)?, brief.seeing(Sees::Nothing)))
        })
    }

    /// Returns who goes on with a record: the caller of the colleague whose turn it ends.
    pub(crate) fn caller_of(&self, record: &Record) -> Option<(TurnId, AgentName)> {
        let Event::TurnEnded { turn, .. } = &record.event else { return None };
        let call = self.consults.given.get(turn)?;
        Some((call.turn, self.turn(call.turn)?.speaker.clone()))
    }
}
