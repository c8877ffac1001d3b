//! Ways of conversing, run as a whole: actors, journal and replay.

use playhouse::prelude::*;
use playhouse::{OutcomeKind, RunRest, Runtime, RuntimeOptions, Seq};

/// Runs a scenario, checks that replay derives every decision and request again, and returns what was said. It has to conclude.
async fn run(scenario: &Scenario<String, String>) -> Vec<String> {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let outcome = runtime.run(scenario, "Find the figure.".to_owned()).await.unwrap();
    let definition = scenario.definition().clone();
    let find = move |_: &_, _: &str| Ok(definition.clone());
    let replayed = runtime.replay(outcome.run, &find).await.unwrap();
    assert!(replayed.differences.is_empty() && replayed.damage.is_empty(), "{replayed:?}");
    assert!(replayed.n_decisions > 5, "{replayed:?}");
    let records = runtime.journal().records(outcome.run, Seq(0), 10_000).await.unwrap();
    runtime.close().await.unwrap();
    let rest = outcome.rest;
    assert!(matches!(&rest, RunRest::Concluded(end) if end.kind == OutcomeKind::Concluded), "{rest:?}");
    Conversation::fold(&records).messages().iter().map(|message| message.content.clone()).collect()
}

/// Says how its history begins and how long it is.
fn counting(request: &ModelRequest, _: &ScriptContext) -> String {
    let items = request.history().map(|item| match item {
        HistoryItem::Message(entry) => entry.ordinal.to_string(),
        HistoryItem::LeftOut(count) => format!("-{count}"),
        _ => "?".to_owned(),
    });
    items.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_memory_bounds_what_one_agent_reads_and_replay_agrees() {
    let mut scenario = Scenario::builder("talk").about("Talks");
    let short = scenario.agent("short", |agent| agent.script(counting).memory(Memory::last(2).head(1)));
    let whole = scenario.agent("whole", |agent| agent.script(counting));
    scenario.crew(RoundRobin::new(), [&whole, &short]).until(messages(6));
    let said = run(&scenario.build().unwrap()).await;
    assert_eq!(said[1..], ["0", "0 1", "0 1 2", "0 -1 2 3", "0 1 2 3 4", "0 -3 4 5"]);
}

/// Keeps a ledger: the first report is malformed, the second one lets `scout` work, the third one is satisfied.
fn lead(request: &ModelRequest, _: &ScriptContext) -> String {
    let instruction = request.instruction().unwrap_or_default();
    let found = request.last_from(&Participant::Agent(AgentName::of_text("scout")));
    if instruction.contains("is_request_satisfied") {
        let has_failed = request.exchanges().iter().any(|exchange| exchange.feedback.is_some());
        return match found {
            None if !has_failed => "scout should speak".to_owned(),
            found => report(found.is_some()),
        };
    }
    if instruction.contains("final answer") {
        format!("The figure: {}", found.unwrap_or("?"))
    } else {
        "All is open.".to_owned()
    }
}

fn report(satisfied: bool) -> String {
    format!(
        r#"{{"is_request_satisfied":{{"reason":"","answer":{satisfied}}},
        "is_in_loop":{{"reason":"","answer":false}},"is_progress_being_made":{{"reason":"","answer":true}},
        "next_speaker":{{"reason":"","answer":"scout"}},
        "instruction_or_question":{{"reason":"","answer":"Look it up."}}}}"#
    )
}

#[tokio::test]
async fn a_ledger_comes_to_its_answer_and_replay_agrees() {
    let mut scenario = Scenario::builder("research").about("Looks up a figure");
    let lead = scenario.agent("lead", |agent| agent.script(lead).memory(Memory::last(3).head(1)));
    let scout = scenario.agent("scout", |agent| {
        agent.script(|request: &ModelRequest, _: &ScriptContext| match request.instruction() {
            Some("Look it up.") => "42",
            _ => "What?",
        })
    });
    scenario.crew(Ledger::new(&lead), [&scout]);
    let said = run(&scenario.build().unwrap()).await;
    assert_eq!(said.last().unwrap(), "The figure: 42");
}

#[test]
fn a_lead_that_is_a_member_as_well_is_named_when_it_is_built() {
    let mut scenario = Scenario::<String, String>::builder("research").about("Looks up a figure");
    let lead = scenario.agent("lead", |agent| agent.script(counting));
    scenario.crew(Ledger::new(&lead).max_turns(0), [&lead]);
    let error = scenario.build().unwrap_err().to_string();
    assert!(error.contains("`lead` leads by the ledger") && error.contains("`max_turns`"), "{error}");
}
