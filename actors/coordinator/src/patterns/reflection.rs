//! Reflection: a writer revises a draft until a critic approves it.

mod criticism;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use playhouse_journal::Event;
use playhouse_messages::TranscriptView;
use playhouse_types::{AgentName, Brief, Participant, TurnId};
use serde::{Deserialize, Serialize};

use self::criticism::Criticism;
use super::given_turns::{EndedTurn, GivenTurns, restore, save};
use crate::{Assignment, ConversationView, Pattern, PatternDecision};

/// How often a draft is judged, if nothing else is said.
const ROUNDS: u32 = 3;

/// The notes of the turns, and of what the pattern says itself.
const WRITES: &str = "writes";
const JUDGES: &str = "judges";
const CRITICIZES: &str = "criticizes";
const KEEPS: &str = "keeps the best draft";

/// Lets a writer revise its draft until a critic approves it: the reflection pattern of `AutoGen` and `LangGraph`.
///
/// The writer speaks; the critic, who need not be a member, is asked apart from the conversation for a score, whether it
/// approves, and what to do better, which is then said in its name. A round is a draft and what the critic says about it; a
/// turn in which the writer brings no draft or the critic no judgment costs a round, too.
///
/// It ends by itself: as planned once the critic approves, the draft being the last thing said; as limited after the last
/// round, or when one of the two was dropped. Then the draft with the best score is kept: if it is not the last thing the
/// writer said, it is said once more. Without any draft it fails.
///
/// ```
/// use playhouse_coordinator::Reflection;
/// use playhouse_types::AgentName;
///
/// let name = AgentName::of_text;
/// let pattern = Reflection::new(name("writer"), name("critic")).rounds(5);
/// ```
#[derive(Clone, Debug)]
pub struct Reflection {
    writer: AgentName,
    critic: AgentName,
    n_rounds: u32,
    state: State,
}

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
enum Next {
    #[default]
    Write,
    Judge,
    Criticize(String),
    /// The critic has approved.
    Approved,
    /// The best draft stands last.
    Kept,
}

/// A draft that the critic has judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Judged {
    turn: TurnId,
    score: u8,
}

/// How far the drafts are.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct State {
    given: GivenTurns,
    next: Next,
    /// How many rounds are over.
    n_over: u32,
    /// The turn of the last draft.
    draft: Option<TurnId>,
    best: Option<Judged>,
    /// Why a turn brought nothing.
    failure: String,
}

impl Reflection {
    /// Makes the pattern with up to three rounds.
    #[must_use]
    pub fn new(writer: impl Into<AgentName>, critic: impl Into<AgentName>) -> Self {
        Self { writer: writer.into(), critic: critic.into(), n_rounds: ROUNDS, state: State::default() }
    }

    /// Sets how many rounds there are at most.
    #[must_use]
    pub const fn rounds(mut self, n: u32) -> Self {
        self.n_rounds = n;
        self
    }

    fn write(&self) -> PatternDecision {
        let brief = match self.state.draft {
            None => Brief::default(),
            Some(_) => Brief::new(format!(
                "Revise your last draft by what `{}` said about it. Reply with the whole new draft and nothing else.",
                self.critic
            )),
        };
        let reason = format!("writes in round {}", self.state.n_over + 1);
        let turn = Assignment::new(self.writer.clone(), reason).with(brief.noting(WRITES));
        PatternDecision::Speak(vec![turn])
    }

    fn judge(&self) -> PatternDecision {
        let instruction = format!("Judge the last draft of `{}`. {}", self.writer, Criticism::FORM);
        let brief = Brief::new(instruction).privately().fitting(Criticism::schema()).noting(JUDGES);
        let reason = format!("is asked about the draft, round {}", self.state.n_over + 1);
        PatternDecision::Speak(vec![Assignment::new(self.critic.clone(), reason).with(brief)])
    }

    /// Ends without approval: the best draft is the last thing said.
    fn give_up(&self, view: &ConversationView<'_>, why: &str) -> PatternDecision {
        let state = &self.state;
        let Some(last) = state.draft else {
            return PatternDecision::failed(format!("{why}, and there is no draft: {}", state.failure));
        };
        let Some(best) = state.best else {
            return PatternDecision::limited(format!("{why}; the draft was not judged: {}", state.failure));
        };
        let earlier =
            (best.turn != last && state.next != Next::Kept).then(|| said(view, best.turn)).flatten();
        match earlier {
            Some(content) => {
                let from = Participant::Agent(self.writer.clone());
                PatternDecision::Say { from, content, note: KEEPS.to_owned() }
            }
            None => PatternDecision::limited(format!("{why}; the best draft has a score of {}", best.score)),
        }
    }
}

/// Returns what was said in a turn.
fn said(view: &ConversationView<'_>, turn: TurnId) -> Option<String> {
    let all = TranscriptView::new(Arc::clone(view.transcript), view.transcript.len());
    let mut messages = all.iter().rev().map(|entry| &entry.message);
    messages.find(|message| message.turn == turn).map(|message| message.content.clone())
}

impl Pattern for Reflection {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        let state = &self.state;
        let is_gone = |agent: &&AgentName| state.given.is_dropped(agent);
        if state.next == Next::Approved {
            return PatternDecision::concluded(format!(
                "`{}` approved in round {}",
                self.critic, state.n_over
            ));
        }
        if let Some(gone) = [&self.writer, &self.critic].into_iter().find(is_gone) {
            return self.give_up(view, &format!("`{gone}` takes no further part"));
        }
        if state.n_over >= self.n_rounds {
            return self.give_up(view, &format!("not approved in {} rounds", state.n_over));
        }
        match &state.next {
            Next::Judge => self.judge(),
            Next::Criticize(feedback) => PatternDecision::Say {
                from: Participant::Agent(self.critic.clone()),
                content: feedback.clone(),
                note: CRITICIZES.to_owned(),
            },
            Next::Write | Next::Approved | Next::Kept => self.write(),
        }
    }

    fn apply(&mut self, event: &Event) {
        let Some(ended) = self.state.given.apply(event) else { return };
        match ended.note.as_str() {
            WRITES => self.state.end_draft(&ended),
            JUDGES => self.state.end_judgment(&ended),
            CRITICIZES => self.state.next = Next::Write,
            KEEPS => self.state.next = Next::Kept,
            _ => {}
        }
    }

    fn has_own_end(&self) -> bool {
        true
    }

    fn staff(&self) -> Vec<AgentName> {
        vec![self.critic.clone()]
    }

    fn faults(&self, members: &[AgentName]) -> Vec<String> {
        let (writer, critic) = (&self.writer, &self.critic);
        let mut faults = Vec::new();
        if !members.contains(writer) {
            faults.push(format!("the writer `{writer}` is no member"));
        }
        if writer == critic {
            faults.push(format!("`{writer}` cannot be writer and critic at once"));
        }
        for idle in members.iter().filter(|member| ![writer, critic].contains(member)) {
            faults.push(format!("`{idle}` is neither the writer nor the critic and would never speak"));
        }
        if self.n_rounds == 0 {
            faults.push("a reflection of 0 rounds brings no draft: let `rounds` be 1 at least".to_owned());
        }
        faults
    }

    fn describe(&self) -> String {
        format!("writer {} critic {} rounds {}", self.writer, self.critic, self.n_rounds)
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

impl State {
    fn end_draft(&mut self, ended: &EndedTurn<'_>) {
        match ended.reply() {
            Ok(_) => {
                self.draft = Some(ended.turn);
                self.next = Next::Judge;
            }
            Err(failure) => self.lose_round(failure),
        }
    }

    fn end_judgment(&mut self, ended: &EndedTurn<'_>) {
        let criticism = match (Criticism::read(ended), self.draft) {
            (Ok(criticism), Some(turn)) => {
                // Of two equally good drafts the later one counts: it answers more of the criticism.
                if self.best.is_none_or(|best| best.score <= criticism.score) {
                    self.best = Some(Judged { turn, score: criticism.score });
                }
                criticism
            }
            (Ok(_), None) => return,
            (Err(failure), _) => return self.lose_round(failure),
        };
        self.n_over = self.n_over.saturating_add(1);
        self.next = match criticism.is_approved {
            true => Next::Approved,
            false => Next::Criticize(criticism.feedback()),
        };
    }

    /// Counts a turn that brought nothing: what comes next stays the same.
    fn lose_round(&mut self, failure: String) {
        self.n_over = self.n_over.saturating_add(1);
        self.failure = failure;
    }
}
