use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use playhouse_coordinator::RunRest;
use playhouse_journal::{Event, Kind};
use playhouse_messages::{Faults, Moment};
use playhouse_storage::MemoryStore;
use playhouse_types::{BootId, OutcomeKind, RunId, RunStatus, Seq, Timestamp};

use crate::host::{Runtime, RuntimeOptions, RuntimeParts, StartRun};
use crate::prelude::{ModelRequest, RoundRobin, Scenario, ScriptContext, turns};

/// Crashes every agent three times at its first question: as often as it may alone.
#[derive(Default)]
struct ThreeCrashesEach(Mutex<BTreeMap<u32, usize>>);

impl Faults for ThreeCrashesEach {
    fn reached(&self, _: RunId, moment: Moment<'_>) -> BoxFuture<'static, ()> {
        if let Moment::Before([record]) = moment
            && record.key.kind == Kind::ModelIntent
        {
            let n_crashes = {
                let mut crashes = self.0.lock().unwrap();
                let n_crashes = crashes.entry(record.key.turn.0).or_default();
                *n_crashes += 1;
                *n_crashes
            };
            if n_crashes <= 3 {
                // Without the panic hook: planned panics need no backtraces.
                std::panic::resume_unwind(Box::new("as planned"));
            }
        }
        futures::future::ready(()).boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn s13_a_run_whose_actors_fail_too_often_together_is_set_aside() {
    let mut scenario = Scenario::<String, String>::builder("fragile").about("Crashes");
    let crew = ["ann", "ben", "cid", "dot"].map(|name| {
        scenario.agent(name, |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "Hello."))
    });
    scenario.crew(RoundRobin::new(), &crew).until(turns(4));
    let definition = scenario.build().unwrap().definition();
    let boot = BootId::from_u128(1);
    let parts = RuntimeParts::new(boot, Arc::new(MemoryStore::new(boot))).simulated(Timestamp(0));
    let parts = parts.with_faults(Arc::new(ThreeCrashesEach::default()));
    let runtime = Runtime::open_over(RuntimeOptions::ephemeral(), parts).await.unwrap();
    let start = StartRun { input: "\"Begin.\"".to_owned(), seed: 1, model: None };
    let handle = runtime.start(definition, start).await.unwrap();
    let end = handle.finished().await.unwrap();

    let why = "all actors were given up, `dot` failed last: it and its siblings failed more than 10 times";
    let RunRest::Concluded(outcome) = &end.rest else { panic!("{:?}", end.rest) };
    assert_eq!(outcome.kind, OutcomeKind::Quarantined);
    assert!(outcome.detail.starts_with(why), "{outcome:?}");
    assert_eq!(end.row.status, RunStatus::Quarantined);
    let records = runtime.journal().records(end.row.run, Seq(0), 1_000).await.unwrap();
    let count = |kind| records.iter().filter(|record| record.key.kind == kind).count();
    assert_eq!((count(Kind::ActorFailed), count(Kind::ActorGivenUp)), (11, 0));
    let set_aside = records.iter().find_map(|record| match &record.event {
        Event::Quarantined { reason } => Some(reason),
        _ => None,
    });
    assert_eq!(set_aside, Some(&outcome.detail));
    runtime.close().await.unwrap();
}
