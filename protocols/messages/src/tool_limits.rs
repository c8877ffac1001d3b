//! Messages and handle of a tool's limits: how many calls run at once and how many start per second, over all runs.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ractor::RpcReplyPort;

use crate::{Address, SendError};

/// Why a call got no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolLimitsError {
    /// As many calls wait for the tool as may; safe to retry later.
    #[error("too many calls wait for the tool")]
    Overloaded,
    /// No incarnation of the tool's actor is running, or it stopped while the call waited; safe to retry.
    #[error("the tool is not running")]
    Stopped,
}

/// What the actor of a tool is asked.
#[derive(Debug)]
pub enum ToolLimitsMsg {
    /// A place was given back.
    Released,
    /// The rate allows the next call to start.
    Due,
    /// Asks for a place; first come, first served.
    Acquire {
        /// Given the place, at once or when it is the call's turn.
        reply: RpcReplyPort<Result<ToolPlace, ToolLimitsError>>,
    },
}

/// How many places of one tool are taken: shared by all incarnations of its actor, so that a restart forgets none.
#[derive(Clone, Debug, Default)]
pub struct PlacesTaken(Arc<AtomicUsize>);

impl PlacesTaken {
    /// Returns the number.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    /// Takes one more; only the tool's actor does.
    #[must_use]
    pub fn take(&self, address: &Address<ToolLimitsMsg>) -> ToolPlace {
        self.0.fetch_add(1, Ordering::AcqRel);
        ToolPlace { taken: self.clone(), address: address.clone() }
    }
}

/// The right to run one call of a tool, given back when dropped: kept until the tool's code has really ended.
pub struct ToolPlace {
    taken: PlacesTaken,
    address: Address<ToolLimitsMsg>,
}

impl Drop for ToolPlace {
    fn drop(&mut self) {
        self.taken.0.fetch_sub(1, Ordering::AcqRel);
        // The number is the truth and this only rings the bell: a stopped actor reads the number when it starts, and
        // an overloaded one reads it with each message that still waits.
        let _ = self.address.send(ToolLimitsMsg::Released);
    }
}

impl fmt::Debug for ToolPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolPlace").field("taken", &self.taken.count()).finish_non_exhaustive()
    }
}

/// Handle of a tool's limits.
#[derive(Clone, Debug)]
pub struct ToolLimits(Address<ToolLimitsMsg>);

impl ToolLimits {
    /// How many messages may wait for a tool's actor: far above its turnover in the time a handler takes (a
    /// microsecond), and small enough to refuse a flood before it takes memory.
    pub const MAILBOX: usize = 4_096;

    /// Makes the handle of the actor at `address`.
    #[must_use]
    pub const fn new(address: Address<ToolLimitsMsg>) -> Self {
        Self(address)
    }

    /// Returns where the actor is found, for its supervisor.
    #[must_use]
    pub const fn address(&self) -> &Address<ToolLimitsMsg> {
        &self.0
    }

    /// Waits for a place. There is no deadline inside: the caller bounds the wait.
    ///
    /// # Errors
    /// [`ToolLimitsError`]: there is no place; safe to retry.
    /// # Cancel safety
    /// Dropping the future leaves the queue; a place that was already on its way is given back.
    pub async fn acquire(&self) -> Result<ToolPlace, ToolLimitsError> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.0.send(ToolLimitsMsg::Acquire { reply: reply.into() }).map_err(|refused| match refused {
            SendError::Overloaded => ToolLimitsError::Overloaded,
            SendError::Stopped => ToolLimitsError::Stopped,
        })?;
        answer.await.map_err(|_| ToolLimitsError::Stopped)?
    }
}
