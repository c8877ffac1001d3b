//! Human review: which calls a person is asked about, which reviews are open, which answers fit.
//!
//! ```text
//! tool call --policy--> run | deny | ReviewOpened --+
//! ToolInDoubt, Quarantined (open a review too) -----+--fold--> ReviewQueue --check(verdict)--> ReviewDecided
//! command inbox (any process) ----------------------+
//! ```
//!
//! - [`ReviewPolicy`]: a pure function from a call to a [`Gate`]; what it said is on record and never asked again.
//! - [`ReviewQueue`]: the fold of one run's reviews. A review is a record, so waiting costs a row and no task, and
//!   survives every restart. The first valid answer wins; an answer holds for the subject that was looked at, by hash.
//!
//! There is no review actor: the reviews of a run belong to its journal, which its coordinator (or, while nobody works on
//! the run, whoever answers) appends to under the run's epoch. One more mailbox would only be one more thing to lose.

mod policy;
mod queue;
mod verdict;

pub use policy::{Gate, GateQuery, ReviewPolicy, subject_hash};
pub use queue::{OpenReview, ReviewQueue};
pub use verdict::{VerdictError, fitting};
