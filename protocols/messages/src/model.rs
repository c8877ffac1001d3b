//! What every model client offers.

use futures::future::BoxFuture;
use playhouse_types::{Envelope, ModelFailure, ModelReply};
use tokio_util::sync::CancellationToken;

use crate::{FrameSink, ModelRequest};

/// One model call: what is asked, under which circumstances, and where its pieces are shown.
#[derive(Clone, Debug)]
pub struct ModelCall {
    /// What is asked.
    pub request: ModelRequest,
    /// The run's seed, for scripts.
    pub seed: u64,
    /// Who asks, in which trace, until when.
    pub envelope: Envelope,
    /// Ends the call early when cancelled.
    pub cancel: CancellationToken,
    /// Where pieces of the reply are shown.
    pub frames: FrameSink,
}

/// What a call brought, with how often the endpoint was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelAnswer {
    /// The reply.
    pub reply: ModelReply,
    /// How often the endpoint was asked.
    pub attempts: u32,
}

/// A model client: asks one endpoint for replies. Its limits are shared by all runs of the process.
///
/// Retries, backoff, timeouts and rate limits are its business alone; callers never retry.
pub trait Model: Send + Sync {
    /// Asks for one reply.
    ///
    /// # Errors
    /// [`ModelFailure`] after the retries that its kind allows; calling again is safe but may be paid twice.
    /// # Cancel safety
    /// Dropping the future, or cancelling the call's token, ends the request; the endpoint may still charge for it.
    fn complete(&self, call: ModelCall) -> BoxFuture<'_, Result<ModelAnswer, ModelFailure>>;
}
