//! A scenario that is run as a library, without the command line.

use playhouse::prelude::*;
use playhouse::{
    Command, CommandId, Event, OutcomeKind, RunRest, Runtime, RuntimeOptions, Settlement, StartRun, Verdict,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, JsonSchema)]
struct Numbers {
    numbers: Vec<i64>,
}

#[derive(Serialize, Deserialize, JsonSchema, PartialEq, Debug)]
struct Sum {
    sum: i64,
}

/// Adds numbers.
#[tool(effect = "pure")]
async fn add(args: Numbers, _ctx: &ToolContext) -> Result<Sum, ToolError> {
    Ok(Sum { sum: args.numbers.iter().sum() })
}

fn adder(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    match request.exchanges().last().and_then(|exchange| exchange.calls.last()) {
        None => ScriptReply::call("add", &Numbers { numbers: vec![1, 2, 39] }),
        Some(call) => ScriptReply::say(format!("{} DONE", call.answer)),
    }
}

fn scenario() -> Result<Scenario<Numbers, Sum>, ScenarioError> {
    let mut scenario = Scenario::builder("sum").about("Adds numbers");
    let adder = scenario.agent("adder", |agent| agent.tool(add).script(adder));
    scenario.crew(RoundRobin::new(), [&adder]).until(says("DONE")).limit(turns(3));
    scenario.build()
}

#[tokio::test]
async fn a_scripted_crew_comes_to_a_typed_result() {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let outcome = runtime.run(&scenario().unwrap(), Numbers { numbers: vec![1, 2, 39] }).await.unwrap();
    assert!(
        matches!(&outcome.rest, RunRest::Concluded(end) if end.kind == OutcomeKind::Concluded),
        "{outcome:?}"
    );
    assert_eq!(outcome.result, Some(Sum { sum: 42 }));
    let records = runtime.journal().records(outcome.run, playhouse::Seq(0), 1_000).await.unwrap();
    let conversation = Conversation::fold(&records);
    assert_eq!(conversation.calls_of("add").next().unwrap().output_as::<Sum>(), Some(Sum { sum: 42 }));
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn an_input_of_another_form_is_refused_before_anything_is_written() {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let start = StartRun { input: "\"text\"".to_owned(), seed: 0, model: None };
    let error = runtime.start(scenario().unwrap().definition(), start).await.unwrap_err();
    assert_eq!(error.exit_code().code(), 2);
    assert!(runtime.journal().runs().await.unwrap().is_empty());
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_left_for_a_run_that_has_ended_is_refused_on_record() {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let scenario = scenario().unwrap();
    let outcome = runtime.run(&scenario, Numbers { numbers: vec![1, 2, 39] }).await.unwrap();
    let command = Command::Decide {
        review: "doubt-1.1.0".parse().unwrap(),
        verdict: Verdict::DidNotHappen,
        by: "ann".to_owned(),
        subject_hash: None,
    };
    runtime.inbox().submit(outcome.run, CommandId("1".to_owned()), command).await.unwrap();
    let definition = scenario.definition();
    let settled = runtime.settle_commands(outcome.run, &|_, _| Ok(definition.clone())).await.unwrap();
    assert_eq!(settled, Settlement::Taken);
    assert!(runtime.inbox().pending(outcome.run).await.unwrap().is_empty());
    let records = runtime.journal().records(outcome.run, playhouse::Seq(0), 1_000).await.unwrap();
    let last = &records.last().unwrap().event;
    assert!(
        matches!(last, Event::CommandRefused { reason, .. } if reason == "the run has ended"),
        "{last:?}"
    );
    let row = runtime.journal().run(outcome.run).await.unwrap().unwrap();
    assert_eq!(row.status, playhouse::RunStatus::Concluded);
    runtime.close().await.unwrap();
}
