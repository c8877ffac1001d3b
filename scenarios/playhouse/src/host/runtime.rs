//! The runtime of a process: one store, one journal writer, all runs.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use playhouse_coordinator::RunRest;
use playhouse_journal::{CommandInbox, JournalRead};
use playhouse_messages::{Address, Admission, Clock, Faults, JournalError, JournalMsg, RunJournal, RunLog};
use playhouse_runtime::{
    BroadcastBus, CallTable, EventStream, JournalWriter, RestartPolicy, SupervisorMsg, UserPool, WriterArgs,
    WriterFailure,
};
use playhouse_storage::{STALE_AFTER, Store};
use playhouse_types::{AgentName, BootId, ModelName, RunId, RunStatus};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use super::admission::{FirstInput, admit_run};
use super::endpoints::Endpoints;
use super::error::{OpenError, RunError};
use super::fold_again::Started;
use super::live_run::{Leave, LiveRun, Means, OpenedRun, RunEnd, StartRun};
use super::options::{Durability, RuntimeOptions};
use super::ownership::{SignOfLife, verify};
use super::parts::RuntimeParts;
use super::run_fold::RunFold;
use super::run_handle::RunHandle;
use super::snapshots::Snapshots;
use super::system::{System, addressed_child};
use super::toolbox::Toolboxes;
use super::work::Work;
use crate::definition::Definition;

/// How many appends may wait for the journal writer: a few for each of some hundred runs at once.
const JOURNAL_MAILBOX: usize = 4096;

/// What everything in this process shares.
pub(crate) struct Inner {
    pub(crate) options: RuntimeOptions,
    pub(crate) boot: BootId,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) bus: BroadcastBus,
    pub(crate) journal: Address<JournalMsg>,
    pub(crate) failure: WriterFailure,
    faults: Option<Arc<dyn Faults>>,
    pub(crate) calls: CallTable,
    pub(crate) system: System,
    pub(crate) endpoints: Endpoints,
    pub(crate) toolboxes: Toolboxes,
    /// The runs and batches that this process works on.
    pub(crate) live: DashMap<RunId, Option<Work>>,
    /// Runs whose reviews nobody here answers, although somebody is there.
    unattended: DashMap<RunId, ()>,
    pub(crate) sign: SignOfLife,
    /// The tasks that keep them until they rest.
    keepers: TaskTracker,
    is_interrupted: watch::Sender<bool>,
    closed: CancellationToken,
}

/// Opens a data directory and runs scenarios in it. Clones share everything.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

impl Runtime {
    /// Says at intervals that this process is alive.
    pub(super) fn staying_alive(self) -> Self {
        tokio::spawn(keep_alive(Arc::clone(&self.inner)));
        self
    }

    pub(super) async fn start_system(
        options: RuntimeOptions,
        parts: RuntimeParts,
        pool: UserPool,
    ) -> Result<Self, OpenError> {
        let RuntimeParts { boot, store, clock, faults, .. } = parts;
        let bus = BroadcastBus::new();
        let failure: WriterFailure = Arc::new(OnceLock::new());
        let journal = Address::new(JOURNAL_MAILBOX);
        let args = WriterArgs {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            bus: Arc::new(bus.clone()),
            failure: Arc::clone(&failure),
        };
        let make = move |_| (JournalWriter, args.clone());
        let writer = addressed_child("journal", RestartPolicy::permanent(), journal.clone(), make);
        let system = System::start(writer, &clock).await?;
        let pool = Arc::new(pool);
        let endpoints = Endpoints::new(options.clone(), system.models.clone(), Arc::clone(&clock))?;
        let toolboxes =
            Toolboxes::new(system.tools.clone(), pool, Arc::clone(&clock), options.data_dir.clone());
        let sign = SignOfLife::new(Arc::clone(&clock));
        let inner = Arc::new(Inner {
            options,
            boot,
            store,
            clock,
            bus,
            journal,
            failure,
            faults,
            calls: CallTable::default(),
            system,
            endpoints,
            toolboxes,
            live: DashMap::new(),
            unattended: DashMap::new(),
            sign,
            keepers: TaskTracker::new(),
            is_interrupted: watch::Sender::new(false),
            closed: CancellationToken::new(),
        });
        Ok(Self { inner })
    }

    /// Watches what happens in all runs from now on; [`RunHandle::events`] is about one of them, and whole.
    #[must_use]
    pub fn events(&self) -> EventStream {
        self.inner.bus.watch()
    }

    /// Returns read access to all runs and their records.
    #[must_use]
    pub fn journal(&self) -> Arc<dyn JournalRead> {
        Arc::clone(&self.inner.store) as Arc<dyn JournalRead>
    }

    /// Returns the command inbox, through which any process asks something of a run.
    #[must_use]
    pub fn inbox(&self) -> Arc<dyn CommandInbox> {
        Arc::clone(&self.inner.store) as Arc<dyn CommandInbox>
    }

    /// Starts one run of a scenario; it is on record when this returns.
    ///
    /// # Errors
    /// [`RunError`]; `Invalid` before anything was written.
    /// # Cancel safety
    /// Dropping the future does not stop the run from beginning.
    pub async fn start(&self, scenario: Arc<Definition>, start: StartRun) -> Result<RunHandle, RunError> {
        let inner = Arc::clone(&self.inner);
        // A task of its own: whoever calls from `block_on` would pay for waking a worker at every step.
        let begun = tokio::spawn(async move { inner.begin(scenario, start).await });
        begun.await.unwrap_or(Err(RunError::Closing))
    }

    /// Says that nobody here answers what a run asks: it comes to rest instead of waiting, at its coordinator's next look.
    pub fn leave_unattended(&self, run: RunId) {
        self.inner.unattended.insert(run, ());
    }

    /// Asks all runs to stop: no new turns; calls in flight reach their record. Their handles then say `Interrupted`.
    pub fn interrupt(&self) {
        self.inner.is_interrupted.send_replace(true);
    }

    /// Interrupts all runs, waits until each has come to rest (calls in flight get half a minute), stops all actors and
    /// flushes the store. Runs that have not ended can be resumed.
    ///
    /// # Errors
    /// [`RunError::StoreFailed`] if the store has failed, be it at this last moment: what is on record is safe, but what
    /// was under way may have to be resumed.
    pub async fn close(self) -> Result<(), RunError> {
        self.interrupt();
        self.inner.keepers.close();
        // Bounded: every keeper leaves calls that do not end.
        self.inner.keepers.wait().await;
        self.inner.closed.cancel();
        if let Some(root) = self.inner.system.root.cell() {
            self.inner.system.root.send(SupervisorMsg::Shutdown);
            // An error means that it has stopped already.
            let _ = root.wait(None).await;
        }
        let flushed = self.inner.store.flush().await;
        flushed.map_err(|cause| RunError::StoreFailed(with_sources(&cause)))
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

/// Says at intervals that this process is alive.
async fn keep_alive(inner: Arc<Inner>) {
    loop {
        tokio::select! {
            () = inner.clock.sleep(STALE_AFTER / 3) => {}
            () = inner.closed.cancelled() => return,
        }
        let stood_still = !inner.sign.is_fresh();
        let begun = inner.clock.monotonic();
        if let Err(cause) = inner.store.heartbeat().await {
            error!(error = %cause, "heartbeat failed");
            continue;
        }
        if stood_still {
            inner.verify_ownership().await;
        }
        // Last: until then nothing is sent for a run that may be somebody else's.
        inner.sign.renew(begun);
    }
}

impl Inner {
    pub(crate) fn refuse_when_closing(&self) -> Result<(), RunError> {
        if *self.is_interrupted.borrow() { Err(RunError::Closing) } else { Ok(()) }
    }

    /// Tells whether somebody is there who answers what a run asks.
    pub(crate) fn is_attended(&self, run: RunId) -> bool {
        self.options.attended && !self.unattended.contains_key(&run)
    }

    /// Waits until the process is asked to stop.
    pub(crate) async fn interrupted(&self) {
        let mut watcher = self.is_interrupted.subscribe();
        if watcher.wait_for(|is_interrupted| *is_interrupted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Puts runs on record, all in one commit.
    pub(crate) async fn admit(&self, runs: Vec<Admission>) -> Result<(), RunError> {
        let Some(run) = runs.first().map(|admission| admission.row.run) else { return Ok(()) };
        let (reply, answer) = tokio::sync::oneshot::channel();
        let message = JournalMsg::Admit { runs, owner: self.boot, reply: reply.into() };
        self.journal.send_when_free(message).await.map_err(|_| self.lost(run, JournalError::Stopped))?;
        let outcome = answer.await.unwrap_or(Err(JournalError::Stopped));
        outcome.map_err(|source| self.lost(run, source))
    }

    /// Returns the handle with which the actors of a run write; the writer has its log.
    pub(crate) fn run_journal(&self, log: Arc<RunLog>) -> RunJournal {
        RunJournal::new(self.journal.clone(), log).with_faults(self.faults.clone())
    }

    /// Says why the journal took nothing, with the cause that a person can mend if there is one.
    pub(crate) fn lost(&self, run: RunId, source: JournalError) -> RunError {
        match (&source, self.failure.get()) {
            (JournalError::StoreFailed, Some(cause)) => RunError::StoreFailed(with_sources(cause)),
            _ => RunError::Journal { run, source },
        }
    }

    /// Puts a run on record and starts it.
    async fn begin(
        self: Arc<Self>,
        scenario: Arc<Definition>,
        start: StartRun,
    ) -> Result<RunHandle, RunError> {
        self.refuse_when_closing()?;
        // Found before admission: a run that cannot be worked on is not written.
        let means = self.means(&scenario, start.model.as_ref()).await?;
        let first = FirstInput {
            case: None,
            parent: None,
            input: &start.input,
            seed: start.seed,
            model: start.model.as_ref(),
            now: self.clock.now(),
        };
        let admission = admit_run(&scenario, &first)?;
        let (row, log) = (admission.row.clone(), admission.log.clone());
        self.admit(vec![admission]).await?;
        let log = log.ok_or(RunError::Closing)?;
        self.take_up(row.run)?;
        let journal = self.run_journal(log);
        let fold = RunFold::new(&scenario);
        let opened = OpenedRun { definition: scenario, journal, fold, row, epoch: 1, owner_gone_at: None };
        self.launch(opened, means).await
    }

    /// Finds the models and tools of a scenario.
    pub(crate) async fn means(
        &self,
        definition: &Definition,
        model: Option<&ModelName>,
    ) -> Result<Means, RunError> {
        let models = self.endpoints.of(definition, model).await?;
        Ok(Means { models, tools: self.toolboxes.of(definition).await? })
    }

    /// Starts the actors of a run and keeps it until it rests.
    ///
    /// If they cannot be started, the run is given out of our hands again.
    pub(crate) async fn launch(
        self: &Arc<Self>,
        opened: OpenedRun,
        means: Means,
    ) -> Result<RunHandle, RunError> {
        let (run, epoch) = (opened.row.run, opened.epoch);
        let started = match self.start_actors(opened, means).await {
            Ok(started) => started,
            Err(error) => {
                self.let_go(run, epoch, Leave::Release).await;
                return Err(error);
            }
        };
        let (ended, end) = watch::channel(None);
        let inner = Arc::clone(self);
        self.keepers.spawn(async move {
            let end = started.keep(&inner).await;
            ended.send_replace(Some(end));
        });
        Ok(RunHandle::new(run, end, Arc::downgrade(self)))
    }

    /// Runs in memory have nobody who would go on with a snapshot.
    fn snapshots(&self, opened: &OpenedRun) -> Snapshots {
        let store = Arc::clone(&self.store);
        match self.options.durability {
            Durability::Strict => Snapshots::new(store, opened.epoch, opened.fold.clone()),
            Durability::Ephemeral => Snapshots::none(store),
        }
    }

    pub(crate) async fn start_actors(
        self: &Arc<Self>,
        opened: OpenedRun,
        mut means: Means,
    ) -> Result<Started, RunError> {
        let snapshots = self.snapshots(&opened);
        for (agent, model) in replaced_models(&opened) {
            match self.endpoints.named(&opened.definition, &agent, &model).await {
                Ok(found) => drop(means.models.insert(agent, found)),
                // It goes on with the model of the scenario: a run must not hang on a name that somebody chose.
                Err(cause) => error!(run.id = %opened.row.run, error = %cause, "a model cannot be asked"),
            }
        }
        self.endpoints.cassettes.begin(self.store.as_ref(), &opened).await?;
        let live = LiveRun::start(self, opened, means).await?;
        Ok(Started { live, snapshots })
    }

    /// Gives a run that has come to rest out of our hands. One that was lost must look like a crash to its next owner,
    /// and one that has ended needs none.
    pub(crate) async fn close_run(&self, end: &RunEnd, epoch: u64, leave: Leave) {
        let is_set_aside = end.row.status == RunStatus::Quarantined;
        let is_orderly = is_set_aside || matches!(end.rest, RunRest::Interrupted | RunRest::Suspended(_));
        let leave = if is_orderly { leave } else { Leave::Keep };
        self.let_go(end.row.run, epoch, leave).await;
    }

    /// Forgets a run; with `Release` anybody may take it up, as after an orderly end.
    pub(crate) async fn let_go(&self, run: RunId, epoch: u64, leave: Leave) {
        // A writer that has stopped has forgotten the run already.
        let _ = self.journal.send_when_free(JournalMsg::Close { run }).await;
        if leave == Leave::Release
            && let Err(cause) = self.store.release(run, epoch).await
        {
            warn!(run.id = %run, error = %cause, "run could not be released");
        }
        self.endpoints.cassettes.end(run);
        self.live.remove(&run);
    }

    /// Notes that this process works on a run, so that it does so once.
    pub(crate) fn take_up(&self, run: RunId) -> Result<(), RunError> {
        match self.live.entry(run) {
            Entry::Vacant(vacant) => {
                vacant.insert(None);
                Ok(())
            }
            Entry::Occupied(_) => {
                Err(RunError::Invalid(format!("run `{run}` is being worked on in this process already")))
            }
        }
    }

    /// Finds out which runs were taken over while this process stood still.
    async fn verify_ownership(&self) {
        let live: Vec<_> = self
            .live
            .iter()
            .filter_map(|entry| {
                entry.value().as_ref().map(|work| (*entry.key(), work.epoch, Arc::clone(&work.log)))
            })
            .collect();
        for (run, epoch, log) in live {
            verify(&self.store, run, epoch, &log).await;
        }
    }

    /// Tells whether this process works on a run.
    pub(crate) fn is_live(&self, run: RunId) -> bool {
        self.live.contains_key(&run)
    }

    /// Notes that this process does not work on a run after all.
    pub(crate) fn forget(&self, run: RunId) {
        self.live.remove(&run);
    }

    /// Keeps something going until the runtime closes.
    pub(crate) fn keep(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.keepers.spawn(work);
    }
}

/// Returns the models that agents were given in the course of the run, in place of those of the scenario.
fn replaced_models(opened: &OpenedRun) -> BTreeMap<AgentName, ModelName> {
    let agents = opened.definition.agents.iter().map(|agent| &agent.name);
    opened.journal.log().facts(|facts| {
        agents.filter_map(|agent| Some((agent.clone(), facts.replaced_model(agent)?.clone()))).collect()
    })
}

/// Returns an error's text with those of its causes.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
