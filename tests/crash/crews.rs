//! The crews that are made to crash.

use std::fmt;
use std::sync::Arc;

use playhouse::prelude::*;
use playhouse::{Assignment, ConversationView, Definition, Pattern, PatternDecision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::world::Ledger;

/// A crew that stands for a kind of conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReferenceCrew {
    /// One agent, one turn, a tool of each effect, one after the other.
    Single,
    /// Three agents that talk, one of which sends a notice.
    Chat,
    /// Speakers that speak at once, each with tools of each effect in one reply.
    Concurrent,
    /// Two agents with a long history.
    Long,
    /// A crew within a crew, colleagues called as tools, a handoff and a reply that is rejected at first.
    Company,
    /// Patterns within patterns.
    Mixed,
    /// Tasks in the background, one that is tried again, and one done by a crew that speaks along a graph.
    Flow,
}

impl ReferenceCrew {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Single, Self::Chat, Self::Concurrent, Self::Long, Self::Company, Self::Flow, Self::Mixed];

    pub(super) fn definition(self, ledger: &Ledger) -> Arc<Definition> {
        match self {
            Self::Single => single(ledger),
            Self::Chat => chat(ledger),
            Self::Concurrent => concurrent(ledger),
            Self::Long => long(ledger),
            Self::Company => company(ledger),
            Self::Mixed => super::mixed::mixed(ledger),
            Self::Flow => flow(ledger),
        }
    }

    /// Tells whether messages may be said in another order after a crash.
    pub(super) const fn speaks_at_once(self) -> bool {
        matches!(self, Self::Concurrent)
    }
}

impl fmt::Display for ReferenceCrew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What an effect is about.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct About {
    subject: String,
}

struct Effects {
    ledger: Ledger,
}

#[tools]
impl Effects {
    /// Looks something up.
    #[tool(effect = "pure", timeout = "5s")]
    async fn look_up(&self, args: About) -> Result<String, ToolError> {
        Ok(format!("found {}", args.subject))
    }

    /// Sends a notice; the destination drops one that it has.
    #[tool(effect = "idempotent", timeout = "5s")]
    async fn notify(&self, args: About, ctx: &ToolContext) -> Result<String, ToolError> {
        self.ledger.send("notify", &args.subject, &ctx.keys.idempotency);
        Ok(format!("notified {}", args.subject))
    }

    /// Pays.
    #[tool(effect = "reconcile", probe = Self::paid, timeout = "5s")]
    async fn pay(&self, args: About, ctx: &ToolContext) -> Result<String, ToolError> {
        self.ledger.send("pay", &args.subject, &ctx.keys.idempotency);
        Ok(format!("paid {}", args.subject))
    }

    async fn paid(&self, args: &About, keys: &EffectKeys) -> Result<Probe<String>, ToolError> {
        let landed = self.ledger.holds("pay", &args.subject, &keys.idempotency);
        Ok(if landed { Probe::Landed(format!("paid {}", args.subject)) } else { Probe::Absent })
    }

    /// Rings a bell that cannot be asked, and that no other run rings again.
    #[tool(effect = "once", intent = "subject", scope = "tenant", timeout = "5s")]
    async fn ring(&self, args: About, ctx: &ToolContext) -> Result<String, ToolError> {
        self.ledger.send("ring", &args.subject, &ctx.keys.idempotency);
        Ok(format!("rang {}", args.subject))
    }
}

pub(super) type Builder = playhouse::ScenarioBuilder<String, String>;

pub(super) fn begin(name: &str, ledger: &Ledger) -> (Builder, playhouse::ToolsId) {
    let mut scenario = Scenario::builder(name);
    let ledger = ledger.clone();
    let tools = scenario.tools(move |_| {
        let ledger = ledger.clone();
        async move { Ok(Effects { ledger }) }
    });
    (scenario, tools)
}

/// Adds an agent that plays `part`; every asking goes on the model's bill.
pub(super) fn agent(
    scenario: &mut Builder,
    name: &str,
    (tools, ledger): (&playhouse::ToolsId, &Ledger),
    part: impl Fn(&ModelRequest) -> ScriptReply + Send + Sync + 'static,
) -> playhouse::AgentId {
    agent_with(scenario, name, (tools, ledger), part, |agent| agent)
}

fn agent_with(
    scenario: &mut Builder,
    name: &str,
    (tools, ledger): (&playhouse::ToolsId, &Ledger),
    part: impl Fn(&ModelRequest) -> ScriptReply + Send + Sync + 'static,
    define: impl FnOnce(playhouse::AgentBuilder) -> playhouse::AgentBuilder,
) -> playhouse::AgentId {
    let ledger = ledger.clone();
    scenario.agent(name, |agent| {
        define(agent.tools(tools).script(move |request: &ModelRequest, _: &ScriptContext| {
            ledger.ask(request.agent.clone(), request.turn, request.step);
            part(request)
        }))
    })
}

pub(super) fn about(subject: impl Into<String>) -> About {
    About { subject: subject.into() }
}

pub(super) fn finish(scenario: Builder) -> Arc<Definition> {
    scenario.build().unwrap().definition()
}

fn single(ledger: &Ledger) -> Arc<Definition> {
    let (mut scenario, tools) = begin("single", ledger);
    let clerk = agent(&mut scenario, "clerk", (&tools, ledger), |request| match request.exchanges().len() {
        0 => ScriptReply::call("look_up", &about("rent")),
        1 => ScriptReply::call("notify", &about("landlord")),
        2 => ScriptReply::call("pay", &about("rent")),
        3 => ScriptReply::call("ring", &about("door")),
        _ => ScriptReply::say(format!("DONE after {}", request.exchanges()[3].calls[0].answer)),
    });
    scenario.crew(RoundRobin::new(), [&clerk]).until(says("DONE"));
    finish(scenario)
}

fn chat(ledger: &Ledger) -> Arc<Definition> {
    let (mut scenario, tools) = begin("chat", ledger);
    let agents = ["ann", "ben", "cora"].map(|name| {
        agent(&mut scenario, name, (&tools, ledger), |request| {
            if request.agent.as_str() == "ben" && request.exchanges().is_empty() {
                return ScriptReply::call("notify", &about(format!("notice {}", request.turn)));
            }
            ScriptReply::say(format!("turn {}, {} before", request.turn, request.transcript.len()))
        })
    });
    scenario.crew(RoundRobin::new(), &agents).until(turns(7));
    finish(scenario)
}

/// All agents at once, twice; then the first one sums up.
#[derive(Clone)]
struct AllAtOnce;

impl Pattern for AllAtOnce {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        let n_agents = view.agents.len();
        let give = |speaker: &AgentName| Assignment::new(speaker.clone(), "all at once");
        if (view.assigned as usize) < 2 * n_agents {
            PatternDecision::Speak(view.agents.iter().map(give).collect())
        } else {
            PatternDecision::Speak(view.agents.iter().take(1).map(give).collect())
        }
    }

    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }
}

fn concurrent(ledger: &Ledger) -> Arc<Definition> {
    let (mut scenario, tools) = begin("concurrent", ledger);
    let agents = ["ann", "ben", "cora"].map(|name| {
        agent(&mut scenario, name, (&tools, ledger), |request| {
            let subject = || about(format!("{} {}", request.agent, request.turn));
            if request.turn.0 > 6 {
                ScriptReply::say("DONE")
            } else if request.exchanges().is_empty() {
                let reply = ScriptReply::call("look_up", &subject()).and_call("notify", &subject());
                let reply = reply.and_call("pay", &subject());
                // One bell: each call of this tool may rest in doubt.
                if request.turn.0 == 2 { reply.and_call("ring", &subject()) } else { reply }
            } else {
                ScriptReply::say(format!("{} is done with turn {}", request.agent, request.turn))
            }
        })
    });
    scenario.crew(AllAtOnce, &agents).until(says("DONE"));
    finish(scenario)
}

fn long(ledger: &Ledger) -> Arc<Definition> {
    let (mut scenario, tools) = begin("long", ledger);
    let agents = ["ann", "ben"].map(|name| {
        agent(&mut scenario, name, (&tools, ledger), |request| {
            ScriptReply::say(format!("turn {}, {} before", request.turn, request.transcript.len()))
        })
    });
    scenario.crew(RoundRobin::new(), &agents).until(turns(24)).limit(turns(25));
    finish(scenario)
}

#[derive(Serialize)]
struct TaskArguments {
    task: String,
}

fn company(ledger: &Ledger) -> Arc<Definition> {
    let (mut scenario, tools) = begin("company", ledger);
    let at = (&tools, ledger);
    let says = |request: &ModelRequest| {
        ScriptReply::say(format!("{}: {} before", request.agent, request.transcript.len()))
    };
    let payer = agent(&mut scenario, "payer", at, |request| match request.exchanges().len() {
        0 => ScriptReply::call("pay", &about(format!("bill {}", request.turn))),
        _ => ScriptReply::say("paid"),
    });
    let office = scenario.crew_named("office", RoundRobin::new(), [&payer], |crew| crew.until(messages(1)));
    let lab = agent_with(
        &mut scenario,
        "lab",
        at,
        |request| match (request.instruction() == Some("weigh it"), request.exchanges().len()) {
            (true, 0) => ScriptReply::call("notify", &about(format!("scales {}", request.turn))),
            (true, 1) => ScriptReply::say("heavy"),
            _ => ScriptReply::say("3 g"),
        },
        |agent| {
            agent.guardrail(|reply| if reply.ends_with('g') { Ok(()) } else { Err("say it in g".to_owned()) })
        },
    );
    let lead = agent_with(
        &mut scenario,
        "lead",
        at,
        |request| {
            let ask = |task: &str| TaskArguments { task: task.to_owned() };
            match request.exchanges().last().map(|last| last.calls.len()) {
                None => ScriptReply::call("ask_lab", &ask("weigh it"))
                    .and_call("ask_office", &ask("pay for it"))
                    .and_call("ask_lab", &ask("say it again"))
                    .and_call("notify", &about(format!("turn {}", request.turn))),
                Some(4) => ScriptReply::call("transfer_to_debate", &serde_json::json!({ "reason": "done" })),
                Some(_) => ScriptReply::say("nothing is left"),
            }
        },
        |agent| agent.colleague(&lab).colleague(&office).handoff("debate"),
    );
    let [pro, con] = ["pro", "con"].map(|name| agent(&mut scenario, name, at, says));
    let debate =
        scenario.crew_named("debate", RoundRobin::new(), [&pro, &con], |crew| crew.until(messages(2)));
    scenario.crew(RoundRobin::new(), [&lead, &debate]).until(messages(4));
    finish(scenario)
}

fn flow(ledger: &Ledger) -> Arc<Definition> {
    let (mut scenario, tools) = begin("flow", ledger);
    let at = (&tools, ledger);
    let reader = agent(&mut scenario, "reader", at, |request| {
        let is_again = request.instruction().is_some_and(|told| told.contains("not accepted"));
        match (request.exchanges().len(), is_again) {
            (0, _) => ScriptReply::call("notify", &about(format!("reading {}", request.turn))),
            (_, false) => ScriptReply::say("some facts"),
            (_, true) => ScriptReply::say("3 facts"),
        }
    });
    let payer = agent(&mut scenario, "payer", at, |request| match request.exchanges().len() {
        0 => ScriptReply::call("pay", &about(format!("bill {}", request.turn))),
        _ => ScriptReply::say("paid"),
    });
    let says = |request: &ModelRequest| {
        ScriptReply::say(format!("{}: {} before", request.agent, request.transcript.len()))
    };
    let [writer, artist] = ["writer", "artist"].map(|name| agent(&mut scenario, name, at, says));
    let editor = agent(&mut scenario, "editor", at, |request| {
        ScriptReply::say(if request.transcript.len() < 6 { "again" } else { "good" })
    });
    let graph = Graph::new()
        .entry(&writer)
        .entry(&artist)
        .edge(&writer, &editor)
        .edge(&artist, &editor)
        .join_all(&editor)
        .edge_if(&editor, &writer, "again", |text| text == "again")
        .edge_if(&editor, &artist, "again", |text| text == "again")
        .exit(&editor)
        .max_visits(3);
    let press = scenario.crew_named("press", graph, [&writer, &artist, &editor], |crew| crew);
    let has_number = |text: &str| text.starts_with('3').then_some(()).ok_or("say how many".to_owned());
    let tasks = Tasks::new([
        playhouse::Task::new("facts", "Find facts.")
            .by(&reader)
            .guardrail("number", has_number)
            .in_background(),
        playhouse::Task::new("bill", "Pay the bill.").by(&payer).in_background(),
        playhouse::Task::new("article", "Write it up.").by(&press).context(["facts"]),
        playhouse::Task::new("notice", "Say that it is done.").by(&payer).context(["article", "bill"]),
    ]);
    scenario.crew(tasks, [&reader, &payer, &press]);
    finish(scenario)
}
