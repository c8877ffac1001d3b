//! The reviews of a run: what persons were asked, and what became of it.

use playhouse_journal::{Event, Record};
use playhouse_review::{ReviewQueue, VerdictError};
use playhouse_types::{ReviewId, ReviewRequest, Timestamp, Verdict};

/// What became of a review.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReviewState {
    /// It waits for a person.
    Open,
    /// It was answered.
    Decided {
        /// How.
        verdict: Verdict,
        /// By whom.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Its turn or its run is over: nobody needs an answer any more.
    Withdrawn,
}

/// One thing that a person was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Review {
    /// What it is about.
    pub review: ReviewId,
    /// What is asked.
    pub request: ReviewRequest,
    /// Since when.
    pub opened_at: Timestamp,
    /// What became of it.
    pub state: ReviewState,
}

/// All reviews of one run, in the order in which they were opened: a fold of its records.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reviews {
    queue: ReviewQueue,
    all: Vec<Review>,
    has_ended: bool,
}

impl Reviews {
    /// Takes in the next record of the run.
    pub fn apply(&mut self, record: &Record) {
        self.queue.apply(record);
        self.has_ended |= matches!(record.event, Event::RunConcluded { .. });
        match &record.event {
            Event::ReviewOpened { .. } | Event::ToolInDoubt { .. } | Event::Quarantined { .. } => {
                self.take_new();
            }
            Event::ReviewDecided { .. } | Event::TurnEnded { .. } | Event::RunConcluded { .. } => {
                self.close(record);
            }
            _ => {}
        }
    }

    fn take_new(&mut self) {
        for open in self.queue.iter() {
            if !self.all.iter().any(|review| review.review == open.review) {
                let (request, opened_at) = (open.request.clone(), open.opened_at);
                // A doubt about a call that ended after its run is told, but asks for nothing.
                let state = if self.has_ended { ReviewState::Withdrawn } else { ReviewState::Open };
                self.all.push(Review { review: open.review, request, opened_at, state });
            }
        }
    }

    fn close(&mut self, record: &Record) {
        let queue = &self.queue;
        let is_closed =
            |review: &&mut Review| review.state == ReviewState::Open && queue.get(review.review).is_none();
        for review in self.all.iter_mut().filter(is_closed) {
            review.state = match &record.event {
                Event::ReviewDecided { review: decided, verdict, by } if *decided == review.review => {
                    ReviewState::Decided { verdict: verdict.clone(), by: by.clone(), at: record.time }
                }
                _ => ReviewState::Withdrawn,
            };
        }
    }

    /// Returns all reviews, oldest first.
    #[must_use]
    pub fn all(&self) -> &[Review] {
        &self.all
    }

    /// Returns the reviews that wait for a person, oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Review> {
        self.all.iter().filter(|review| review.state == ReviewState::Open)
    }

    /// Returns one review.
    #[must_use]
    pub fn get(&self, review: ReviewId) -> Option<&Review> {
        self.all.iter().find(|known| known.review == review)
    }

    /// Tests whether an answer would be taken now. Edited arguments are tested by the caller.
    ///
    /// # Errors
    /// [`VerdictError`], which says what would be right.
    pub(crate) fn check(
        &self,
        review: ReviewId,
        verdict: &Verdict,
        subject_hash: Option<[u8; 32]>,
    ) -> Result<(), VerdictError> {
        self.queue.check(review, verdict, subject_hash, Timestamp::default()).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::{ReviewState, Reviews};
    use crate::test_records::{approval_run, call, intent, records};
    use playhouse_journal::Event;
    use playhouse_types::{
        OutcomeKind, ReviewId, RunOutcome, Timestamp, TurnId, TurnOutcome, Usage, Verdict,
    };

    fn folded(events: Vec<(&str, (u32, u32, u32), Event)>) -> Reviews {
        let mut reviews = Reviews::default();
        records(events).iter().for_each(|record| reviews.apply(record));
        reviews
    }

    #[test]
    fn a_review_is_open_until_its_answer_is_on_record() {
        let review = ReviewId::Approval(call(1, 1, 0));
        let events = approval_run();
        let reviews = folded(events.clone());
        assert_eq!(reviews.open().map(|open| open.review).collect::<Vec<_>>(), [review]);
        let decided = Event::ReviewDecided { review, verdict: Verdict::Approve, by: "ann".to_owned() };
        let n_events = i64::try_from(events.len() + 1).unwrap();
        let reviews = folded(events.into_iter().chain([("run", (0, 0, 0), decided)]).collect());
        assert_eq!(reviews.open().count(), 0);
        let (verdict, by, at) = (Verdict::Approve, "ann".to_owned(), Timestamp(n_events * 1_000));
        assert_eq!(reviews.get(review).unwrap().state, ReviewState::Decided { verdict, by, at });
    }

    #[test]
    fn a_run_that_has_ended_asks_for_nothing() {
        let concluded = || {
            let outcome = RunOutcome { kind: OutcomeKind::Cancelled, detail: "enough".to_owned() };
            ("run", (0, 0, 0), Event::RunConcluded { outcome, result: None, usage: Usage::default() })
        };
        let id = call(1, 1, 0);
        let begun = || ("clerk", (1, 1, 0), intent(id, "pay", "{}"));
        let doubt = || ("clerk", (1, 1, 0), Event::ToolInDoubt { call: id, detail: "lost".to_owned() });
        for events in [vec![begun(), doubt(), concluded()], vec![begun(), concluded(), doubt()]] {
            let reviews = folded(events);
            assert_eq!(reviews.open().count(), 0);
            assert_eq!(reviews.get(ReviewId::Doubt(id)).unwrap().state, ReviewState::Withdrawn);
        }
    }

    #[test]
    fn the_end_of_its_turn_withdraws_a_review() {
        let ended = Event::TurnEnded { turn: TurnId(1), outcome: TurnOutcome::Cancelled };
        let reviews = folded(approval_run().into_iter().chain([("clerk", (1, 0, 0), ended)]).collect());
        let review = reviews.get(ReviewId::Approval(call(1, 1, 0))).unwrap();
        assert_eq!(review.state, ReviewState::Withdrawn);
    }
}
