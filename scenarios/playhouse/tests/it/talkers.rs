//! The patterns in which agents talk, with agents that are really asked: each runs to its end and is replayed.

use std::collections::BTreeMap;

use playhouse::prelude::*;
use playhouse::{OutcomeKind, RunOutcome, RunRest, Runtime, RuntimeOptions, ScenarioBuilder};

/// Builds a scenario from texts to texts.
fn build(define: impl FnOnce(&mut ScenarioBuilder<String, String>)) -> Scenario<String, String> {
    let mut scenario = Scenario::builder("talk").about("Talks");
    define(&mut scenario);
    scenario.build().unwrap()
}

/// An agent that says what `reply` makes of what it is asked.
fn agent(
    scenario: &mut ScenarioBuilder<String, String>,
    name: &str,
    reply: impl Fn(&ModelRequest) -> String + Send + Sync + 'static,
) -> playhouse::AgentId {
    scenario.agent(name, |agent| agent.script(move |request, _| ScriptReply::say(reply(request))))
}

/// Runs a scenario: what is said and how it ends is as expected, and every decision is derived again from its records.
async fn check(scenario: Scenario<String, String>, said: &[&str], kind: OutcomeKind, detail: &str) {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let outcome = runtime.run(&scenario, "go".to_owned()).await.unwrap();
    let records = runtime.journal().records(outcome.run, playhouse::Seq(0), 1_000).await.unwrap();
    let conversation = Conversation::fold(&records);
    let messages = conversation.messages().iter().skip(1);
    let found: Vec<String> =
        messages.map(|message| format!("{}: {}", message.from, message.content)).collect();
    assert_eq!(found, said);
    let RunRest::Concluded(end) = outcome.rest else { panic!("{:?}", outcome.rest) };
    assert_eq!(end, RunOutcome { kind, detail: detail.to_owned() });
    let replayed = runtime.replay(outcome.run, &|_, _| Ok(scenario.definition())).await.unwrap();
    assert!(replayed.is_equal() && replayed.changed.is_empty(), "{replayed:#?}");
    runtime.close().await.unwrap();
}

/// Returns what was wrong with the last reply in this turn, if it was rejected.
fn feedback(request: &ModelRequest) -> Option<&str> {
    request.exchanges().last()?.feedback.as_deref()
}

#[tokio::test]
async fn a_selector_corrects_what_fits_no_candidate_and_takes_words_in_the_end() {
    let scenario = build(|scenario| {
        let chooser = agent(scenario, "chooser", |request| {
            let n_said = request.transcript.len() - 1;
            match (n_said, feedback(request)) {
                // Corrected by its agent, as the schema holds only candidates.
                (0, None) => r#"{"next": "editor"}"#.to_owned(),
                (0, Some(wrong)) => {
                    assert!(wrong.contains(r#"expected one of ["writer","reader"]"#), "{wrong}");
                    r#"{"next": "reader"}"#.to_owned()
                }
                // Never JSON: asked again in words.
                _ => "I would say reader.".to_owned(),
            }
        });
        let [writer, reader, third] =
            ["writer", "reader", "third"].map(|name| agent(scenario, name, |_| "word".to_owned()));
        let pattern = ModelSelector::new(&chooser).candidates("not third", |view| {
            view.agents.iter().filter(|agent| agent.as_str() != "third").cloned().collect()
        });
        scenario.crew(pattern.allow_repeats(), [&writer, &reader, &third]).until(messages(2));
    });
    let said = ["reader: word", "reader: word"];
    check(scenario, &said, OutcomeKind::Concluded, "2 of 2 messages were said").await;
}

#[tokio::test]
async fn agents_hand_over_with_their_tools() {
    let scenario = build(|scenario| {
        let triage = scenario.agent("triage", |agent| {
            agent.handoff("refunds").handoff("sales").script(|request, _| {
                let is_back = request.transcript.iter().count() > 2;
                let reason = BTreeMap::from([("reason", "")]);
                let reply = ScriptReply::call("transfer_to_refunds", &reason);
                if is_back {
                    ScriptReply::say("Solved.")
                } else {
                    reply.and_call("transfer_to_sales", &reason)
                }
            })
        });
        let refunds = scenario.agent("refunds", |agent| {
            agent.handoff("triage").script(|_, _| {
                let reason = BTreeMap::from([("reason", "it is paid")]);
                ScriptReply::call("transfer_to_triage", &reason)
            })
        });
        let sales = agent(scenario, "sales", |_| "Buy more.".to_owned());
        let pattern = Handoff::new().ends_without_handoff().max_handoffs(5);
        scenario.crew(pattern, [&triage, &refunds, &sales]);
    });
    let said = ["triage: Over to refunds.", "refunds: Over to triage: it is paid", "triage: Solved."];
    check(scenario, &said, OutcomeKind::Concluded, "`triage` replied without handing over").await;
}

#[tokio::test]
async fn members_speak_at_once_and_one_brings_it_together() {
    let scenario = build(|scenario| {
        let [a, b, editor] = ["a", "b", "editor"]
            .map(|name| agent(scenario, name, |request| format!("after {}", request.transcript.len())));
        scenario.crew(Concurrent::new().aggregated_by(&editor), [&a, &b]);
    });
    let said = ["a: after 1", "b: after 1", "editor: after 3"];
    check(scenario, &said, OutcomeKind::Concluded, "`editor` brought 2 answers together").await;
}

#[tokio::test]
async fn layers_improve_on_each_other() {
    let scenario = build(|scenario| {
        let [a, b, editor] = ["a", "b", "editor"].map(|name| {
            agent(scenario, name, |request| {
                let is_told = request.instruction().is_some_and(|told| told.contains("The task:\ngo"));
                format!("sees {}{}", request.transcript.len(), if is_told { " and the task" } else { "" })
            })
        });
        scenario.crew(MixtureOfAgents::new(&editor).layers(2), [&a, &b, &editor]);
    });
    let said = ["a: sees 1", "b: sees 1", "a: sees 3", "b: sees 3", "editor: sees 2 and the task"];
    check(scenario, &said, OutcomeKind::Concluded, "`editor` brought 2 answers together").await;
}

#[tokio::test]
async fn a_judge_decides_a_debate_of_an_agent_and_a_crew() {
    let scenario = build(|scenario| {
        let judge = agent(scenario, "judge", |request| {
            let is_over = request.instruction().is_some_and(|told| told.ends_with("decide now."));
            format!(r#"I judge: {{"over": {is_over}, "verdict": "costs"}}"#)
        });
        let [a, x, y] = ["a", "x", "y"]
            .map(|name| agent(scenario, name, |request| format!("after {}", request.transcript.len())));
        let panel = scenario.crew_named("panel", RoundRobin::new(), [&x, &y], |crew| crew.until(messages(2)));
        scenario.crew(Debate::new(&judge).rounds(2), [&a, &panel]);
    });
    // What the panel is asked holds what an agent in its place would read.
    let first = "user: go\n\na: after 1\n\nRound 1 of at most 2 of the debate. Say where you stand and why.";
    let second = "user: go\n\na: after 1\n\npanel: after 2\n\na: after 3\n\nRound 2 of at most 2 of the debate. Answer \
                  what the others have said: say where they are wrong, and where they have convinced you. Still open, \
                  says the judge: costs";
    let said = [
        "a: after 1",
        first,
        "x: after 1",
        "y: after 2",
        "panel: after 2",
        "a: after 3",
        second,
        "x: after 1",
        "y: after 2",
        "panel: after 2",
        "judge: costs",
    ];
    check(scenario, &said, OutcomeKind::Concluded, "`judge` decided in round 2").await;
}

#[tokio::test]
async fn the_best_draft_is_kept_and_no_judgment_that_fits_costs_a_round() {
    let scenario = build(|scenario| {
        let writer = agent(scenario, "writer", |request| {
            format!(
                "draft {}",
                request.transcript.iter().filter(|entry| entry.message.from.as_str() == "critic").count()
            )
        });
        let critic = agent(scenario, "critic", |request| {
            let score = if request.transcript.len() == 2 { "6" } else { "4" };
            // Out of range once: its agent corrects that.
            let score = if feedback(request).is_none() { "12" } else { score };
            format!(r#"{{"approved": false, "score": {score}, "feedback": "shorter"}}"#)
        });
        scenario.crew(Reflection::new(&writer, &critic).rounds(2), [&writer, &critic]);
    });
    let said = ["writer: draft 0", "critic: shorter", "writer: draft 1", "writer: draft 0"];
    let detail = "not approved in 2 rounds; the best draft has a score of 6";
    check(scenario, &said, OutcomeKind::Limited, detail).await;
}

#[test]
fn what_is_wrong_with_a_pattern_is_said_when_the_scenario_is_built() {
    let mut scenario = Scenario::<String, String>::builder("talk");
    let a = scenario.agent("a", |agent| agent.script(|_, _| ScriptReply::say("word")));
    scenario.crew(Reflection::new(AgentName::of_text("b"), AgentName::of_text("critic")).rounds(0), [&a]);
    let error = scenario.build().unwrap_err().to_string();
    for part in
        ["the writer `b` is no member", "`a` is neither the writer nor the critic", "0 rounds", "`critic`"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
}
