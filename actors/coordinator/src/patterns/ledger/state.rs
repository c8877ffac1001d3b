//! The fold of a ledger: what is known, what is planned, how the work goes, and what comes next.

use playhouse_journal::Event;
use playhouse_types::{AgentName, TurnId, TurnOutcome};
use serde::{Deserialize, Serialize};

use super::progress::{self, Progress};
use super::prompts::shortened;

/// How often the lead is asked for the final answer.
const MAX_ANSWERS: u32 = 2;

/// How much of what went wrong the lead is told, in bytes.
const MAX_TROUBLE: usize = 500;

/// The bounds of a ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Limits {
    pub(super) n_turns: u32,
    pub(super) n_stalls: u32,
    pub(super) n_replans: u32,
}

impl Default for Limits {
    fn default() -> Self {
        // Turns and stalls as in AutoGen, which does not bound new plans by themselves.
        Self { n_turns: 20, n_stalls: 3, n_replans: 3 }
    }
}

/// What a turn or a message of the pattern is for: noted in its brief, read back from there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Asked {
    Facts,
    Plan,
    ShowPlan,
    Progress {
        /// Who could be named when the lead was asked.
        candidates: Vec<AgentName>,
    },
    Instruct,
    Work,
    Answer,
}

impl Asked {
    pub(super) fn note(&self) -> String {
        // Plain data without maps: writing it cannot fail. A note that is empty would be read as none.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn of_note(note: &str) -> Option<Self> {
        serde_json::from_str(note).ok()
    }
}

/// What a member is to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) speaker: AgentName,
    pub(super) instruction: String,
    /// Why it was chosen, for the record.
    pub(super) reason: String,
}

/// Why the work is over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum End {
    Satisfied { reason: String },
    Limited { detail: String },
}

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Ask for the fact sheet, after a stall for an updated one.
    #[default]
    Facts,
    /// Ask for a plan.
    Plan,
    /// Post facts and plan.
    ShowPlan { plan: String },
    /// Ask for a progress report.
    Progress,
    /// Post what a member is to do.
    Instruct(Task),
    /// Let it work.
    Work(Task),
    /// Ask for the final answer.
    Answer { end: End, n_failed: u32 },
    /// End the conversation.
    Ended {
        end: End,
        /// Why there is no final answer, if there is none.
        trouble: Option<String>,
    },
}

/// The state of a ledger. Changes only in [`State::apply`]; its form is part of the stored snapshots.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    phase: Phase,
    facts: Option<String>,
    /// Turns of members that have ended.
    n_turns: u32,
    n_stalls: u32,
    n_replans: u32,
    /// What went wrong since the last progress report.
    trouble: Option<String>,
    is_lead_gone: bool,
    /// What the turn is for whose assignment or message comes next.
    told: Option<(TurnId, Asked)>,
    /// What the open turn is for.
    open: Option<(TurnId, Asked)>,
}

impl State {
    pub(super) const fn phase(&self) -> &Phase {
        &self.phase
    }

    pub(super) fn facts(&self) -> Option<&str> {
        self.facts.as_deref()
    }

    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    pub(super) const fn n_replans(&self) -> u32 {
        self.n_replans
    }

    pub(super) const fn is_lead_gone(&self) -> bool {
        self.is_lead_gone
    }

    /// Takes in a record.
    pub(super) fn apply(&mut self, event: &Event, lead: &AgentName, limits: Limits) {
        match event {
            Event::Briefed { turn, brief } => {
                self.told = Asked::of_note(&brief.note).map(|asked| (*turn, asked));
            }
            Event::TurnAssigned { turn, .. } => {
                self.open = self.told.take().filter(|(told, _)| told == turn);
            }
            Event::MessagePosted { message } => {
                if let Some((_, asked)) = self.told.take_if(|(told, _)| *told == message.turn) {
                    self.said(&asked);
                }
            }
            Event::TurnEnded { turn, outcome } => {
                if let Some((_, asked)) = self.open.take_if(|(open, _)| open == turn) {
                    self.ended(asked, outcome, limits);
                }
            }
            Event::AgentDropped { agent, .. } if agent == lead => self.is_lead_gone = true,
            Event::AgentDropped { agent, .. } => self.drop_member(agent),
            _ => {}
        }
    }

    /// Goes on after a message of the pattern's own.
    fn said(&mut self, asked: &Asked) {
        match (asked, &self.phase) {
            (Asked::ShowPlan, Phase::ShowPlan { .. }) => self.phase = Phase::Progress,
            (Asked::Instruct, Phase::Instruct(task)) => self.phase = Phase::Work(task.clone()),
            _ => {}
        }
    }

    /// Goes on after a turn. What it was for counts, not the phase: a turn whose model failed may be given once more when
    /// the pattern is past it already.
    fn ended(&mut self, asked: Asked, outcome: &TurnOutcome, limits: Limits) {
        match asked {
            Asked::Facts => {
                if let Ok(facts) = answer_of(outcome) {
                    self.facts = Some(facts);
                }
                // Without a fact sheet there still can be a plan.
                self.phase = Phase::Plan;
            }
            Asked::Plan => match answer_of(outcome) {
                Ok(plan) => self.phase = Phase::ShowPlan { plan },
                Err(trouble) => self.go_on(Some(format!("no plan could be made: {trouble}"))),
            },
            Asked::Progress { candidates } => {
                match answer_of(outcome).and_then(|reply| progress::read(&reply, &candidates)) {
                    Ok(progress) => self.take_progress(progress, limits),
                    Err(trouble) => self.take_misfit(&trouble, limits),
                }
            }
            Asked::Work => {
                self.n_turns = self.n_turns.saturating_add(1);
                // What it said when it gave the floor to another is posted; the lead says who follows.
                let failure =
                    failure_of(outcome).filter(|_| !matches!(outcome, TurnOutcome::HandedOff { .. }));
                self.go_on(failure.map(|failure| format!("the last turn failed: {failure}")));
            }
            Asked::Answer => self.end(failure_of(outcome)),
            // Messages have no turns.
            Asked::ShowPlan | Asked::Instruct => {}
        }
    }

    fn take_progress(&mut self, progress: Progress, limits: Limits) {
        self.trouble = None;
        let (task, is_stalled) = match progress {
            Progress::Satisfied { reason } => {
                self.phase = Phase::Answer { end: End::Satisfied { reason }, n_failed: 0 };
                return;
            }
            Progress::GoOn { task, is_stalled } => (task, is_stalled),
        };
        let stalls = self.n_stalls;
        self.n_stalls = if is_stalled { stalls.saturating_add(1) } else { stalls.saturating_sub(1) };
        self.phase = self.turn_at_limit(limits).unwrap_or(Phase::Instruct(task));
    }

    /// Counts a report that cannot be used as a stall: so neither one ends the talk nor many keep it going for ever.
    fn take_misfit(&mut self, trouble: &str, limits: Limits) {
        self.n_stalls = self.n_stalls.saturating_add(1);
        self.go_on(Some(format!("the last progress report could not be used: {trouble}")));
        if let Some(phase) = self.turn_at_limit(limits) {
            self.phase = phase;
        }
    }

    /// Returns what follows if no member may get a turn now; counts the new plan, if that is what follows.
    fn turn_at_limit(&mut self, limits: Limits) -> Option<Phase> {
        let end = |detail| Some(Phase::Answer { end: End::Limited { detail }, n_failed: 0 });
        if self.n_turns >= limits.n_turns {
            return end(format!("the members have had their {} turns", limits.n_turns));
        }
        if self.n_stalls < limits.n_stalls {
            return None;
        }
        if self.n_replans >= limits.n_replans {
            return end(format!("the work has stalled after {} new plans", limits.n_replans));
        }
        (self.n_stalls, self.n_replans) = (0, self.n_replans + 1);
        Some(Phase::Facts)
    }

    fn go_on(&mut self, trouble: Option<String>) {
        self.trouble = trouble.map(|trouble| shortened(&trouble, MAX_TROUBLE));
        self.phase = Phase::Progress;
    }

    /// Ends the talk after the lead was asked for the final answer, or asks once more.
    fn end(&mut self, trouble: Option<String>) {
        let (end, n_failed) = match &self.phase {
            Phase::Answer { end, n_failed } => (end.clone(), n_failed + 1),
            Phase::Ended { end, .. } => (end.clone(), MAX_ANSWERS),
            _ => return,
        };
        let trouble = trouble.map(|trouble| shortened(&trouble, MAX_TROUBLE));
        self.phase = if trouble.is_some() && n_failed < MAX_ANSWERS {
            Phase::Answer { end, n_failed }
        } else {
            Phase::Ended { end, trouble }
        };
    }

    /// Gives the work of a member that takes no further part to another one.
    fn drop_member(&mut self, agent: &AgentName) {
        if let Phase::Instruct(task) | Phase::Work(task) = &self.phase
            && task.speaker == *agent
        {
            self.go_on(Some(format!("`{agent}` takes no further part")));
        }
    }
}

/// Returns what somebody answered, or else what happened instead.
fn answer_of(outcome: &TurnOutcome) -> Result<String, String> {
    match outcome {
        TurnOutcome::Answered { content } if content.trim().is_empty() => {
            Err("the answer is empty".to_owned())
        }
        TurnOutcome::Answered { content } => Ok(content.clone()),
        outcome => Err(failure_of(outcome).unwrap_or_else(|| "it was said to others".to_owned())),
    }
}

/// Says why a turn brought nothing; `None` if it brought something.
fn failure_of(outcome: &TurnOutcome) -> Option<String> {
    match outcome {
        TurnOutcome::Replied | TurnOutcome::Answered { .. } => None,
        TurnOutcome::HandedOff { to } => Some(format!("the floor was given to `{to}`")),
        TurnOutcome::Limited { limit } => Some(format!("a limit of the turn was reached: {limit}")),
        TurnOutcome::ModelFailed { detail } => Some(format!("the model failed: {detail}")),
        TurnOutcome::Cancelled => Some("it was cancelled".to_owned()),
        TurnOutcome::Skipped { reason } => Some(format!("it was skipped: {reason}")),
        TurnOutcome::Unfit { detail } => Some(format!("no reply fitted: {detail}")),
    }
}
