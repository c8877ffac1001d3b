//! The children of a running supervisor: found by place, by name and by actor.

use std::collections::HashMap;
use std::sync::Arc;

use ractor::{ActorCell, ActorId, RpcReplyPort};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::messages::AdminError;
use super::spec::ChildSpec;
use super::tree::ChildId;

/// A reply to an admin call.
pub(super) type AdminReply = RpcReplyPort<Result<(), AdminError>>;

/// A running actor.
pub(super) struct Running {
    pub(super) cell: ActorCell,
    /// Cancelled when it has ended: nobody asks it any more.
    pub(super) ended: CancellationToken,
    /// Why the supervisor kills it, if it does.
    pub(super) doom: Option<String>,
}

/// What there is of a child.
pub(super) enum Work {
    None,
    /// Its start; cancelled to give it up.
    Start(CancellationToken),
    Running(Running),
}

/// A child.
pub(super) struct Entry {
    pub(super) spec: ChildSpec,
    pub(super) work: Work,
    /// The last report to the observer, which ends before the next start.
    pub(super) told: Option<JoinHandle<()>>,
    /// Who waits for a start.
    pub(super) start_replies: Vec<AdminReply>,
    /// Who waits for the end.
    pub(super) stop_replies: Vec<AdminReply>,
}

/// All children.
#[derive(Default)]
pub(super) struct Children {
    entries: HashMap<ChildId, Entry>,
    names: HashMap<Arc<str>, ChildId>,
    actors: HashMap<ActorId, ChildId>,
}

impl Children {
    pub(super) fn add(&mut self, id: ChildId, spec: ChildSpec) {
        self.names.insert(Arc::clone(&spec.name), id);
        let (start_replies, stop_replies) = (Vec::new(), Vec::new());
        self.entries.insert(id, Entry { spec, work: Work::None, told: None, start_replies, stop_replies });
    }

    /// Forgets a child and all that its description holds.
    pub(super) fn remove(&mut self, id: ChildId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.names.remove(&entry.spec.name);
        Some(entry)
    }

    pub(super) fn named(&self, name: &str) -> Option<ChildId> {
        self.names.get(name).copied()
    }

    pub(super) fn get(&self, id: ChildId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: ChildId) -> Option<&mut Entry> {
        self.entries.get_mut(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.values_mut()
    }

    /// Notes that an actor is this child.
    pub(super) fn set_running(&mut self, id: ChildId, cell: ActorCell, ended: CancellationToken) {
        if let Some(entry) = self.entries.get_mut(&id) {
            self.actors.insert(cell.get_id(), id);
            entry.work = Work::Running(Running { cell, ended, doom: None });
        }
    }

    pub(super) fn running(&mut self, actor: ActorId) -> Option<(ChildId, &mut Running)> {
        let id = *self.actors.get(&actor)?;
        match &mut self.entries.get_mut(&id)?.work {
            Work::Running(running) => Some((id, running)),
            Work::None | Work::Start(_) => None,
        }
    }

    /// Takes out an actor that has ended; `None` for a stranger, or for one that was taken out before.
    pub(super) fn take_running(&mut self, actor: ActorId) -> Option<(ChildId, Running)> {
        let id = self.actors.remove(&actor)?;
        match std::mem::replace(&mut self.entries.get_mut(&id)?.work, Work::None) {
            Work::Running(running) => Some((id, running)),
            Work::None | Work::Start(_) => None,
        }
    }
}

/// Answers admin calls; a caller that has gone missed nothing.
pub(super) fn answer(replies: Vec<AdminReply>, outcome: &Result<(), AdminError>) {
    for reply in replies {
        let _ = reply.send(outcome.clone());
    }
}
