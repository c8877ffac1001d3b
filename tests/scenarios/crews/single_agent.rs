//! One agent that uses a tool of each effect, one after another.

use playhouse::prelude::*;

use super::desk::{Desk, answers, call};

/// The calls in order. The letter comes last: a process that dies while it is sent leaves the run with a person.
const CALLS: [(&str, &str); 6] = [
    ("look_up", "the price"),
    ("order_item", "a lamp"),
    ("pay_invoice", "invoice 1"),
    ("order_item", "a chair"),
    ("pay_invoice", "invoice 2"),
    ("send_letter", "the letter"),
];

/// Ends when everything has been done once.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario =
        Scenario::builder("single-agent").about("Does one thing after another").default_input("Do it all.");
    let desk = scenario.tools(Desk::open);
    let clerk = scenario.agent("clerk", |agent| {
        agent.tools(&desk).script(|request: &ModelRequest, _: &ScriptContext| {
            match CALLS.get(request.exchanges().len()) {
                Some((tool, what)) => call(tool, what),
                None => ScriptReply::say(format!("DONE: {}", answers(request))),
            }
        })
    });
    scenario.crew(RoundRobin::new(), [&clerk]).until(says("DONE")).limit(turns(4));
    scenario.build()
}
