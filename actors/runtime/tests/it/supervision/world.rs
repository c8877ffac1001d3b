//! Children that do as they are told, and a log of what is seen of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_journal::ExitKind;
use playhouse_messages::Clock;
use playhouse_runtime::{
    AdminError, Backoff, Bound, ChildCounts, ChildSpec, NotStarted, Phase, RestartPolicy, StartArgs,
    StartChild, Strategy, Supervisor, SupervisorArgs, SupervisorMsg, SupervisorObserver, SystemClock,
};
use playhouse_types::Incarnation;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort};

/// What a child is told to do.
pub(crate) enum Order {
    Panic,
    /// Panic with something that is not a text.
    PanicWithNumber,
    Fail,
    /// End as it should.
    End,
    /// Be busy.
    Wait(Duration),
    Hang,
    /// Leave its supervisor.
    Unlink,
    Ping(RpcReplyPort<()>),
}

/// How a start goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Plan {
    Run,
    Fail,
    Panic,
    /// Panic in the actor's own start.
    PanicInside,
    PanicWithNumber,
    Hang,
    Disabled,
    /// Start, and panic in the first moment.
    Doomed,
}

struct Child {
    name: String,
    incarnation: u32,
    plan: Plan,
    world: World,
}

impl Actor for Child {
    type Msg = Order;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Order>, (): ()) -> Result<(), ActorProcessingErr> {
        match self.plan {
            Plan::PanicInside => panic!("inside"),
            Plan::Doomed => Ok(myself.send_message(Order::Panic)?),
            _ => Ok(()),
        }
    }

    async fn handle(
        &self,
        myself: ActorRef<Order>,
        order: Order,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match order {
            Order::Panic => panic!("as told"),
            Order::PanicWithNumber => std::panic::panic_any(7_u32),
            Order::Fail => return Err("as told".into()),
            Order::End => myself.stop(None),
            Order::Wait(duration) => self.world.clock.sleep(duration).await,
            Order::Hang => std::future::pending().await,
            Order::Unlink => {
                if let Some(supervisor) = myself.try_get_supervisor() {
                    myself.unlink(supervisor);
                }
            }
            Order::Ping(reply) => reply.send(())?,
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Order>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        self.world.note(format!("stop {}{}", self.name, self.incarnation));
        Ok(())
    }
}

/// What a world holds.
#[derive(Default)]
struct Things {
    log: Vec<String>,
    reasons: Vec<String>,
    bounds: Vec<Bound>,
    actors: HashMap<String, ActorRef<Order>>,
    supervisors: HashMap<String, ActorRef<SupervisorMsg>>,
}

/// The children and the log of one test. Time is simulated: it passes when there is nothing else to do.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: SystemClock,
    things: Arc<Mutex<Things>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { clock: SystemClock::new(), things: Arc::default() }
    }

    pub(crate) fn note(&self, line: String) {
        self.things.lock().unwrap().log.push(line);
    }

    /// Takes out what was seen since the last call.
    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.things.lock().unwrap().log)
    }

    /// Takes out the reasons of exits and escalations.
    pub(crate) fn reasons(&self) -> Vec<String> {
        std::mem::take(&mut self.things.lock().unwrap().reasons)
    }

    /// Takes out the bounds of escalations.
    pub(crate) fn bounds(&self) -> Vec<Bound> {
        std::mem::take(&mut self.things.lock().unwrap().bounds)
    }

    /// Returns the simulated time.
    pub(crate) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Lets all work of this moment end.
    pub(crate) async fn settle(&self) {
        self.clock.sleep(Duration::from_millis(1)).await;
    }

    pub(crate) async fn pass(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }

    /// Returns the newest incarnation of a child.
    pub(crate) fn child(&self, name: &str) -> ActorRef<Order> {
        self.things.lock().unwrap().actors.get(name).unwrap().clone()
    }

    pub(crate) fn supervisor(&self, name: &str) -> ActorRef<SupervisorMsg> {
        self.things.lock().unwrap().supervisors.get(name).unwrap().clone()
    }

    pub(crate) async fn tell(&self, name: &str, order: Order) {
        self.child(name).send_message(order).unwrap();
        self.settle().await;
    }

    /// Describes a transient child that starts every time.
    pub(crate) fn spec(&self, name: &str) -> ChildSpec {
        self.planned(name, |_| Plan::Run)
    }

    /// Describes a child whose starts go as planned for each incarnation.
    pub(crate) fn planned(
        &self,
        name: &str,
        plan: impl Fn(u32) -> Plan + Send + Sync + 'static,
    ) -> ChildSpec {
        let (world, own_name, plan) = (self.clone(), name.to_owned(), Arc::new(plan));
        let start: StartChild = Arc::new(move |start| {
            let (world, name, plan) = (world.clone(), own_name.clone(), plan(start.incarnation.0));
            Box::pin(world.start(name, plan, start))
        });
        ChildSpec::worker(name, at_once(), start)
    }

    async fn start(self, name: String, plan: Plan, start: StartArgs) -> Result<ActorCell, NotStarted> {
        let incarnation = start.incarnation.0;
        self.note(format!("start {name}{incarnation}"));
        match plan {
            Plan::Fail => return Err(NotStarted::Failed("not yet".to_owned())),
            Plan::Panic => panic!("at the start"),
            Plan::PanicWithNumber => std::panic::panic_any(7_u32),
            Plan::Hang => std::future::pending().await,
            Plan::Disabled => return Err(NotStarted::Disabled),
            Plan::Run | Plan::PanicInside | Plan::Doomed => {}
        }
        let child = Child { name: name.clone(), incarnation, plan, world: self.clone() };
        let spawned = Actor::spawn_linked(None, child, (), start.supervisor).await;
        let (actor, _) = spawned.map_err(|error| error.to_string())?;
        self.things.lock().unwrap().actors.insert(name, actor.clone());
        Ok(actor.get_cell())
    }

    pub(crate) fn args(&self, strategy: Strategy, children: Vec<ChildSpec>) -> SupervisorArgs {
        let (observer, clock) = (Arc::new(self.clone()), Arc::new(self.clock));
        SupervisorArgs { strategy, intensity: None, children, observer, clock }
    }

    /// Describes a supervisor below another.
    pub(crate) fn supervisor_spec(&self, name: &str, args: SupervisorArgs) -> ChildSpec {
        let (world, own_name) = (self.clone(), name.to_owned());
        let start: StartChild = Arc::new(move |start| {
            let (world, name, args) = (world.clone(), own_name.clone(), args.clone());
            Box::pin(async move {
                world.note(format!("start {name}{}", start.incarnation.0));
                let spawned = Actor::spawn_linked(None, Supervisor, args, start.supervisor).await;
                let (actor, _) = spawned.map_err(|error| error.to_string())?;
                world.things.lock().unwrap().supervisors.insert(name, actor.clone());
                Ok(actor.get_cell())
            })
        });
        ChildSpec::supervisor(name, at_once(), start)
    }

    /// Starts a supervisor and lets its children start.
    pub(crate) async fn supervise(&self, args: SupervisorArgs) -> Stage {
        let (supervisor, _) = Actor::spawn(None, Supervisor, args).await.unwrap();
        self.settle().await;
        Stage { supervisor }
    }

    /// Starts a supervisor of children that start every time.
    pub(crate) async fn run(&self, strategy: Strategy, names: &[&str]) -> Stage {
        let children = names.iter().map(|name| self.spec(name)).collect();
        let stage = self.supervise(self.args(strategy, children)).await;
        self.log();
        stage
    }
}

impl SupervisorObserver for World {
    fn exited(
        &self,
        child: &str,
        incarnation: Incarnation,
        exit: ExitKind,
        reason: String,
    ) -> BoxFuture<'static, ()> {
        let (world, line) = (self.clone(), format!("exit {child}{} {exit:?}", incarnation.0));
        Box::pin(async move {
            world.note(line);
            world.things.lock().unwrap().reasons.push(reason);
        })
    }

    fn escalated(&self, child: &str, bound: Bound, reason: String) -> BoxFuture<'static, ()> {
        let (world, line) = (self.clone(), format!("escalate {child}"));
        self.things.lock().unwrap().bounds.push(bound);
        Box::pin(async move {
            world.note(line);
            world.things.lock().unwrap().reasons.push(reason);
        })
    }
}

/// A policy without waits, for tests about something else.
pub(crate) fn at_once() -> RestartPolicy {
    let backoff = Backoff { first: Duration::ZERO, max: Duration::ZERO, jitter: 0.0 };
    RestartPolicy::transient().backoff(backoff)
}

/// A policy that always waits so long before the second restart in a row and later.
pub(crate) fn waits(wait: Duration) -> RestartPolicy {
    RestartPolicy::transient().backoff(Backoff { first: wait, max: wait, jitter: 0.0 })
}

/// A running supervisor, asked as an operator would.
pub(crate) struct Stage {
    pub(crate) supervisor: ActorRef<SupervisorMsg>,
}

impl Stage {
    async fn admin(
        &self,
        make: impl FnOnce(RpcReplyPort<Result<(), AdminError>>) -> SupervisorMsg,
    ) -> Result<(), AdminError> {
        ractor::call!(self.supervisor, make).unwrap()
    }

    pub(crate) async fn add(&self, spec: ChildSpec) -> Result<(), AdminError> {
        self.admin(|reply| SupervisorMsg::Add { spec, reply }).await
    }

    pub(crate) async fn restart(&self, child: &str) -> Result<(), AdminError> {
        self.admin(|reply| SupervisorMsg::Restart { child: child.into(), reply }).await
    }

    pub(crate) async fn terminate(&self, child: &str) -> Result<(), AdminError> {
        self.admin(|reply| SupervisorMsg::Terminate { child: child.into(), reply }).await
    }

    pub(crate) async fn remove(&self, child: &str) -> Result<(), AdminError> {
        self.admin(|reply| SupervisorMsg::Remove { child: child.into(), reply }).await
    }

    pub(crate) async fn phases(&self) -> Vec<(String, Phase)> {
        let children = ractor::call!(self.supervisor, |reply| SupervisorMsg::Children { reply }).unwrap();
        children.into_iter().map(|child| (child.name.to_string(), child.phase)).collect()
    }

    pub(crate) async fn phase(&self, name: &str) -> Option<Phase> {
        self.phases().await.into_iter().find(|(known, _)| known == name).map(|(_, phase)| phase)
    }

    pub(crate) async fn counts(&self) -> ChildCounts {
        ractor::call!(self.supervisor, |reply| SupervisorMsg::Counts { reply }).unwrap()
    }

    pub(crate) async fn shutdown(&self) {
        self.supervisor.send_message(SupervisorMsg::Shutdown).unwrap();
        self.supervisor.wait(None).await.unwrap();
    }
}
