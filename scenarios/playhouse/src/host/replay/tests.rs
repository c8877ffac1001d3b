use std::sync::Arc;

use playhouse_coordinator::{ConversationView, Pattern, PatternDecision};
use playhouse_journal::{Event, Record};
use playhouse_messages::RunLog;
use playhouse_storage::Snapshot;
use playhouse_types::Seq;

use super::snapshot_fault;
use crate::definition::Definition;
use crate::host::run_fold::RunFold;
use crate::host::{Runtime, RuntimeOptions, StartRun};
use crate::prelude::{ModelRequest, RoundRobin, Scenario, ScriptContext, turns};
use crate::replay::Cast;

fn definition() -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("talk");
    let agents = ["ann", "ben"].map(|name| {
        scenario.agent(name, |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "Hello."))
    });
    scenario.crew(RoundRobin::new(), &agents).until(turns(2));
    scenario.build().unwrap().definition()
}

async fn real_run(definition: &Arc<Definition>) -> Vec<Arc<Record>> {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let start = StartRun { input: "\"go\"".to_owned(), seed: 0, model: None };
    let handle = runtime.start(Arc::clone(definition), start).await.unwrap();
    let run = handle.run;
    let _ = handle.finished().await.unwrap();
    let records = runtime.journal().records(run, Seq(0), 1_000).await.unwrap();
    runtime.close().await.unwrap();
    records.into_iter().map(Arc::new).collect()
}

fn snapshot_of(definition: &Definition, records: &[Arc<Record>]) -> Snapshot {
    let (log, mut fold) = (RunLog::new(records[0].run), RunFold::new(definition));
    for record in records {
        log.push(Arc::clone(record));
        fold.apply(record);
    }
    fold.to_snapshot(&log).unwrap()
}

#[tokio::test]
async fn a_snapshot_that_was_written_after_the_records_were_read_is_not_compared() {
    let definition = definition();
    let records = real_run(&definition).await;
    let cast = Cast { definition: Arc::clone(&definition), tools: Arc::default() };
    for n_records in 1..=records.len() {
        let snapshot = snapshot_of(&definition, &records[..n_records]);
        for n_read in 0..=records.len() {
            assert_eq!(snapshot_fault(&cast, &records[..n_read], &snapshot), None, "{n_records} {n_read}");
        }
    }
}

#[tokio::test]
async fn a_snapshot_that_is_not_what_the_records_lead_to_is_found() {
    let definition = definition();
    let records = real_run(&definition).await;
    let cast = Cast { definition: Arc::clone(&definition), tools: Arc::default() };
    let mut others: Vec<Record> = records.iter().map(|record| Record::clone(record)).collect();
    for record in &mut others {
        if let Event::MessagePosted { message } = &mut record.event {
            message.content.push('!');
        }
    }
    let others: Vec<_> = others.into_iter().map(Arc::new).collect();
    let snapshot = snapshot_of(&definition, &others);
    let fault = snapshot_fault(&cast, &records, &snapshot).unwrap();
    assert!(fault.ends_with("is not what its records lead to"), "{fault}");
}

/// Keeps nothing, takes on any state, and panics at the first record.
#[derive(Clone)]
struct Breaks;

impl Pattern for Breaks {
    fn decide(&self, _: &ConversationView<'_>) -> PatternDecision {
        PatternDecision::concluded("it is broken")
    }

    fn apply(&mut self, _: &Event) {
        // Without the panic hook: a planned panic needs no backtrace.
        std::panic::resume_unwind(Box::new("as planned"))
    }

    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some(Vec::new())
    }

    fn restore(&mut self, _: &[u8]) -> bool {
        true
    }
}

#[tokio::test]
async fn a_pattern_that_panics_is_what_is_wrong_with_a_snapshot() {
    let definition = definition();
    let records = real_run(&definition).await;
    let snapshot = snapshot_of(&definition, &records);
    let mut broken = Definition::clone(&definition);
    broken.crew.pattern = Box::new(Breaks);
    let cast = Cast { definition: Arc::new(broken), tools: Arc::default() };
    let fault = snapshot_fault(&cast, &records, &snapshot).unwrap();
    assert!(fault.ends_with("without a pattern that does not panic"), "{fault}");
}
