//! What is wrong with a scenario is said all at once, by name.

use playhouse::prelude::*;
use playhouse::{Backoff, Condition, ModelName, ScenarioBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

fn silent(_: &ModelRequest, _: &ScriptContext) -> &'static str {
    "done"
}

type Draft = ScenarioBuilder<String, String>;

#[track_caller]
fn check(define: impl FnOnce(&mut Draft), expected: &[&str]) {
    let mut draft = Scenario::<String, String>::builder("demo");
    define(&mut draft);
    let problems: Vec<String> = match draft.build() {
        Ok(_) => Vec::new(),
        Err(error) => error.problems().iter().map(ToString::to_string).collect(),
    };
    assert_eq!(problems, expected);
}

#[track_caller]
fn check_limit(limit: Condition, expected: &[&str]) {
    check(
        |draft| {
            let a = draft.agent("a", |agent| agent.script(silent));
            draft.crew(RoundRobin::new(), [&a]).until(turns(1)).limit(limit);
        },
        expected,
    );
}

#[test]
fn a_whole_scenario_has_no_problems() {
    check(
        |draft| {
            let a = draft.agent("a", |agent| agent.role("A").goal("g").instructions("i").script(silent));
            let b = draft.agent("b", |agent| agent.model("m").temperature(0.5).max_steps(3));
            draft.crew(RoundRobin::new(), [&b, &a]).until(says("DONE")).limit(turns(9).or(tokens(100)));
        },
        &[],
    );
}

#[test]
fn an_empty_scenario_lacks_agents_and_crew() {
    check(
        |_| {},
        &[
            "it has no agents: add one with `scenario.agent(..)`",
            "it has no crew: add `scenario.crew(pattern, [&agent, ..])`",
        ],
    );
}

#[test]
fn names_are_checked() {
    check(
        |draft| {
            let a = draft.agent("two words", |agent| agent);
            let run = draft.agent("run", |agent| agent);
            let user = draft.agent("user", |agent| agent);
            let b = draft.agent("b", |agent| agent);
            let again = draft.agent("b", |agent| agent);
            draft.crew(RoundRobin::new(), [&a, &run, &user, &b, &again]).until(turns(1));
        },
        &[
            "agent `b` is declared 2 times: names are identities",
            "an agent's name: `two words` is not a name: use 1 to 64 letters, digits, `-` or `_`",
            "agent `run`: the name is reserved, choose another",
            "agent `user`: the name is reserved, choose another",
            "agent `b` is in the crew 2 times",
        ],
    );
    let error = Scenario::<String, String>::builder("no name").build().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("scenario `no name` has 3 problems:\n  - the scenario's name: `no name`"),
        "{error}"
    );
}

#[test]
fn restart_policies_are_checked() {
    let backoff = Backoff { jitter: 2.0, ..Backoff::default() };
    let faulty = [
        Restart::transient().max(1, seconds(0)),
        Restart::permanent().backoff(backoff),
        Restart::permanent().backoff(Backoff { first: minutes(9), ..Backoff::default() }),
        Restart::temporary(),
    ];
    check(
        |draft| {
            let agents = ["a", "b", "c", "d"];
            let agents: Vec<_> = agents
                .into_iter()
                .zip(faulty)
                .map(|(name, policy)| draft.agent(name, |agent| agent.restart(policy)))
                .collect();
            draft.crew(RoundRobin::new(), &agents).until(turns(1));
        },
        &[
            "agent `a`: its restart policy: `window` is zero, so `max_restarts` bounds nothing",
            "agent `b`: its restart policy: `jitter` is not between 0 and 1",
            "agent `c`: its restart policy: `first` is longer than `max`",
        ],
    );
}

#[test]
fn an_agent_without_a_script_cannot_fall_back_to_one() {
    let ladder = || [Escalation::SkipTurn, Escalation::ReplaceModel(ModelName::new("scripted"))];
    check(
        |draft| {
            let a = draft.agent("a", |agent| agent.on_crash(ladder()).on_model_failure(ladder()));
            let b = draft.agent("b", |agent| agent.on_crash(ladder()).script(silent));
            draft.crew(RoundRobin::new(), [&a, &b]).until(turns(1));
        },
        &[
            "agent `a`: `.on_crash(..)` names the model `scripted`, but the agent has no script: add `.script(..)`",
            "agent `a`: `.on_model_failure(..)` names the model `scripted`, but the agent has no script: add `.script(..)`",
        ],
    );
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Question {
    text: String,
}

/// Asks nobody.
#[tool(effect = "pure")]
async fn ask_person(args: Question, _ctx: &ToolContext) -> Result<String, ToolError> {
    Ok(args.text)
}

#[test]
fn an_agent_that_may_ask_has_no_tool_of_that_name() {
    check(
        |draft| {
            let a = draft.agent("a", |agent| agent.may_ask().tool(ask_person));
            let b = draft.agent("b", |agent| agent.tool(ask_person));
            draft.crew(RoundRobin::new(), [&a, &b]).until(turns(1));
        },
        &["agent `a` lists the tool `ask_person` 2 times"],
    );
}

#[test]
fn the_crew_is_checked() {
    check(
        |draft| {
            let a = draft.agent("a", |agent| agent);
            draft.agent("b", |agent| agent);
            let stranger = Scenario::<String, String>::builder("other").agent("c", |agent| agent);
            draft.crew(RoundRobin::new(), [&a, &a, &stranger]);
        },
        &[
            "the crew lists `c`, which is no agent of this scenario",
            "agent `a` is in the crew 2 times",
            "the crew has no planned end: its pattern does not conclude by itself, so add `.until(..)`",
            "`b` is in no crew: it would never speak",
        ],
    );
    check(
        |draft| {
            let a = draft.agent("a", |agent| agent);
            draft.crew(RoundRobin::new(), [&a]).until(turns(1));
            draft.crew(RoundRobin::new(), [&a]).until(turns(1));
        },
        &["it has 2 crews: a scenario is one conversation"],
    );
    check(
        |draft| {
            draft.agent("a", |agent| agent);
            draft.crew(RoundRobin::new(), []).until(turns(1));
        },
        &[
            "the crew is empty: list the agents in `scenario.crew(pattern, [&agent, ..])`",
            "`a` is in no crew: it would never speak",
        ],
    );
}

#[test]
fn a_pattern_that_ends_by_itself_needs_no_until() {
    check(
        |draft| {
            let a = draft.agent("a", |agent| agent);
            draft.crew(Selector::new(|_| None), [&a]);
        },
        &[],
    );
}

#[test]
fn limits_that_are_met_at_once_are_refused() {
    check_limit(turns(0), &["`.limit(..)`: `turns(0)` is met before anybody speaks"]);
    check_limit(
        turns(5).or(tokens(0)).or(active_for(seconds(0))),
        &[
            "`.limit(..)`: `tokens(0)` is met before anybody speaks",
            "`.limit(..)`: `active_for(0)` is met before anybody speaks",
        ],
    );
    check_limit(active_for(minutes(1)), &[]);
    check_limit(
        messages(0)
            .or(says_word(""))
            .or(no_progress(0).and(repeated_calls(0)))
            .or(silence(0).or(silent_for(seconds(0)))),
        &[
            "`.limit(..)`: `messages(0)` is met before anybody speaks",
            "`.limit(..)`: `says_word(\"\")` is met before anybody speaks",
            "`.limit(..)`: `no_progress(0)` is met before anybody speaks",
            "`.limit(..)`: `repeated_calls(0)` is met before anybody speaks",
            "`.limit(..)`: `silence(0)` is met before anybody speaks",
            "`.limit(..)`: `silent_for(0)` is met before anybody speaks",
        ],
    );
}

#[test]
fn conditions_on_agents_and_tools_that_are_not_there_are_refused() {
    check_limit(
        says_by("b", "DONE").or(spoken("c")).or(handoff("user")).or(called("pay")),
        &[
            "`.limit(..)`: `says_by(\"b\", \"DONE\")` names `b`, who is not in the crew",
            "`.limit(..)`: `spoken(\"c\")` names `c`, who is not in the crew",
            "`.limit(..)`: `handoff(\"user\")` names `user`, who is not in the crew",
            "`.limit(..)`: `called(\"pay\")` names the tool `pay`, which no agent lists",
        ],
    );
    check_limit(says_by("a", "DONE").and(spoken("a")).and(handoff("a")), &[]);
    check(
        |draft| {
            let a = draft.agent("a", |agent| agent.may_ask().tool(ask_nobody));
            draft.crew(RoundRobin::new(), [&a]).until(called("ask_person").and(called("ask_nobody")));
        },
        &[],
    );
}

/// Asks nobody, either.
#[tool(effect = "pure")]
async fn ask_nobody(args: Question, _ctx: &ToolContext) -> Result<String, ToolError> {
    Ok(args.text)
}

#[test]
fn functions_and_signals_are_known_by_their_names() {
    let long = |message: &Message| message.content.len() > 100;
    let other = when("long", |message| message.content.len() > 200);
    let nameless = when("", long).or(external(""));
    check_limit(
        when("long", long).or(other).or(nameless),
        &[
            "`.limit(..)`: there are two functions `when(\"long\", ..)`: rename one, or clone the other",
            "`.limit(..)`: `when(\"\", ..)` needs a name",
            "`.limit(..)`: `external(\"\")` needs a name",
        ],
    );
    let one = when("long", long);
    check_limit(one.clone().or(one.and(external("stop"))), &[]);
}

#[test]
fn agents_are_checked() {
    check(
        |draft| {
            let a = draft.agent("a", |agent| agent.max_steps(0).temperature(f32::NAN));
            draft.crew(RoundRobin::new(), [&a]).until(turns(1));
        },
        &[
            "agent `a`: `max_steps(0)` leaves it nothing to do",
            "agent `a`: temperature NaN is not a number of 0 or more",
        ],
    );
}

#[test]
fn one_change_changes_the_hash_and_nothing_else_does() {
    let hash = |goal: &str, limit| {
        let mut draft = Scenario::<String, String>::builder("demo");
        let a = draft.agent("a", |agent| agent.goal(goal));
        draft.crew(RoundRobin::new(), [&a]).until(turns(1)).limit(turns(limit));
        draft.build().unwrap().definition().hash
    };
    assert_eq!(hash("g", 5), hash("g", 5));
    assert_ne!(hash("g", 5), hash("other", 5));
    assert_ne!(hash("g", 5), hash("g", 6));
    // A function is its name.
    let hash = |until| {
        let mut draft = Scenario::<String, String>::builder("demo");
        let a = draft.agent("a", |agent| agent);
        draft.crew(RoundRobin::new(), [&a]).until(until);
        draft.build().unwrap().definition().hash
    };
    assert_eq!(hash(when("long", |_| true)), hash(when("long", |_| false)));
    assert_ne!(hash(when("long", |_| true)), hash(when("short", |_| true)));
    assert_ne!(hash(no_progress(3)), hash(repeated_calls(3)));
}

mod with_tools {
    use super::{check, silent};
    use playhouse::prelude::*;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Text {
        text: String,
    }

    /// Says it again.
    #[tool(effect = "pure")]
    async fn echo(args: Text, _ctx: &ToolContext) -> Result<Text, ToolError> {
        Ok(args)
    }

    mod other {
        use super::{Text, ToolContext, ToolError};
        use playhouse::tool;

        /// Says something else.
        #[tool(effect = "pure")]
        pub(super) async fn echo(args: Text, _ctx: &ToolContext) -> Result<Text, ToolError> {
            Ok(args)
        }
    }

    struct Store;

    #[tools]
    impl Store {
        async fn open(_ctx: StartContext) -> Result<Self, ToolError> {
            Ok(Self)
        }

        /// Keeps a text.
        #[tool(effect = "idempotent")]
        async fn keep(&self, args: Text, _ctx: &ToolContext) -> Result<Text, ToolError> {
            Ok(args)
        }
    }

    #[test]
    fn one_tool_may_serve_several_agents() {
        check(
            |draft| {
                let store = draft.tools(Store::open);
                let a = draft.agent("a", |agent| agent.tool(echo).tools(&store).script(silent));
                let b = draft.agent("b", |agent| agent.tool(echo).tools(&store).script(silent));
                draft.crew(RoundRobin::new(), [&a, &b]).until(turns(1));
            },
            &[],
        );
    }

    #[test]
    fn tools_are_told_apart_by_name() {
        check(
            |draft| {
                let a = draft.agent("a", |agent| agent.tool(echo).tool(echo));
                let b = draft.agent("b", |agent| agent.tool(other::echo));
                draft.crew(RoundRobin::new(), [&a, &b]).until(turns(1));
            },
            &[
                "agent `a` lists the tool `echo` 2 times",
                "there are 2 different tools named `echo`: rename all but one",
            ],
        );
    }

    #[test]
    fn tools_of_another_scenario_are_refused() {
        check(
            |draft| {
                let foreign = Scenario::<String, String>::builder("other").tools(Store::open);
                let a = draft.agent("a", |agent| agent.tools(&foreign));
                draft.crew(RoundRobin::new(), [&a]).until(turns(1));
            },
            &[
                "agent `a` lists tools (keep) that this scenario does not open: use its own `scenario.tools(..)`",
            ],
        );
    }
}
