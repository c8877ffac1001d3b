//! What a running supervisor holds: takes in what happened, asks the tree, and does what it says.

mod admin;
mod early_exits;
mod reports;

use std::sync::Arc;
use std::time::Duration;

use playhouse_journal::ExitKind;
use playhouse_types::Incarnation;
use ractor::{ActorCell, ActorId, ActorRef};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::error;

use super::children::{Children, Work, answer};
use super::messages::{AdminError, Note, SupervisorMsg};
use super::spec::{NotStarted, StopMode, SupervisorArgs};
use super::starting::StartTask;
use super::stopping::StopTask;
use super::tree::{Action, ChildId, Order, Phase, Tree};
use early_exits::EarlyExits;
use reports::bounded;

/// What a running supervisor holds.
pub struct SupervisorState {
    myself: ActorRef<SupervisorMsg>,
    args: SupervisorArgs,
    tree: Tree,
    children: Children,
    /// How many starts have not been reported yet.
    n_starts: usize,
    /// Exits of actors that are not children yet. Kept while any start is under way.
    early_exits: EarlyExits,
    /// The last escalation, which is told before the supervisor ends.
    escalated: Option<JoinHandle<()>>,
    /// Whether the end is a failure.
    is_failure: bool,
    /// Cancelled with the supervisor, however it ends: no start and no question goes on without it.
    alive: CancellationToken,
    _ends_tasks: DropGuard,
}

impl SupervisorState {
    pub(super) fn new(myself: ActorRef<SupervisorMsg>, mut args: SupervisorArgs) -> Self {
        let mut tree = Tree::new(args.strategy, args.intensity);
        let mut children = Children::default();
        for spec in std::mem::take(&mut args.children) {
            children.add(tree.add(spec.policy.clone(), spec.incarnation, Order::Declared), spec);
        }
        let alive = CancellationToken::new();
        Self {
            myself,
            args,
            tree,
            children,
            n_starts: 0,
            early_exits: EarlyExits::default(),
            escalated: None,
            is_failure: false,
            _ends_tasks: alive.clone().drop_guard(),
            alive,
        }
    }

    pub(super) fn boot(&mut self) {
        let all = self.tree.children().map(|(id, ..)| id);
        let is_eager = |id: &ChildId| self.children.get(*id).is_some_and(|entry| entry.spec.is_eager);
        let eager: Vec<ChildId> = all.filter(is_eager).collect();
        let actions = self.tree.boot(eager);
        self.perform(actions);
    }

    pub(super) fn shutdown(&mut self) {
        let actions = self.tree.shutdown();
        self.perform(actions);
    }

    /// Takes in the report of a start task.
    pub(super) fn start_ended(
        &mut self,
        id: ChildId,
        incarnation: Incarnation,
        outcome: Result<ActorCell, NotStarted>,
    ) {
        self.n_starts -= 1;
        let phase = self.tree.phase(id);
        if let Some(entry) = self.children.get_mut(id) {
            entry.work = Work::None;
            let outcome = match &outcome {
                Ok(_) if phase == Some(Phase::Stopping) => Err(AdminError::Stopping),
                Ok(_) => Ok(()),
                Err(NotStarted::Disabled) => Err(AdminError::Disabled),
                Err(NotStarted::Failed(reason)) => Err(AdminError::NotStarted(bounded(reason.clone()))),
            };
            answer(std::mem::take(&mut entry.start_replies), &outcome);
        }
        match outcome {
            Ok(cell) => self.child_runs(id, cell),
            Err(NotStarted::Disabled) => {
                let actions = self.tree.disabled(id);
                self.settle_stop(id);
                self.perform(actions);
            }
            Err(NotStarted::Failed(reason)) => {
                self.ended(id, incarnation, ExitKind::StartFailed, bounded(reason));
            }
        }
        if self.n_starts == 0 {
            self.early_exits = EarlyExits::default();
        }
    }

    fn child_runs(&mut self, id: ChildId, cell: ActorCell) {
        let ended = self.alive.child_token();
        let actor = cell.get_id();
        self.children.set_running(id, cell.clone(), ended.clone());
        let actions = self.tree.started(id, self.args.clock.monotonic());
        if let Some((exit, reason)) = self.early_exits.take(actor) {
            self.perform(actions);
            return self.actor_ended(actor, exit, reason);
        }
        let supervisor = self.myself.get_cell();
        if cell.try_get_supervisor().is_none_or(|linked| linked.get_id() != supervisor.get_id()) {
            // It was not started linked, or unlinked itself, or has ended: all that is left is to wait for its end.
            cell.link(supervisor);
            let (myself, cell) = (self.myself.clone(), cell.clone());
            tokio::spawn(async move {
                // Without a limit it is no error to wait.
                let _ = cell.wait(None).await;
                let note = Note::Stopped { actor, is_left_behind: false };
                // A supervisor that has ended does not ask any more.
                let _ = myself.send_message(SupervisorMsg::Note(note));
            });
        }
        if let Some(heartbeat) = self.children.get(id).and_then(|entry| entry.spec.heartbeat.clone()) {
            let clock = Arc::clone(&self.args.clock);
            tokio::spawn(heartbeat.watch(cell, self.myself.clone(), clock, ended));
        }
        self.perform(actions);
    }

    /// Takes in an exit as ractor tells it.
    pub(super) fn actor_ended(&mut self, actor: ActorId, exit: ExitKind, reason: String) {
        match self.children.take_running(actor) {
            Some((id, running)) => {
                running.ended.cancel();
                let reason = running.doom.unwrap_or_else(|| bounded(reason));
                self.ended(id, self.tree.incarnation(id), exit, reason);
            }
            // A child whose start has not been reported yet, or a stranger.
            None if self.n_starts > 0 => {
                self.early_exits.note(actor, exit, bounded(reason));
            }
            None => {}
        }
    }

    /// Takes in the report of a stop task: news if the actor had unlinked itself, or blocks its thread.
    pub(super) fn stop_ended(&mut self, actor: ActorId, is_left_behind: bool) {
        let Some((_, running)) = self.children.running(actor) else { return };
        if is_left_behind {
            error!(actor = %actor, "a killed actor does not end, leaving it behind");
            running.cell.unlink(self.myself.get_cell());
            let why = running.doom.take().unwrap_or_else(|| "it was killed".to_owned());
            running.doom = Some(format!("{why}, and did not end then"));
        }
        self.actor_ended(actor, ExitKind::Killed, "it ended unlinked".to_owned());
    }

    /// Kills a child that did not answer.
    pub(super) fn silent(&mut self, actor: ActorId, patience: Duration) {
        let Some((id, running)) = self.children.running(actor) else { return };
        if self.tree.phase(id) != Some(Phase::Running) {
            // It is being stopped, which has bounds of its own.
            return;
        }
        running.doom = Some(format!("it did not answer its supervisor within {patience:?}"));
        let cell = running.cell.clone();
        self.stop(id, cell, Some(StopMode::Kill));
    }

    /// Takes in the end of a child, or of its start.
    fn ended(&mut self, id: ChildId, incarnation: Incarnation, exit: ExitKind, reason: String) {
        let was_asked = self.tree.phase(id) == Some(Phase::Stopping);
        let now = self.args.clock.monotonic();
        let actions = self.tree.exited(id, exit, now, self.jitter(id, incarnation));
        // What is started again or given up has its reason, however it ended.
        let goes_on = matches!(self.tree.phase(id), Some(Phase::Restarting | Phase::GivenUp));
        // Whoever fails while it stops has failed; that it was killed or not even started was our doing.
        if if was_asked { exit == ExitKind::Failed } else { goes_on || exit != ExitKind::Normal } {
            self.report(id, incarnation, exit, reason);
        }
        self.settle_stop(id);
        self.perform(actions);
    }

    /// Answers those who wait for a child's end.
    fn settle_stop(&mut self, id: ChildId) {
        if let Some(entry) = self.children.get_mut(id) {
            answer(std::mem::take(&mut entry.stop_replies), &Ok(()));
        }
    }

    /// Does what the tree says.
    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Start(id, after) => self.start_task(id, after),
                Action::Stop(id) => match self.children.get(id).map(|entry| &entry.work) {
                    Some(Work::Running(running)) => {
                        let cell = running.cell.clone();
                        self.stop(id, cell, None);
                    }
                    Some(Work::Start(given_up)) => given_up.cancel(),
                    Some(Work::None) | None => {}
                },
                Action::Escalate(id, beyond) => self.escalate(id, beyond),
                Action::Forget(id) => {
                    if let Some(entry) = self.children.remove(id) {
                        answer(entry.start_replies, &Err(AdminError::Stopping));
                        answer(entry.stop_replies, &Ok(()));
                    }
                }
                Action::End { is_failure } => self.end_when_told(is_failure),
            }
        }
    }

    fn start_task(&mut self, id: ChildId, after: Duration) {
        let Some(entry) = self.children.get_mut(id) else { return };
        let given_up = self.alive.child_token();
        entry.work = Work::Start(given_up.clone());
        self.n_starts += 1;
        let task = StartTask {
            child: id,
            incarnation: self.tree.incarnation(id),
            start: Arc::clone(&entry.spec.start),
            start_within: entry.spec.start_within,
            after,
            told: entry.told.take(),
            given_up,
            supervisor: self.myself.clone(),
            clock: Arc::clone(&self.args.clock),
        };
        tokio::spawn(task.run());
    }

    fn stop(&self, id: ChildId, cell: ActorCell, stop: Option<StopMode>) {
        let Some(entry) = self.children.get(id) else { return };
        let (kind, stop) = (entry.spec.kind, stop.unwrap_or(entry.spec.stop));
        let (supervisor, clock) = (self.myself.clone(), Arc::clone(&self.args.clock));
        tokio::spawn(StopTask { cell, kind, stop, supervisor, clock }.run());
    }
}
