use std::time::Duration;

use playhouse_messages::{EndpointHealth, LeaseId, ModelLimitsError};

use super::{EndpointLimits, Limiter, LimiterDecision, LimiterEvent};
use crate::breaker::BreakerPolicy;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A limiter in simulated time, which carries out what it decides.
struct Simulation {
    limiter: Limiter,
    limits: EndpointLimits,
    now: Duration,
    next: u64,
    log: Vec<String>,
}

impl Simulation {
    fn new(limits: EndpointLimits) -> Self {
        Self { limiter: Limiter::default(), limits, now: Duration::ZERO, next: 0, log: Vec::new() }
    }

    fn ask(&mut self, estimate_tokens: u64, max_wait: Duration) {
        let lease = LeaseId(self.next);
        self.next += 1;
        self.apply(LimiterEvent::Asked { lease, estimate_tokens, max_wait });
    }

    fn end(&mut self, lease: u64, tokens: Option<u64>, health: EndpointHealth) {
        self.apply(LimiterEvent::Ended { lease: LeaseId(lease), tokens, health });
    }

    fn apply(&mut self, event: LimiterEvent) {
        self.limiter.apply(self.now, &self.limits, event);
        self.run();
    }

    fn run(&mut self) -> Option<Duration> {
        loop {
            let event = match self.limiter.decide(self.now, &self.limits) {
                LimiterDecision::Start(lease) => {
                    self.log.push(format!("{}s start {}", self.now.as_secs(), lease.0));
                    LimiterEvent::Started(lease)
                }
                LimiterDecision::Refuse(lease, error) => {
                    let why = match error {
                        ModelLimitsError::Overloaded => "overloaded",
                        ModelLimitsError::TooLate { .. } => "late",
                        ModelLimitsError::Open { .. } => "open",
                        _ => "stopped",
                    };
                    self.log.push(format!("{}s {why} {}", self.now.as_secs(), lease.0));
                    LimiterEvent::Left(lease)
                }
                LimiterDecision::WaitUntil(at) => {
                    assert!(at > self.now, "a wait must lead on");
                    return Some(at);
                }
                LimiterDecision::Idle => return None,
            };
            self.limiter.apply(self.now, &self.limits, event);
        }
    }

    /// Lets time pass, stopping wherever the limiter asked to be woken.
    fn until(&mut self, end: Duration) {
        while let Some(at) = self.run().filter(|at| *at <= end) {
            self.now = at;
        }
        self.now = end;
        self.run();
    }

    #[track_caller]
    fn check(&self, expected: &[&str]) {
        assert_eq!(self.log, expected);
    }
}

fn limits() -> EndpointLimits {
    EndpointLimits::default()
}

#[test]
fn without_limits_a_call_starts_at_once() {
    let mut simulation = Simulation::new(limits());
    simulation.ask(1_000, Duration::ZERO);
    simulation.check(&["0s start 0"]);
}

#[test]
fn calls_start_in_order_as_others_end() {
    let mut simulation = Simulation::new(EndpointLimits { concurrency: 1, ..limits() });
    for _ in 0..3 {
        simulation.ask(1, s(100));
    }
    simulation.end(0, None, EndpointHealth::Healthy);
    simulation.end(1, None, EndpointHealth::Unknown);
    simulation.check(&["0s start 0", "0s start 1", "0s start 2"]);
}

#[test]
fn a_minute_never_holds_more_requests_than_the_limit() {
    let mut simulation = Simulation::new(EndpointLimits { requests_per_minute: Some(2), ..limits() });
    simulation.ask(1, s(600));
    simulation.until(s(50));
    for _ in 0..4 {
        simulation.ask(1, s(600));
    }
    simulation.until(s(300));
    simulation.check(&["0s start 0", "50s start 1", "60s start 2", "110s start 3", "120s start 4"]);
}

#[test]
fn tokens_count_as_estimated_and_then_as_used() {
    let mut simulation = Simulation::new(EndpointLimits { tokens_per_minute: Some(100), ..limits() });
    simulation.ask(80, s(600));
    simulation.ask(40, s(600));
    simulation.end(0, Some(50), EndpointHealth::Healthy);
    simulation.ask(20, s(600));
    simulation.until(s(61));
    simulation.check(&["0s start 0", "0s start 1", "60s start 2"]);
}

#[test]
fn a_call_above_the_token_limit_runs_alone_in_its_minute() {
    let mut simulation = Simulation::new(EndpointLimits { tokens_per_minute: Some(100), ..limits() });
    simulation.ask(10, s(600));
    simulation.ask(500, s(600));
    simulation.ask(10, s(600));
    simulation.until(s(121));
    simulation.check(&["0s start 0", "60s start 1", "120s start 2"]);
}

#[test]
fn a_call_that_cannot_wait_long_enough_is_refused_at_once() {
    let mut simulation = Simulation::new(EndpointLimits { requests_per_minute: Some(1), ..limits() });
    simulation.ask(1, s(1));
    simulation.ask(1, s(59));
    simulation.ask(1, s(60));
    simulation.until(s(60));
    simulation.check(&["0s start 0", "0s late 1", "60s start 2"]);
}

#[test]
fn a_call_behind_a_full_endpoint_is_refused_when_its_time_is_up() {
    let mut simulation = Simulation::new(EndpointLimits { concurrency: 1, ..limits() });
    simulation.ask(1, s(1));
    simulation.ask(1, s(30));
    simulation.ask(1, s(20));
    simulation.until(s(40));
    simulation.check(&["0s start 0", "20s late 2", "30s late 1"]);
}

#[test]
fn the_queue_is_bounded_and_turns_the_newest_away() {
    let mut simulation = Simulation::new(EndpointLimits { concurrency: 1, max_waiting: 1, ..limits() });
    for _ in 0..3 {
        simulation.ask(1, s(10));
    }
    simulation.check(&["0s start 0", "0s overloaded 2"]);
}

#[test]
fn a_throttled_endpoint_rests_for_everybody() {
    let mut simulation = Simulation::new(limits());
    simulation.ask(1, s(100));
    simulation.end(0, None, EndpointHealth::Throttled(s(7)));
    simulation.ask(1, s(100));
    simulation.ask(1, s(3));
    simulation.until(s(10));
    simulation.check(&["0s start 0", "0s late 2", "7s start 1"]);
}

#[test]
fn an_open_breaker_refuses_the_impatient_and_lets_one_probe() {
    let breaker = BreakerPolicy { failures: 2, cool_down: s(10) };
    let mut simulation = Simulation::new(EndpointLimits { breaker, ..limits() });
    simulation.ask(1, s(60));
    simulation.ask(1, s(60));
    simulation.end(0, None, EndpointHealth::Failed);
    simulation.end(1, None, EndpointHealth::Failed);
    simulation.ask(1, s(5));
    simulation.ask(1, s(60));
    simulation.ask(1, s(60));
    simulation.until(s(10));
    simulation.check(&["0s start 0", "0s start 1", "0s open 2", "10s start 3"]);
    simulation.end(3, None, EndpointHealth::Healthy);
    simulation.check(&["0s start 0", "0s start 1", "0s open 2", "10s start 3", "10s start 4"]);
}

#[test]
fn after_a_failed_probe_nobody_waits_for_the_next() {
    let breaker = BreakerPolicy { failures: 1, cool_down: s(10) };
    let mut simulation = Simulation::new(EndpointLimits { breaker, ..limits() });
    simulation.ask(1, s(60));
    simulation.end(0, None, EndpointHealth::Failed);
    simulation.ask(1, s(60));
    simulation.ask(1, s(60));
    simulation.until(s(10));
    simulation.end(1, None, EndpointHealth::Failed);
    simulation.ask(1, s(60));
    simulation.until(s(20));
    simulation.ask(1, s(60));
    simulation.check(&["0s start 0", "10s start 1", "10s open 2", "10s open 3", "20s start 4"]);
    simulation.end(4, None, EndpointHealth::Healthy);
    simulation.ask(1, s(60));
    assert_eq!(simulation.log.last().map(String::as_str), Some("20s start 5"));
}

#[test]
fn an_unknown_lease_changes_nothing() {
    let mut simulation = Simulation::new(EndpointLimits { concurrency: 1, ..limits() });
    simulation.ask(1, s(60));
    simulation.ask(1, s(60));
    simulation.end(77, Some(5), EndpointHealth::Failed);
    simulation.end(1, None, EndpointHealth::Failed);
    simulation.check(&["0s start 0"]);
}
