//! When and how often a child is started again. Pure: time and chance are passed in.

use std::collections::VecDeque;
use std::time::Duration;

use playhouse_journal::ExitKind;

/// Which exits a restart follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RestartType {
    /// Every exit.
    Permanent,
    /// Abnormal exits only; a kill is one. The default.
    #[default]
    Transient,
    /// None.
    Temporary,
}

impl RestartType {
    /// Tells whether a child that ended like this is started again.
    #[must_use]
    pub const fn restarts_after(self, exit: ExitKind) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !matches!(exit, ExitKind::Normal),
            Self::Temporary => false,
        }
    }
}

/// How long to wait before the n-th restart in a row: `first * 2^(n-2)` up to `max`, the first restart at once.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Backoff {
    /// The wait before the second restart in a row.
    pub first: Duration,
    /// The longest wait.
    pub max: Duration,
    /// Which part of the wait is random, 0 to 1.
    pub jitter: f64,
}

impl Default for Backoff {
    /// 0, 0.5, 1, 2 ... 30 seconds, a fifth of it random.
    fn default() -> Self {
        Self { first: Duration::from_millis(500), max: Duration::from_secs(30), jitter: 0.2 }
    }
}

impl Backoff {
    /// Returns the wait before restart number `streak` in a row (from 1); `unit` is a draw from 0 to 1.
    #[must_use]
    pub fn wait(&self, streak: u32, unit: f64) -> Duration {
        let Some(doublings) = streak.checked_sub(2) else { return Duration::ZERO };
        let full = self.first.saturating_mul(2u32.saturating_pow(doublings)).min(self.max);
        full.mul_f64(1.0 - self.jitter.clamp(0.0, 1.0) * unit.clamp(0.0, 1.0))
    }
}

/// What makes no sense in a policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// Restarts are allowed within no time at all: any number of them would be.
    #[error("`window` is zero, so `max_restarts` bounds nothing")]
    Window,
    /// The random part of a wait is no part.
    #[error("`jitter` is not between 0 and 1")]
    Jitter,
    /// The first wait is longer than the longest.
    #[error("`first` is longer than `max`")]
    Backoff,
}

/// How many restarts are allowed within a time. One more is too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Intensity {
    /// How many.
    pub max_restarts: u32,
    /// Within which time.
    pub window: Duration,
}

impl Default for Intensity {
    /// 10 restarts within 60 s: what all actors of a run may have together.
    fn default() -> Self {
        Self { max_restarts: 10, window: Duration::from_secs(60) }
    }
}

impl Intensity {
    pub(crate) fn check(&self) -> Result<(), PolicyFault> {
        if self.window.is_zero() && self.max_restarts > 0 { Err(PolicyFault::Window) } else { Ok(()) }
    }
}

/// The restarts within an intensity's window, on the monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct Restarts(VecDeque<Duration>);

impl Restarts {
    /// Notes a restart at `now`, if it is allowed.
    pub(crate) fn allow(&mut self, intensity: &Intensity, now: Duration) -> bool {
        // Noted in order: what has left the window stands in front.
        while self.0.front().is_some_and(|restart| now.saturating_sub(*restart) >= intensity.window) {
            self.0.pop_front();
        }
        let is_allowed = self.0.len() < intensity.max_restarts as usize;
        if is_allowed {
            self.0.push_back(now);
        }
        is_allowed
    }
}

/// When and how often a child is started again.
#[derive(Clone, PartialEq, Debug)]
pub struct RestartPolicy {
    /// Which exits a restart follows.
    pub restart: RestartType,
    /// How many restarts are allowed within `window`; one more escalates.
    pub max_restarts: u32,
    /// The window.
    pub window: Duration,
    /// The waits between restarts.
    pub backoff: Backoff,
    /// After running this long a child counts as healthy: the next wait is the first one again.
    pub healthy_after: Duration,
}

impl Default for RestartPolicy {
    /// Transient, 3 restarts within 60 s, healthy after 5 minutes.
    fn default() -> Self {
        Self {
            restart: RestartType::Transient,
            max_restarts: 3,
            window: Duration::from_secs(60),
            backoff: Backoff::default(),
            healthy_after: Duration::from_secs(300),
        }
    }
}

impl RestartPolicy {
    /// Restarts after every exit.
    #[must_use]
    pub fn permanent() -> Self {
        Self { restart: RestartType::Permanent, ..Self::default() }
    }

    /// Restarts after abnormal exits.
    #[must_use]
    pub fn transient() -> Self {
        Self::default()
    }

    /// Never restarts.
    #[must_use]
    pub fn temporary() -> Self {
        Self { restart: RestartType::Temporary, ..Self::default() }
    }

    /// Allows `max_restarts` within `window`.
    #[must_use]
    pub const fn max(mut self, max_restarts: u32, window: Duration) -> Self {
        self.max_restarts = max_restarts;
        self.window = window;
        self
    }

    /// Checks that the values mean something.
    ///
    /// # Errors
    /// [`PolicyFault`] names what does not.
    pub fn check(&self) -> Result<(), PolicyFault> {
        Intensity { max_restarts: self.max_restarts, window: self.window }.check()?;
        if !(0.0..=1.0).contains(&self.backoff.jitter) {
            return Err(PolicyFault::Jitter);
        }
        if self.backoff.first > self.backoff.max {
            return Err(PolicyFault::Backoff);
        }
        Ok(())
    }

    /// Waits as `backoff` says between restarts.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }
}

/// What to do about an exit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Start again after this wait.
    Restart(Duration),
    /// Leave it.
    Stay,
    /// It failed too often.
    Escalate,
}

/// The restarts of one child so far, on the monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct RestartHistory {
    restarts: Restarts,
    streak: u32,
    /// Since when it runs, if it does.
    started: Option<Duration>,
}

impl RestartHistory {
    /// Notes that the child runs since `now`.
    pub(crate) const fn note_start(&mut self, now: Duration) {
        self.started = Some(now);
    }

    /// Decides about an exit at `now` and notes the restart, if there is one.
    pub(crate) fn decide(
        &mut self,
        policy: &RestartPolicy,
        exit: ExitKind,
        now: Duration,
        unit: f64,
    ) -> Verdict {
        if !policy.restart.restarts_after(exit) {
            return Verdict::Stay;
        }
        // Its last start must have succeeded: failing to start for long is no health.
        if self.started.take().is_some_and(|started| now.saturating_sub(started) >= policy.healthy_after) {
            self.streak = 0;
        }
        let intensity = Intensity { max_restarts: policy.max_restarts, window: policy.window };
        if !self.restarts.allow(&intensity, now) {
            return Verdict::Escalate;
        }
        self.streak = self.streak.saturating_add(1);
        Verdict::Restart(policy.backoff.wait(self.streak, unit))
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, RestartHistory, RestartPolicy, RestartType, Verdict};
    use playhouse_journal::ExitKind;
    use std::time::Duration;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn restart_types_differ_in_normal_and_abnormal_exits() {
        use ExitKind::{Failed, Killed, Normal, StartFailed};
        for (restart, expected) in [
            (RestartType::Permanent, [true, true, true, true]),
            (RestartType::Transient, [false, true, true, true]),
            (RestartType::Temporary, [false, false, false, false]),
        ] {
            assert_eq!(
                [Normal, Killed, Failed, StartFailed].map(|exit| restart.restarts_after(exit)),
                expected
            );
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_only_shortens() {
        let backoff = Backoff { first: seconds(1), max: seconds(5), jitter: 0.5 };
        let waits: Vec<_> = (1..=5).map(|streak| backoff.wait(streak, 0.0).as_secs()).collect();
        assert_eq!(waits, [0, 1, 2, 4, 5]);
        assert_eq!(backoff.wait(9, 1.0), Duration::from_millis(2500));
        assert_eq!(backoff.wait(u32::MAX, 0.0), seconds(5));
    }

    #[test]
    fn one_restart_too_many_within_the_window_escalates() {
        let policy = RestartPolicy::default().max(2, seconds(10));
        let mut history = RestartHistory::default();
        let mut exit = |at| history.decide(&policy, ExitKind::Failed, seconds(at), 0.0);
        assert_eq!(exit(1), Verdict::Restart(Duration::ZERO));
        assert!(matches!(exit(2), Verdict::Restart(_)));
        assert_eq!(exit(3), Verdict::Escalate);
        assert!(matches!(exit(12), Verdict::Restart(_)), "the first two have left the window");
    }

    #[test]
    fn a_healthy_child_begins_with_the_first_wait_again() {
        let policy = RestartPolicy::default();
        let mut history = RestartHistory::default();
        history.decide(&policy, ExitKind::Failed, seconds(1), 0.0);
        history.decide(&policy, ExitKind::Failed, seconds(2), 0.0);
        history.note_start(seconds(3));
        let later = history.decide(&policy, ExitKind::Failed, seconds(400), 0.0);
        assert_eq!(later, Verdict::Restart(Duration::ZERO));
    }

    #[test]
    fn no_restart_allowed_escalates_at_once() {
        let policy = RestartPolicy::default().max(0, seconds(10));
        let verdict = RestartHistory::default().decide(&policy, ExitKind::Failed, seconds(1), 0.0);
        assert_eq!(verdict, Verdict::Escalate);
    }
}
