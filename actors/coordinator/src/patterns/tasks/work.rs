//! How far one task is: a pure state machine of its turns.

use std::collections::BTreeSet;

use playhouse_types::{AgentName, TurnId};
use serde::{Deserialize, Serialize};

use super::{OnUnfit, Task};

/// Whether a task has ended, and with what.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Stage {
    /// It is to be done, or tried again.
    Open,
    /// The output that was said in this turn was accepted.
    Done { output: TurnId },
    /// No output was accepted; `output` is the turn in which the last one is said as a partial one.
    GivenUp { why: String, output: Option<TurnId> },
}

/// How far a task is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Work {
    pub(super) stage: Stage,
    /// Who does it next.
    pub(super) performer: AgentName,
    /// How many turns that took so far; the agent that it falls back on begins anew.
    pub(super) n_turns: u32,
    has_fallen_back: bool,
    /// The turn of the last output that was not accepted.
    pub(super) draft: Option<TurnId>,
    /// What was wrong the last time.
    pub(super) refusal: Option<String>,
    /// Whether that is still to be said in the conversation, where the output stands.
    pub(super) is_unsaid: bool,
}

impl Work {
    /// Makes the state of a task that nobody has begun.
    pub(super) fn of(task: &Task) -> Self {
        Self {
            stage: Stage::Open,
            // A task of nobody is refused when the scenario is built.
            performer: task.agent.clone().unwrap_or_else(|| AgentName::of_text("")),
            n_turns: 0,
            has_fallen_back: false,
            draft: None,
            refusal: None,
            is_unsaid: false,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.stage != Stage::Open
    }

    /// Returns why it was given up, if it was.
    pub(super) fn why(&self) -> Option<&str> {
        match &self.stage {
            Stage::GivenUp { why, .. } => Some(why),
            Stage::Open | Stage::Done { .. } => None,
        }
    }

    /// Somebody begins a turn of it: who was chosen for it, or whose model was replaced after it had failed.
    pub(super) fn begin_turn(&mut self, task: &Task, speaker: &AgentName) {
        self.stage = Stage::Open;
        self.n_turns += 1;
        if self.performer != *speaker {
            self.performer = speaker.clone();
            self.has_fallen_back =
                matches!(&task.on_unfit, OnUnfit::FallbackAgent(agent) if agent == speaker);
        }
    }

    /// Takes an output, if it passes.
    pub(super) fn take(&mut self, task: &Task, turn: TurnId, output: &str, gone: &BTreeSet<AgentName>) {
        match task.check(output) {
            Ok(()) => self.stage = Stage::Done { output: turn },
            Err(why) => {
                (self.draft, self.is_unsaid) = (Some(turn), true);
                self.try_again(task, &why, gone);
            }
        }
    }

    /// The last output stands as a partial one.
    pub(super) fn take_partial(&mut self, turn: TurnId) {
        if let Stage::GivenUp { output, .. } = &mut self.stage {
            *output = Some(turn);
        }
    }

    /// Another agent is to do it: its turns count as the same agent's would.
    pub(super) fn hand_over(&mut self, task: &Task, to: &AgentName, gone: &BTreeSet<AgentName>) {
        if gone.contains(to) {
            return self.give_up(task, &format!("it was handed over to `{to}`, who takes no part"), gone);
        }
        if self.n_turns > task.retries {
            return self.give_up(task, &format!("it was handed over to `{to}` after {}", self.turns()), gone);
        }
        self.performer = to.clone();
    }

    /// The output was not accepted.
    pub(super) fn try_again(&mut self, task: &Task, why: &str, gone: &BTreeSet<AgentName>) {
        self.refusal = Some(why.to_owned());
        if self.n_turns > task.retries {
            let why = format!("no output was accepted in {}: {why}", self.turns());
            self.give_up(task, &why, gone);
        }
    }

    /// Who does it cannot go on.
    pub(super) fn give_up(&mut self, task: &Task, why: &str, gone: &BTreeSet<AgentName>) {
        match &task.on_unfit {
            OnUnfit::FallbackAgent(agent) if !self.has_fallen_back && !gone.contains(agent) => {
                self.performer = agent.clone();
                (self.has_fallen_back, self.n_turns) = (true, 0);
            }
            _ => self.stage = Stage::GivenUp { why: why.to_owned(), output: None },
        }
    }

    fn turns(&self) -> String {
        if self.n_turns == 1 { "a turn".to_owned() } else { format!("{} turns", self.n_turns) }
    }
}
