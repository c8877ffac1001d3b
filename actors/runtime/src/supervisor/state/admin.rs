//! Admin calls: typed answers, at once or when the work has ended.

use std::sync::Arc;

use super::{AdminError, Order, Phase, SupervisorState};
use crate::supervisor::children::AdminReply;
use crate::supervisor::messages::{ChildCounts, ChildStatus};
use crate::supervisor::spec::{ChildKind, ChildSpec};
use crate::supervisor::tree::ChildId;

impl SupervisorState {
    pub(in crate::supervisor) fn statuses(&self) -> Vec<ChildStatus> {
        let children = self.tree.children();
        let named = children.filter_map(|(id, phase, incarnation)| {
            let name = Arc::clone(&self.children.get(id)?.spec.name);
            Some(ChildStatus { name, phase, incarnation })
        });
        named.collect()
    }

    pub(in crate::supervisor) fn counts(&self) -> ChildCounts {
        let mut counts = ChildCounts::default();
        for (_, phase, _) in self.tree.children() {
            counts.specs += 1;
            match phase {
                Phase::Running => counts.running += 1,
                Phase::Restarting => counts.restarting += 1,
                Phase::Disabled => counts.disabled += 1,
                Phase::GivenUp => counts.given_up += 1,
                Phase::Idle | Phase::Starting | Phase::Stopping => {}
            }
        }
        let is_supervisor = |kind| kind == ChildKind::Supervisor;
        counts.supervisors = self.children.iter().filter(|entry| is_supervisor(entry.spec.kind)).count();
        counts
    }

    pub(in crate::supervisor) fn start(&mut self, name: &str) {
        if let Some(id) = self.children.named(name) {
            let actions = self.tree.request(id);
            self.perform(actions);
        }
    }

    pub(in crate::supervisor) fn add(&mut self, spec: ChildSpec, reply: AdminReply) {
        if let Err(refused) = self.may_add(&spec) {
            // The caller may have gone; nothing was added.
            let _ = reply.send(Err(refused));
            return;
        }
        let id = self.tree.add(spec.policy.clone(), spec.incarnation, Order::Added);
        self.children.add(id, spec);
        self.await_start(id, reply);
        let actions = self.tree.request(id);
        self.perform(actions);
    }

    fn may_add(&self, spec: &ChildSpec) -> Result<(), AdminError> {
        if !self.tree.is_up() {
            return Err(AdminError::Stopping);
        }
        spec.check().map_err(AdminError::Invalid)?;
        match self.children.named(&spec.name).and_then(|id| self.tree.phase(id)) {
            None => Ok(()),
            Some(Phase::Running) => Err(AdminError::AlreadyRunning),
            Some(Phase::Starting | Phase::Restarting | Phase::Stopping) => Err(AdminError::Restarting),
            Some(Phase::Idle | Phase::Disabled | Phase::GivenUp) => Err(AdminError::AlreadyPresent),
        }
    }

    pub(in crate::supervisor) fn restart(&mut self, name: &str, reply: AdminReply) {
        match self.at_rest(name) {
            Ok(id) => {
                self.await_start(id, reply);
                let actions = self.tree.reopen(id);
                self.perform(actions);
            }
            Err(refused) => {
                // The caller may have gone; nothing was started.
                let _ = reply.send(Err(refused));
            }
        }
    }

    fn await_start(&mut self, id: ChildId, reply: AdminReply) {
        if let Some(entry) = self.children.get_mut(id) {
            entry.start_replies.push(reply);
        }
    }

    pub(in crate::supervisor) fn terminate(&mut self, name: &str, reply: AdminReply) {
        let Some(id) = self.children.named(name) else {
            // The caller may have gone; nothing was stopped.
            let _ = reply.send(Err(AdminError::Unknown));
            return;
        };
        if let Some(entry) = self.children.get_mut(id) {
            entry.stop_replies.push(reply);
        }
        let actions = self.tree.terminate(id);
        if !matches!(self.tree.phase(id), Some(Phase::Stopping)) {
            // It was at rest, or only waited for its turn: nobody starts it now.
            self.refuse_start(id);
            self.settle_stop(id);
        }
        self.perform(actions);
    }

    /// Answers those who wait for a start that will not come.
    fn refuse_start(&mut self, id: ChildId) {
        if let Some(entry) = self.children.get_mut(id) {
            let replies = std::mem::take(&mut entry.start_replies);
            super::answer(replies, &Err(AdminError::NotStarted("it was told to stop".to_owned())));
        }
    }

    pub(in crate::supervisor) fn remove(&mut self, name: &str) -> Result<(), AdminError> {
        let id = self.at_rest(name)?;
        if self.tree.remove(id) {
            self.children.remove(id);
        }
        Ok(())
    }

    /// Returns a child that neither runs nor is on its way to or from running.
    fn at_rest(&self, name: &str) -> Result<ChildId, AdminError> {
        let id = self.children.named(name).ok_or(AdminError::Unknown)?;
        match self.tree.phase(id) {
            Some(Phase::Idle | Phase::Disabled | Phase::GivenUp) if self.tree.is_up() => Ok(id),
            Some(Phase::Idle | Phase::Disabled | Phase::GivenUp) => Err(AdminError::Stopping),
            Some(Phase::Running) => Err(AdminError::AlreadyRunning),
            Some(Phase::Starting | Phase::Restarting | Phase::Stopping) => Err(AdminError::Restarting),
            None => Err(AdminError::Unknown),
        }
    }
}
