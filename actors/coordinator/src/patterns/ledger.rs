//! Ledger: an agent that leads keeps a fact sheet, a plan and a progress report, and sends the members to work by them.

mod progress;
mod prompts;
mod state;

use playhouse_journal::Event;
use playhouse_types::{AgentName, Brief, Participant};
use schemars::JsonSchema;

use self::progress::schema;
use self::state::{Asked, End, Limits, Phase, State};
use crate::{Assignment, ConversationView, Pattern, PatternDecision};

/// What the lead of a [`Ledger`] is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LedgerQuestion {
    /// The fact sheet, or an updated one.
    Facts,
    /// A plan, or a new one.
    Plan,
    /// A progress report.
    Progress,
    /// The final answer.
    Answer,
}

/// Lets an agent that leads work out facts and a plan, and before every turn decide by a progress report who does what.
///
/// Known as Magentic-One (`MagenticOneGroupChat` in AutoGen, `MagenticBuilder` in Microsoft Agent Framework). The lead is
/// no member of the crew. It is asked, in this order:
///
/// 1. for a fact sheet, then for a plan; both are posted in its name, so that all members see them;
/// 2. before every turn, for a progress report: whether the request is satisfied, whether the talk goes in circles, whether
///    there is progress, who speaks next and what that member is to do. What it is to do is posted, then it speaks;
/// 3. once the request is satisfied, for the final answer, which is posted in its name.
///
/// A report of circles or of no progress, and one that cannot be used, counts as a stall; one of progress takes a stall
/// back. At [`Ledger::max_stalls`] the lead brings the fact sheet up to date and makes a new plan, with all that was said
/// before it; the count begins anew. Nothing is ever taken out of the conversation.
///
/// **How it ends.** Concluded, once the lead reports that the request is satisfied and has given the final answer. Limited,
/// with a final answer as good as it gets, when the members had [`Ledger::max_turns`] turns and the request is still not
/// satisfied, or when the talk stalls after [`Ledger::max_replans`] new plans. If the lead gives no final answer when
/// asked twice, or takes no further part, the run is limited, too, and keeps what was said. A limit of the crew ends the
/// conversation at once, without a final answer: choose it above the pattern's own.
///
/// With T, S and R for the three limits, at most `3T + (R + 1)(S + 2) + 3` turns are given, those in which the lead is
/// asked included, and one more for each member that is dropped.
///
/// ```
/// use playhouse_coordinator::{Ledger, Pattern};
/// use playhouse_types::AgentName;
///
/// let lead = AgentName::new("lead")?;
/// let pattern = Ledger::new(lead.clone()).max_turns(12).max_replans(1);
/// assert_eq!(pattern.staff(), [lead]);
/// # Ok::<(), playhouse_types::InvalidName>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ledger {
    lead: AgentName,
    limits: Limits,
    /// The JSON schema of the final answer.
    schema: Option<String>,
    state: State,
}

impl Ledger {
    /// Makes the pattern; `lead` keeps the ledger and is no member of the crew.
    #[must_use]
    pub fn new(lead: impl Into<AgentName>) -> Self {
        Self { lead: lead.into(), limits: Limits::default(), schema: None, state: State::default() }
    }

    /// Bounds the turns of the members; 20 if not set.
    #[must_use]
    pub const fn max_turns(mut self, count: u32) -> Self {
        self.limits.n_turns = count;
        self
    }

    /// Says at how many stalls a new plan is made; 3 if not set.
    #[must_use]
    pub const fn max_stalls(mut self, count: u32) -> Self {
        self.limits.n_stalls = count;
        self
    }

    /// Bounds the new plans after the first one; 3 if not set, 0 for none.
    #[must_use]
    pub const fn max_replans(mut self, count: u32) -> Self {
        self.limits.n_replans = count;
        self
    }

    /// Asks for a final answer that is, or ends with, the JSON of a `T`. Said here and not of the lead itself, which also
    /// has to answer other questions.
    #[must_use]
    pub fn output<T: JsonSchema>(mut self) -> Self {
        self.schema = Some(playhouse_tools::schema_text::<T>());
        self
    }

    /// Returns what a turn with this note asks the lead for, `None` if it asks for nothing of the ledger's.
    ///
    /// For scripts that lead; a model reads it in what it is told.
    #[must_use]
    pub fn question_in(note: &str) -> Option<LedgerQuestion> {
        match Asked::of_note(note)? {
            Asked::Facts => Some(LedgerQuestion::Facts),
            Asked::Plan => Some(LedgerQuestion::Plan),
            Asked::Progress { .. } => Some(LedgerQuestion::Progress),
            Asked::Answer => Some(LedgerQuestion::Answer),
            Asked::ShowPlan | Asked::Instruct | Asked::Work => None,
        }
    }

    /// Asks the lead for something that only the pattern reads.
    fn ask(&self, instruction: String, asked: &Asked, reason: &str) -> PatternDecision {
        let brief = Brief::new(instruction).privately().noting(asked.note());
        self.turn_of_lead(brief, reason)
    }

    fn turn_of_lead(&self, brief: Brief, reason: &str) -> PatternDecision {
        PatternDecision::Speak(vec![Assignment::new(self.lead.clone(), reason).with(brief)])
    }

    fn say(&self, content: String, asked: &Asked) -> PatternDecision {
        let from = Participant::Agent(self.lead.clone());
        PatternDecision::Say { from, content, note: asked.note() }
    }

    fn ask_for_progress(&self, view: &ConversationView<'_>) -> PatternDecision {
        let instruction = prompts::progress(view, self.state.trouble());
        let asked = Asked::Progress { candidates: view.agents.to_vec() };
        let brief = Brief::new(instruction).privately().fitting(schema(view.agents)).noting(asked.note());
        self.turn_of_lead(brief, "asked for a progress report")
    }

    fn ask_for_answer(&self, view: &ConversationView<'_>, end: &End) -> PatternDecision {
        let (instruction, reason) = match end {
            End::Satisfied { .. } => (prompts::final_answer(view), "asked for the final answer"),
            End::Limited { detail } => {
                (prompts::best_answer(view, detail), "asked for the best answer so far")
            }
        };
        let brief = Brief { schema: self.schema.clone(), ..Brief::new(instruction) };
        self.turn_of_lead(brief.noting(Asked::Answer.note()), reason)
    }
}

impl Pattern for Ledger {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        let state = &self.state;
        match state.phase() {
            Phase::Ended { end: End::Satisfied { reason }, trouble: None } => {
                PatternDecision::concluded(format!("the request is satisfied: {reason}"))
            }
            Phase::Ended { end, trouble } => PatternDecision::limited(limited(end, trouble.as_deref())),
            _ if state.is_lead_gone() => {
                PatternDecision::limited(format!("`{}`, who leads, takes no further part", self.lead))
            }
            Phase::Facts => {
                let prompt = prompts::facts(view, state.n_replans(), state.facts());
                self.ask(prompt, &Asked::Facts, "asked for the facts")
            }
            Phase::Plan => {
                let prompt = prompts::plan(view, state.n_replans(), state.facts());
                self.ask(prompt, &Asked::Plan, "asked for a plan")
            }
            Phase::ShowPlan { plan } => {
                self.say(prompts::shown_plan(view, state.facts(), plan), &Asked::ShowPlan)
            }
            Phase::Progress => self.ask_for_progress(view),
            Phase::Instruct(task) => {
                self.say(format!("{}: {}", task.speaker, task.instruction), &Asked::Instruct)
            }
            Phase::Work(task) => {
                let brief = Brief::new(task.instruction.clone()).noting(Asked::Work.note());
                let turn = Assignment::new(task.speaker.clone(), task.reason.clone()).with(brief);
                PatternDecision::Speak(vec![turn])
            }
            Phase::Answer { end, .. } => self.ask_for_answer(view, end),
        }
    }

    fn apply(&mut self, event: &Event) {
        self.state.apply(event, &self.lead, self.limits);
    }

    fn has_own_end(&self) -> bool {
        true
    }

    fn staff(&self) -> Vec<AgentName> {
        vec![self.lead.clone()]
    }

    fn faults(&self, members: &[AgentName]) -> Vec<String> {
        let mut faults = Vec::new();
        if members.contains(&self.lead) {
            faults.push(format!("`{}` leads by the ledger, so it cannot be a member as well", self.lead));
        }
        for (name, count) in [("max_turns", self.limits.n_turns), ("max_stalls", self.limits.n_stalls)] {
            if count == 0 {
                faults.push(format!("`{name}` of the ledger is 0, but must be at least 1"));
            }
        }
        faults
    }

    fn describe(&self) -> String {
        format!("{} {:?} {:?}", self.lead, self.limits, self.schema)
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

/// Says why the conversation ends without being done.
fn limited(end: &End, trouble: Option<&str>) -> String {
    let detail = match end {
        End::Satisfied { .. } => "the request is satisfied",
        End::Limited { detail } => detail,
    };
    match trouble {
        Some(trouble) => format!("{detail}, but there is no final answer: {trouble}"),
        None => detail.to_owned(),
    }
}

#[cfg(test)]
mod tests;
