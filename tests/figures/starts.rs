//! A storm of starts that fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use playhouse_journal::ExitKind;
use playhouse_runtime::{
    Bound, ChildSpec, RestartPolicy, StartChild, Strategy, Supervisor, SupervisorArgs, SupervisorMsg,
    SupervisorObserver, SystemClock,
};
use playhouse_types::Incarnation;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::percentile::p99;

/// What a supervisor did about children that panic at start.
#[derive(Clone, Copy, Debug)]
pub struct FailedStarts {
    /// How many children there were.
    pub n_children: usize,
    /// How many of them were given up exactly once.
    pub n_escalated_once: usize,
    /// How long the supervisor took to say what its children do: the 99th of 100.
    pub admin: Duration,
    /// How many such calls there were.
    pub n_calls: usize,
    /// From the first start to the last escalation, with the waits between restarts.
    pub took: Duration,
}

struct PanicsAtStart;

impl Actor for PanicsAtStart {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        // Without the panic hook: planned panics need no backtraces.
        std::panic::resume_unwind(Box::new("as planned"))
    }
}

#[derive(Default)]
struct Escalations(Mutex<BTreeMap<String, usize>>);

impl SupervisorObserver for Escalations {
    fn exited(&self, _: &str, _: Incarnation, _: ExitKind, _: String) -> BoxFuture<'static, ()> {
        futures::future::ready(()).boxed()
    }

    fn escalated(&self, child: &str, _: Bound, _: String) -> BoxFuture<'static, ()> {
        *self.0.lock().unwrap().entry(child.to_owned()).or_default() += 1;
        futures::future::ready(()).boxed()
    }
}

fn child(number: usize) -> ChildSpec {
    let start: StartChild = Arc::new(|start| {
        async move {
            let spawned = Actor::spawn_linked(None, PanicsAtStart, (), start.supervisor).await;
            spawned.map(|(actor, _)| actor.get_cell()).map_err(|error| error.to_string().into())
        }
        .boxed()
    });
    ChildSpec::worker(format!("child {number}"), RestartPolicy::default(), start)
}

/// Starts `n_children` actors that panic at start, with the default restarts, and asks their supervisor all the time.
///
/// # Panics
/// If the supervisor cannot be started or ends.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "real time is measured")]
pub fn failed_starts(n_children: usize) -> FailedStarts {
    let executor = playhouse::async_runtime().unwrap();
    executor.block_on(async {
        let escalations = Arc::new(Escalations::default());
        let args = SupervisorArgs {
            strategy: Strategy::OneForOne,
            intensity: None,
            children: (0..n_children).map(child).collect(),
            observer: Arc::clone(&escalations) as Arc<dyn SupervisorObserver>,
            clock: Arc::new(SystemClock::new()),
        };
        let began = Instant::now();
        let (supervisor, _) = Actor::spawn(None, Supervisor, args).await.unwrap();
        let mut calls = Vec::new();
        while escalations.0.lock().unwrap().len() < n_children {
            let asked = Instant::now();
            let (reply, answer) = tokio::sync::oneshot::channel();
            supervisor.send_message(SupervisorMsg::Children { reply: reply.into() }).unwrap();
            assert_eq!(answer.await.unwrap().len(), n_children);
            calls.push(asked.elapsed());
            tokio::task::yield_now().await;
        }
        let took = began.elapsed();
        supervisor.stop(None);
        let n_escalated_once = escalations.0.lock().unwrap().values().filter(|count| **count == 1).count();
        let n_calls = calls.len();
        FailedStarts { n_children, n_escalated_once, admin: p99(calls), n_calls, took }
    })
}
