//! Addresses: bounded, incarnation-proof references to actors.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use ractor::ActorRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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

/// A message with its place in the bounded mailbox; the place is free again when this is dropped.
#[derive(Debug)]
pub struct Mail<M> {
    /// The message.
    pub message: M,
    _permit: Option<OwnedSemaphorePermit>,
}

impl<M> Mail<M> {
    /// Wraps a message that an actor sends to itself, outside the bound.
    pub fn to_self(message: M) -> Self {
        Self { message, _permit: None }
    }
}

/// Where the current incarnation of an actor is written down; its supervisor keeps it up to date.
pub struct Slot<M: Send + 'static> {
    current: RwLock<Option<ActorRef<Mail<M>>>>,
    permits: Arc<Semaphore>,
}

impl<M: Send + 'static> Slot<M> {
    /// Sets or clears the current incarnation.
    pub fn set(&self, actor: Option<ActorRef<Mail<M>>>) {
        // A poisoned lock only means that a panic happened elsewhere: the value is a plain pointer, always whole.
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = actor;
    }
}

/// A handle that always reaches the current incarnation of one actor, or says why it cannot.
pub struct Address<M: Send + 'static>(Arc<Slot<M>>);

impl<M: Send + 'static> Address<M> {
    /// Makes the address of an actor that has yet to start; at most `capacity` messages may wait for it.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self(Arc::new(Slot { current: RwLock::new(None), permits: Arc::new(Semaphore::new(capacity)) }))
    }

    /// Returns the slot that the actor's supervisor fills.
    #[must_use]
    pub fn slot(&self) -> &Slot<M> {
        &self.0
    }

    /// Returns the current incarnation.
    #[must_use]
    pub fn current(&self) -> Option<ActorRef<Mail<M>>> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a message into the mailbox of the current incarnation.
    ///
    /// # Errors
    /// [`SendError`]: nothing was sent; safe to retry.
    pub fn send(&self, message: M) -> Result<(), SendError> {
        let permit = self.0.permits.clone().try_acquire_owned().map_err(|_| SendError::Overloaded)?;
        let actor = self.current().ok_or(SendError::Stopped)?;
        actor.send_message(Mail { message, _permit: Some(permit) }).map_err(|_| SendError::Stopped)
    }

    /// Like [`Address::send`], but waits while the mailbox is full.
    ///
    /// # Errors
    /// [`SendError::Stopped`]: nothing was sent; safe to retry.
    /// # Cancel safety
    /// Dropping the future before it ends sends nothing.
    pub async fn send_when_free(&self, message: M) -> Result<(), SendError> {
        let permit = self.0.permits.clone().acquire_owned().await.map_err(|_| SendError::Stopped)?;
        let actor = self.current().ok_or(SendError::Stopped)?;
        actor.send_message(Mail { message, _permit: Some(permit) }).map_err(|_| SendError::Stopped)
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
