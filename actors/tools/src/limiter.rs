//! Decides which call of a tool may start: a pure state machine over simulated or real time.

use std::collections::VecDeque;
use std::time::Duration;

/// The most starts that one rate window holds; more would only make the window's memory larger.
const LONGEST_WINDOW: f64 = 1_000.0;

/// What may happen now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// The first in the queue may start: [`Limiter::start`] it.
    Start,
    /// The first may start after this long, if a place is free then.
    After(Duration),
    /// All places are taken: wait until one is given back.
    Full,
    /// Nobody waits.
    Idle,
}

/// At most `starts` starts in any half-open window of `window`.
#[derive(Clone, PartialEq, Debug)]
struct Rate {
    starts: usize,
    window: Duration,
}

impl Rate {
    /// Reads a rate: 20 per second are 20 in a second, 0.5 per second are one in two seconds.
    fn per_second(rate: f64) -> Option<Self> {
        let starts = rate.ceil().clamp(1.0, LONGEST_WINDOW);
        let window = Duration::try_from_secs_f64(starts / rate).ok()?;
        Some(Self { starts: starts as usize, window })
    }
}

/// The queue of one tool. First come, first served; `W` is whoever waits.
#[derive(Debug)]
pub(crate) struct Limiter<W> {
    concurrency: usize,
    rate: Option<Rate>,
    max_waiting: usize,
    waiting: VecDeque<W>,
    // The newest starts, at most as many as the window holds, oldest first.
    started: VecDeque<Duration>,
}

impl<W> Limiter<W> {
    /// Makes an empty queue for at most `max_waiting` calls.
    ///
    /// `concurrency` counts calls, `rate_per_second` starts per second; a rate that is not positive is no limit.
    pub(crate) fn new(concurrency: usize, rate_per_second: Option<f64>, max_waiting: usize) -> Self {
        let rate = rate_per_second.filter(|rate| *rate > 0.0).and_then(Rate::per_second);
        Self { concurrency, rate, max_waiting, waiting: VecDeque::new(), started: VecDeque::new() }
    }

    /// Puts a call at the end of the queue.
    ///
    /// # Errors
    /// The call itself if the queue is full.
    pub(crate) fn enqueue(&mut self, waiter: W) -> Result<(), W> {
        if self.waiting.len() >= self.max_waiting {
            return Err(waiter);
        }
        self.waiting.push_back(waiter);
        Ok(())
    }

    /// Removes the calls that nobody waits for any more.
    pub(crate) fn forget(&mut self, is_gone: impl Fn(&W) -> bool) {
        self.waiting.retain(|waiter| !is_gone(waiter));
    }

    /// Removes the calls at the head of the queue that nobody waits for any more: cheap, for every message.
    pub(crate) fn forget_first(&mut self, is_gone: impl Fn(&W) -> bool) {
        while self.waiting.front().is_some_and(&is_gone) {
            self.waiting.pop_front();
        }
    }

    /// Tells what may happen at `now` with `running` calls under way; changes nothing.
    pub(crate) fn next(&self, now: Duration, running: usize) -> Next {
        if self.waiting.is_empty() {
            return Next::Idle;
        }
        if running >= self.concurrency {
            return Next::Full;
        }
        let Some(rate) = &self.rate else { return Next::Start };
        match self.started.front() {
            Some(oldest) if self.started.len() >= rate.starts => {
                match (*oldest + rate.window).checked_sub(now) {
                    Some(wait) if !wait.is_zero() => Next::After(wait),
                    _ => Next::Start,
                }
            }
            _ => Next::Start,
        }
    }

    /// Takes the first of the queue as started at `now`; for use after [`Next::Start`].
    pub(crate) fn start(&mut self, now: Duration) -> Option<W> {
        let waiter = self.waiting.pop_front()?;
        if let Some(rate) = &self.rate {
            while self.started.len() >= rate.starts {
                self.started.pop_front();
            }
            self.started.push_back(now);
        }
        Some(waiter)
    }
}

#[cfg(test)]
mod tests {
    use super::{Limiter, Next};
    use std::time::Duration;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Returns when each of `calls` (asked for at these milliseconds, in order) starts; each runs for `runs_ms`.
    #[track_caller]
    fn check(limiter: (usize, Option<f64>), asked_ms: &[u64], runs_ms: u64, started_ms: &[u64]) {
        let mut queue = Limiter::new(limiter.0, limiter.1, 1_000);
        let (mut starts, mut ends, mut asked) = (Vec::new(), Vec::<u64>::new(), asked_ms.iter().peekable());
        for now in 0..100_000 {
            ends.retain(|end| *end > now);
            while let Some(asked) = asked.next_if(|asked| **asked <= now) {
                queue.enqueue(*asked).unwrap();
            }
            while queue.next(ms(now), ends.len()) == Next::Start {
                queue.start(ms(now)).unwrap();
                starts.push(now);
                ends.push(now + runs_ms);
            }
        }
        assert_eq!(starts, started_ms);
    }

    #[test]
    fn calls_within_both_limits_start_at_once() {
        check((4, Some(4.0)), &[0, 0, 5, 9], 1_000, &[0, 0, 5, 9]);
    }

    #[test]
    fn a_call_over_the_concurrency_starts_when_another_ends() {
        check((2, None), &[0, 0, 0, 0, 0], 10, &[0, 0, 10, 10, 20]);
    }

    #[test]
    fn no_window_of_a_second_sees_more_starts_than_the_rate() {
        check((9, Some(2.0)), &[0, 900, 901, 901, 901], 1, &[0, 900, 1_000, 1_900, 2_000]);
    }

    #[test]
    fn a_rate_below_one_per_second_spaces_the_calls() {
        check((9, Some(5.0 / 60.0)), &[0, 0, 0], 1, &[0, 12_000, 24_000]);
    }

    #[test]
    fn a_call_waits_for_place_and_rate() {
        check((1, Some(1.0)), &[0, 0, 0], 1_500, &[0, 1_500, 3_000]);
    }

    #[test]
    fn next_says_how_long_the_rate_holds_the_first_back() {
        let mut queue = Limiter::new(1, Some(1.0), 10);
        assert_eq!(queue.next(ms(0), 0), Next::Idle);
        queue.enqueue("first").unwrap();
        queue.enqueue("second").unwrap();
        assert_eq!(queue.start(ms(300)), Some("first"));
        assert_eq!(queue.next(ms(400), 1), Next::Full);
        assert_eq!(queue.next(ms(400), 0), Next::After(ms(900)));
        assert_eq!(queue.next(ms(1_300), 0), Next::Start);
    }

    #[test]
    fn a_full_queue_refuses_until_somebody_leaves() {
        let mut queue = Limiter::new(0, None, 2);
        assert_eq!((queue.enqueue(1), queue.enqueue(2), queue.enqueue(3)), (Ok(()), Ok(()), Err(3)));
        queue.forget(|waiter| *waiter == 1);
        assert_eq!((queue.enqueue(3), queue.enqueue(4)), (Ok(()), Err(4)));
        queue.forget_first(|waiter| *waiter == 3);
        assert_eq!(queue.start(ms(0)), Some(2));
    }

    #[test]
    fn a_rate_that_is_no_positive_number_is_no_limit() {
        for rate in [0.0, -1.0, f64::NAN, f64::MIN_POSITIVE] {
            check((9, Some(rate)), &[0, 0], 1, &[0, 0]);
        }
    }
}
