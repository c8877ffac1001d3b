//! When a failed attempt is repeated: the only retry layer of a model call. Pure.
//!
//! Exponential backoff with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), and a
//! retry budget (Google SRE Book, chapter 21, "Handling Overload"; its numbers are those of Twitter's Finagle).

use std::time::Duration;

/// How often and how soon a failed attempt is repeated.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RetryPolicy {
    /// How often the endpoint is asked at most; at least 1.
    pub max_attempts: u32,
    /// The longest first wait; it doubles with each attempt, and a uniform draw of it is waited.
    pub base: Duration,
    /// The longest wait that we choose ourselves.
    pub cap: Duration,
    /// The longest wait that an endpoint may ask for; a longer one ends the call.
    pub max_wait: Duration,
    /// Which share of calls may be repeated, beside the floor.
    pub budget_share: f64,
    /// How many repetitions are possible besides, at first and after ten seconds of rest: a tenth comes back per second.
    pub budget_floor: f64,
}

impl Default for RetryPolicy {
    /// 5 attempts, waits below 0.5, 1, 2, 4 s (capped at 30 s), `Retry-After` up to 60 s, a fifth of the calls and 100.
    fn default() -> Self {
        Self {
            max_attempts: 5,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            max_wait: Duration::from_secs(60),
            budget_share: 0.2,
            budget_floor: 100.0,
        }
    }
}

/// What is known when an attempt has failed in a way that may pass.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct FailedAttempt {
    /// Which attempt, from 1.
    pub(crate) attempt: u32,
    /// How long the endpoint asked to wait.
    pub(crate) retry_after: Option<Duration>,
    /// How long an answer is still of use; `None` for ever.
    pub(crate) remaining: Option<Duration>,
    /// A uniform draw from 0 to 1.
    pub(crate) unit: f64,
    /// The monotonic time of the process.
    pub(crate) now: Duration,
}

/// What to do about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RetryDecision {
    /// Ask again after this wait.
    Again(Duration),
    /// Do not ask again.
    GiveUp(GiveUp),
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum GiveUp {
    /// It was asked as often as the policy allows.
    #[error("no attempt is left")]
    Attempts,
    /// The endpoint asked for a longer wait than the policy allows.
    #[error("the endpoint asks to wait {asked:?}, which is longer than the {allowed:?} that are allowed")]
    WaitTooLong {
        /// What it asked for.
        asked: Duration,
        /// What is allowed.
        allowed: Duration,
    },
    /// The call's deadline comes before the next attempt would.
    #[error("the deadline of the call comes before the next attempt")]
    Deadline,
    /// Too large a share of the calls had to be repeated: the endpoint is in trouble, and more would make it worse.
    #[error("too many calls to this endpoint have been repeated already")]
    Budget,
}

impl RetryPolicy {
    /// Decides what follows a failed attempt; takes from the budget if it is another one.
    ///
    /// A wait that the endpoint asked for is free: it does its own pacing.
    pub(crate) fn decide(&self, budget: &mut RetryBudget, failed: &FailedAttempt) -> RetryDecision {
        if failed.attempt >= self.max_attempts {
            return RetryDecision::GiveUp(GiveUp::Attempts);
        }
        let wait = match failed.retry_after {
            Some(asked) if asked > self.max_wait => {
                return RetryDecision::GiveUp(GiveUp::WaitTooLong { asked, allowed: self.max_wait });
            }
            // Never sooner than asked; the jitter keeps those who were told the same apart.
            Some(asked) => asked.saturating_add(self.base.mul_f64(failed.unit)),
            None => self.backoff(failed.attempt).mul_f64(failed.unit),
        };
        if failed.remaining.is_some_and(|remaining| remaining <= wait) {
            return RetryDecision::GiveUp(GiveUp::Deadline);
        }
        if failed.retry_after.is_none() && !budget.take(self, failed.now) {
            return RetryDecision::GiveUp(GiveUp::Budget);
        }
        RetryDecision::Again(wait)
    }

    /// Returns the longest wait after attempt `attempt`.
    fn backoff(&self, attempt: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }
}

/// How many repetitions one client may still make.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct RetryBudget {
    /// From the calls.
    earned: f64,
    /// What is left of the floor.
    floor: f64,
    /// When the floor was last filled up.
    at: Duration,
}

impl RetryBudget {
    /// Makes the budget of a new client: the floor.
    #[must_use]
    pub(crate) const fn new(policy: &RetryPolicy) -> Self {
        Self { earned: 0.0, floor: policy.budget_floor, at: Duration::ZERO }
    }

    /// Notes a call, which earns a share of a repetition. No more is saved up than ten times the floor.
    pub(crate) fn earn(&mut self, policy: &RetryPolicy) {
        self.earned = (self.earned + policy.budget_share).min(policy.budget_floor * 10.0);
    }

    /// Takes one repetition, if there is one.
    fn take(&mut self, policy: &RetryPolicy, now: Duration) -> bool {
        let refill = now.saturating_sub(self.at).as_secs_f64() * policy.budget_floor / 10.0;
        self.floor = (self.floor + refill).min(policy.budget_floor);
        self.at = now;
        let source = if self.earned >= 1.0 { &mut self.earned } else { &mut self.floor };
        let is_enough = *source >= 1.0;
        if is_enough {
            *source -= 1.0;
        }
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use super::{FailedAttempt, GiveUp, RetryBudget, RetryDecision, RetryPolicy};
    use std::time::Duration;

    const FIRST: FailedAttempt =
        FailedAttempt { attempt: 1, retry_after: None, remaining: None, unit: 0.5, now: Duration::ZERO };

    #[track_caller]
    fn check(failed: FailedAttempt, expected: RetryDecision) {
        let policy = RetryPolicy::default();
        assert_eq!(policy.decide(&mut RetryBudget::new(&policy), &failed), expected);
    }

    #[test]
    fn the_wait_is_a_draw_of_an_interval_that_doubles_up_to_the_cap() {
        check(FIRST, RetryDecision::Again(Duration::from_millis(250)));
        check(FailedAttempt { attempt: 3, ..FIRST }, RetryDecision::Again(Duration::from_secs(1)));
        check(FailedAttempt { attempt: 4, unit: 0.0, ..FIRST }, RetryDecision::Again(Duration::ZERO));
        let policy = RetryPolicy { max_attempts: u32::MAX, ..RetryPolicy::default() };
        for attempt in [10, 32, 33, 1_000, u32::MAX - 1] {
            let failed = FailedAttempt { attempt, unit: 1.0, ..FIRST };
            let decision = policy.decide(&mut RetryBudget::new(&policy), &failed);
            assert_eq!(decision, RetryDecision::Again(policy.cap));
        }
    }

    #[test]
    fn the_last_attempt_is_the_last() {
        check(FailedAttempt { attempt: 5, ..FIRST }, RetryDecision::GiveUp(GiveUp::Attempts));
    }

    #[test]
    fn the_endpoint_is_never_asked_sooner_than_it_wants() {
        let asked = Duration::from_secs(7);
        check(
            FailedAttempt { retry_after: Some(asked), ..FIRST },
            RetryDecision::Again(Duration::from_millis(7_250)),
        );
    }

    #[test]
    fn an_absurd_wait_ends_the_call() {
        let (asked, allowed) = (Duration::from_secs(86_400), Duration::from_secs(60));
        check(
            FailedAttempt { retry_after: Some(asked), ..FIRST },
            RetryDecision::GiveUp(GiveUp::WaitTooLong { asked, allowed }),
        );
    }

    #[test]
    fn a_wait_beyond_the_deadline_ends_the_call() {
        let remaining = Some(Duration::from_millis(250));
        check(FailedAttempt { remaining, ..FIRST }, RetryDecision::GiveUp(GiveUp::Deadline));
        let remaining = Some(Duration::from_millis(251));
        check(FailedAttempt { remaining, ..FIRST }, RetryDecision::Again(Duration::from_millis(250)));
    }

    #[test]
    fn a_fifth_of_the_calls_may_be_repeated_beside_the_floor() {
        let policy = RetryPolicy { budget_floor: 2.0, ..RetryPolicy::default() };
        let mut budget = RetryBudget::new(&policy);
        let mut repeated = 0;
        for _ in 0..100 {
            budget.earn(&policy);
            if matches!(policy.decide(&mut budget, &FIRST), RetryDecision::Again(_)) {
                repeated += 1;
            }
        }
        assert!((21..=22).contains(&repeated), "{repeated}");
        assert_eq!(policy.decide(&mut budget, &FIRST), RetryDecision::GiveUp(GiveUp::Budget));
        let later = FailedAttempt { now: Duration::from_secs(5), ..FIRST };
        assert!(matches!(policy.decide(&mut budget, &later), RetryDecision::Again(_)));
        assert_eq!(policy.decide(&mut budget, &later), RetryDecision::GiveUp(GiveUp::Budget));
        let told = FailedAttempt { retry_after: Some(Duration::ZERO), ..FIRST };
        assert!(matches!(policy.decide(&mut budget, &told), RetryDecision::Again(_)));
    }
}
