//! The limits of one endpoint, shared by all runs: who may call when. Pure; time is the monotonic time of the process.
//!
//! Requests and tokens are counted over a sliding minute, so no 60 seconds ever hold more than the limit (a token
//! bucket would let through twice as much after a pause). Callers are let through in the order in which they asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use playhouse_messages::{EndpointHealth, LeaseId, ModelLimitsError};
use serde::{Deserialize, Serialize};

use crate::breaker::{Breaker, BreakerPolicy, Passage};

const WINDOW: Duration = Duration::from_secs(60);

/// What one endpoint and key may be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndpointLimits {
    /// How many requests may start in any minute; `None` for no limit.
    pub requests_per_minute: Option<u32>,
    /// How many tokens, read and written, the calls of any minute may use; `None` for no limit.
    ///
    /// A call counts with its estimate until it ends. A call above the limit runs alone in its minute.
    pub tokens_per_minute: Option<u64>,
    /// How many calls may be under way at once; at least 1.
    pub concurrency: usize,
    /// How many calls may wait.
    pub max_waiting: usize,
    /// When the endpoint is left alone.
    pub breaker: BreakerPolicy,
}

impl Default for EndpointLimits {
    /// No limits per minute, 64 calls at once, 16,384 waiting.
    fn default() -> Self {
        Self {
            requests_per_minute: None,
            tokens_per_minute: None,
            // The connections of the pool: more would only wait there, without order or deadline.
            concurrency: 64,
            // Several crews of 1,000 agents that all speak at once; a waiting call costs a few hundred bytes.
            max_waiting: 16_384,
            breaker: BreakerPolicy::default(),
        }
    }
}

/// A call that waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Waiting {
    estimate_tokens: u64,
    since: Duration,
    until: Duration,
}

/// A call that started within the last minute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Started {
    lease: u64,
    at: Duration,
    tokens: u64,
}

/// What should happen next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum LimiterDecision {
    /// The call may start.
    Start(LeaseId),
    /// The call is turned away.
    Refuse(LeaseId, ModelLimitsError),
    /// Nothing before this time, unless something arrives.
    WaitUntil(Duration),
    /// Nothing until something arrives.
    Idle,
}

/// What has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LimiterEvent {
    /// A call asked to start and waits.
    Asked {
        /// Its number; they grow.
        lease: LeaseId,
        /// Roughly how many tokens it will use.
        estimate_tokens: u64,
        /// How long it can wait.
        max_wait: Duration,
    },
    /// A waiting call has started.
    Started(LeaseId),
    /// A waiting call is gone: turned away, or its caller no longer waits.
    Left(LeaseId),
    /// A call that had started has ended.
    Ended {
        /// Which.
        lease: LeaseId,
        /// How many tokens it used, if known.
        tokens: Option<u64>,
        /// What it says about the endpoint.
        health: EndpointHealth,
    },
}

/// Who waits, who is under way, and what the last minute used.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Limiter {
    waiting: BTreeMap<u64, Waiting>,
    /// Until when each of them can wait, soonest first.
    expiries: BTreeSet<(Duration, u64)>,
    under_way: BTreeMap<u64, u64>,
    minute: VecDeque<Started>,
    minute_tokens: u64,
    paused_until: Duration,
    breaker: Breaker,
}

impl Limiter {
    /// Says what should happen at `now`. Asked again after each application, until it says to wait.
    #[must_use]
    pub(crate) fn decide(&self, now: Duration, limits: &EndpointLimits) -> LimiterDecision {
        let Some((&lease, next)) = self.waiting.first_key_value() else { return LimiterDecision::Idle };
        let opens_at = self.opens_at(now, next, limits);
        if opens_at.is_some_and(|at| at <= now) {
            return LimiterDecision::Start(LeaseId(lease));
        }
        if self.waiting.len() > limits.max_waiting
            && let Some(newest) = self.waiting.keys().next_back()
        {
            return LimiterDecision::Refuse(LeaseId(*newest), ModelLimitsError::Overloaded);
        }
        if let Some(refusal) = self.refusal(now, opens_at) {
            return refusal;
        }
        let first_expiry = self.expiries.first().map(|(until, _)| *until);
        match [opens_at, first_expiry].into_iter().flatten().min() {
            Some(at) => LimiterDecision::WaitUntil(at),
            None => LimiterDecision::Idle,
        }
    }

    /// Takes in what happened at `now`.
    pub(crate) fn apply(&mut self, now: Duration, limits: &EndpointLimits, event: LimiterEvent) {
        match event {
            LimiterEvent::Asked { lease, estimate_tokens, max_wait } => {
                let until = now.saturating_add(max_wait);
                self.expiries.insert((until, lease.0));
                self.waiting.insert(lease.0, Waiting { estimate_tokens, since: now, until });
            }
            LimiterEvent::Started(lease) => self.start(now, limits, lease.0),
            LimiterEvent::Left(lease) => {
                self.leave(lease.0);
            }
            LimiterEvent::Ended { lease, tokens, health } => self.end(now, limits, (lease.0, tokens), health),
        }
    }

    fn leave(&mut self, lease: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&lease)?;
        self.expiries.remove(&(waiting.until, lease));
        Some(waiting)
    }

    fn start(&mut self, now: Duration, limits: &EndpointLimits, lease: u64) {
        let Some(waiting) = self.leave(lease) else { return };
        self.under_way.insert(lease, waiting.estimate_tokens);
        self.breaker.passed(lease);
        if limits.requests_per_minute.is_none() && limits.tokens_per_minute.is_none() {
            return;
        }
        while let Some(oldest) = self.minute.front().filter(|started| started.at + WINDOW <= now) {
            self.minute_tokens = self.minute_tokens.saturating_sub(oldest.tokens);
            self.minute.pop_front();
        }
        self.minute.push_back(Started { lease, at: now, tokens: waiting.estimate_tokens });
        self.minute_tokens = self.minute_tokens.saturating_add(waiting.estimate_tokens);
    }

    fn end(
        &mut self,
        now: Duration,
        limits: &EndpointLimits,
        (lease, tokens): (u64, Option<u64>),
        health: EndpointHealth,
    ) {
        if self.under_way.remove(&lease).is_none() {
            return;
        }
        // Leases start in the order of their numbers, so the minute is sorted by them.
        let place = self.minute.binary_search_by_key(&lease, |started| started.lease);
        if let (Some(tokens), Ok(place)) = (tokens, place)
            && let Some(started) = self.minute.get_mut(place)
        {
            self.minute_tokens = self.minute_tokens.saturating_sub(started.tokens).saturating_add(tokens);
            started.tokens = tokens;
        }
        match health {
            EndpointHealth::Healthy => self.breaker.succeeded(),
            EndpointHealth::Failed => self.breaker.failed(lease, now, &limits.breaker),
            EndpointHealth::Unknown => self.breaker.unknown(lease),
            EndpointHealth::Throttled(wait) => {
                self.breaker.succeeded();
                self.paused_until = self.paused_until.max(now.saturating_add(wait));
            }
        }
    }

    /// Returns when the first in the queue may start; `None` if some call has to end first.
    fn opens_at(&self, now: Duration, next: &Waiting, limits: &EndpointLimits) -> Option<Duration> {
        if self.under_way.len() >= limits.concurrency.max(1) || self.breaker.passage(now) == Passage::Probing
        {
            return None;
        }
        let mut at = self.closed_until(now);
        let first = self.minute.partition_point(|started| started.at + WINDOW <= now);
        if let Some(limit) = limits.requests_per_minute {
            let excess = (self.minute.len() - first + 1).saturating_sub(limit.max(1) as usize);
            if let Some(started) = excess.checked_sub(1).and_then(|last| self.minute.get(first + last)) {
                at = at.max(started.at + WINDOW);
            }
        }
        if let Some(limit) = limits.tokens_per_minute {
            let expired: u64 = self.minute.iter().take(first).map(|started| started.tokens).sum();
            let mut used = self.minute_tokens.saturating_sub(expired);
            for started in self.minute.iter().skip(first) {
                if used.saturating_add(next.estimate_tokens) <= limit {
                    break;
                }
                used = used.saturating_sub(started.tokens);
                at = at.max(started.at + WINDOW);
            }
        }
        Some(at)
    }

    /// Returns until when nobody may start: the endpoint asked for it, or the breaker is open.
    fn closed_until(&self, now: Duration) -> Duration {
        match self.breaker.passage(now) {
            Passage::ClosedUntil(until) => until.max(self.paused_until),
            _ => self.paused_until,
        }
    }

    /// Returns a call that has waited as long as it can, or that surely cannot wait long enough.
    ///
    /// Once a probe has failed nobody waits for the next one: whoever asks learns at once that the endpoint is down.
    fn refusal(&self, now: Duration, opens_at: Option<Duration>) -> Option<LimiterDecision> {
        let passage = self.breaker.passage(now);
        let is_down = self.breaker.is_down() && matches!(passage, Passage::ClosedUntil(_));
        let closed_until = self.closed_until(now);
        let is_late = |until: Duration| is_down || until <= now || until < closed_until;
        let impatient = self.expiries.first().filter(|(until, _)| is_late(*until)).map(|(_, lease)| *lease);
        let head = self.waiting.first_key_value();
        let head =
            head.filter(|(_, head)| opens_at.is_some_and(|at| head.until < at)).map(|(lease, _)| *lease);
        let lease = impatient.or(head)?;
        let waiting = self.waiting.get(&lease)?;
        let error = match passage {
            Passage::ClosedUntil(until) => ModelLimitsError::Open {
                failures: self.breaker.failures(),
                retry_in: until.saturating_sub(now),
            },
            _ => ModelLimitsError::TooLate { waited: waiting.until.saturating_sub(waiting.since) },
        };
        Some(LimiterDecision::Refuse(LeaseId(lease), error))
    }
}

#[cfg(test)]
mod tests;
