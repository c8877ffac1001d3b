//! Replay: every decision of a run is derived again from its records, and nothing is called.
//!
//! ```text
//! records --fold up to the writer's place--> coordinator and agent states --decide--> expected
//!    |                                                                                   |
//!    +------------------------------- what is on record <------- compared ---------------+
//! ```
//!
//! Every decision names in `causation` the last record that its writer had folded: its state is folded up to there and
//! asked again. Results of models, tools and people are facts; they are checked only for standing where they may.
//! Patterns, conditions, argument checks and result functions are pure and are called again; models, tools, probes and
//! scripts are not.

mod agent;
mod cast;
mod coordinator;
mod journal_rules;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use playhouse_journal::{Event, Record, RecordKey};
use playhouse_messages::ThreadFold;
use playhouse_types::{CaseName, Participant, RunId, ScenarioName, Seq, TurnId};

use self::agent::{AgentReplay, Seen};
pub(crate) use self::cast::Cast;
use self::coordinator::CoordinatorReplay;
use self::journal_rules::JournalRules;
pub(crate) use self::words::event as event_words;
use crate::terms::Terms;

/// A record that is not what is derived from the records before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deviation {
    /// Its place.
    pub seq: Seq,
    /// Its key.
    pub key: RecordKey,
    /// What should stand there, for a person.
    pub expected: String,
    /// What stands there, for a person.
    pub found: String,
}

/// What the replay of a run or batch has shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replayed {
    /// The run.
    pub run: RunId,
    /// Its scenario.
    pub scenario: ScenarioName,
    /// The case of the batch, if it settles one.
    pub case: Option<CaseName>,
    /// How many records it has.
    pub n_records: usize,
    /// How many turns were assigned.
    pub n_turns: usize,
    /// How many decisions were derived again.
    pub n_decisions: usize,
    /// Decisions that another definition of the scenario took, and that the one at hand would take differently.
    pub changed: Vec<Deviation>,
    /// Records that cannot be what happened, in their order.
    pub differences: Vec<Deviation>,
    /// Why records, or what is kept beside them, cannot be read or trusted.
    pub damage: Vec<String>,
    /// The cases of a batch in order.
    pub cases: Vec<Self>,
}

impl Replayed {
    /// Makes the report of a run of which nothing has been looked at.
    pub(crate) const fn new(run: RunId, scenario: ScenarioName, case: Option<CaseName>) -> Self {
        Self {
            run,
            scenario,
            case,
            n_records: 0,
            n_turns: 0,
            n_decisions: 0,
            changed: Vec::new(),
            differences: Vec::new(),
            damage: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// Tells whether the run and all its cases are what is derived from their records; what another definition decided
    /// counts as equal.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty() && self.damage.is_empty() && self.cases.iter().all(Self::is_equal)
    }
}

/// What deriving a record again has come to.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Derived {
    /// It is no decision: it stands for something that happened.
    Fact,
    /// The same decision.
    Same,
    /// Another one, in words.
    Other(String),
}

impl Derived {
    fn compare(expected: &Event, found: &Event) -> Self {
        if expected == found { Self::Same } else { Self::Other(words::event(expected)) }
    }

    fn other(expected: &str) -> Self {
        Self::Other(expected.to_owned())
    }
}

/// Replays the records of one run, all of them and in order, with the definition at hand.
pub(crate) fn replay(cast: &Cast, records: &[Arc<Record>], report: &mut Replayed) {
    report.n_records = records.len();
    let Some(Event::RunAdmitted(admitted)) = records.first().map(|first| &first.event) else {
        report.damage.push("the journal does not begin with the admission of a run".to_owned());
        return;
    };
    let mut replay = Replay::new(cast, records, Terms::admitted(admitted));
    for record in records {
        replay.terms.apply(&record.event);
        report.n_turns += usize::from(matches!(record.event, Event::TurnAssigned { .. }));
        if let Err(expected) = replay.rules.check(record) {
            report.differences.push(deviation(record, expected));
        }
        let derived = replay.derive(record);
        report.n_decisions += usize::from(derived != Derived::Fact);
        if let Derived::Other(expected) = derived {
            let is_of_this_definition = replay.terms.definition_hash == cast.definition.hash;
            let list = if is_of_this_definition { &mut report.differences } else { &mut report.changed };
            list.push(deviation(record, expected));
        }
    }
}

fn deviation(record: &Record, expected: String) -> Deviation {
    Deviation { seq: record.seq, key: record.key, expected, found: words::event(&record.event) }
}

/// A replay under way.
struct Replay<'a> {
    cast: &'a Cast,
    records: &'a [Arc<Record>],
    /// The whole conversation; who looks at it sees as much as the writer saw.
    conversation: ThreadFold,
    terms: Terms,
    rules: JournalRules,
    coordinator: CoordinatorReplay<'a>,
    agents: Vec<AgentReplay<'a>>,
}

impl<'a> Replay<'a> {
    fn new(cast: &'a Cast, records: &'a [Arc<Record>], terms: Terms) -> Self {
        let mut conversation = ThreadFold::default();
        records.iter().for_each(|record| conversation.apply(record));
        let agents = cast.definition.agents.iter().map(|agent| AgentReplay::new(cast, agent)).collect();
        let coordinator = CoordinatorReplay::new(cast);
        Self { cast, records, conversation, terms, rules: JournalRules::default(), coordinator, agents }
    }

    /// Derives a record from those before it.
    fn derive(&mut self, record: &Record) -> Derived {
        if record.lane.is_run() {
            match &record.event {
                Event::MessagePosted { message }
                    if message.turn == TurnId(0)
                        && message.from == Participant::User
                        && record.seq == Seq(2) =>
                {
                    self.derive_opening(record)
                }
                _ => self.coordinator.derive(self.records, record),
            }
        } else {
            let coordinator = &mut self.coordinator;
            match self.agents.iter_mut().find(|agent| agent.is_of(&record.lane)) {
                Some(agent) => {
                    let (threads, terms) = (self.conversation.threads(), &self.terms);
                    agent.derive(Seen { records: self.records, threads, terms }, record, coordinator)
                }
                None => Derived::Other(format!("no record of `{}`, who is not in the crew", record.lane)),
            }
        }
    }

    fn derive_opening(&self, record: &Record) -> Derived {
        let (Some(Event::RunAdmitted(admitted)), Event::MessagePosted { message }) =
            (self.records.first().map(|first| &first.event), &record.event)
        else {
            return Derived::Fact;
        };
        match guarded(|| (self.cast.definition.opening)(&admitted.input)) {
            Some(Ok(content)) if content == message.content => Derived::Same,
            Some(Ok(content)) => Derived::Other(words::said(&Participant::User, &content)),
            Some(Err(reason)) => Derived::Other(format!("no run of this input: {reason}")),
            None => Derived::other("an opening that does not panic"),
        }
    }
}

/// Calls what a scenario's author wrote; `None` if it panics.
pub(crate) fn guarded<T>(call: impl FnOnce() -> T) -> Option<T> {
    // What it may leave half done is dropped by whoever gets `None`.
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// Returns the records from the first to the one at `seq`.
fn upto(records: &[Arc<Record>], seq: Seq) -> &[Arc<Record>] {
    let n_records = usize::try_from(seq.0).unwrap_or(usize::MAX).min(records.len());
    records.get(..n_records).unwrap_or_default()
}

#[cfg(test)]
mod tests;
