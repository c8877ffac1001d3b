//! Debate: the members argue in rounds until a judge decides.

#[cfg(test)]
mod tests;
mod verdict;

use std::collections::BTreeSet;

use playhouse_journal::Event;
use playhouse_types::{AgentName, Brief, Participant};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::verdict::{Verdict, VerdictForm};
use super::given_turns::{EndedTurn, GivenTurns, restore, save};
use crate::{Assignment, ConversationView, Pattern, PatternDecision};

/// How many rounds there are at most, if nothing else is said.
const ROUNDS: u32 = 3;

/// What the note of a turn begins with in which somebody argues; the round follows.
const ARGUES: &str = "argues in round ";

/// What the note of a turn begins with in which the judge is asked.
const JUDGES: &str = "judges round ";

/// The note of the verdict in the conversation.
const DECIDES: &str = "decides";

/// Lets the members argue in rounds, and asks a judge after each: the multi-agent debate of Du et al. (arXiv 2305.14325),
/// a design pattern in `AutoGen`.
///
/// In a round each member speaks once, one after the other; with [`Debate::at_once`] they do not see each other's arguments
/// before the next round. Then the judge, who need not be a member and does not argue, is asked apart from the conversation:
/// it decides, or says what is still open, which the members are told in the next round. After the last round it has to
/// decide.
///
/// It ends by itself with the verdict, said in the name of the judge. If the judge does not answer after a round, the
/// next one begins; if it does not answer after the last one or was dropped, the debate ends as limited, and the arguments
/// stand as they are. Once fewer than two are left to argue, or a round brings no argument, the judge decides; without any
/// argument the debate fails.
///
/// ```
/// use playhouse_coordinator::Debate;
/// use playhouse_types::AgentName;
///
/// let pattern = Debate::new(AgentName::of_text("judge")).rounds(4);
/// ```
#[derive(Clone, Debug)]
pub struct Debate {
    judge: AgentName,
    n_rounds: u32,
    is_at_once: bool,
    form: VerdictForm,
    state: State,
}

/// How far the debate is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct State {
    given: GivenTurns,
    /// From 1; 0 before anybody has argued.
    round: u32,
    /// Who has had a turn in this round.
    had_turn: BTreeSet<AgentName>,
    /// How many arguments this round brought, and all before it.
    n_arguments: u32,
    n_earlier: u32,
    /// What the judge finds open after the round before.
    open: String,
    /// Why somebody said nothing who had a turn.
    failure: String,
    /// What the judge said about this round; else why it said nothing.
    judged: Option<Result<Verdict, String>>,
    is_decided: bool,
}

impl Debate {
    /// Makes the pattern with up to three rounds.
    #[must_use]
    pub fn new(judge: impl Into<AgentName>) -> Self {
        let (form, state) = (VerdictForm::words(), State::default());
        Self { judge: judge.into(), n_rounds: ROUNDS, is_at_once: false, form, state }
    }

    /// Asks for a verdict that ends with the JSON of a `T`. Said here and not of the judge itself, which also says what is
    /// still open.
    #[must_use]
    pub fn output<T: JsonSchema>(mut self) -> Self {
        self.form = VerdictForm::typed::<T>();
        self
    }

    /// Sets how many rounds there are at most.
    #[must_use]
    pub const fn rounds(mut self, n: u32) -> Self {
        self.n_rounds = n;
        self
    }

    /// Lets all argue at once in each round.
    #[must_use]
    pub const fn at_once(mut self) -> Self {
        self.is_at_once = true;
        self
    }

    /// Gives a turn to those who argue next in a round.
    fn argue(&self, mut next: Vec<&AgentName>, round: u32, open: &str) -> PatternDecision {
        if !self.is_at_once {
            next.truncate(1);
        }
        let mut instruction = format!("Round {round} of at most {} of the debate. ", self.n_rounds);
        instruction += match round {
            1 => "Say where you stand and why.",
            _ => {
                "Answer what the others have said: say where they are wrong, and where they have convinced you."
            }
        };
        if !open.is_empty() {
            instruction += &format!(" Still open, says the judge: {open}");
        }
        let brief = Brief::new(instruction).noting(format!("{ARGUES}{round}"));
        let turn = |agent: &AgentName| {
            Assignment::new(agent.clone(), format!("argues in round {round}")).with(brief.clone())
        };
        PatternDecision::Speak(next.into_iter().map(turn).collect())
    }

    fn ask(&self, is_last: bool) -> PatternDecision {
        let round = self.state.round;
        let mut instruction = format!("You are the judge of this debate. {}", self.form.told());
        if is_last {
            instruction += " The debate is over: decide now.";
        }
        let brief = Brief::new(instruction).privately().fitting(self.form.schema(is_last));
        let turn = Assignment::new(self.judge.clone(), format!("is asked to judge round {round}"));
        PatternDecision::Speak(vec![turn.with(brief.noting(format!("{JUDGES}{round}")))])
    }

    /// Goes on after the judge was asked about a round.
    fn after(
        &self,
        judged: &Result<Verdict, String>,
        is_last: bool,
        all: Vec<&AgentName>,
    ) -> PatternDecision {
        let next = self.state.round + 1;
        match judged {
            Ok(verdict) if verdict.is_over || is_last => match self.form.said(verdict) {
                Some(content) => PatternDecision::Say {
                    from: Participant::Agent(self.judge.clone()),
                    content,
                    note: DECIDES.to_owned(),
                },
                None => self.undecided("gave no decision in the form that was asked for"),
            },
            Ok(verdict) => self.argue(all, next, &verdict.verdict),
            Err(_) if !is_last => self.argue(all, next, ""),
            Err(failure) => self.undecided(&format!("gave no verdict: {failure}")),
        }
    }

    fn undecided(&self, why: &str) -> PatternDecision {
        PatternDecision::limited(format!("the debate stands undecided: `{}` {why}", self.judge))
    }
}

impl Pattern for Debate {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        let state = &self.state;
        let all: Vec<&AgentName> = view.agents.iter().filter(|agent| **agent != self.judge).collect();
        if state.is_decided {
            return PatternDecision::concluded(format!("`{}` decided in round {}", self.judge, state.round));
        }
        if state.given.is_dropped(&self.judge) {
            return self.undecided("takes no further part");
        }
        if state.round == 0 {
            return match all.is_empty() {
                true => PatternDecision::failed("nobody is left to argue"),
                false => self.argue(all, 1, ""),
            };
        }
        let next: Vec<&AgentName> =
            all.iter().copied().filter(|agent| !state.had_turn.contains(*agent)).collect();
        let is_last = state.round >= self.n_rounds || state.n_arguments == 0 || all.len() < 2;
        match &state.judged {
            Some(judged) => self.after(judged, is_last, all),
            None if !next.is_empty() => self.argue(next, state.round, &state.open),
            None if state.n_arguments + state.n_earlier == 0 => {
                PatternDecision::failed(format!("nobody argued: {}", state.failure))
            }
            None => self.ask(is_last),
        }
    }

    fn apply(&mut self, event: &Event) {
        let Some(ended) = self.state.given.apply(event) else { return };
        if ended.note == DECIDES {
            self.state.is_decided = true;
        } else if ended.note.starts_with(JUDGES) {
            self.state.judged = Some(self.form.read(&ended));
        } else if let Some(round) = ended.note.strip_prefix(ARGUES).and_then(|round| round.parse().ok()) {
            self.state.end_argument(&ended, round);
        }
    }

    fn has_own_end(&self) -> bool {
        true
    }

    fn staff(&self) -> Vec<AgentName> {
        vec![self.judge.clone()]
    }

    fn faults(&self, members: &[AgentName]) -> Vec<String> {
        let mut faults = Vec::new();
        let n = members.iter().filter(|member| **member != self.judge).count();
        if n < 2 {
            faults.push(format!("a debate needs two who argue besides `{}`, and there is {n}", self.judge));
        }
        if self.n_rounds == 0 {
            faults.push("a debate of 0 rounds has no arguments: let `rounds` be 1 at least".to_owned());
        }
        faults
    }

    fn describe(&self) -> String {
        let (judge, form) = (&self.judge, self.form.schema(true));
        format!("judge {judge} rounds {} at once {} verdict {form}", self.n_rounds, self.is_at_once)
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
    fn end_argument(&mut self, ended: &EndedTurn<'_>, round: u32) {
        if round > self.round {
            self.round = round;
            self.had_turn.clear();
            self.n_earlier += std::mem::take(&mut self.n_arguments);
            self.open = match self.judged.take() {
                Some(Ok(verdict)) => verdict.verdict,
                _ => String::new(),
            };
        }
        self.had_turn.insert(ended.speaker.clone());
        match ended.reply() {
            Ok(_) => self.n_arguments += 1,
            Err(failure) => self.failure = failure,
        }
    }
}
