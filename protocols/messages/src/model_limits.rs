//! Messages and handle of the model client actor: it decides when a call may start, for all runs together.

use std::time::Duration;

use ractor::RpcReplyPort;

use crate::{Address, Mail};

/// Why a call may not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelLimitsError {
    /// As many calls are waiting as may wait; later is better.
    #[error("too many model calls are waiting for this endpoint")]
    Overloaded,
    /// The limits would let the call start only after the time it can wait.
    #[error("the limits of this endpoint allow no call within {waited:?}")]
    TooLate {
        /// How long it could have waited.
        waited: Duration,
    },
    /// The endpoint failed several times in a row and is left alone for a while.
    #[error("the endpoint failed {failures} times in a row and is left alone for {retry_in:?}")]
    Open {
        /// How often in a row it failed.
        failures: u32,
        /// When it will be tried again.
        retry_in: Duration,
    },
    /// The model client is not running; safe to retry.
    #[error("the model client is not running")]
    Stopped,
}

/// The number of a call that was let through: unique within one process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LeaseId(pub u64);

/// What a finished attempt says about its endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndpointHealth {
    /// It answered, be it with a refusal: it works.
    Healthy,
    /// It could not be reached, broke off or said that it is broken.
    Failed,
    /// It works and asks everybody to wait this long.
    Throttled(Duration),
    /// Nothing is known: the call was given up.
    Unknown,
}

/// What the model client is asked.
#[derive(Debug)]
pub enum ModelLimitsMsg {
    /// Asks to start a call.
    Acquire {
        /// How many tokens the call will roughly use, both ways.
        estimate_tokens: u64,
        /// How long the caller can wait.
        max_wait: Duration,
        /// Told when it may start, or that it may not.
        reply: RpcReplyPort<Result<LeaseId, ModelLimitsError>>,
    },
    /// Tells that a call has ended. Unknown leases, as those of an older incarnation, are ignored.
    Release {
        /// Which.
        lease: LeaseId,
        /// How many tokens it used; `None` if nobody knows, and the estimate stays.
        tokens: Option<u64>,
        /// What it says about the endpoint.
        health: EndpointHealth,
    },
    /// The actor's own timer: something may start or has waited too long.
    Wake {
        /// Which of its timers; older ones are ignored.
        timer: u64,
    },
}

/// Asks for permission to start calls to one endpoint.
#[derive(Clone, Debug)]
pub struct ModelLimits(Address<ModelLimitsMsg>);

impl ModelLimits {
    /// Makes the handle of the actor at `address`.
    #[must_use]
    pub const fn new(address: Address<ModelLimitsMsg>) -> Self {
        Self(address)
    }

    /// Waits until a call may start, at most `max_wait`. Callers are let through in the order in which they asked.
    ///
    /// # Errors
    /// [`ModelLimitsError`]; nothing was taken, all are safe to retry later.
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue and takes nothing.
    pub async fn acquire(
        &self,
        estimate_tokens: u64,
        max_wait: Duration,
    ) -> Result<ModelLease, ModelLimitsError> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let message = ModelLimitsMsg::Acquire { estimate_tokens, max_wait, reply: reply.into() };
        // A full mailbox empties within microseconds; the bound that turns callers away is that of the waiting calls.
        self.0.send_when_free(message).await.map_err(|_| ModelLimitsError::Stopped)?;
        let mut pending = PendingLease { limits: self, answer };
        let lease = (&mut pending.answer).await.map_err(|_| ModelLimitsError::Stopped)??;
        Ok(ModelLease { limits: self.clone(), lease, tokens: None, health: EndpointHealth::Unknown })
    }

    /// Sends outside the bound: there are never more releases under way than leases, and a lost one would be a leak.
    fn release(&self, lease: LeaseId, tokens: Option<u64>, health: EndpointHealth) {
        if let Some(actor) = self.0.current() {
            // If the actor is gone so is its count of leases.
            let _ = actor.send_message(Mail::to_self(ModelLimitsMsg::Release { lease, tokens, health }));
        }
    }
}

/// A question on its way; if nobody waits for the answer any more, a lease that was granted meanwhile goes back.
struct PendingLease<'a> {
    limits: &'a ModelLimits,
    answer: tokio::sync::oneshot::Receiver<Result<LeaseId, ModelLimitsError>>,
}

impl Drop for PendingLease<'_> {
    fn drop(&mut self) {
        self.answer.close();
        if let Ok(Ok(lease)) = self.answer.try_recv() {
            self.limits.release(lease, None, EndpointHealth::Unknown);
        }
    }
}

/// The permission to have one call under way; given back when dropped.
#[derive(Debug)]
pub struct ModelLease {
    limits: ModelLimits,
    lease: LeaseId,
    tokens: Option<u64>,
    health: EndpointHealth,
}

impl ModelLease {
    /// Gives the permission back, with what was learned. A lease that is merely dropped says nothing.
    pub fn end(mut self, tokens: Option<u64>, health: EndpointHealth) {
        self.tokens = tokens;
        self.health = health;
    }
}

impl Drop for ModelLease {
    fn drop(&mut self) {
        self.limits.release(self.lease, self.tokens, self.health);
    }
}
