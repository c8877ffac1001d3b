use std::collections::BTreeMap;
use std::sync::Arc;

use playhouse_types::{AgentName, ModelName, OutcomeKind, Sees, ThreadId, ToolName, TurnId, TurnOutcome};

use super::{OnUnfit, Task, Tasks};
use crate::test_talk::{Asked, Does, Order, Talk, talk, talk_in};
use crate::{AgentPolicy, CrewDefinition, Escalation, Pattern, RoundRobin, messages, turns};

fn name(text: &str) -> AgentName {
    AgentName::new(text).unwrap()
}

/// A task whose description is `do NAME`.
fn task(task: &str, agent: &str) -> Task {
    Task::new(task, format!("do {task}")).by(name(agent))
}

fn crew<const N: usize>(tasks: [Task; N]) -> CrewDefinition {
    let agents = ["a", "b", "c"].map(name).to_vec();
    let pattern = Tasks::new(tasks);
    assert_eq!(pattern.faults(&agents), [""; 0]);
    CrewDefinition { agents, pattern: Box::new(pattern), ..CrewDefinition::default() }
}

fn short(text: &str) -> Result<(), String> {
    if text.len() < 9 { Ok(()) } else { Err("too long".to_owned()) }
}

#[track_caller]
fn check_end(talk: &Talk, kind: OutcomeKind, detail: &str) {
    assert_eq!((talk.outcome.kind, talk.outcome.detail.as_str()), (kind, detail));
}

/// Answers with the first line of the instruction that names the task.
fn done(asked: &Asked) -> String {
    let name = asked.instruction().split('`').nth(1).unwrap_or_default();
    format!("{name} done")
}

fn fails(outcome: TurnOutcome) -> Does {
    Does::Ends(outcome)
}

fn unfit() -> TurnOutcome {
    TurnOutcome::Unfit { detail: "no JSON".to_owned() }
}

/// All ways in which a turn ends without an output.
fn misfortunes() -> Vec<TurnOutcome> {
    let text = || "bad luck".to_owned();
    vec![
        TurnOutcome::Limited { limit: text() },
        TurnOutcome::ModelFailed { detail: text() },
        TurnOutcome::Skipped { reason: text() },
        TurnOutcome::Cancelled,
        TurnOutcome::Replied,
        unfit(),
    ]
}

#[test]
fn tasks_are_done_one_after_another() {
    let tasks = [task("one", "a"), task("two", "b").context(["one"]), task("three", "a").context(["two"])];
    let talk = talk(crew(tasks), "go", done);
    assert_eq!(talk.said(), ["a: one done", "b: two done", "a: three done"]);
    check_end(&talk, OutcomeKind::Concluded, "all 3 tasks are done");
}

#[test]
fn a_task_sees_its_description_and_its_declared_context_and_nothing_else() {
    let tasks = [
        task("one", "a").expects("a word"),
        task("two", "b").context([Task::INPUT; 0]),
        task("three", "a").context(["two", Task::INPUT]),
    ];
    let talk = talk(crew(tasks), "the input", done);
    let seen: Vec<&str> = talk.asked.iter().map(Asked::instruction).collect();
    assert_eq!(
        seen,
        [
            "Task `one`: do one\n\nExpected output: a word\n\nInput:\nthe input",
            "Task `two`: do two",
            "Task `three`: do three\n\nOutput of task `two`:\ntwo done\n\nInput:\nthe input",
        ]
    );
    assert!(talk.asked.iter().all(|asked| asked.seen.is_empty()), "no conversation besides");
    assert!(talk.asked.iter().all(|asked| asked.brief.as_ref().unwrap().sees == Sees::Nothing));
}

#[test]
fn background_tasks_run_at_once_and_what_depends_on_them_waits_for_all() {
    for order in [Order::First, Order::Last] {
        let tasks = [
            task("one", "a").in_background(),
            task("two", "b").in_background(),
            task("three", "c").in_background(),
            task("all", "a").context(["three", "one"]),
        ];
        let talk = talk_in(order, crew(tasks), "go", done);
        let all = talk.asked.last().unwrap();
        assert_eq!(
            all.instruction(),
            "Task `all`: do all\n\nOutput of task `three`:\nthree done\n\nOutput of task `one`:\none done",
            "{order:?}"
        );
        assert_eq!(talk.said(), ["a: one done", "b: two done", "c: three done", "a: all done"], "{order:?}");
        // All three were given before the first ended.
        let mut turns: Vec<_> = talk.asked[..3].iter().map(|asked| asked.turn).collect();
        turns.sort_unstable();
        assert_eq!(turns, [TurnId(1), TurnId(2), TurnId(3)]);
        check_end(&talk, OutcomeKind::Concluded, "all 4 tasks are done");
    }
}

#[test]
fn a_background_task_runs_beside_those_that_follow_one_another() {
    let tasks = [task("one", "a"), task("beside", "b").in_background(), task("two", "a")];
    let talk = talk_in(Order::Last, crew(tasks), "go", done);
    assert_eq!(talk.speakers(), ["b", "a", "a"], "`beside` and `one` have the floor at once");
    assert_eq!(talk.said(), ["a: one done", "b: beside done", "a: two done"]);
}

#[test]
fn an_agent_does_one_task_at_a_time() {
    let tasks = [task("one", "a").in_background(), task("two", "a").in_background()];
    let talk = talk(crew(tasks), "go", done);
    assert_eq!(talk.said(), ["a: one done", "a: two done"]);
    check_end(&talk, OutcomeKind::Concluded, "all 2 tasks are done");
}

#[test]
fn what_does_not_pass_goes_back_with_what_is_wrong() {
    let tasks = [task("one", "a").guardrail("short", short), task("two", "b").context(["one"])];
    let talk = talk(crew(tasks), "go", |asked| match asked.turn {
        TurnId(1) => "much too long".to_owned(),
        _ => done(asked)[..4].to_owned(),
    });
    assert_eq!(
        talk.said(),
        [
            "a: much too long",
            "runtime: The output of task `one` was not accepted: too long",
            "a: one ",
            "b: two "
        ]
    );
    assert_eq!(
        talk.asked[1].instruction(),
        "Task `one`: do one\n\nInput:\ngo\n\nOutput so far:\nmuch too long\n\n\
         The last try was not accepted: too long\nGive the whole output again, without this fault."
    );
    assert!(talk.asked[2].instruction().ends_with("Output of task `one`:\none "), "what was accepted counts");
}

#[test]
fn retries_are_bounded_and_the_end_names_the_task() {
    let tasks = [task("one", "a").guardrail("short", short).retries(2), task("two", "b")];
    let talk = talk(crew(tasks), "go", |_| "much too long");
    assert_eq!(talk.speakers(), ["a"; 3]);
    let detail = "task `one` could not be done: no output was accepted in 3 turns: too long";
    check_end(&talk, OutcomeKind::Failed, detail);
}

#[test]
fn a_guardrail_that_panics_rejects() {
    // Without the panic hook: a planned panic needs no backtrace.
    let broken = |_: &str| std::panic::resume_unwind(Box::new("as planned"));
    let talk = talk(crew([task("one", "a").guardrail("broken", broken).retries(1)]), "go", done);
    let detail = "task `one` could not be done: no output was accepted in 2 turns: \
                  guardrail `broken` panicked: as planned";
    check_end(&talk, OutcomeKind::Failed, detail);
}

#[test]
fn a_retry_survives_output_that_is_malformed() {
    let one = task("one", "a").fitting(r#"{"type":"object"}"#).guardrail("short", short);
    let talk = talk(crew([one]), "go", |asked| match asked.turn {
        TurnId(1) => "{\"much\": \"too long\"}".into(),
        // The note about the first one has turn 2.
        TurnId(3) => fails(unfit()),
        _ => "{}".into(),
    });
    assert_eq!(talk.said().last().unwrap(), "a: {}");
    let third = talk.asked[2].instruction();
    assert!(third.contains("not accepted: no output fitted what was asked for: no JSON"), "{third}");
    assert!(talk.asked.iter().all(|asked| asked.brief.as_ref().unwrap().schema.is_some()));
    check_end(&talk, OutcomeKind::Concluded, "the task is done");
}

#[test]
fn an_output_that_never_fits_comes_to_an_end() {
    let talk = talk(crew([task("one", "a").output::<BTreeMap<String, u32>>()]), "go", |_| fails(unfit()));
    assert_eq!(talk.speakers(), ["a"; 4]);
    assert_eq!(talk.outcome.kind, OutcomeKind::Failed);
}

#[test]
fn every_way_to_end_without_an_output_fails_with_the_name_of_the_task() {
    for outcome in misfortunes() {
        // A model that fails ends the run before the pattern is asked, unless the agent's ladder says otherwise.
        let is_model = matches!(outcome, TurnOutcome::ModelFailed { .. });
        let talk = talk(crew([task("one", "a"), task("two", "b")]), "go", |_| fails(outcome.clone()));
        assert_eq!(talk.outcome.kind, OutcomeKind::Failed, "{outcome:?}");
        assert!(is_model || talk.outcome.detail.contains("task `one`"), "{outcome:?}: {:?}", talk.outcome);
    }
}

#[test]
fn every_way_to_end_without_an_output_leads_to_the_fallback() {
    for outcome in misfortunes() {
        if matches!(outcome, TurnOutcome::ModelFailed { .. }) {
            continue;
        }
        let one = task("one", "a").otherwise(OnUnfit::FallbackAgent(name("c")));
        let talk = talk(crew([one, task("two", "b").context(["one"])]), "go", |asked| {
            if asked.speaker == "a" { fails(outcome.clone()) } else { done(asked).into() }
        });
        assert!(talk.said().ends_with(&["c: one done".to_owned(), "b: two done".to_owned()]), "{outcome:?}");
        check_end(&talk, OutcomeKind::Concluded, "all 2 tasks are done");
    }
}

fn with_ladder(crew: CrewDefinition, ladder: &[Escalation]) -> CrewDefinition {
    let policy = AgentPolicy { on_model_failure: ladder.to_vec(), ..AgentPolicy::default() };
    CrewDefinition { policies: BTreeMap::from([(name("a"), policy)]), ..crew }
}

#[test]
fn an_agent_whose_model_is_replaced_does_the_task_after_all() {
    let tasks = [task("one", "a").otherwise(OnUnfit::FallbackAgent(name("c"))), task("two", "b")];
    let replace = Escalation::ReplaceModel(ModelName::new("other"));
    let talk = talk(with_ladder(crew(tasks), &[replace, Escalation::Fail]), "go", |asked| match asked.turn {
        TurnId(1) => fails(TurnOutcome::ModelFailed { detail: "gone".to_owned() }),
        _ => done(asked).into(),
    });
    assert_eq!(talk.said(), ["a: one done", "b: two done"]);
    assert_eq!(talk.asked[0].brief, talk.asked[1].brief, "asked the same again");
}

#[test]
fn what_an_agent_that_is_dropped_was_to_do_falls_to_another_or_fails() {
    for (otherwise, expected) in [
        (OnUnfit::FallbackAgent(name("c")), (OutcomeKind::Concluded, "all 3 tasks are done")),
        (
            OnUnfit::Partial,
            (
                OutcomeKind::Limited,
                "all tasks have ended, but `one` is partial: gone; `three` is partial: \
            `a` takes no further part: turn 1 of `a`: gone",
            ),
        ),
        (OnUnfit::Fail, (OutcomeKind::Failed, "task `one` could not be done: gone")),
    ] {
        let one = task("one", "a").otherwise(otherwise.clone());
        let tasks = [one, task("two", "b"), task("three", "a").otherwise(otherwise)];
        let crew = with_ladder(crew(tasks), &[Escalation::DropAgent, Escalation::Fail]);
        let talk = talk(crew, "go", |asked| match asked.speaker.as_str() {
            "a" => fails(TurnOutcome::ModelFailed { detail: "gone".to_owned() }),
            _ => done(asked).into(),
        });
        check_end(&talk, expected.0, expected.1);
    }
}

#[test]
fn a_fallback_that_cannot_either_fails() {
    let one = task("one", "a").guardrail("short", short).retries(1);
    let talk = talk(crew([one.otherwise(OnUnfit::FallbackAgent(name("b")))]), "go", |_| "much too long");
    assert_eq!(talk.speakers(), ["a", "a", "b", "b"]);
    let detail = "task `one` could not be done: no output was accepted in 2 turns: too long";
    check_end(&talk, OutcomeKind::Failed, detail);
}

#[test]
fn a_partial_output_is_kept_and_the_end_says_so() {
    let one = task("one", "a").guardrail("short", short).retries(1).otherwise(OnUnfit::Partial);
    let tasks = [one, task("two", "b").context(["one"])];
    let talk = talk(crew(tasks), "go", |asked| match asked.speaker.as_str() {
        "a" => format!("much too long, turn {}", asked.turn),
        _ => "short".to_owned(),
    });
    assert_eq!(talk.said()[4..], ["a: much too long, turn 3", "b: short"]);
    let last = talk.asked.last().unwrap().instruction();
    assert!(last.ends_with("Output of task `one`:\nmuch too long, turn 3"), "{last}");
    let detail = "all tasks have ended, but `one` is partial: no output was accepted in 2 turns: too long";
    check_end(&talk, OutcomeKind::Limited, detail);
}

#[test]
fn a_task_without_any_output_can_end_as_partial() {
    for outcome in misfortunes() {
        if matches!(outcome, TurnOutcome::ModelFailed { .. }) {
            continue;
        }
        let one = task("one", "a").otherwise(OnUnfit::Partial);
        let talk = talk(crew([one, task("two", "b").context(["one"])]), "go", |asked| {
            if asked.speaker == "a" { fails(outcome.clone()) } else { done(asked).into() }
        });
        assert!(talk.asked.last().unwrap().instruction().contains("Output of task `one`:\n(none: "));
        assert_eq!(talk.said().last().unwrap(), "b: two done", "{outcome:?}");
        assert_eq!(talk.outcome.kind, OutcomeKind::Limited, "{outcome:?}");
    }
}

#[test]
fn a_failure_keeps_what_was_done_at_the_same_time() {
    for order in [Order::First, Order::Last] {
        let tasks = [task("one", "a").in_background(), task("two", "b").in_background()];
        let talk = talk_in(order, crew(tasks), "go", |asked| match asked.speaker.as_str() {
            "a" => fails(TurnOutcome::Limited { limit: "32 model calls".to_owned() }),
            _ => done(asked).into(),
        });
        assert_eq!(talk.said(), ["b: two done"], "{order:?}");
        check_end(&talk, OutcomeKind::Failed, "task `one` could not be done: 32 model calls");
    }
}

#[test]
fn work_done_before_a_turn_limit_is_kept() {
    let tasks = [
        task("one", "a").in_background(),
        task("two", "b").in_background(),
        task("three", "c").context(["two"]),
    ];
    let crew = CrewDefinition { limit: turns(2), ..crew(tasks) };
    let talk = talk(crew, "go", done);
    assert_eq!(talk.said(), ["a: one done", "b: two done"]);
    assert_eq!(talk.outcome.kind, OutcomeKind::Limited);
}

#[test]
fn a_task_that_is_handed_over_is_done_by_the_other() {
    let talk = talk(crew([task("one", "a"), task("two", "b")]), "go", |asked| match asked.speaker.as_str() {
        "a" => Does::HandsOver { to: "c".to_owned(), words: "yours".to_owned() },
        _ => done(asked).into(),
    });
    assert_eq!(talk.said(), ["a: yours", "c: one done", "b: two done"]);
}

#[test]
fn a_task_is_not_handed_over_without_end() {
    let talk = talk(crew([task("one", "a")]), "go", |asked| {
        let to = if asked.speaker == "a" { "b" } else { "a" };
        Does::HandsOver { to: to.to_owned(), words: "yours".to_owned() }
    });
    assert_eq!(talk.speakers(), ["a", "b", "a", "b"]);
    let detail = "task `one` could not be done: it was handed over to `a` after 4 turns";
    check_end(&talk, OutcomeKind::Failed, detail);
}

#[test]
fn a_crew_can_do_a_task() {
    let inner = CrewDefinition {
        agents: vec![name("x"), name("y")],
        until: Some(messages(3)),
        ..CrewDefinition::default()
    };
    let mut crew = crew([task("one", "a"), task("two", "b").context(["one"])]);
    crew.crews.insert(name("b"), Arc::new(inner));
    let talk = talk(crew, "go", |asked| match asked.speaker.as_str() {
        "a" => "facts".to_owned(),
        speaker => format!("{speaker} after {}", asked.seen.len()),
    });
    assert_eq!(talk.said(), ["a: facts", "b: x after 3"]);
    let inner = talk.said_in(ThreadId(TurnId(2)));
    assert_eq!(inner[0], "user: Task `two`: do two\n\nOutput of task `one`:\nfacts");
}

#[test]
fn crews_do_tasks_at_once_and_one_that_says_nothing_is_replaced() {
    let inner = |agent: &str| CrewDefinition {
        agents: vec![name(agent)],
        pattern: Box::new(RoundRobin::new()),
        limit: turns(1),
        until: Some(messages(9)),
        ..CrewDefinition::default()
    };
    for order in [Order::First, Order::Last] {
        let one = task("one", "a").otherwise(OnUnfit::FallbackAgent(name("c")));
        let mut crew = crew([one.in_background(), task("two", "b").in_background()]);
        crew.crews.insert(name("a"), Arc::new(inner("x")));
        crew.crews.insert(name("b"), Arc::new(inner("y")));
        let talk = talk_in(order, crew, "go", |asked| match asked.speaker.as_str() {
            "x" => fails(TurnOutcome::Skipped { reason: "out of order".to_owned() }),
            _ => "done".into(),
        });
        let said = talk.said();
        assert_eq!(said[1..], ["b: done", "c: done"], "{order:?}: {said:?}");
        check_end(&talk, OutcomeKind::Concluded, "all 2 tasks are done");
    }
}

#[test]
fn only_the_tools_of_a_task_are_offered() {
    let talk = talk(crew([task("one", "a").tools(["read"]), task("two", "a")]), "go", done);
    let tools = |place: usize| talk.asked[place].brief.clone().unwrap().tools;
    assert_eq!(tools(0), Some(vec![ToolName::new("read").unwrap()]));
    assert_eq!(tools(1), None);
}

#[test]
fn an_empty_input_and_a_large_one_go_through_whole() {
    for input in [String::new(), "x".repeat(10_000_000)] {
        let talk = talk(crew([task("one", "a")]), &input, |asked| {
            (asked.instruction().len() - "Task `one`: do one\n\nInput:\n".len()).to_string()
        });
        assert_eq!(talk.said(), [format!("a: {}", input.len())]);
    }
}

#[test]
fn outputs_belong_to_names_also_when_the_list_has_changed() {
    let mut before = Tasks::new([task("one", "a"), task("two", "b")]);
    for (event, work) in [(1, "one"), (2, "two")] {
        let brief = playhouse_types::Brief::new("").noting(format!("task:{work}"));
        let turn = TurnId(event);
        let speaker = name(if work == "one" { "a" } else { "b" });
        before.apply(&playhouse_journal::Event::Briefed { turn, brief: Box::new(brief) });
        let reason = String::new();
        before.apply(&playhouse_journal::Event::TurnAssigned { turn, speaker, reason, upto: 1 });
        let outcome = TurnOutcome::Answered { content: work.to_owned() };
        before.apply(&playhouse_journal::Event::TurnEnded { turn, outcome });
    }
    let mut after = Tasks::new([task("zero", "a"), task("two", "b"), task("one", "a")]);
    assert!(after.restore(&before.save().unwrap()));
    let ends: Vec<_> = after.all().map(|(task, work)| (task.name.clone(), work.stage)).collect();
    let done = |turn| super::Stage::Done { output: TurnId(turn) };
    let expected = [("zero", super::Stage::Open), ("two", done(2)), ("one", done(1))];
    assert_eq!(ends, expected.map(|(name, stage)| (name.to_owned(), stage)));
}

#[test]
fn tasks_that_wait_for_each_other_are_not_reported_as_done() {
    let tasks = [task("one", "a").context(["two"]), task("two", "a").context(["one"])];
    let pattern = Box::new(Tasks::new(tasks));
    let crew = CrewDefinition { agents: vec![name("a")], pattern, ..CrewDefinition::default() };
    check_end(&talk(crew, "go", done), OutcomeKind::Failed, "task `one` waits for one that comes later");
}

#[track_caller]
fn check_faults<const N: usize>(tasks: [Task; N], expected: &[&str]) {
    let members = ["a", "b", "c"].map(name);
    assert_eq!(Tasks::new(tasks).faults(&members), expected);
}

#[test]
fn everything_wrong_is_named() {
    check_faults([], &["there are no tasks"]);
    check_faults(
        [
            task("one", "nobody").context(["two", "three", "one", "input", "input"]),
            task("two", "a").otherwise(OnUnfit::FallbackAgent(name("a"))),
            task("two", "a").otherwise(OnUnfit::FallbackAgent(name("nobody"))),
            task("input", "a"),
        ],
        &[
            "task `one` is given to `nobody`, who is not in the crew",
            "task `one` lists `two` in its context, a task that comes later",
            "task `one` lists `three` in its context, and there is no such task",
            "task `one` lists itself in its context",
            "task `one` lists `input` twice in its context",
            "task `two` falls back on `a`, whose task it is",
            "task `two` falls back on `nobody`, who is not in the crew",
            "there are several tasks named `two`",
            "a task cannot be named `input`: that is what the crew is asked",
        ],
    );
}

#[test]
fn what_cannot_work_is_named() {
    let guarded = task("one", "a").guardrail("short", short);
    check_faults(
        [
            guarded.clone().retries(0),
            Task::new("two", " "),
            task("three", "a").fitting("{").tools(["no tool"]),
            task("four", "a").guardrail("short", short).guardrail("short", short),
        ],
        &[
            "task `one` has guardrail `short` and no retries: what it says would reach nobody",
            "task `two` does not say what is to be done",
            "task `two` does not say who does it",
            "task `three` asks for an output that cannot be checked: the schema of the reply is no JSON: EOF while \
             parsing an object at line 1 column 1",
            "task `three` lists a tool that is none: `no tool` is not a name: use 1 to 64 letters, digits, `-` or `_`",
            "task `four` has several guardrails named `short`",
        ],
    );
    let describe = |task: Task| Tasks::new([task]).describe();
    assert_ne!(describe(guarded.clone()), describe(guarded.retries(7)), "a change shows");
}
