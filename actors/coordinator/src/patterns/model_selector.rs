//! Model selector: an agent that takes no part in the conversation is asked who speaks next.

mod choice;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use playhouse_journal::Event;
use playhouse_types::{AgentName, Brief};
use serde::{Deserialize, Serialize};

use self::choice::{among, listed, read_choice, read_note, schema};
use super::given_turns::{GivenTurns, restore, save};
use crate::{Assignment, ConversationView, Pattern, PatternDecision};

/// How often the agent is asked for one choice, if nothing else is said.
const MAX_ATTEMPTS: u32 = 3;

/// A function from the conversation to those who may speak next.
type Candidates = Arc<dyn Fn(&ConversationView<'_>) -> Vec<AgentName> + Send + Sync>;

/// Asks an agent who speaks next: `SelectorGroupChat` in `AutoGen`, the supervisor in `LangGraph`.
///
/// The agent that chooses is asked apart from the conversation, for JSON that names one of the candidates. A reply in which
/// there is none is taken in words: if it names exactly one candidate, that one is chosen; if it names none or several, the
/// agent is asked again with what was wrong. After `max_attempts` the fallback speaks, or else the first candidate: always
/// one of those who may. Who spoke last is no candidate unless repeats are allowed; if there is one candidate, nobody is
/// asked; if there is none, the conversation fails.
///
/// It has no end of its own: the crew needs `until`.
///
/// ```
/// use playhouse_coordinator::ModelSelector;
/// use playhouse_types::AgentName;
///
/// let name = |text| AgentName::of_text(text);
/// let pattern = ModelSelector::new(name("chooser"))
///     .candidates("the editor speaks after the others", move |view| match view.assigned {
///         0..3 => view.agents.iter().filter(|agent| agent.as_str() != "editor").cloned().collect(),
///         _ => view.agents.to_vec(),
///     })
///     .fallback(name("writer"));
/// ```
#[derive(Clone)]
pub struct ModelSelector {
    chooser: AgentName,
    question: String,
    filter: Option<(String, Candidates)>,
    may_repeat: bool,
    max_attempts: u32,
    fallback: Option<AgentName>,
    state: State,
}

/// What is on record of the choice that is being made.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct State {
    given: GivenTurns,
    /// How often the agent has been asked since somebody spoke.
    n_asked: u32,
    /// The last choice, or what was wrong with the last reply.
    choice: Option<Result<AgentName, String>>,
}

impl ModelSelector {
    /// Makes the pattern; `chooser` is asked and need not be a member of the crew.
    #[must_use]
    pub fn new(chooser: impl Into<AgentName>) -> Self {
        Self {
            chooser: chooser.into(),
            question: "Read the conversation and choose who speaks next.".to_owned(),
            filter: None,
            may_repeat: false,
            max_attempts: MAX_ATTEMPTS,
            fallback: None,
            state: State::default(),
        }
    }

    /// Sets what the agent is asked. The candidates, their roles and the form of the reply are added.
    #[must_use]
    pub fn asking(mut self, question: impl Into<String>) -> Self {
        self.question = question.into();
        self
    }

    /// Sets who may speak next: a pure function, called again when a decision is derived anew; a change of its `name`
    /// counts as a change of the scenario. Names of agents that take no part are passed over; who spoke last is left out
    /// unless repeats are allowed.
    #[must_use]
    pub fn candidates(
        mut self,
        name: impl Into<String>,
        filter: impl Fn(&ConversationView<'_>) -> Vec<AgentName> + Send + Sync + 'static,
    ) -> Self {
        self.filter = Some((name.into(), Arc::new(filter)));
        self
    }

    /// Lets the agent who spoke last speak again.
    #[must_use]
    pub const fn allow_repeats(mut self) -> Self {
        self.may_repeat = true;
        self
    }

    /// Sets how often the agent is asked for one choice; 3 if not set.
    #[must_use]
    pub const fn max_attempts(mut self, n: u32) -> Self {
        self.max_attempts = n;
        self
    }

    /// Sets who speaks if no choice is made; the first candidate, if that agent may not speak or none is set.
    #[must_use]
    pub fn fallback(mut self, agent: impl Into<AgentName>) -> Self {
        self.fallback = Some(agent.into());
        self
    }

    /// Returns who may speak next, each once.
    fn allowed(&self, view: &ConversationView<'_>) -> Vec<AgentName> {
        let may_speak = |agent: &AgentName| self.may_repeat || view.last_speaker != Some(agent);
        let Some((_, filter)) = &self.filter else {
            return view.agents.iter().filter(|agent| may_speak(agent)).cloned().collect();
        };
        // Each is taken out once, so that nobody stands twice who is named twice.
        let mut left: BTreeSet<&AgentName> = view.agents.iter().filter(|agent| may_speak(agent)).collect();
        filter(view).into_iter().filter(|agent| left.remove(agent)).collect()
    }

    fn ask(&self, view: &ConversationView<'_>, candidates: &[AgentName]) -> PatternDecision {
        let mut instruction = format!("{}\n\n{}\n\n", self.question, view.roster(candidates));
        let names = listed(candidates);
        let brief = match &self.state.choice {
            // Its model was told what was wrong with its JSON several times: now it is asked for words.
            Some(Err(wrong)) => {
                instruction +=
                    &format!("Your last reply was no choice: {wrong}. Reply with one name only: {names}.");
                Brief::new(instruction)
            }
            _ => {
                instruction += &format!("Reply with JSON: {{\"next\": NAME}}. NAME is one of {names}.");
                Brief::new(instruction).fitting(schema(candidates))
            }
        };
        let reason = format!("is asked who speaks next, attempt {}", self.state.n_asked + 1);
        let brief = brief.privately().noting(among(candidates));
        PatternDecision::Speak(vec![Assignment::new(self.chooser.clone(), reason).with(brief)])
    }

    fn fall_back(&self, first: &AgentName, candidates: &[AgentName]) -> PatternDecision {
        let speaker = self.fallback.as_ref().filter(|agent| candidates.contains(agent)).unwrap_or(first);
        let why = match &self.state.choice {
            _ if self.state.given.is_dropped(&self.chooser) => "takes no further part".to_owned(),
            Some(Err(wrong)) => format!("made no choice: {wrong}"),
            _ => "made no choice that holds".to_owned(),
        };
        PatternDecision::speak(speaker.clone(), format!("is the fallback, as `{}` {why}", self.chooser))
    }
}

impl Pattern for ModelSelector {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        let candidates = self.allowed(view);
        let state = &self.state;
        let can_ask = state.n_asked < self.max_attempts && !state.given.is_dropped(&self.chooser);
        match (candidates.as_slice(), &state.choice) {
            ([], _) => {
                let rule = self.filter.as_ref().map(|(name, _)| format!(" by the rule `{name}`"));
                PatternDecision::failed(format!("nobody may speak next{}", rule.unwrap_or_default()))
            }
            ([only], _) => PatternDecision::speak(only.clone(), "is the only candidate"),
            // Since the choice, the agent may have been dropped.
            (_, Some(Ok(choice))) if candidates.contains(choice) => {
                PatternDecision::speak(choice.clone(), format!("chosen by `{}`", self.chooser))
            }
            _ if can_ask => self.ask(view, &candidates),
            ([first, ..], _) => self.fall_back(first, &candidates),
        }
    }

    fn apply(&mut self, event: &Event) {
        let Some(ended) = self.state.given.apply(event) else { return };
        match read_note(&ended.note) {
            Some(candidates) => {
                let choice = ended.reply().and_then(|reply| read_choice(reply, &candidates));
                self.state.n_asked = self.state.n_asked.saturating_add(1);
                self.state.choice = Some(choice);
            }
            None => (self.state.n_asked, self.state.choice) = (0, None),
        }
    }

    fn staff(&self) -> Vec<AgentName> {
        vec![self.chooser.clone()]
    }

    fn faults(&self, members: &[AgentName]) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(fallback) = self.fallback.as_ref().filter(|agent| !members.contains(agent)) {
            faults.push(format!("the fallback `{fallback}` of the selector is no member"));
        }
        if self.max_attempts == 0 {
            faults.push("the selector may be asked 0 times: let `max_attempts` be 1 at least".to_owned());
        }
        if let ([only], false) = (members, self.may_repeat) {
            faults.push(format!("`{only}` is the only member and may not speak twice: `allow_repeats`"));
        }
        faults
    }

    fn describe(&self) -> String {
        let filter = self.filter.as_ref().map(|(name, _)| name);
        let (question, repeats, attempts) = (&self.question, self.may_repeat, self.max_attempts);
        format!(
            "{} {question:?} {filter:?} repeats {repeats} attempts {attempts} {:?}",
            self.chooser, self.fallback
        )
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

impl fmt::Debug for ModelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelSelector({})", self.describe())
    }
}
