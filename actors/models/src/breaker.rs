//! The circuit breaker of one endpoint: after several failures in a row nobody calls it for a while, then one does.
//!
//! Pure: time comes in as the monotonic time of the process. Source of the scheme: M. Nygard, Release It!, 2nd ed.,
//! section 5.2.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When the breaker opens and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BreakerPolicy {
    /// How many failures in a row open it; 0 for never.
    pub failures: u32,
    /// How long it stays open before one call may try.
    pub cool_down: Duration,
}

impl Default for BreakerPolicy {
    /// 8 failures in a row, 10 s.
    fn default() -> Self {
        Self { failures: 8, cool_down: Duration::from_secs(10) }
    }
}

/// Whether calls may pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Passage {
    /// Any call may.
    Free,
    /// One call may, to see whether the endpoint works again.
    Probe,
    /// None may until the probe has ended.
    Probing,
    /// None may before this time.
    ClosedUntil(Duration),
}

/// The state of a breaker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Breaker {
    failures: u32,
    open_until: Option<Duration>,
    /// The call that tries.
    probe: Option<u64>,
    is_down: bool,
}

impl Breaker {
    /// Tells whether a call may pass at `now`.
    #[must_use]
    pub(crate) fn passage(&self, now: Duration) -> Passage {
        match self.open_until {
            None => Passage::Free,
            Some(_) if self.probe.is_some() => Passage::Probing,
            Some(until) if now < until => Passage::ClosedUntil(until),
            Some(_) => Passage::Probe,
        }
    }

    /// Tells whether even a probe has failed: the endpoint is not merely stumbling, and waiting for it is no use.
    pub(crate) const fn is_down(&self) -> bool {
        self.is_down
    }

    /// Returns how many calls in a row have failed.
    #[must_use]
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Notes that call `lease` has passed.
    pub(crate) fn passed(&mut self, lease: u64) {
        self.probe = self.open_until.map(|_| lease);
    }

    /// Notes that the endpoint answered: closes the breaker.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Notes that the endpoint failed call `lease` at `now`.
    ///
    /// While the breaker is open only its probe counts: calls that began earlier say nothing new.
    pub(crate) fn failed(&mut self, lease: u64, now: Duration, policy: &BreakerPolicy) {
        self.failures = self.failures.saturating_add(1);
        let was_probe = self.probe == Some(lease);
        if was_probe {
            self.probe = None;
            self.is_down = true;
        }
        let opens = self.open_until.is_none() && policy.failures > 0 && self.failures >= policy.failures;
        if was_probe || opens {
            self.open_until = Some(now.saturating_add(policy.cool_down));
        }
    }

    /// Notes that call `lease` ended without saying anything about the endpoint; if it was the probe, another may try.
    pub(crate) fn unknown(&mut self, lease: u64) {
        self.probe = self.probe.filter(|probe| *probe != lease);
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaker, BreakerPolicy, Passage};
    use std::time::Duration;

    const POLICY: BreakerPolicy = BreakerPolicy { failures: 2, cool_down: Duration::from_secs(10) };

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn open() -> Breaker {
        let mut breaker = Breaker::default();
        breaker.failed(1, s(0), &POLICY);
        assert_eq!(breaker.passage(s(0)), Passage::Free);
        breaker.failed(2, s(1), &POLICY);
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        assert_eq!(open().passage(s(1)), Passage::ClosedUntil(s(11)));
        let mut breaker = Breaker::default();
        for now in 0..10 {
            breaker.failed(now, s(now), &POLICY);
            breaker.succeeded();
        }
        assert_eq!(breaker.passage(s(10)), Passage::Free);
    }

    #[test]
    fn after_the_cool_down_exactly_one_call_probes() {
        let mut breaker = open();
        assert_eq!(breaker.passage(s(11)), Passage::Probe);
        breaker.passed(3);
        assert_eq!(breaker.passage(s(11)), Passage::Probing);
    }

    #[test]
    fn the_probe_decides() {
        let mut breaker = open();
        breaker.passed(3);
        assert!(!breaker.is_down());
        breaker.failed(3, s(20), &POLICY);
        assert!(breaker.is_down());
        assert_eq!(breaker.passage(s(20)), Passage::ClosedUntil(s(30)));
        breaker.passed(4);
        breaker.unknown(4);
        assert_eq!(breaker.passage(s(30)), Passage::Probe);
        breaker.passed(5);
        breaker.succeeded();
        assert_eq!(breaker.passage(s(30)), Passage::Free);
    }

    #[test]
    fn calls_from_before_it_opened_neither_prolong_it_nor_stand_for_the_probe() {
        let mut breaker = open();
        breaker.failed(1, s(9), &POLICY);
        assert_eq!(breaker.passage(s(11)), Passage::Probe);
        breaker.passed(3);
        breaker.failed(2, s(12), &POLICY);
        breaker.unknown(1);
        assert_eq!((breaker.passage(s(12)), breaker.is_down()), (Passage::Probing, false));
    }

    #[test]
    fn a_policy_of_zero_failures_never_opens() {
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            breaker.failed(1, s(0), &BreakerPolicy { failures: 0, ..POLICY });
        }
        assert_eq!(breaker.passage(s(0)), Passage::Free);
    }
}
