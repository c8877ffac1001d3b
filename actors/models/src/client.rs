//! The model client actor: a thin shell around the [`Limiter`]. One per endpoint and key, shared by all runs.
//!
//! It makes no call itself: callers ask to start, call, and tell how it went, so a slow endpoint never blocks a mailbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use playhouse_messages::{Clock, LeaseId, Mail, ModelLimitsError, ModelLimitsMsg};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use crate::limiter::{EndpointLimits, Limiter, LimiterDecision, LimiterEvent};

/// Leases are unique within the process, so one of an older incarnation never names a call of a newer.
static NEXT_LEASE: AtomicU64 = AtomicU64::new(1);

/// The model client actor; spawn it with [`ModelClientArguments`] and put its reference into the address' slot.
///
/// A restart forgets who is under way and what the last minute used: for a moment the endpoint may be asked more
/// often than its limits say, which it answers with 429, which is retried.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelClient;

/// What a model client starts with.
#[derive(Clone)]
pub struct ModelClientArguments {
    /// The limits of the endpoint.
    pub limits: EndpointLimits,
    /// The clock; only its monotonic time and its waiting are used.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for ModelClientArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelClientArguments").field("limits", &self.limits).finish_non_exhaustive()
    }
}

type StartReply = RpcReplyPort<Result<LeaseId, ModelLimitsError>>;

/// What the actor holds while it runs.
pub struct ModelClientState {
    arguments: ModelClientArguments,
    limiter: Limiter,
    replies: BTreeMap<LeaseId, StartReply>,
    timer: Timer,
}

impl std::fmt::Debug for ModelClientState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelClientState").field("limiter", &self.limiter).finish_non_exhaustive()
    }
}

/// The one timer that counts; those set before it wake the actor in vain.
#[derive(Default)]
struct Timer {
    number: u64,
    at: Option<Duration>,
}

impl Actor for ModelClient {
    type Msg = Mail<ModelLimitsMsg>;
    type State = ModelClientState;
    type Arguments = ModelClientArguments;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        arguments: ModelClientArguments,
    ) -> Result<ModelClientState, ActorProcessingErr> {
        let (limiter, timer) = (Limiter::default(), Timer::default());
        Ok(ModelClientState { arguments, limiter, replies: BTreeMap::new(), timer })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        mail: Self::Msg,
        state: &mut ModelClientState,
    ) -> Result<(), ActorProcessingErr> {
        match mail.message {
            ModelLimitsMsg::Acquire { estimate_tokens, max_wait, reply } => {
                let lease = LeaseId(NEXT_LEASE.fetch_add(1, Ordering::Relaxed));
                state.replies.insert(lease, reply);
                state.apply(LimiterEvent::Asked { lease, estimate_tokens, max_wait });
            }
            ModelLimitsMsg::Release { lease, tokens, health } => {
                state.apply(LimiterEvent::Ended { lease, tokens, health });
            }
            ModelLimitsMsg::Wake { timer } if timer == state.timer.number => state.timer.at = None,
            ModelLimitsMsg::Wake { .. } => return Ok(()),
        }
        state.advance(&myself);
        Ok(())
    }
}

impl ModelClientState {
    fn apply(&mut self, event: LimiterEvent) {
        self.limiter.apply(self.arguments.clock.monotonic(), &self.arguments.limits, event);
    }

    /// Carries out what the limiter decides until it says to wait.
    fn advance(&mut self, myself: &ActorRef<Mail<ModelLimitsMsg>>) {
        loop {
            match self.limiter.decide(self.arguments.clock.monotonic(), &self.arguments.limits) {
                LimiterDecision::Start(lease) => self.start(lease),
                LimiterDecision::Refuse(lease, error) => {
                    self.apply(LimiterEvent::Left(lease));
                    if let Some(reply) = self.replies.remove(&lease) {
                        // The caller may have given up; it wants no answer then.
                        let _ = reply.send(Err(error));
                    }
                }
                LimiterDecision::WaitUntil(at) => return self.set_timer(at, myself),
                LimiterDecision::Idle => return,
            }
        }
    }

    fn start(&mut self, lease: LeaseId) {
        match self.replies.remove(&lease) {
            Some(reply) if !reply.is_closed() => {
                self.apply(LimiterEvent::Started(lease));
                if reply.send(Ok(lease)).is_err() {
                    // The caller gave up this very moment: the call ended before it began.
                    let health = playhouse_messages::EndpointHealth::Unknown;
                    self.apply(LimiterEvent::Ended { lease, tokens: Some(0), health });
                }
            }
            // The caller gave up.
            _ => self.apply(LimiterEvent::Left(lease)),
        }
    }

    fn set_timer(&mut self, at: Duration, myself: &ActorRef<Mail<ModelLimitsMsg>>) {
        if self.timer.at.is_some_and(|set| set <= at) {
            return;
        }
        let number = self.timer.number + 1;
        self.timer = Timer { number, at: Some(at) };
        let clock = Arc::clone(&self.arguments.clock);
        let myself = myself.clone();
        tokio::spawn(async move {
            clock.sleep(at.saturating_sub(clock.monotonic())).await;
            // A client that has stopped needs no waking.
            let _ = myself.send_message(Mail::to_self(ModelLimitsMsg::Wake { timer: number }));
        });
    }
}
