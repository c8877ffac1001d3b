//! The builder of a crew: who takes part, who speaks when, when it ends.

use std::fmt;
use std::sync::Arc;

use playhouse_coordinator::{Condition, Pattern};

use super::agent::AgentId;

/// A crew as declared, unchecked.
pub(crate) struct CrewDraft {
    /// Its name among the members of another crew; `None` for the conversation of the run itself.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) pattern: Box<dyn Pattern>,
    /// The pattern's type: two crews that differ only in it have different hashes.
    pub(crate) pattern_name: &'static str,
    pub(crate) members: Vec<AgentId>,
    pub(crate) until: Option<Condition>,
    pub(crate) limit: Option<Condition>,
}

impl CrewDraft {
    pub(crate) fn new<P: Pattern + 'static>(name: Option<&str>, pattern: P, members: Vec<AgentId>) -> Self {
        let pattern_name = std::any::type_name::<P>();
        let name = name.map(Into::into);
        Self { name, pattern: Box::new(pattern), pattern_name, members, until: None, limit: None }
    }

    /// Returns what messages call it: `the crew`, or ``crew `debate` ``.
    pub(crate) fn label(&self) -> String {
        self.name.as_ref().map_or_else(|| "the crew".to_owned(), |name| format!("crew `{name}`"))
    }
}

/// Says when the conversation of a crew ends.
pub struct CrewBuilder<'a>(pub(crate) &'a mut CrewDraft);

impl CrewBuilder<'_> {
    /// Sets the planned end (exit code 0). Patterns that conclude by themselves need none.
    ///
    /// A second call replaces the first; conditions compose with `and` and `or`.
    pub fn until(self, condition: Condition) -> Self {
        self.0.until = Some(condition);
        self
    }

    /// Sets the bound (exit code 4); 200 turns or an hour of active time if not set.
    ///
    /// A second call replaces the first; conditions compose with `and` and `or`.
    pub fn limit(self, condition: Condition) -> Self {
        self.0.limit = Some(condition);
        self
    }
}

impl fmt::Debug for CrewBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrewBuilder").field("members", &self.0.members).finish_non_exhaustive()
    }
}
