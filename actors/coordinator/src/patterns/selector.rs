//! Selector: a Rust function looks at the conversation and names the next speaker.

use std::fmt;
use std::sync::Arc;

use playhouse_types::AgentName;

use crate::{ConversationView, Pattern, PatternDecision};

/// A function from the conversation to the next speaker; `None` ends the conversation.
type Choose = Arc<dyn Fn(&ConversationView<'_>) -> Option<AgentName> + Send + Sync>;

/// Gives the floor to whom a pure function names. The function is called again when a decision is derived anew.
#[derive(Clone)]
pub struct Selector(Choose);

impl Selector {
    /// Makes the pattern from a pure function; `None` concludes the run.
    pub fn new(choose: impl Fn(&ConversationView<'_>) -> Option<AgentName> + Send + Sync + 'static) -> Self {
        Self(Arc::new(choose))
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Selector")
    }
}

impl Pattern for Selector {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        match (self.0)(view) {
            Some(speaker) => PatternDecision::speak(speaker, "selected by function"),
            None => PatternDecision::concluded("the selector named nobody"),
        }
    }

    fn has_own_end(&self) -> bool {
        // Whether it ever names nobody cannot be known; a limit always exists.
        true
    }

    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some(Vec::new())
    }

    fn restore(&mut self, state: &[u8]) -> bool {
        state.is_empty()
    }
}
