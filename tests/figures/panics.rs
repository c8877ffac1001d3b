//! Messages to an agent that panics.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;

use playhouse::prelude::*;
use playhouse::{Definition, Event, RunRest, Runtime, RuntimeOptions, RuntimeParts};
use playhouse_journal::Kind;
use playhouse_messages::Moment;
use playhouse_storage::MemoryStore;
use playhouse_types::{BootId, Seq, Timestamp, TurnOutcome};

use super::talk::{Act, ActingFaults, start, talk};

/// What became of messages to an agent that panics.
#[derive(Clone, Debug)]
pub struct PanickingAgent {
    /// Turns that the agent was given.
    pub n_turns: usize,
    /// Of these, turns that ended with its reply.
    pub n_replied: usize,
    /// How often it crashed, as the journal says.
    pub n_crashes: usize,
    /// How the run ended, in the journal's words.
    pub outcome: String,
}

/// Gives `n_turns` turns to agents that panic once in every `every`-th, in simulated time and in memory.
///
/// # Panics
/// If the run cannot be started or read.
#[must_use]
pub fn panicking_agent(n_turns: u32, every: u32) -> PanickingAgent {
    let panicked: Mutex<BTreeSet<u32>> = Mutex::default();
    let is_due = move |turn: u32| turn.is_multiple_of(every) && panicked.lock().unwrap().insert(turn);
    run(&talk("panicking", n_turns, "Go on."), is_due)
}

/// Gives a turn to an agent that always panics, with the default restarts, in simulated time and in memory.
///
/// # Panics
/// If the run cannot be started or read.
#[must_use]
pub fn always_panicking_agent() -> PanickingAgent {
    let mut scenario = Scenario::<String, String>::builder("always-panicking");
    let host = scenario.agent("host", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "Hello."));
    scenario.crew(RoundRobin::new(), [&host]).until(turns(1));
    run(&scenario.build().unwrap().definition(), |_| true)
}

fn run(scenario: &Arc<Definition>, is_due: impl Fn(u32) -> bool + Send + Sync + 'static) -> PanickingAgent {
    let faults = ActingFaults(move |_, moment: Moment<'_>| match moment {
        Moment::Before([record]) if record.key.kind == Kind::ModelIntent && is_due(record.key.turn.0) => {
            Act::Panic
        }
        _ => Act::GoOn,
    });
    let boot = BootId::from_u128(1);
    let executor =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    executor.block_on(async {
        let parts = RuntimeParts::new(boot, Arc::new(MemoryStore::new(boot)));
        let parts = parts.simulated(Timestamp(0)).with_faults(Arc::new(faults));
        let runtime = Runtime::open_over(RuntimeOptions::ephemeral(), parts).await.unwrap();
        let handle = start(&runtime, scenario).await;
        let run = handle.run;
        let end = handle.finished().await.unwrap();
        let RunRest::Concluded(outcome) = end.rest else { panic!("{:?}", end.rest) };
        let records = runtime.journal().records(run, Seq(0), usize::MAX).await.unwrap();
        runtime.close().await.unwrap();
        let count =
            |is_meant: fn(&Event) -> bool| records.iter().filter(|record| is_meant(&record.event)).count();
        PanickingAgent {
            n_turns: count(|event| matches!(event, Event::TurnAssigned { .. })),
            n_replied: count(|event| matches!(event, Event::TurnEnded { outcome: TurnOutcome::Replied, .. })),
            n_crashes: count(|event| matches!(event, Event::ActorFailed { .. })),
            outcome: format!("{:?}: {}", outcome.kind, outcome.detail),
        }
    })
}
