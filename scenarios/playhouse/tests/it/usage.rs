//! What a run has used, taken apart: crews, judges and colleagues that share one model are counted once each.

use std::collections::BTreeMap;
use std::fmt::Display;

use playhouse::prelude::*;
use playhouse::{OutcomeKind, RunRest, Runtime, RuntimeOptions, Seq, Usage};

/// An agent that always says the same.
fn agent(
    scenario: &mut playhouse::ScenarioBuilder<String, String>,
    name: &str,
    says: &'static str,
) -> playhouse::AgentId {
    scenario.agent(name, |agent| agent.script(move |_, _| ScriptReply::say(says)))
}

/// A task of a crew whose member debates under a judge, and a task of a writer that calls a colleague.
fn desk() -> Scenario<String, String> {
    let mut scenario = Scenario::builder("desk").about("Writes an article");
    let judge = agent(&mut scenario, "judge", r#"{"over": true, "verdict": "fine"}"#);
    let lab = agent(&mut scenario, "lab", "3 g");
    let [x, y] = ["x", "y"].map(|name| agent(&mut scenario, name, "word"));
    let debate = scenario.crew_named("debate", Debate::new(&judge), [&x, &y], |crew| crew);
    let panel = scenario.crew_named("panel", RoundRobin::new(), [&debate], |crew| crew.until(messages(1)));
    let writer = scenario.agent("writer", |agent| {
        agent.colleague(&lab).script(|request, _| {
            if request.exchanges().is_empty() {
                ScriptReply::call("ask_lab", &BTreeMap::from([("task", "Weigh it.")]))
            } else {
                ScriptReply::say("An article.")
            }
        })
    });
    let tasks = [
        Task::new("facts", "Find out.").by(&panel),
        Task::new("article", "Write it up.").by(&writer).context(["facts"]),
    ];
    scenario.crew(Tasks::new(tasks), [&panel, &writer]);
    scenario.build().unwrap()
}

fn shown<K: Display>(sums: &BTreeMap<K, Usage>) -> Vec<String> {
    sums.iter().map(|(key, used)| format!("{key}: {} {}", used.model_calls, used.tool_calls)).collect()
}

#[tokio::test]
async fn everybody_who_shares_a_model_is_counted_once() {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let outcome = runtime.run(&desk(), "go".to_owned()).await.unwrap();
    let RunRest::Concluded(end) = outcome.rest else { panic!("{:?}", outcome.rest) };
    assert_eq!(end.kind, OutcomeKind::Concluded, "{end:?}");
    let records = runtime.journal().records(outcome.run, Seq(0), 1_000).await.unwrap();
    let row = runtime.journal().run(outcome.run).await.unwrap().unwrap();
    runtime.close().await.unwrap();
    let conversation = Conversation::fold(&records);
    let breakdown = conversation.usage_breakdown();
    assert_eq!([breakdown.total(), *conversation.usage()], [row.usage; 2]);
    let agents = ["judge: 1 0", "lab: 1 0", "writer: 2 1", "x: 1 0", "y: 1 0"];
    assert_eq!(shown(&breakdown.by_agent()), agents);
    assert_eq!(shown(&breakdown.by_model()), ["scripted: 6 1"]);
    assert_eq!(shown(&breakdown.by_crew()), ["debate: 3 0", "panel: 3 0"]);
    assert_eq!(shown(&breakdown.by_task()), ["article: 3 1", "facts: 3 0"]);
}
