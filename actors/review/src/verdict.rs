//! Which answers fit which review, and why one is refused.

use playhouse_types::{ReviewId, Verdict};

/// Why an answer is refused; nothing changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerdictError {
    /// There is no such review.
    #[error("there is no review `{review}` in this run")]
    Unknown {
        /// Which one was named.
        review: ReviewId,
    },
    /// Somebody was first.
    #[error("review `{review}` was answered before: {verdict} by {by}")]
    Closed {
        /// Which one.
        review: ReviewId,
        /// How it was answered.
        verdict: &'static str,
        /// By whom.
        by: String,
    },
    /// The subject is not the one that was looked at.
    #[error("review `{review}` is about something else by now: look at it again")]
    Stale {
        /// Which one.
        review: ReviewId,
    },
    /// It was not answered in time.
    #[error("the time to answer review `{review}` is over")]
    Expired {
        /// Which one.
        review: ReviewId,
    },
    /// The answer makes no sense here.
    #[error("review `{review}` cannot be answered with \"{verdict}\", only with {allowed}")]
    NotFitting {
        /// Which one.
        review: ReviewId,
        /// The answer.
        verdict: &'static str,
        /// What would fit.
        allowed: &'static str,
    },
    /// The arguments that were put in place are not right.
    #[error("review `{review}`: the new arguments are refused: {reason}")]
    Invalid {
        /// Which one.
        review: ReviewId,
        /// What is wrong with them.
        reason: String,
    },
}

/// Returns the answers that fit a review, in words.
#[must_use]
pub const fn fitting(review: ReviewId) -> &'static str {
    match review {
        ReviewId::Approval(_) => "approve, edit or reject",
        ReviewId::Question(_) => "answer or reject",
        ReviewId::Doubt(_) => "answer: happened, did not happen, or abandon",
        ReviewId::Quarantine(_) => "reopen, skip, amend or abandon",
    }
}

/// Tells whether an answer makes sense for a review.
pub(crate) const fn fits(review: ReviewId, verdict: &Verdict) -> bool {
    matches!(
        (review, verdict),
        (ReviewId::Approval(_), Verdict::Approve | Verdict::ApproveWith { .. } | Verdict::Reject { .. })
            | (ReviewId::Question(_), Verdict::Answer { .. } | Verdict::Reject { .. })
            | (ReviewId::Doubt(_), Verdict::Landed { .. } | Verdict::DidNotHappen | Verdict::Abandon)
            | (
                ReviewId::Quarantine(_),
                Verdict::Reopen | Verdict::Skip | Verdict::Amend { .. } | Verdict::Abandon
            )
    )
}
