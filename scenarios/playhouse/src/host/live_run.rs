//! A run that is being worked on in this process: its actors, and how it comes to rest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use playhouse_agents::{Effects, RunContext};
use playhouse_coordinator::RunRest;
use playhouse_journal::{Event, RunRow};
use playhouse_messages::{Address, AgentMsg, CoordinatorMsg, RunJournal};
use playhouse_runtime::{ChildSpec, Intensity, Strategy, Supervisor, SupervisorArgs, SupervisorMsg};
use playhouse_types::{AgentName, Lane, ModelName, RunId, Seq, Timestamp};
use ractor::{Actor, ActorRef};
use tokio::sync::watch;
use tracing::warn;

use super::children::Parts;
use super::endpoints::AgentModel;
use super::error::RunError;
use super::links::Links;
use super::model_slot::ModelSlot;
use super::observer::RunObserver;
use super::ownership::OwnedRun;
use super::run_fold::RunFold;
use super::runtime::Inner;
use super::snapshots::Snapshots;
use super::work::Work;
use crate::definition::Definition;

/// How many doorbells may wait for an agent or a coordinator. One would do; a few save senders from being refused.
const MAILBOX: usize = 64;

/// How long calls in flight may take to reach their record when the process is asked to stop; then they are left.
const GRACE: Duration = Duration::from_secs(30);

/// How to start one run.
#[derive(Clone, Debug)]
pub struct StartRun {
    /// The input as JSON text.
    pub input: String,
    /// The seed of all draws.
    pub seed: u64,
    /// The model for all agents; `None` leaves it to agents, environment and scripts.
    pub model: Option<ModelName>,
}

/// How a run came to rest in this process.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// The run's row as of its last record.
    pub row: RunRow,
    /// The result as JSON text, if the run ended with one.
    pub result: Option<String>,
    /// How it came to rest.
    pub rest: RunRest,
}

/// What becomes of a run that has come to rest in this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leave {
    /// Anybody may take it up.
    Release,
    /// It stays ours until this process is gone.
    Keep,
}

/// The models and tools of a scenario, found before a run is touched.
pub(crate) struct Means {
    pub(crate) models: BTreeMap<AgentName, AgentModel>,
    pub(crate) tools: Arc<playhouse_tools::ToolRegistry>,
}

/// What a run needs to be worked on: it is ours, and its log is whole.
pub(crate) struct OpenedRun {
    pub(crate) definition: Arc<Definition>,
    pub(crate) journal: RunJournal,
    /// The state as of the base of the log.
    pub(crate) fold: RunFold,
    /// The row as of the log's last record.
    pub(crate) row: RunRow,
    pub(crate) epoch: u64,
    pub(crate) owner_gone_at: Option<Timestamp>,
}

/// A run and its actors.
pub(crate) struct LiveRun {
    pub(crate) run: RunId,
    epoch: u64,
    pub(crate) definition: Arc<Definition>,
    /// The row as of the record at `folded`.
    pub(crate) row: RunRow,
    folded: Seq,
    pub(crate) journal: RunJournal,
    supervisor: ActorRef<SupervisorMsg>,
    pub(crate) coordinator: Address<CoordinatorMsg>,
    pub(crate) agents: BTreeMap<AgentName, Address<AgentMsg>>,
    models: BTreeMap<AgentName, ModelSlot>,
    /// Set once the open turns are to be cancelled.
    pub(crate) is_cancelling: Arc<AtomicBool>,
    rest: Arc<watch::Sender<Option<RunRest>>>,
}

impl LiveRun {
    /// Starts the actors of a run.
    pub(crate) async fn start(
        inner: &Arc<Inner>,
        opened: OpenedRun,
        means: Means,
    ) -> Result<Arc<Self>, RunError> {
        let Some(admitted) = admitted(&opened.journal) else {
            return Err(RunError::Invalid(format!("run `{}` is a batch", opened.row.run)));
        };
        // Before anybody gets a turn: a run that was cancelled while it rested does nothing more.
        let commands = if opened.epoch > 1 { inner.store.pending(opened.row.run).await? } else { Vec::new() };
        let run = opened.row.run;
        let rest = Arc::new(watch::Sender::new(None));
        let coordinator = Address::new(MAILBOX);
        let agents: BTreeMap<AgentName, Address<AgentMsg>> = opened
            .definition
            .agents
            .iter()
            .map(|agent| (agent.name.clone(), Address::new(MAILBOX)))
            .collect();
        let context = Arc::new(context(inner, &opened, admitted));
        let is_cancelling = Arc::clone(&context.is_cancelling);
        let (epoch, log) = (opened.epoch, Arc::clone(opened.journal.log()));
        inner.note_work(run, Work { epoch, log, coordinator: coordinator.clone() });
        let parts =
            Parts { inner, opened: &opened, context, means, coordinator: &coordinator, agents: &agents };
        let models = parts.models();
        let mut children = parts.agent_specs(&models);
        let links = Arc::new(Links::default());
        children.push(parts.coordinator_spec(&links, &rest, commands));
        let observer = RunObserver {
            journal: opened.journal.clone(),
            agents: opened.definition.agents.iter().map(|agent| agent.name.clone()).collect(),
            coordinator: coordinator.clone(),
            epoch: opened.epoch,
            rest: Arc::clone(&rest),
        };
        let clock = Arc::clone(&inner.clock);
        let args = SupervisorArgs {
            strategy: Strategy::OneForOne,
            intensity: Some(bound_of(&children)),
            children,
            observer: Arc::new(observer),
            clock,
        };
        let parent = inner.system.runs.cell().ok_or(RunError::Closing)?;
        let (supervisor, _) =
            Actor::spawn_linked(None, Supervisor, args, parent).await.map_err(|_| RunError::Closing)?;
        let live = Arc::new(Self {
            run,
            epoch: opened.epoch,
            definition: Arc::clone(&opened.definition),
            folded: opened.journal.log().head(),
            row: opened.row,
            journal: opened.journal,
            supervisor,
            coordinator,
            agents,
            models,
            is_cancelling,
            rest,
        });
        links.connect(inner, &live);
        // Started last: it rings agents through the links.
        live.send(SupervisorMsg::Start { child: Lane::RUN.into() });
        Ok(live)
    }

    /// Lets an agent start again: with another model, or after it was given up.
    pub(crate) async fn restart(&self, agent: &AgentName) {
        let child: Arc<str> = agent.as_str().into();
        let (reply, ended) = tokio::sync::oneshot::channel();
        self.send(SupervisorMsg::Terminate { child: Arc::clone(&child), reply: reply.into() });
        // A supervisor that has ended has stopped its children; one that was given up has ended already.
        let _ = ended.await;
        let (reply, started) = tokio::sync::oneshot::channel();
        self.send(SupervisorMsg::Restart { child, reply: reply.into() });
        if let Ok(Err(cause)) = started.await {
            warn!(run.id = %self.run, agent = %agent, error = %cause, "agent not restarted");
        }
    }

    /// Puts another model in place for the agent's next start.
    pub(crate) fn replace_model(&self, agent: &AgentName, model: &AgentModel) {
        if let Some(slot) = self.models.get(agent) {
            slot.replace(model);
        }
    }

    pub(crate) fn send(&self, message: SupervisorMsg) {
        // A supervisor that has ended has stopped its children.
        let _ = self.supervisor.send_message(message);
    }

    /// Waits until the run rests, stops its actors and says how it ended, and whether calls of it were left.
    pub(crate) async fn keep(
        self: Arc<Self>,
        inner: Arc<Inner>,
        mut snapshots: Snapshots,
    ) -> (RunEnd, Leave) {
        let mut resting = self.rest.subscribe();
        let rest = tokio::select! {
            biased;
            rest = resting.wait_for(Option::is_some) => rest.ok().and_then(|rest| rest.clone()),
            () = inner.interrupted() => None,
            why = self.torn() => Some(RunRest::Lost(why)),
            () = snapshots.keep_up(self.journal.log()) => None,
            why = self.left_alone(&inner) => Some(RunRest::Lost(why)),
        };
        if matches!(rest, Some(RunRest::Concluded(_))) {
            // All is said and on record: the actors have nothing to end.
            self.supervisor.stop(None);
        } else {
            if rest.is_none() {
                self.interrupt();
            }
            self.stop_actors().await;
        }
        let is_idle = tokio::select! {
            () = inner.calls.wait_idle(self.run) => true,
            () = inner.clock.sleep(GRACE) => false,
        };
        if !is_idle {
            // As if the process had died: no record may follow, the next owner recovers the calls by their intents.
            warn!(run.id = %self.run, "calls did not end in time, leaving them");
            self.journal.log().mark_torn(playhouse_messages::JournalError::Stopped);
            inner.calls.abandon_run(self.run);
        }
        // The run may have come to rest by itself while it was being interrupted.
        let rest = rest.or_else(|| self.rest.borrow().clone()).unwrap_or(RunRest::Interrupted);
        if matches!(rest, RunRest::Suspended(_) | RunRest::Interrupted) {
            snapshots.write(self.journal.log()).await;
        }
        let end = self.end(rest);
        // A call that was left may still land: nobody else may take the run before this process is gone.
        let leave = if is_idle { Leave::Release } else { Leave::Keep };
        inner.close_run(&end, self.epoch, leave).await;
        (end, leave)
    }

    /// Waits until the journal refuses the run.
    async fn torn(&self) -> playhouse_messages::JournalError {
        match self.journal.log().wait_durable(Seq(u64::MAX)).await {
            Err(why) => why,
            Ok(()) => std::future::pending().await,
        }
    }

    /// Waits until the run's supervisor has ended without a word: nobody would bring the run to rest.
    async fn left_alone(&self, inner: &Inner) -> playhouse_messages::JournalError {
        // Without a limit it is no error to wait.
        let _ = self.supervisor.wait(None).await;
        // One that gave up has told its observer, who puts the run's end on record.
        inner.clock.sleep(GRACE).await;
        playhouse_messages::JournalError::Stopped
    }

    fn interrupt(&self) {
        // Those that are not running have nothing to stop.
        let _ = self.coordinator.send(CoordinatorMsg::Interrupt);
        for agent in self.agents.values() {
            let _ = agent.send(AgentMsg::Interrupt);
        }
    }

    async fn stop_actors(&self) {
        self.send(SupervisorMsg::Shutdown);
        // An error means that it has stopped already.
        let _ = self.supervisor.wait(None).await;
    }

    fn end(&self, rest: RunRest) -> RunEnd {
        let log = self.journal.log();
        let mut row = self.row.clone();
        log.after(self.folded).for_each(|record| row.apply(record));
        let result = log.after(self.folded).rev().find_map(|record| match &record.event {
            Event::RunConcluded { result, .. } => result.clone(),
            _ => None,
        });
        RunEnd { row, result, rest }
    }
}

/// Returns what the agents of a run share.
fn context(inner: &Inner, opened: &OpenedRun, admitted: &playhouse_journal::AdmittedRun) -> RunContext {
    let (run, fork) = (opened.row.run, opened.journal.log().facts(|facts| facts.fork().cloned()));
    RunContext {
        run,
        batch: opened.row.parent.unwrap_or(run),
        case: opened.row.case.clone(),
        tenant: opened.row.tenant.clone(),
        seed: fork.as_ref().map_or(admitted.seed, |fork| fork.seed),
        effects: fork.as_ref().map_or(Effects::On, Effects::of),
        // A fork shares its admission with another run, and has a trace of its own.
        trace: opened.row.trace,
        input: admitted.input.as_str().into(),
        data_dir: inner.options.data_dir.clone(),
        owner_gone_at: opened.owner_gone_at,
        epoch: opened.epoch,
        is_cancelling: Arc::default(),
        ownership: Arc::new(OwnedRun {
            run,
            epoch: opened.epoch,
            store: Arc::clone(&inner.store),
            clock: Arc::clone(&inner.clock),
            sign: inner.sign.clone(),
        }),
    }
}

/// Returns how often the actors of a run may be restarted together: never less than one of them may alone.
fn bound_of(children: &[ChildSpec]) -> Intensity {
    let usual = Intensity::default();
    let most = children.iter().map(|child| child.policy.max_restarts).max().unwrap_or(0);
    Intensity { max_restarts: usual.max_restarts.max(most), ..usual }
}

/// Returns how the run of a journal began.
pub(crate) fn admitted(journal: &RunJournal) -> Option<&playhouse_journal::AdmittedRun> {
    match &journal.log().get(Seq(1))?.event {
        Event::RunAdmitted(admitted) => Some(admitted),
        _ => None,
    }
}
