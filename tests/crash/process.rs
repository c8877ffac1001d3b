//! A process: an async runtime of one thread in simulated time.

use std::sync::Arc;
use std::time::Duration;

use playhouse::{Resumed, RunEnd, RunError, Runtime, RuntimeOptions, RuntimeParts, StartRun};
use playhouse_messages::Clock;
use playhouse_runtime::SystemClock;
use playhouse_storage::{MemoryStore, Store};

use super::crews::ReferenceCrew;
use super::plan::{Act, PlannedFaults, Seen};
use super::point::{Moment, StoreTrouble};
use super::world::World;
use crate::faulty_store::{End, FaultyStore, StoreFault};

/// After how much simulated time a process that has not come to rest hangs. Longer than all waits of a recovery.
const HANGS_AFTER: Duration = Duration::from_secs(1800);

/// What goes wrong in a process.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Plan {
    pub(super) append: Option<(Moment, u64, Act)>,
    pub(super) commit: Option<(u64, StoreTrouble)>,
    /// The seed of a store that fails by chance.
    pub(super) seed: Option<u64>,
}

/// How a process ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The run came to rest in it.
    Rested(Box<RunEnd>),
    /// The run did not begin or go on.
    Refused(RunError),
    /// It was ended as planned.
    Stopped,
    /// Nothing happens any more.
    Hung,
}

/// What is known of a process that has ended.
pub(super) struct Past {
    pub(super) ended: Ended,
    pub(super) seen: Seen,
    pub(super) n_commits: u64,
    pub(super) n_after_failure: u64,
}

/// Begins the run, or goes on with it, until it rests or the process ends.
pub(super) fn process(world: &World, crew: ReferenceCrew, plan: Plan) -> Past {
    let (boot, memory) = world.boot();
    let end = End::default();
    let faults = Arc::new(PlannedFaults::new(plan.append, end.clone()));
    let mut store = FaultyStore::new(Arc::clone(&memory) as Arc<dyn Store>, end.clone());
    if let Some((n, trouble)) = plan.commit {
        store = store.with(n, fault(trouble, world, &memory));
    }
    if let Some(seed) = plan.seed {
        store = store.seeded(seed, 4);
    }
    let store = Arc::new(store);
    let executor =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let ended = executor.block_on(async {
        let clock = SystemClock::new();
        let parts = RuntimeParts::new(boot, Arc::clone(&store) as Arc<dyn Store>)
            .simulated(world.now())
            .with_faults(Arc::clone(&faults) as Arc<_>);
        let work = async {
            let runtime = Runtime::open_over(RuntimeOptions::ephemeral(), parts).await.unwrap();
            let outcome = settle(&runtime, world, crew).await;
            runtime.close().await.unwrap();
            match outcome {
                Ok(end) => Ended::Rested(Box::new(end)),
                Err(error) => Ended::Refused(error),
            }
        };
        let ended = tokio::select! {
            biased;
            () = end.wait() => Ended::Stopped,
            ended = work => ended,
            () = clock.sleep(HANGS_AFTER) => Ended::Hung,
        };
        world.pass(clock.monotonic());
        ended
    });
    // Waits for user code that has begun: its effect landed before the end.
    drop(executor);
    memory.kill();
    Past {
        ended,
        seen: faults.seen(),
        n_commits: store.n_commits(),
        n_after_failure: store.n_after_failure(),
    }
}

async fn settle(runtime: &Runtime, world: &World, crew: ReferenceCrew) -> Result<RunEnd, RunError> {
    let definition = crew.definition(&world.ledger);
    let handle = match world.row() {
        None => {
            let start = StartRun { input: "\"Begin.\"".to_owned(), seed: 1, model: None };
            runtime.start(definition, start).await?
        }
        Some(row) => {
            let find = move |_: &_, _: &str| Ok(Arc::clone(&definition));
            match runtime.resume(row.run, &find, false).await? {
                Resumed::Run(handle) => handle,
                Resumed::Settled(end) => return Ok(*end),
                Resumed::Batch(_) => unreachable!("no crew is a batch"),
            }
        }
    };
    handle.finished().await
}

fn fault(trouble: StoreTrouble, world: &World, memory: &Arc<MemoryStore>) -> StoreFault {
    match trouble {
        StoreTrouble::Fail => StoreFault::Fail,
        StoreTrouble::CommitThenFail => StoreFault::CommitThenFail,
        StoreTrouble::Full => StoreFault::Full,
        // Shorter than a call may wait for its intent.
        StoreTrouble::Slow => StoreFault::Slow(Duration::from_secs(20)),
        StoreTrouble::Stop => StoreFault::Stop,
        StoreTrouble::CommitThenStop => StoreFault::CommitThenStop,
        StoreTrouble::Fence => {
            let (world, memory) = (world.clone(), Arc::clone(memory));
            StoreFault::Fence(Arc::new(move |run| world.take_for_another(&memory, run)))
        }
    }
}
