//! Patterns within patterns: a lead keeps a ledger; one of its members is a debate, another one does tasks, one of which is
//! done by a crew that speaks along a graph.
//!
//! ```text
//! lead (ledger) --> council: debate of pro and con, decided by judge
//!               --> office: tasks  find (desk: graph scout -> checker -> scout ..)  -->  write (writer)
//! ```

use std::sync::Arc;

use playhouse::prelude::*;
use playhouse::{Definition, Task};
use serde_json::json;

use super::crews::{about, agent, begin, finish};
use super::world::Ledger as Bill;

/// What has been said by whom so far, as far as the agent sees it.
fn said(request: &ModelRequest, by: &str) -> Option<String> {
    request.last_from(&Participant::Agent(AgentName::of_text(by))).map(str::to_owned)
}

/// Sends whoever is missing to work, and sums up once both have answered.
fn lead(request: &ModelRequest) -> ScriptReply {
    let told = request.instruction().unwrap_or_default();
    let (council, office) = (said(request, "council"), said(request, "office"));
    if !told.contains("is_request_satisfied") {
        let sum = |council, office| format!("The council: {council} The office: {office}");
        return ScriptReply::say(match (council, office) {
            (Some(council), Some(office)) => sum(council, office),
            _ => "Ask the council, then the office.".to_owned(),
        });
    }
    let judged = |answer: serde_json::Value| json!({ "reason": "as planned", "answer": answer });
    let next = if council.is_none() { "council" } else { "office" };
    let report = json!({
        "is_request_satisfied": judged(json!(council.is_some() && office.is_some())),
        "is_in_loop": judged(json!(false)),
        "is_progress_being_made": judged(json!(true)),
        "next_speaker": judged(json!(next)),
        "instruction_or_question": judged(json!("Do your part.")),
    });
    ScriptReply::say(report.to_string())
}

/// Decides once everybody has spoken twice.
fn judge(request: &ModelRequest) -> ScriptReply {
    let n_said = request.transcript.iter().filter(|entry| entry.message.from != Participant::User).count();
    let verdict = if n_said < 4 { "nobody has answered the other" } else { "It is worth it." };
    ScriptReply::say(json!({ "over": n_said >= 4, "verdict": verdict }).to_string())
}

/// Looks something up and says how often it has.
fn scout(request: &ModelRequest) -> ScriptReply {
    match request.exchanges().len() {
        0 => ScriptReply::call("look_up", &about(format!("price {}", request.turn)))
            .and_call("notify", &about(format!("shop {}", request.turn))),
        _ if said(request, "checker").is_some() => ScriptReply::say("2 prices"),
        _ => ScriptReply::say("1 price"),
    }
}

/// Pays for what it writes.
fn writer(request: &ModelRequest) -> ScriptReply {
    match request.exchanges().last() {
        None => ScriptReply::call("pay", &about(format!("paper {}", request.turn))),
        Some(paid) => ScriptReply::say(format!("Written, {}.", paid.calls[0].answer)),
    }
}

pub(super) fn mixed(bill: &Bill) -> Arc<Definition> {
    let (mut scenario, tools) = begin("mixed", bill);
    let at = (&tools, bill);
    let argue = |request: &ModelRequest| {
        ScriptReply::say(format!("{}, after {} words", request.agent, request.transcript.len()))
    };
    let [pro, con] = ["pro", "con"].map(|name| agent(&mut scenario, name, at, argue));
    let judge = agent(&mut scenario, "judge", at, judge);
    let council = scenario.crew_named("council", Debate::new(&judge).rounds(3), [&pro, &con], |crew| crew);

    let scout = agent(&mut scenario, "scout", at, scout);
    let checker = agent(&mut scenario, "checker", at, |request| {
        let is_enough = said(request, "scout").is_some_and(|said| said.starts_with('2'));
        ScriptReply::say(if is_enough { "2 prices, checked" } else { "one more" })
    });
    let search = Graph::new()
        .entry(&scout)
        .edge(&scout, &checker)
        .edge_if(&checker, &scout, "not enough", |said| said == "one more")
        .exit(&checker)
        .max_visits(3);
    let desk = scenario.crew_named("desk", search, [&scout, &checker], |crew| crew);
    let writer = agent(&mut scenario, "writer", at, writer);
    let tasks = Tasks::new([
        Task::new("find", "Find prices.").by(&desk),
        Task::new("write", "Write it up.").by(&writer).context(["find"]),
    ]);
    let office = scenario.crew_named("office", tasks, [&desk, &writer], |crew| crew);

    let lead = agent(&mut scenario, "lead", at, lead);
    scenario.crew(Ledger::new(&lead), [&council, &office]);
    finish(scenario)
}
