//! The supervisor actor: starts children off its own loop, reports every exit, restarts by the tree's word.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_journal::ExitKind;
use playhouse_messages::{Clock, Draws};
use playhouse_types::Incarnation;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::policy::RestartPolicy;
use super::tree::{Action, Phase, Strategy, Tree};
use crate::KeyedDraws;

/// How long a child may take to work off its mailbox when it is stopped; then it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The longest reason that a report keeps, in bytes: panic texts can hold anything.
const REASON_LIMIT_BYTES: usize = 2048;

/// What a child's start gets.
#[derive(Clone, Debug)]
pub struct StartArgs {
    /// Which start this is.
    pub incarnation: Incarnation,
    /// The supervisor: spawn the child linked to it.
    pub supervisor: ActorCell,
}

/// Starts a child, linked to its supervisor, and fills its address. An error is a start failure, counted as an exit.
pub type StartChild = Arc<dyn Fn(StartArgs) -> BoxFuture<'static, Result<ActorCell, String>> + Send + Sync>;

/// A child as its supervisor knows it.
#[derive(Clone)]
pub struct ChildSpec {
    /// Its name, unique among its siblings.
    pub name: Arc<str>,
    /// When and how often it is started again.
    pub policy: RestartPolicy,
    /// Its newest incarnation before this supervisor; 0 for a child that has never run.
    pub incarnation: Incarnation,
    /// Whether it is started with the supervisor; if not, on [`SupervisorMsg::Start`].
    pub is_eager: bool,
    /// How it is started.
    pub start: StartChild,
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("name", &self.name)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Who is told about exits. Both reports end before the child is started again.
pub trait SupervisorObserver: Send + Sync {
    /// A child ended other than as asked.
    fn exited(
        &self,
        child: &str,
        incarnation: Incarnation,
        exit: ExitKind,
        reason: String,
    ) -> BoxFuture<'static, ()>;

    /// A child failed too often and is not started again.
    fn escalated(&self, child: &str, reason: String) -> BoxFuture<'static, ()>;
}

/// What a supervisor needs.
#[derive(Clone)]
pub struct SupervisorArgs {
    /// Which siblings a restart takes along.
    pub strategy: Strategy,
    /// The children: started in this order, stopped in reverse.
    pub children: Vec<ChildSpec>,
    /// Who is told about exits.
    pub observer: Arc<dyn SupervisorObserver>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for SupervisorArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupervisorArgs").field("children", &self.children).finish_non_exhaustive()
    }
}

/// What a child is doing, for admin calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChildStatus {
    /// Its name.
    pub name: Arc<str>,
    /// What it is doing.
    pub phase: Phase,
    /// Its newest incarnation.
    pub incarnation: Incarnation,
}

/// What a supervisor is asked. Every message is answered at once: slow work runs in tasks.
#[derive(Debug)]
pub enum SupervisorMsg {
    /// Start a child that is not running; a running one is left alone.
    Start {
        /// Its name.
        child: Arc<str>,
    },
    /// Add a child behind the others and start it.
    Add {
        /// The child.
        spec: ChildSpec,
        /// Told when its first start has succeeded or failed; a failed start is restarted by its policy all the same.
        reply: RpcReplyPort<Result<(), String>>,
    },
    /// Say what the children are doing.
    Children {
        /// Told their states in order.
        reply: RpcReplyPort<Vec<ChildStatus>>,
    },
    /// Stop all children in reverse order, then end.
    Shutdown,
    /// A start task's report.
    Started {
        /// Which child.
        index: usize,
        /// Which start of it.
        incarnation: Incarnation,
        /// The child, or why it could not start.
        outcome: Result<ActorCell, String>,
    },
    /// The shutdown task's report: all children have ended.
    AllStopped,
}

/// The supervisor.
#[derive(Debug, Default)]
pub struct Supervisor;

/// What a running supervisor holds.
pub struct SupervisorState {
    args: SupervisorArgs,
    tree: Tree,
    /// The running children.
    cells: HashMap<ActorId, (usize, ActorCell)>,
    /// Exits of actors that are not children yet: an exit overtakes the report of the start, as ractor delivers
    /// supervision events before messages. Kept while any child is starting.
    early_exits: HashMap<ActorId, (ExitKind, String)>,
    /// Who waits for the first start of an added child.
    added: HashMap<usize, RpcReplyPort<Result<(), String>>>,
    /// Cancelled on shutdown: no start task goes on.
    stopping: CancellationToken,
}

impl Actor for Supervisor {
    type Msg = SupervisorMsg;
    type State = SupervisorState;
    type Arguments = SupervisorArgs;

    async fn pre_start(
        &self,
        _: ActorRef<SupervisorMsg>,
        args: SupervisorArgs,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        let tree = Tree::new(
            args.strategy,
            args.children.iter().map(|child| (child.policy.clone(), child.incarnation)),
        );
        Ok(SupervisorState {
            args,
            tree,
            cells: HashMap::new(),
            early_exits: HashMap::new(),
            added: HashMap::new(),
            stopping: CancellationToken::new(),
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<SupervisorMsg>,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        for index in 0..state.args.children.len() {
            if state.args.children.get(index).is_some_and(|child| child.is_eager) {
                let actions = state.tree.request(index);
                state.perform(&myself, actions, None);
            }
        }
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMsg>,
        message: SupervisorMsg,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMsg::Start { child } => {
                let index = state.args.children.iter().position(|spec| spec.name == child);
                if let Some(index) = index.filter(|_| !state.stopping.is_cancelled()) {
                    let actions = state.tree.request(index);
                    state.perform(&myself, actions, None);
                }
            }
            SupervisorMsg::Add { spec, reply } => state.add(&myself, spec, reply),
            SupervisorMsg::Children { reply } => {
                // The caller may have timed out; its absence is not our failure.
                let _ = reply.send(state.statuses());
            }
            SupervisorMsg::Started { index, incarnation, outcome } => {
                state.child_started(&myself, index, incarnation, outcome);
                if !state.tree.is_starting() {
                    state.early_exits.clear();
                }
            }
            SupervisorMsg::Shutdown => state.stop_all(&myself),
            SupervisorMsg::AllStopped => myself.stop(None),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMsg>,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(cell, _, reason) => {
                let is_killed = reason.as_deref() == Some("killed");
                let exit = if is_killed { ExitKind::Killed } else { ExitKind::Normal };
                state.child_exited(&myself, cell.get_id(), exit, reason.unwrap_or_default());
            }
            SupervisionEvent::ActorFailed(cell, error) => {
                state.child_exited(&myself, cell.get_id(), ExitKind::Failed, error.to_string());
            }
            _ => {}
        }
        Ok(())
    }
}

impl SupervisorState {
    fn statuses(&self) -> Vec<ChildStatus> {
        let children = self.args.children.iter().enumerate();
        children
            .map(|(index, spec)| ChildStatus {
                name: Arc::clone(&spec.name),
                phase: self.tree.phase(index),
                incarnation: self.tree.incarnation(index),
            })
            .collect()
    }

    fn add(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        spec: ChildSpec,
        reply: RpcReplyPort<Result<(), String>>,
    ) {
        let is_known = self.args.children.iter().any(|child| child.name == spec.name);
        if is_known || self.stopping.is_cancelled() {
            let why = if is_known { "a child of this name exists" } else { "the supervisor is stopping" };
            // The caller may have gone; nothing was added.
            let _ = reply.send(Err(why.to_owned()));
            return;
        }
        let index = self.tree.add(spec.policy.clone(), spec.incarnation);
        self.args.children.push(spec);
        self.added.insert(index, reply);
        let actions = self.tree.request(index);
        self.perform(myself, actions, None);
    }

    fn child_started(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        index: usize,
        incarnation: Incarnation,
        outcome: Result<ActorCell, String>,
    ) {
        if let Some(reply) = self.added.remove(&index) {
            // The caller may have gone; the child runs all the same.
            let _ = reply.send(outcome.as_ref().map(|_| ()).map_err(Clone::clone));
        }
        match outcome {
            Ok(cell) => {
                let id = cell.get_id();
                let is_stopping = self.tree.phase(index) == Phase::Stopping;
                if !is_stopping {
                    self.tree.started(index, self.args.clock.monotonic());
                }
                self.cells.insert(id, (index, cell.clone()));
                if let Some((exit, reason)) = self.early_exits.remove(&id) {
                    self.child_exited(myself, id, exit, reason);
                } else if is_stopping {
                    // It was told to stop while it started.
                    stop_child(cell);
                }
            }
            Err(reason) => {
                let report = Report { incarnation, exit: ExitKind::StartFailed, reason };
                self.decide(myself, index, report);
            }
        }
    }

    fn child_exited(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        id: ActorId,
        exit: ExitKind,
        reason: String,
    ) {
        let Some((index, _)) = self.cells.remove(&id) else {
            // A child whose start has not been reported yet; exits of strangers are forgotten with the last start.
            self.early_exits.insert(id, (exit, bounded(reason)));
            return;
        };
        let incarnation = self.tree.incarnation(index);
        self.decide(myself, index, Report { incarnation, exit, reason: bounded(reason) });
    }

    fn decide(&mut self, myself: &ActorRef<SupervisorMsg>, index: usize, report: Report) {
        if self.stopping.is_cancelled() {
            return;
        }
        let was_asked = self.tree.phase(index) == Phase::Stopping;
        let unit = self.jitter(index);
        let now = self.args.clock.monotonic();
        let actions = self.tree.exited(index, report.exit, now, unit);
        let report = (report.exit != ExitKind::Normal && !was_asked).then_some((index, report));
        self.perform(myself, actions, report);
    }

    /// Draws from the child's name and incarnation: a storm of restarts spreads, a test repeats.
    fn jitter(&self, index: usize) -> f64 {
        let name = self.args.children.get(index).map_or("", |child| &child.name);
        KeyedDraws::named(0, name, &[self.tree.incarnation(index).0]).unit()
    }

    /// Does what the tree says; the report of the exit that led to it goes first.
    fn perform(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        actions: Vec<Action>,
        report: Option<(usize, Report)>,
    ) {
        let mut told = report.and_then(|(index, report)| self.report(index, report));
        for action in actions {
            match action {
                Action::Start(index, after) => self.start(myself, index, after, told.take()),
                Action::Stop(index) => {
                    let cell =
                        self.cells.values().find(|(child, _)| *child == index).map(|(_, cell)| cell.clone());
                    cell.into_iter().for_each(stop_child);
                }
                Action::Escalate(index) => {
                    let Some(spec) = self.args.children.get(index) else { continue };
                    warn!(child = %spec.name, "restarted too often, giving up");
                    let reason = format!("it failed more than {} times", spec.policy.max_restarts);
                    let escalated = self.args.observer.escalated(&spec.name, reason);
                    let first = told.take();
                    tokio::spawn(async move {
                        if let Some(first) = first {
                            first.await;
                        }
                        escalated.await;
                    });
                }
            }
        }
        if let Some(told) = told {
            tokio::spawn(told);
        }
    }

    fn report(&self, index: usize, report: Report) -> Option<BoxFuture<'static, ()>> {
        let spec = self.args.children.get(index)?;
        warn!(child = %spec.name, incarnation = report.incarnation.0, exit = ?report.exit, "child ended");
        Some(self.args.observer.exited(&spec.name, report.incarnation, report.exit, report.reason))
    }

    /// Starts a child in a task of its own: after the report and the wait.
    fn start(
        &self,
        myself: &ActorRef<SupervisorMsg>,
        index: usize,
        after: Duration,
        first: Option<BoxFuture<'static, ()>>,
    ) {
        let Some(spec) = self.args.children.get(index) else { return };
        let incarnation = self.tree.incarnation(index);
        let start = Arc::clone(&spec.start);
        let wait = (after > Duration::ZERO).then(|| self.args.clock.sleep(after));
        let (stopping, myself) = (self.stopping.clone(), myself.clone());
        tokio::spawn(async move {
            if let Some(first) = first {
                first.await;
            }
            if let Some(wait) = wait {
                tokio::select! { () = wait => {}, () = stopping.cancelled() => return }
            }
            if stopping.is_cancelled() {
                return;
            }
            let outcome = start(StartArgs { incarnation, supervisor: myself.get_cell() }).await;
            // A supervisor that has ended has taken its children along.
            let _ = myself.send_message(SupervisorMsg::Started { index, incarnation, outcome });
        });
    }

    /// Stops all children in a task, last one first, so that admin calls are still answered.
    fn stop_all(&mut self, myself: &ActorRef<SupervisorMsg>) {
        if self.stopping.is_cancelled() {
            return;
        }
        self.stopping.cancel();
        let mut cells: Vec<(usize, ActorCell)> = self.cells.values().cloned().collect();
        cells.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
        let myself = myself.clone();
        tokio::spawn(async move {
            for (_, cell) in cells {
                stop_and_wait(cell).await;
            }
            // A supervisor that was killed meanwhile has taken its children along.
            let _ = myself.send_message(SupervisorMsg::AllStopped);
        });
    }
}

/// How a child ended.
struct Report {
    incarnation: Incarnation,
    exit: ExitKind,
    reason: String,
}

fn stop_child(cell: ActorCell) {
    tokio::spawn(stop_and_wait(cell));
}

/// Lets a child work off its mailbox; kills it if that takes too long.
async fn stop_and_wait(cell: ActorCell) {
    if cell.drain_and_wait(Some(STOP_WITHIN)).await.is_err() {
        // It ended by itself or did not end in time; killing a dead actor does nothing.
        cell.kill();
    }
}

fn bounded(mut reason: String) -> String {
    if reason.len() > REASON_LIMIT_BYTES {
        let end = (0..=REASON_LIMIT_BYTES).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
        reason.truncate(end);
        reason.push_str(" ...");
    }
    reason
}
