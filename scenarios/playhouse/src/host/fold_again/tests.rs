use std::sync::Arc;
use std::time::Duration;

use playhouse_coordinator::RunRest;
use playhouse_storage::MemoryStore;
use playhouse_types::{BootId, OutcomeKind, RunOutcome, Timestamp};

use crate::definition::Definition;
use crate::host::{Runtime, RuntimeOptions, RuntimeParts, StartRun};
use crate::prelude::{ModelRequest, RoundRobin, Scenario, ScriptContext, ScriptReply, turns};

/// Two agents who take a tenth of a second for each of eight turns.
fn slow_talk() -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("slow-talk").about("Talks slowly");
    let speakers = ["ann", "ben"].map(|name| {
        scenario.agent(name, |agent| {
            agent.script(|request: &ModelRequest, _: &ScriptContext| {
                let text = format!("{} in turn {}", request.agent, request.turn);
                ScriptReply::say(text).after(Duration::from_millis(100))
            })
        })
    });
    scenario.crew(RoundRobin::new(), &speakers).until(turns(8));
    scenario.build().unwrap().definition()
}

/// Runs the talk in simulated time; the journal writer is killed after each of `kills` of its duration.
fn talk(kills: &[Duration]) -> (RunRest, Vec<String>) {
    let executor =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    executor.block_on(async {
        let boot = BootId::from_u128(1);
        let parts = RuntimeParts::new(boot, Arc::new(MemoryStore::new(boot))).simulated(Timestamp(0));
        let runtime = Runtime::open_over(RuntimeOptions::ephemeral(), parts).await.unwrap();
        let start = StartRun { input: "\"Begin.\"".to_owned(), seed: 1, model: None };
        let handle = runtime.start(slow_talk(), start).await.unwrap();
        let run = handle.run;
        for after in kills {
            runtime.inner.clock.sleep(*after).await;
            runtime.inner.journal.current().unwrap().kill();
        }
        let end = handle.finished().await.unwrap();
        let records = runtime.journal().records(run, playhouse_types::Seq(0), 1_000).await.unwrap();
        let conversation = crate::Conversation::fold(&records);
        let said = conversation.messages().iter().map(|message| message.content.clone()).collect();
        runtime.close().await.unwrap();
        (end.rest, said)
    })
}

fn concluded() -> RunRest {
    RunRest::Concluded(RunOutcome { kind: OutcomeKind::Concluded, detail: "8 turns were taken".to_owned() })
}

#[test]
fn a_crash_of_the_journal_writer_changes_nothing_but_time() {
    let (rest, undisturbed) = talk(&[]);
    assert_eq!((rest, undisturbed.len()), (concluded(), 9));
    for millis in [1, 50, 150, 430, 799] {
        let (rest, said) = talk(&[Duration::from_millis(millis)]);
        assert_eq!((rest, said), (concluded(), undisturbed.clone()), "killed after {millis} ms");
    }
}

#[test]
fn a_run_survives_several_crashes_of_the_journal_writer() {
    let (_, undisturbed) = talk(&[]);
    let (rest, said) = talk(&[Duration::from_millis(250), Duration::from_secs(2)]);
    assert_eq!((rest, said), (concluded(), undisturbed));
}
