//! One call of a tool from its recorded intent to its end: sends, asks the destination, waits, as the table says.

use std::fmt;
use std::sync::Arc;

use playhouse_messages::ToolContext;
use playhouse_types::{Effect, Timestamp, ToolFailure, ToolFailureKind};

use crate::ToolHandle;
use crate::attempt::{Asked, Attempt, NoPlace, Ran, Window};
use crate::backoff::backoff;
use crate::effects::{
    self, AfterMishap, AfterProbe, Answer, Certainty, First, Mishap, Standing, after_mishap, after_probe,
};
use crate::output::Kept;

/// How often a probe may fail to reach the destination; then the call is in doubt.
const MAX_FAILED_PROBES: u32 = 3;

/// A call whose intent is on record.
pub struct Dispatch {
    /// The arguments in the canonical form of the record.
    pub arguments: String,
    /// The circumstances. `attempt` and `timeout` are set for each attempt; `cancel` is honored before each send and
    /// passed to the tool.
    pub ctx: ToolContext,
    /// The last moment at which the call may be sent, as recorded.
    ///
    /// It binds every send of a `once` or `reconcile` tool and the first one of the others. It does not bind a send
    /// that an earlier one makes harmless: when recovering, repetitions of `pure` and `idempotent` calls, and after
    /// the destination surely does not hold the effect. `may_dispatch` binds all.
    pub dispatch_by: Timestamp,
    /// Whether an earlier life may have sent it: its intent was open and no live task held it.
    pub recovering: bool,
    /// Tells whether this process still owns the run; asked right before each send, on the thread that sends.
    pub may_dispatch: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// How a call ended; all but [`ToolEnd::NotSent`] go on record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ToolEnd {
    /// It brought a result.
    Done {
        /// The answer, at most as long as the tool's output limit.
        output: String,
        /// The length of the whole answer in bytes, if it was cut.
        full_bytes: Option<u64>,
        /// Whether the answer came from the probe instead of a run.
        recovered: bool,
    },
    /// It failed: surely without effect, or the tool is pure.
    Failed(ToolFailure),
    /// Nobody knows whether it had its effect: never repeated, a person decides.
    InDoubt {
        /// What happened.
        detail: String,
    },
    /// It was not sent in this life, because `dispatch_by` has passed or the run has another owner.
    NotSent,
}

impl ToolHandle {
    /// Runs a call whose intent is durable, with repetitions and probes as its effect allows.
    ///
    /// Every wait is bounded: for a place by `dispatch_by` (else ten minutes), for the tool by its timeout, for the
    /// destination by `dispatch_by`, timeout and `settles_within`. The code of the tool runs on the user pool only.
    ///
    /// A pure call is left at once when it is cancelled; any other that was sent is followed to its end.
    /// # Cancel safety
    /// Dropping the future abandons the attempt under way, which may have its effect: run the call again with
    /// `recovering` set.
    pub async fn run(&self, dispatch: Dispatch) -> ToolEnd {
        let settled_at = dispatch.dispatch_by.plus(self.spec.settles_within);
        let doubted = dispatch.recovering && self.spec.effect != Effect::Pure;
        let mut call = Call {
            attempt: Attempt::new(self, &dispatch),
            dispatch,
            doubted,
            last: None,
            failed_probes: 0,
            settled_at,
        };
        let mut step = call.first();
        loop {
            step = match step {
                Step::Send => call.send().await,
                Step::Probe(when) => call.probe(when).await,
                Step::End(end) => return end,
            };
        }
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch")
            .field("call", &self.ctx.call)
            .field("dispatch_by", &self.dispatch_by)
            .field("recovering", &self.recovering)
            .finish_non_exhaustive()
    }
}

/// Relative to the sends of this call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    After,
}

enum Step {
    Send,
    Probe(When),
    End(ToolEnd),
}

/// A call under way.
struct Call<'a> {
    attempt: Attempt<'a>,
    dispatch: Dispatch,
    // Whether a send, in this life or before, may have had its effect.
    doubted: bool,
    last: Option<(Mishap, String)>,
    failed_probes: u32,
    // From here on the destination shows whatever was sent.
    settled_at: Timestamp,
}

impl Call<'_> {
    fn first(&mut self) -> Step {
        let spec = &self.attempt.handle.spec;
        match effects::first(spec.effect, spec.scope, self.dispatch.recovering) {
            First::Send => Step::Send,
            First::SendAgain => self.send_again(),
            First::ProbeBefore => Step::Probe(When::Before),
            First::ProbeAfter => Step::Probe(When::After),
            First::InDoubt => self.in_doubt("the process stopped while the call was under way"),
        }
    }

    fn send_again(&mut self) -> Step {
        self.attempt.window = Window::Renewed;
        Step::Send
    }

    async fn send(&mut self) -> Step {
        if self.is_cancelled() {
            return self.cancelled();
        }
        let place = match self.attempt.place().await {
            Ok(place) => place,
            Err(NoPlace::Cancelled) => return self.cancelled(),
            Err(NoPlace::TooLate) => return self.not_sent(),
            Err(NoPlace::Overloaded) => {
                return self.mishap(Mishap::NotStarted, "too many calls wait for the tool".to_owned()).await;
            }
        };
        match self.attempt.run(place).await {
            Ran::Done(Kept { text, full_bytes }) => {
                Step::End(ToolEnd::Done { output: text, full_bytes, recovered: false })
            }
            Ran::Failed(failure) => Step::End(ToolEnd::Failed(failure)),
            Ran::Mishap(mishap, detail) => self.mishap(mishap, detail).await,
            Ran::Cancelled => self.cancelled(),
            Ran::NotSent => self.not_sent(),
        }
    }

    async fn mishap(&mut self, mishap: Mishap, detail: String) -> Step {
        let effect = self.attempt.handle.spec.effect;
        let standing = Standing { effect, doubted: self.doubted, may_retry: self.attempt.may_send() };
        if effects::leaves_doubt(effect, mishap) {
            self.doubted = true;
            let ended_at = self.attempt.now().max(self.dispatch.dispatch_by);
            self.settled_at = ended_at.plus(self.attempt.handle.spec.settles_within);
        }
        let next = after_mishap(standing, mishap);
        self.last = Some((mishap, detail));
        match next {
            AfterMishap::Retry => {
                self.back_off(self.attempt.n_sent).await;
                match effect {
                    Effect::Pure | Effect::Idempotent => self.send_again(),
                    Effect::Reconcile | Effect::Once => Step::Send,
                }
            }
            AfterMishap::Fail => self.fail(),
            AfterMishap::Probe => Step::Probe(When::After),
            AfterMishap::InDoubt => self.in_doubt(""),
        }
    }

    async fn probe(&mut self, when: When) -> Step {
        if when == When::Before && self.is_cancelled() {
            return self.cancelled();
        }
        // Tested before asking: an answer is no truer than the moment of its question.
        let certainty = match when {
            When::Before => Certainty::BeforeSend,
            When::After if self.attempt.now() < self.settled_at => Certainty::TooEarly,
            When::After if self.attempt.is_running() => Certainty::StillRunning,
            When::After => Certainty::Settled,
        };
        let mut landed = None;
        let (answer, detail) = match self.attempt.ask().await {
            Asked::Landed(kept) => {
                landed = Some(kept);
                (Answer::Landed, String::new())
            }
            Asked::Absent => (Answer::Absent, "the code of an abandoned attempt still runs".to_owned()),
            Asked::Unknown => (Answer::Unknown, "the destination cannot say whether it was done".to_owned()),
            Asked::Failed(detail) => {
                self.failed_probes += 1;
                (Answer::NotAsked, format!("the destination could not be asked: {detail}"))
            }
        };
        let may_send = self.attempt.may_send() && !self.is_cancelled();
        match after_probe(answer, certainty, may_send, self.failed_probes < MAX_FAILED_PROBES) {
            AfterProbe::Send => Step::Send,
            AfterProbe::SendAgain => {
                self.doubted = false;
                self.send_again()
            }
            AfterProbe::AskWhenSettled => {
                let wait = self.settled_at.since(self.attempt.now());
                self.attempt.handle.services.clock.sleep(wait).await;
                Step::Probe(when)
            }
            AfterProbe::AskAgain => {
                self.back_off(self.failed_probes).await;
                Step::Probe(when)
            }
            AfterProbe::Fail => {
                self.doubted = false;
                if answer == Answer::NotAsked {
                    self.last = Some((Mishap::NotDone, detail));
                }
                if self.is_cancelled() { self.cancelled() } else { self.fail() }
            }
            AfterProbe::Recovered | AfterProbe::InDoubt => match landed {
                Some(Kept { text, full_bytes }) => {
                    Step::End(ToolEnd::Done { output: text, full_bytes, recovered: true })
                }
                None => self.in_doubt(&detail),
            },
        }
    }

    /// Waits before repetition number `n`, from 1; a cancelled call does not wait.
    async fn back_off(&self, n: u32) {
        let wait = backoff(&self.dispatch.ctx.keys.idempotency, n);
        tokio::select! {
            () = self.dispatch.ctx.cancel.cancelled() => {}
            () = self.attempt.handle.services.clock.sleep(wait) => {}
        }
    }

    fn is_cancelled(&self) -> bool {
        self.dispatch.ctx.cancel.is_cancelled()
    }

    fn cancelled(&self) -> Step {
        if self.doubted {
            return self.in_doubt("the run was cancelled before the call could be repeated");
        }
        let detail = "the run was cancelled before the call was made".to_owned();
        Step::End(ToolEnd::Failed(ToolFailure { kind: ToolFailureKind::Cancelled, detail }))
    }

    fn not_sent(&self) -> Step {
        match self.last {
            // It was sent before and not done; only the time for another try is over.
            Some(_) if (self.dispatch.may_dispatch)() => self.fail(),
            _ => Step::End(ToolEnd::NotSent),
        }
    }

    fn fail(&self) -> Step {
        let Some((mishap, detail)) = &self.last else {
            // Only reached when a probe said "absent" and nothing may be sent any more.
            return self.cancelled();
        };
        let kind = match mishap {
            Mishap::Invalid => ToolFailureKind::InvalidArguments,
            Mishap::NotDone | Mishap::Foreign | Mishap::InDoubt => ToolFailureKind::NotDone,
            Mishap::TimedOut => ToolFailureKind::Timeout,
            Mishap::Panicked => ToolFailureKind::Panicked,
            Mishap::NotStarted => ToolFailureKind::Overloaded,
        };
        Step::End(ToolEnd::Failed(ToolFailure { kind, detail: detail.clone() }))
    }

    fn in_doubt(&self, reason: &str) -> Step {
        let parts = [self.last.as_ref().map_or("", |(_, detail)| detail), reason];
        let detail = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        Step::End(ToolEnd::InDoubt { detail })
    }
}
