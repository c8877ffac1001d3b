//! Addresses: bounded, incarnation-proof references to actors.

mod slot;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ractor::{ActorRef, RpcReplyPort};
use tokio::sync::OwnedSemaphorePermit;

use crate::Clock;
pub use slot::Slot;
use slot::Ticket;

/// Why a message was not taken; the message is dropped, which is harmless for a doorbell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// As many messages as the bound allows are waiting; safe to retry later.
    #[error("the actor has too many messages waiting")]
    Overloaded,
    /// No incarnation is running; its supervisor may start one.
    #[error("the actor is not running")]
    Stopped,
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// As many messages as the bound allows are waiting: nothing was asked, safe to retry later.
    #[error("the actor has too many messages waiting")]
    Overloaded,
    /// No incarnation answered in time. One may have taken the request all the same.
    #[error("the actor did not answer in time")]
    Deadline,
}

/// A message with its place in the bounded mailbox; the place is free again when this is dropped.
#[derive(Debug)]
pub struct Mail<M> {
    /// The message.
    pub message: M,
    _permit: Option<Arc<OwnedSemaphorePermit>>,
}

impl<M> Mail<M> {
    /// Wraps a message that an actor sends to itself, outside the bound.
    pub fn to_self(message: M) -> Self {
        Self { message, _permit: None }
    }
}

/// A handle that always reaches the current incarnation of one actor, or says why it cannot.
pub struct Address<M: Send + 'static>(Arc<Slot<M>>);

impl<M: Send + 'static> Address<M> {
    /// Makes the address of an actor that has yet to start; at most `capacity` messages may wait for it.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self(Arc::new(Slot::new(capacity)))
    }

    /// Returns the slot that the actor's supervisor fills.
    #[must_use]
    pub fn slot(&self) -> &Slot<M> {
        &self.0
    }

    /// Returns the current incarnation.
    #[must_use]
    pub fn current(&self) -> Option<ActorRef<Mail<M>>> {
        self.0.current()
    }

    /// Puts a message into the mailbox of the current incarnation.
    ///
    /// # Errors
    /// [`SendError`]: nothing was sent; safe to retry.
    pub fn send(&self, message: M) -> Result<(), SendError> {
        let permit = self.0.permits().try_acquire_owned().map_err(|_| SendError::Overloaded)?;
        self.deliver(message, permit)
    }

    /// Like [`Address::send`], but waits while the mailbox is full.
    ///
    /// # Errors
    /// [`SendError::Stopped`]: nothing was sent; safe to retry.
    /// # Cancel safety
    /// Dropping the future before it ends sends nothing.
    pub async fn send_when_free(&self, message: M) -> Result<(), SendError> {
        let permit = self.0.permits().acquire_owned().await.map_err(|_| SendError::Stopped)?;
        self.deliver(message, permit)
    }

    fn deliver(&self, message: M, permit: OwnedSemaphorePermit) -> Result<(), SendError> {
        let actor = self.current().ok_or(SendError::Stopped)?;
        let mail = Mail { message, _permit: Some(Arc::new(permit)) };
        actor.send_message(mail).map_err(|_| SendError::Stopped)
    }

    /// Asks the actor and waits for its answer, at most `within`. While no incarnation runs the request waits, in its place
    /// among the others; one that an incarnation took with it into its end is asked again of the next.
    ///
    /// So `make` may be called more than once, and an actor may see a request twice: it must be one whose repetition is
    /// harmless, by a key or by its nature.
    ///
    /// # Errors
    /// [`RequestError`]: `Overloaded` at once if the bound on waiting messages is reached, `Deadline` otherwise.
    /// # Cancel safety
    /// Dropping the future takes a request back that still waits for an incarnation, and frees its place.
    pub async fn request<R: Send + 'static>(
        &self,
        clock: &dyn Clock,
        within: Duration,
        mut make: impl FnMut(RpcReplyPort<R>) -> M + Send,
    ) -> Result<R, RequestError> {
        let permit = self.0.permits().try_acquire_owned().map_err(|_| RequestError::Overloaded)?;
        // Shared by the deliveries of one request: it holds one place however often it is asked.
        let permit = Arc::new(permit);
        let ticket = Ticket::new(&self.0);
        let answer = async {
            loop {
                let (reply, answer) = tokio::sync::oneshot::channel();
                let mail = Mail { message: make(reply.into()), _permit: Some(Arc::clone(&permit)) };
                ticket.post(mail);
                // An error means that the incarnation ended, or dropped the request: only the next can answer.
                if let Ok(answer) = answer.await {
                    return answer;
                }
            }
        };
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            () = clock.sleep(within) => Err(RequestError::Deadline),
        }
    }
}

impl<M: Send + 'static> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Send + 'static> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("running", &self.current().is_some()).finish()
    }
}
