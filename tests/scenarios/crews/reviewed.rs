//! A letter that a person has to approve in the middle of other work.

use playhouse::prelude::*;

use super::desk::{Desk, answers, call};

/// The calls in order.
const CALLS: [(&str, &str); 4] = [
    ("look_up", "the address"),
    ("order_item", "a stamp"),
    ("send_letter", "the notice"),
    ("pay_invoice", "the stamp"),
];

/// Ends when the letter is sent and another agent has read about it.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("reviewed")
        .about("Sends a letter once it is approved")
        .default_input("Send the notice.")
        .review(|query: &GateQuery<'_>| match query.tool.name.as_str() {
            "send_letter" => Gate::approve("letters are signed by a person"),
            _ => Gate::Auto,
        });
    let desk = scenario.tools(Desk::open);
    let writer = scenario.agent("writer", |agent| {
        agent.tools(&desk).script(|request: &ModelRequest, _: &ScriptContext| {
            match CALLS.get(request.exchanges().len()) {
                Some((tool, what)) => call(tool, what),
                None => ScriptReply::say(answers(request)),
            }
        })
    });
    let reader = scenario.agent("reader", |agent| {
        agent.script(|request: &ModelRequest, _: &ScriptContext| {
            format!("DONE after {} messages.", request.transcript.len())
        })
    });
    scenario.crew(RoundRobin::new(), [&writer, &reader]).until(says("DONE")).limit(turns(4));
    scenario.build()
}
