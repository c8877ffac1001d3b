//! Who speaks next: the trait that every way of conversing implements.

use playhouse_journal::Event;
use playhouse_messages::Transcript;
use playhouse_types::AgentName;

/// What a pattern may look at: nothing that a resumed run would not have.
#[derive(Clone, Copy, Debug)]
pub struct ConversationView<'a> {
    /// The agents of the crew in the order of their declaration; never empty.
    pub agents: &'a [AgentName],
    /// The conversation; message 0 is the input.
    pub transcript: &'a std::sync::Arc<Transcript>,
    /// How many turns have been assigned.
    pub assigned: u32,
    /// Who spoke last, if anybody has.
    pub last_speaker: Option<&'a AgentName>,
}

/// A turn to give.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    /// Who speaks; must be an agent of the crew.
    pub speaker: AgentName,
    /// Why, for the record.
    pub reason: String,
}

/// What a pattern decides when no turn is open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PatternDecision {
    /// Give these turns; several at once run concurrently and see the same conversation.
    Speak(Vec<Assignment>),
    /// The conversation has reached the pattern's own end.
    Conclude {
        /// Why, for the record.
        detail: String,
    },
}

/// A way of conversing: a pure state machine.
///
/// `decide` says what should happen and changes nothing; `apply` is the only way the state changes, is called for every
/// record of the run in order, and must be total. The same records always lead to the same state, so a pattern survives
/// any crash without a checkpoint of its own. One that can also write its state down ([`Pattern::save`]) makes going on
/// with a long run faster.
///
/// ```
/// use playhouse_coordinator::{Assignment, ConversationView, Pattern, PatternDecision};
///
/// /// The first agent speaks twice, then the talk is over.
/// #[derive(Clone)]
/// struct Monologue;
///
/// impl Pattern for Monologue {
///     fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
///         match view.agents.first() {
///             Some(speaker) if view.assigned < 2 => PatternDecision::Speak(vec![Assignment {
///                 speaker: speaker.clone(),
///                 reason: "has more to say".to_owned(),
///             }]),
///             _ => PatternDecision::Conclude { detail: "all was said".to_owned() },
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

    /// Takes in a record of the run. Patterns that look only at the view need not implement it.
    fn apply(&mut self, event: &Event) {
        let _ = event;
    }

    /// Tells whether the pattern concludes by itself; if not, the crew needs `until`.
    fn has_own_end(&self) -> bool {
        false
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
