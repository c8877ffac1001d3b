//! Three agents that talk; one of them orders something every time.

use playhouse::prelude::*;

use super::desk::{Desk, call};

/// Ends after three rounds.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario =
        Scenario::builder("three-chat").about("Talks and orders").default_input("What do we need?");
    let desk = scenario.tools(Desk::open);
    let host = scenario.agent("host", |agent| {
        agent.script(|request: &ModelRequest, ctx: &ScriptContext| {
            format!("Turn {}: item {}?", request.turn, ctx.below(1_000))
        })
    });
    let buyer = scenario.agent("buyer", |agent| {
        agent.tools(&desk).script(|request: &ModelRequest, _: &ScriptContext| {
            if request.exchanges().is_empty() {
                call("order_item", &format!("the item of turn {}", request.turn))
            } else {
                ScriptReply::say(format!("Ordered in turn {}.", request.turn))
            }
        })
    });
    let critic = scenario.agent("critic", |agent| {
        agent.script(|request: &ModelRequest, _: &ScriptContext| {
            format!("That was turn {} after {} messages.", request.turn, request.transcript.len())
        })
    });
    scenario.crew(RoundRobin::new(), [&host, &buyer, &critic]).until(turns(9));
    scenario.build()
}
