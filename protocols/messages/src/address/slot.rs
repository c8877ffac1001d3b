//! Where the current incarnation of an actor is written down, and where requests wait for the next one.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use ractor::{ActorId, ActorRef, MessagingErr};
use tokio::sync::Semaphore;

use super::Mail;

/// Where one request is.
enum Place<M> {
    /// With nobody; delivered to the next incarnation after `last`.
    Waiting { mail: Mail<M>, last: Option<ActorId> },
    /// In the mailbox, or the hands, of this incarnation.
    With(ActorId),
    /// Nowhere yet, or nowhere any more.
    Nowhere,
}

/// The requests that have no answer yet, in the order in which they came.
struct Requests<M> {
    next: u64,
    places: BTreeMap<u64, Place<M>>,
    /// The newest incarnation that was ever set.
    newest: Option<u64>,
}

/// Where the current incarnation of an actor is written down; its supervisor keeps it up to date.
pub struct Slot<M: Send + 'static> {
    /// Locked before `current`, and while an incarnation gets what waits: nothing overtakes.
    requests: Mutex<Requests<M>>,
    current: RwLock<Option<ActorRef<Mail<M>>>>,
    permits: Arc<Semaphore>,
}

impl<M: Send + 'static> Slot<M> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            requests: Mutex::new(Requests { next: 0, places: BTreeMap::new(), newest: None }),
            current: RwLock::new(None),
            permits: Arc::new(Semaphore::new(capacity)),
        }
    }

    pub(super) fn permits(&self) -> Arc<Semaphore> {
        Arc::clone(&self.permits)
    }

    pub(super) fn current(&self) -> Option<ActorRef<Mail<M>>> {
        // A poisoned lock only means that a panic happened elsewhere: the value is a plain pointer, always whole.
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn requests(&self) -> MutexGuard<'_, Requests<M>> {
        // Nothing panics while it is held.
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets or clears the current incarnation; a new one gets the requests that wait, in their order.
    ///
    /// One that was spawned before the newest is ignored: a start that blocks its thread outlives its abort, and fills the
    /// address after the next has done so. Actors are numbered in the order of their spawns in this process, also across
    /// supervisors that count their incarnations anew.
    pub fn set(&self, actor: Option<ActorRef<Mail<M>>>) {
        let mut requests = self.requests();
        if let Some(actor) = &actor {
            let number = actor.get_id().pid();
            if requests.newest.is_some_and(|newest| number < newest) {
                return;
            }
            requests.newest = Some(number);
        }
        self.current.write().unwrap_or_else(PoisonError::into_inner).clone_from(&actor);
        let Some(actor) = actor else { return };
        for place in requests.places.values_mut() {
            place.deliver(&actor);
        }
    }
}

impl<M: Send + 'static> Place<M> {
    /// Sends a request that waits, unless this incarnation has had it.
    fn deliver(&mut self, actor: &ActorRef<Mail<M>>) {
        *self = match mem::replace(self, Self::Nowhere) {
            Self::Waiting { mail, last } if last != Some(actor.get_id()) => match actor.send_message(mail) {
                Ok(()) => Self::With(actor.get_id()),
                // It has ended: the mail is back and waits for the next.
                Err(MessagingErr::SendErr(mail)) => Self::Waiting { mail, last },
                // It cannot take the message at all, which is like an incarnation that leaves it unanswered.
                Err(_) => Self::With(actor.get_id()),
            },
            other => other,
        };
    }
}

/// The place of one request; given back when dropped.
pub(super) struct Ticket<'a, M: Send + 'static> {
    slot: &'a Slot<M>,
    number: u64,
}

impl<'a, M: Send + 'static> Ticket<'a, M> {
    pub(super) fn new(slot: &'a Slot<M>) -> Self {
        let mut requests = slot.requests();
        let number = requests.next;
        requests.next += 1;
        requests.places.insert(number, Place::Nowhere);
        Self { slot, number }
    }

    /// Puts the request in its place: with the current incarnation, unless that is the one which left it unanswered.
    pub(super) fn post(&self, mail: Mail<M>) {
        let mut requests = self.slot.requests();
        let current = self.slot.current();
        let Some(place) = requests.places.get_mut(&self.number) else { return };
        let last = if let Place::With(actor) = place { Some(*actor) } else { None };
        *place = Place::Waiting { mail, last };
        if let Some(actor) = current {
            place.deliver(&actor);
        }
    }
}

impl<M: Send + 'static> Drop for Ticket<'_, M> {
    fn drop(&mut self) {
        let place = self.slot.requests().places.remove(&self.number);
        // Only now, with the lock released: what a message holds may reach this slot when it is dropped.
        drop(place);
    }
}
