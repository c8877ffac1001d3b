//! Who speaks next: the trait that every way of conversing implements.

use std::collections::BTreeMap;

use playhouse_journal::Event;
use playhouse_messages::Transcript;
use playhouse_types::{AgentName, Brief, OutcomeKind, Participant, RunOutcome};

/// What a pattern may look at: nothing that a resumed run would not have.
#[derive(Clone, Copy, Debug)]
pub struct ConversationView<'a> {
    /// The agents of the crew in the order of their declaration, as far as they still take part; never empty.
    pub agents: &'a [AgentName],
    /// The conversation of the crew; message 0 is its input.
    pub transcript: &'a std::sync::Arc<Transcript>,
    /// How many turns this crew has been given.
    pub assigned: u32,
    /// Who spoke last, if anybody has.
    pub last_speaker: Option<&'a AgentName>,
    /// What the agents are, in a few words, as far as the scenario says it.
    pub roles: &'a BTreeMap<AgentName, String>,
}

impl ConversationView<'_> {
    /// Lists agents for a model that chooses among them: one line each, with what they are.
    #[must_use]
    pub fn roster<'n>(&self, agents: impl IntoIterator<Item = &'n AgentName>) -> String {
        let line = |agent: &AgentName| match self.roles.get(agent).filter(|role| !role.is_empty()) {
            Some(role) => format!("- {agent}: {role}"),
            None => format!("- {agent}"),
        };
        agents.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A turn to give.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    /// Who speaks; must be an agent of the crew.
    pub speaker: AgentName,
    /// Why, for the record.
    pub reason: String,
    /// What the speaker is asked to do, if the conversation does not say it all. Its thread is set by the coordinator.
    pub brief: Option<Brief>,
}

impl Assignment {
    /// Makes a turn in which the speaker goes on with the conversation.
    #[must_use]
    pub fn new(speaker: AgentName, reason: impl Into<String>) -> Self {
        Self { speaker, reason: reason.into(), brief: None }
    }

    /// Says what the speaker is asked to do.
    #[must_use]
    pub fn with(mut self, brief: Brief) -> Self {
        self.brief = Some(brief);
        self
    }
}

/// What a pattern decides when none of its turns is open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PatternDecision {
    /// Give these turns, each to another agent; several at once run concurrently and see the same conversation, and what
    /// they say is posted in their order once all have ended.
    Speak(Vec<Assignment>),
    /// Say something in the conversation without asking a model.
    Say {
        /// In whose name.
        from: Participant,
        /// What.
        content: String,
        /// What the pattern notes for itself: it reads it back from the `Briefed` record.
        note: String,
    },
    /// The conversation ends.
    Conclude(RunOutcome),
}

impl PatternDecision {
    /// Gives one turn.
    #[must_use]
    pub fn speak(speaker: AgentName, reason: impl Into<String>) -> Self {
        Self::Speak(vec![Assignment::new(speaker, reason)])
    }

    /// The conversation has reached the pattern's own end; `detail` says which.
    #[must_use]
    pub fn concluded(detail: impl Into<String>) -> Self {
        Self::end(OutcomeKind::Concluded, detail)
    }

    /// A bound of the pattern was reached; what was said is kept.
    #[must_use]
    pub fn limited(detail: impl Into<String>) -> Self {
        Self::end(OutcomeKind::Limited, detail)
    }

    /// The pattern cannot go on.
    #[must_use]
    pub fn failed(detail: impl Into<String>) -> Self {
        Self::end(OutcomeKind::Failed, detail)
    }

    fn end(kind: OutcomeKind, detail: impl Into<String>) -> Self {
        Self::Conclude(RunOutcome { kind, detail: detail.into() })
    }
}

/// A way of conversing: a pure state machine.
///
/// `decide` says what should happen and changes nothing; `apply` is the only way the state changes, is called for every
/// record of the crew's turns and every record of the run as a whole, in order, and must be total. The same records always
/// lead to the same state, so a pattern survives any crash without a checkpoint of its own. One that can also write its
/// state down ([`Pattern::save`]) makes going on with a long run faster.
///
/// A turn may come with a [`Brief`]: an instruction, a schema for the reply, a bound on what is seen. With
/// [`Brief::privately`] the reply is not posted but ends the turn as `TurnOutcome::Answered`, which the pattern reads in
/// `apply`: so a pattern asks a model. What a pattern has to remember of a decision it writes into [`Brief::note`] and
/// reads back from the `Briefed` record, which stands right before the turn's assignment. A turn with an instruction, a
/// note or a private reply may also end as `Limited` or `Unfit`, which do not end the conversation then: the pattern that
/// gave it says what follows.
///
/// ```
/// use playhouse_coordinator::{ConversationView, Pattern, PatternDecision};
///
/// /// The first agent speaks twice, then the talk is over.
/// #[derive(Clone)]
/// struct Monologue;
///
/// impl Pattern for Monologue {
///     fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
///         match view.agents.first() {
///             Some(speaker) if view.assigned < 2 => {
///                 PatternDecision::speak(speaker.clone(), "has more to say")
///             }
///             _ => PatternDecision::concluded("all was said"),
///         }
///     }
///
///     fn has_own_end(&self) -> bool {
///         true
///     }
///
///     fn boxed(&self) -> Box<dyn Pattern> {
///         Box::new(self.clone())
///     }
/// }
/// ```
pub trait Pattern: Send + Sync {
    /// Decides who speaks next; called only when no turn is open.
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision;

    /// Takes in a record. Patterns that look only at the view need not implement it.
    fn apply(&mut self, event: &Event) {
        let _ = event;
    }

    /// Tells whether the pattern concludes by itself; if not, the crew needs `until`.
    fn has_own_end(&self) -> bool {
        false
    }

    /// Returns the agents besides the members of the crew to which it gives turns: those that it asks and who take no part
    /// in the conversation.
    fn staff(&self) -> Vec<AgentName> {
        Vec::new()
    }

    /// Returns which members get which others as tools (`ask_<name>`): pairs of who calls and who is called.
    fn colleagues(&self, members: &[AgentName]) -> Vec<(AgentName, AgentName)> {
        let _ = members;
        Vec::new()
    }

    /// Returns everything that is wrong with it for a crew of these members, each naming the thing at fault: checked when
    /// a scenario is built.
    fn faults(&self, members: &[AgentName]) -> Vec<String> {
        let _ = members;
        Vec::new()
    }

    /// Describes how it is set up, for the hash that tells whether a scenario has changed.
    fn describe(&self) -> String {
        String::new()
    }

    /// Returns a copy with the same state: every run folds its own.
    fn boxed(&self) -> Box<dyn Pattern>;

    /// Returns the state as bytes that [`Pattern::restore`] reads in every later version, empty if `apply` changes nothing;
    /// `None` if it cannot be written down: all records of such a run are folded whenever it goes on.
    fn save(&self) -> Option<Vec<u8>> {
        None
    }

    /// Takes on a state that was saved, before any record is applied. Tells whether that worked; if not, all records are
    /// folded.
    #[must_use]
    fn restore(&mut self, state: &[u8]) -> bool {
        let _ = state;
        false
    }
}

impl Clone for Box<dyn Pattern> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}
