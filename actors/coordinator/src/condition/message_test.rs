//! A function of the scenario that looks at messages.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use playhouse_types::Message;
use serde::{Serialize, Serializer};

/// A function that looks at messages, known by its name: two of one name are taken for the same.
///
/// It must be pure: whoever folds the records of a run asks it about each message, in order, until it says yes, so a
/// replay or a resumption without a snapshot asks it again and has to hear the same.
#[derive(Clone)]
pub struct MessageTest {
    name: String,
    test: Arc<dyn Fn(&Message) -> bool + Send + Sync>,
}

impl MessageTest {
    pub(super) fn new(name: &str, test: impl Fn(&Message) -> bool + Send + Sync + 'static) -> Self {
        Self { name: name.to_owned(), test: Arc::new(test) }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether both are one function, not only of one name.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.test, &other.test)
    }

    /// Asks the function about a message; `None` if it panics.
    pub(super) fn ask(&self, message: &Message) -> Option<bool> {
        // Code of the scenario: a fold that panics would take its coordinator down again and again.
        catch_unwind(AssertUnwindSafe(|| (self.test)(message))).ok()
    }
}

impl PartialEq for MessageTest {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for MessageTest {}

impl fmt::Debug for MessageTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MessageTest").field(&self.name).finish()
    }
}

impl Serialize for MessageTest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}
