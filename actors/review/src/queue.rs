//! The reviews of one run: a fold of its records.

use std::collections::BTreeMap;

use playhouse_journal::{Event, Record, ToolIntent};
use playhouse_types::{
    AgentName, CallId, Effect, OnExpiry, ReviewId, ReviewRequest, Timestamp, TurnId, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::verdict::{VerdictError, fits, fitting};

/// A review that nobody has answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpenReview {
    /// What it is about.
    pub review: ReviewId,
    /// What is asked.
    pub request: ReviewRequest,
    /// Since when.
    pub opened_at: Timestamp,
}

/// An answer on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Decided {
    verdict: Verdict,
    by: String,
}

/// The reviews of one run. Changes only in [`ReviewQueue::apply`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ReviewQueue {
    open: BTreeMap<ReviewId, OpenReview>,
    decided: BTreeMap<ReviewId, Decided>,
    /// Calls under way, of which any may become doubtful.
    calls: BTreeMap<CallId, (AgentName, ToolIntent)>,
}

impl ReviewQueue {
    /// Takes in the next record of the run.
    pub fn apply(&mut self, record: &Record) {
        match &record.event {
            Event::ToolIntent(intent) => {
                // Intents stand in the lane of their agent.
                if let Ok(agent) = AgentName::new(record.lane.as_str()) {
                    self.calls.insert(intent.call, (agent, intent.clone()));
                }
            }
            Event::ToolResult { call, .. }
            | Event::ToolFailed { call, .. }
            | Event::ToolDenied { call, .. } => {
                self.calls.remove(call);
            }
            Event::ToolInDoubt { call, detail } => self.doubt(*call, detail, record),
            Event::ReviewOpened { review, request } => {
                self.open(*review, request.as_ref().clone(), record.time);
            }
            Event::ReviewDecided { review, verdict, by } => {
                self.open.remove(review);
                if matches!(review, ReviewId::Quarantine(_)) {
                    self.let_wait();
                }
                let decided = Decided { verdict: verdict.clone(), by: by.clone() };
                self.decided.entry(*review).or_insert(decided);
            }
            Event::TurnEnded { turn, .. } => self.withdraw(*turn),
            Event::Quarantined { reason } => self.quarantine(record, reason),
            Event::RunConcluded { .. } => self.open.clear(),
            _ => {}
        }
    }

    fn open(&mut self, review: ReviewId, request: ReviewRequest, opened_at: Timestamp) {
        if !self.decided.contains_key(&review) {
            self.open.insert(review, OpenReview { review, request, opened_at });
        }
    }

    /// A call in doubt is a review by itself.
    fn doubt(&mut self, call: CallId, detail: &str, record: &Record) {
        let Some((agent, intent)) = self.calls.remove(&call) else { return };
        let request = ReviewRequest {
            agent,
            subject_hash: *blake3::hash(intent.arguments.as_bytes()).as_bytes(),
            tool: intent.tool.to_string(),
            arguments: intent.arguments,
            effect: intent.effect,
            reason: detail.to_owned(),
            expires_at: None,
            on_expiry: OnExpiry::Deny,
        };
        self.open(ReviewId::Doubt(call), request, record.time);
    }

    /// A run that was set aside waits for a person.
    fn quarantine(&mut self, record: &Record, reason: &str) {
        let Ok(agent) = AgentName::new(record.lane.as_str()) else { return };
        let request = ReviewRequest {
            agent,
            tool: String::new(),
            arguments: String::new(),
            effect: Effect::Pure,
            subject_hash: *blake3::hash(reason.as_bytes()).as_bytes(),
            reason: reason.to_owned(),
            expires_at: None,
            on_expiry: OnExpiry::Deny,
        };
        self.open(ReviewId::Quarantine(record.epoch), request, record.time);
    }

    /// A person has looked at the run: what escalated waits on without an end, instead of escalating at once again.
    fn let_wait(&mut self) {
        let escalated = self.open.values_mut().filter(|open| open.request.on_expiry == OnExpiry::Escalate);
        escalated.for_each(|open| open.request.expires_at = None);
    }

    /// A turn that is over asks nothing any more. What became of an effect is asked all the same.
    fn withdraw(&mut self, turn: TurnId) {
        let is_of_turn = |review: &ReviewId| review.call().is_some_and(|call| call.turn == turn);
        self.open.retain(|review, _| matches!(review, ReviewId::Doubt(_)) || !is_of_turn(review));
    }

    /// Returns the open reviews.
    pub fn iter(&self) -> impl Iterator<Item = &OpenReview> {
        self.open.values()
    }

    /// Returns one open review.
    #[must_use]
    pub fn get(&self, review: ReviewId) -> Option<&OpenReview> {
        self.open.get(&review)
    }

    /// Tells whether nothing waits for a person.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Returns the calls under way, with who made them.
    pub fn calls(&self) -> impl Iterator<Item = (&AgentName, &ToolIntent)> {
        self.calls.values().map(|(agent, intent)| (agent, intent))
    }

    /// Returns the open reviews whose time is over.
    pub fn expired(&self, now: Timestamp) -> impl Iterator<Item = &OpenReview> {
        self.open.values().filter(move |open| open.request.expires_at.is_some_and(|at| at <= now))
    }

    /// Tests an answer at the time `now` against the open reviews: the first that fits wins. Edited arguments are tested by the caller.
    ///
    /// # Errors
    /// [`VerdictError`], which says what would be right.
    pub fn check(
        &self,
        review: ReviewId,
        verdict: &Verdict,
        subject_hash: Option<[u8; 32]>,
        now: Timestamp,
    ) -> Result<&OpenReview, VerdictError> {
        let Some(open) = self.open.get(&review) else {
            return Err(match self.decided.get(&review) {
                Some(Decided { verdict, by }) => {
                    VerdictError::Closed { review, verdict: verdict.as_str(), by: by.clone() }
                }
                None => VerdictError::Unknown { review },
            });
        };
        if open.request.expires_at.is_some_and(|at| at <= now) {
            return Err(VerdictError::Expired { review });
        }
        if subject_hash.is_some_and(|hash| hash != open.request.subject_hash) {
            return Err(VerdictError::Stale { review });
        }
        if !fits(review, verdict) {
            let (verdict, allowed) = (verdict.as_str(), fitting(review));
            return Err(VerdictError::NotFitting { review, verdict, allowed });
        }
        Ok(open)
    }
}

#[cfg(test)]
mod tests;
