//! The system supervisor and the supervisors below it.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use playhouse_journal::ExitKind;
use playhouse_messages::{Address, Clock, Mail};
use playhouse_runtime::{
    Bound, ChildSpec, RestartPolicy, StartChild, Strategy, Supervisor, SupervisorArgs, SupervisorMsg,
    SupervisorObserver,
};
use playhouse_types::Incarnation;
use ractor::{Actor, ActorCell, ActorRef};
use tracing::error;

use super::error::OpenError;

/// Reaches the current incarnation of a supervisor.
#[derive(Clone, Debug, Default)]
pub(crate) struct SupervisorRef {
    current: Arc<RwLock<Option<ActorRef<SupervisorMsg>>>>,
    /// The children that were added: the next incarnation begins with them.
    added: Arc<Mutex<Vec<ChildSpec>>>,
}

impl SupervisorRef {
    fn set(&self, actor: ActorRef<SupervisorMsg>) {
        // A poisoned lock holds a whole pointer all the same.
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(actor);
    }

    /// Returns the current incarnation, to which actors can be linked.
    pub(crate) fn cell(&self) -> Option<ActorCell> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(ActorRef::get_cell)
    }

    pub(crate) fn send(&self, message: SupervisorMsg) {
        if let Some(actor) = &*self.current.read().unwrap_or_else(PoisonError::into_inner) {
            // A supervisor that is being restarted starts its eager children itself.
            let _ = actor.send_message(message);
        }
    }

    /// Adds a child and waits for its first start.
    pub(crate) async fn add(&self, spec: ChildSpec) -> Result<(), OpenError> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.send(SupervisorMsg::Add { spec: spec.clone(), reply: reply.into() });
        match answer.await {
            Ok(outcome) => outcome.map_err(|error| OpenError::NotStarted(error.to_string()))?,
            Err(_) => return Err(OpenError::NotStarted("the supervisor has stopped".to_owned())),
        }
        self.added.lock().unwrap_or_else(PoisonError::into_inner).push(spec);
        Ok(())
    }

    /// Returns the children that were added to any incarnation.
    fn added(&self) -> Vec<ChildSpec> {
        self.added.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Logs exits of system actors: they belong to no run's journal.
struct LogExits;

impl SupervisorObserver for LogExits {
    fn exited(
        &self,
        child: &str,
        incarnation: Incarnation,
        exit: ExitKind,
        reason: String,
    ) -> futures::future::BoxFuture<'static, ()> {
        error!(child, incarnation = incarnation.0, exit = ?exit, reason, "system actor ended");
        Box::pin(async {})
    }

    fn escalated(&self, child: &str, _: Bound, reason: String) -> futures::future::BoxFuture<'static, ()> {
        error!(child, reason, "system actor failed too often, a restart of the process is needed");
        Box::pin(async {})
    }
}

/// The supervisors of a process.
#[derive(Clone, Debug)]
pub(crate) struct System {
    pub(crate) root: SupervisorRef,
    pub(crate) models: SupervisorRef,
    pub(crate) tools: SupervisorRef,
    pub(crate) runs: SupervisorRef,
}

impl System {
    /// Starts the tree around the journal writer, in the order in which each depends on those before it.
    pub(crate) async fn start(journal: ChildSpec, clock: &Arc<dyn Clock>) -> Result<Self, OpenError> {
        let root = SupervisorRef::default();
        let args = supervisor_args(Strategy::RestForOne, clock);
        let spawned = Actor::spawn(None, Supervisor, args).await;
        let (actor, _) = spawned.map_err(|error| OpenError::NotStarted(error.to_string()))?;
        root.set(actor);
        root.add(journal).await?;
        let system = Self {
            root,
            models: SupervisorRef::default(),
            tools: SupervisorRef::default(),
            runs: SupervisorRef::default(),
        };
        for (name, slot) in [("models", &system.models), ("tools", &system.tools), ("runs", &system.runs)] {
            system.root.add(supervisor_spec(name, slot.clone(), clock)).await?;
        }
        Ok(system)
    }
}

fn supervisor_args(strategy: Strategy, clock: &Arc<dyn Clock>) -> SupervisorArgs {
    SupervisorArgs {
        strategy,
        intensity: None,
        children: Vec::new(),
        observer: Arc::new(LogExits),
        clock: Arc::clone(clock),
    }
}

fn supervisor_spec(name: &str, slot: SupervisorRef, clock: &Arc<dyn Clock>) -> ChildSpec {
    let args = supervisor_args(Strategy::OneForOne, clock);
    let start: StartChild = Arc::new(move |start| {
        let (args, slot) = (SupervisorArgs { children: slot.added(), ..args.clone() }, slot.clone());
        Box::pin(async move {
            let spawned = Actor::spawn_linked(None, Supervisor, args, start.supervisor).await;
            let (actor, _) = spawned.map_err(|error| error.to_string())?;
            slot.set(actor.clone());
            Ok(actor.get_cell())
        })
    });
    ChildSpec::supervisor(name, RestartPolicy::permanent(), start)
}

/// Describes an actor that is reached by an address.
pub(crate) fn addressed_child<A, M>(
    name: &str,
    policy: RestartPolicy,
    address: Address<M>,
    make: impl Fn(Incarnation) -> (A, A::Arguments) + Send + Sync + 'static,
) -> ChildSpec
where
    A: Actor<Msg = Mail<M>>,
    M: Send + 'static,
{
    let make = Arc::new(make);
    let start: StartChild = Arc::new(move |start| {
        let address = address.clone();
        let (actor, args) = make(start.incarnation);
        Box::pin(async move {
            let spawned = Actor::spawn_linked(None, actor, args, start.supervisor).await;
            let (actor, _) = spawned.map_err(|error| error.to_string())?;
            address.slot().set(Some(actor.clone()));
            Ok(actor.get_cell())
        })
    });
    ChildSpec::worker(name, policy, start)
}
