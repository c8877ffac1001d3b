//! Speakers that speak at once, each with several tool calls in one reply.

use playhouse::prelude::*;
use playhouse::{Assignment, ConversationView, Pattern, PatternDecision};

use super::desk::{Desk, and_call, answers};

/// Lets everybody speak at once, twice.
#[derive(Clone)]
struct AllAtOnce;

impl Pattern for AllAtOnce {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        if view.assigned as usize >= 2 * view.agents.len() {
            return PatternDecision::concluded("everybody spoke twice");
        }
        let assign = |speaker: &AgentName| Assignment::new(speaker.clone(), "all at once");
        PatternDecision::Speak(view.agents.iter().map(assign).collect())
    }

    fn has_own_end(&self) -> bool {
        true
    }

    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }
}

fn speak(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    if !request.exchanges().is_empty() {
        return ScriptReply::say(format!("{}: {}.", request.agent, answers(request)));
    }
    let what = |thing: &str| format!("{thing} of {} in turn {}", request.agent, request.turn);
    let reply = and_call(ScriptReply::default(), "look_up", &what("price"));
    let reply = and_call(reply, "order_item", &what("lamp"));
    and_call(reply, "pay_invoice", &what("invoice"))
}

/// Ends by itself after two rounds.
pub(crate) fn scenario() -> Result<Scenario<String, String>, ScenarioError> {
    let mut scenario = Scenario::builder("fan-out").about("All speak at once").default_input("Everybody?");
    let desk = scenario.tools(Desk::open);
    let agents =
        ["ann", "ben", "cora"].map(|name| scenario.agent(name, |agent| agent.tools(&desk).script(speak)));
    scenario.crew(AllAtOnce, &agents);
    scenario.build()
}
