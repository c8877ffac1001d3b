//! Ledgers whose lead and members answer well, badly or not at all.

mod properties;

use std::collections::BTreeMap;
use std::sync::Arc;

use playhouse_journal::Event;
use playhouse_types::{
    AgentName, Label, Message, ModelName, OutcomeKind, Participant, Sees, ThreadId, TurnId, TurnOutcome,
};

use super::Ledger;
use super::state::{Asked as Ask, Phase};
use crate::test_talk::{Asked, Does, Talk, talk};
use crate::{AgentPolicy, ConversationView, CrewDefinition, Escalation, Pattern, RoundRobin, messages};

fn name(text: &str) -> AgentName {
    AgentName::new(text).unwrap()
}

fn ledger() -> Ledger {
    Ledger::new(name("lead"))
}

/// A crew of `a` and `b` that survives models that fail.
fn crew(pattern: Ledger) -> CrewDefinition {
    let policy = AgentPolicy { on_model_failure: vec![Escalation::SkipTurn; 500], ..AgentPolicy::default() };
    CrewDefinition {
        agents: vec![name("a"), name("b")],
        staff: pattern.staff(),
        pattern: Box::new(pattern),
        policies: ["a", "b", "lead"].map(|agent| (name(agent), policy.clone())).into(),
        ..CrewDefinition::default()
    }
}

/// A progress report.
fn report(satisfied: bool, in_loop: bool, progress: bool, next: &str) -> String {
    format!(
        r#"{{"is_request_satisfied":{{"reason":"seen","answer":{satisfied}}},
        "is_in_loop":{{"reason":"","answer":{in_loop}}},
        "is_progress_being_made":{{"reason":"","answer":{progress}}},
        "next_speaker":{{"reason":"fits","answer":"{next}"}},
        "instruction_or_question":{{"reason":"","answer":"do it"}}}}"#
    )
}

fn next(speaker: &str) -> String {
    report(false, false, true, speaker)
}

fn stalled(speaker: &str) -> String {
    report(false, false, false, speaker)
}

fn satisfied() -> String {
    report(true, false, true, "a")
}

/// Returns what a turn is for.
fn ask(asked: &Asked) -> Ask {
    Ask::of_note(&asked.brief.as_ref().unwrap().note).unwrap()
}

/// Answers as a good lead and good members would, with these progress reports; the last one is given again and again.
fn good(asked: &Asked, reports: &mut Vec<String>) -> Does {
    match ask(asked) {
        Ask::Facts => "FACTS".into(),
        Ask::Plan => "PLAN".into(),
        Ask::Progress { .. } if reports.len() > 1 => reports.remove(0).into(),
        Ask::Progress { .. } => reports[0].clone().into(),
        Ask::Answer => "ANSWER".into(),
        _ => "found".into(),
    }
}

fn talk_of(pattern: Ledger, reports: &[String]) -> Talk {
    let mut reports = reports.to_vec();
    talk(crew(pattern), "go", |asked| good(asked, &mut reports))
}

/// Returns how often each kind of turn was given, named by the first word of its note.
fn counts(talk: &Talk) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for asked in &talk.asked {
        *counts.entry(kind(&ask(asked))).or_default() += 1;
    }
    counts
}

fn kind(ask: &Ask) -> &'static str {
    match ask {
        Ask::Facts => "facts",
        Ask::Plan => "plan",
        Ask::Progress { .. } => "progress",
        Ask::Work => "work",
        Ask::Answer => "answer",
        Ask::ShowPlan | Ask::Instruct => "message",
    }
}

const SHOWN: &str =
    "lead: The members who work on it:\n\n- a\n- b\n\nWhat is known:\n\nFACTS\n\nThe plan:\n\nPLAN";

#[track_caller]
fn check_end(talk: &Talk, kind: OutcomeKind, detail: &str) {
    assert_eq!((talk.outcome.kind, talk.outcome.detail.as_str()), (kind, detail));
}

#[test]
fn facts_plan_and_reports_lead_to_an_answer() {
    let talk = talk_of(ledger(), &[next("a"), next("b"), satisfied()]);
    assert_eq!(
        talk.said(),
        [SHOWN, "lead: a: do it", "a: found", "lead: b: do it", "b: found", "lead: ANSWER"]
    );
    let speakers = talk.speakers();
    assert_eq!(speakers, ["lead", "lead", "lead", "a", "lead", "b", "lead", "lead"]);
    check_end(&talk, OutcomeKind::Concluded, "the request is satisfied: seen");
    let work = talk.asked.iter().find(|asked| asked.speaker == "a").unwrap();
    assert_eq!(work.instruction(), "do it");
    assert!(work.seen.iter().any(|line| line.ends_with("PLAN")), "the members see the plan");
}

#[test]
fn the_lead_knows_what_is_asked_and_the_facts_before_it_plans() {
    let mut crew = crew(ledger());
    crew.roles.insert(name("a"), "Reads".to_owned());
    let mut reports = vec![satisfied()];
    let talk = talk(crew, "How high?", |asked| good(asked, &mut reports));
    for asked in &talk.asked {
        assert!(asked.instruction().starts_with("The request:\n\nHow high?"), "{asked:?}");
        assert_eq!(asked.brief.as_ref().unwrap().sees, Sees::All);
    }
    let plan = talk.asked[1].instruction();
    assert!(plan.contains("- a: Reads\n- b") && plan.contains("FACTS"), "{plan}");
}

#[test]
fn a_request_of_any_length_is_repeated_in_part_only() {
    let mut reports = vec![satisfied()];
    let input = "ö".repeat(1_000_000);
    let talk = talk(crew(ledger()), &input, |asked| good(asked, &mut reports));
    assert!(talk.asked.iter().all(|asked| asked.instruction().len() < 8_000));
    let mut reports = vec![satisfied()];
    let talk = self::talk(crew(ledger()), "", |asked| good(asked, &mut reports));
    assert_eq!(talk.outcome.kind, OutcomeKind::Concluded);
}

#[test]
fn a_stall_brings_new_facts_and_a_new_plan_with_all_that_was_said_before() {
    let reports = [next("a"), stalled("b"), stalled("a"), satisfied()];
    let talk = talk_of(ledger().max_stalls(2), &reports);
    let updated = talk.asked.iter().filter(|asked| ask(asked) == Ask::Facts).nth(1).unwrap();
    assert!(updated.instruction().contains("stalled") && updated.instruction().contains("FACTS"));
    assert_eq!(
        updated.seen,
        ["user: go", SHOWN, "lead: a: do it", "a: found", "lead: b: do it", "b: found"],
        "the evidence is kept"
    );
    assert_eq!(talk.said()[5..], [SHOWN, "lead: ANSWER"]);
    assert_eq!(talk.outcome.kind, OutcomeKind::Concluded);
}

#[test]
fn a_loop_counts_as_a_stall_and_progress_takes_one_back() {
    let looping = report(false, true, true, "a");
    // Up to 1, back to 0, up to 1, back to 0: never 2.
    let reports = [looping.clone(), next("b"), stalled("a"), next("b"), satisfied()];
    assert_eq!(counts(&talk_of(ledger().max_stalls(2), &reports))["facts"], 1);
    let reports = [looping.clone(), looping, satisfied()];
    assert_eq!(counts(&talk_of(ledger().max_stalls(2), &reports))["facts"], 2);
}

#[test]
fn at_the_last_turn_the_best_answer_is_given_and_nothing_is_lost() {
    let talk = talk_of(ledger().max_turns(2), &[next("a")]);
    assert_eq!(
        talk.said(),
        [SHOWN, "lead: a: do it", "a: found", "lead: a: do it", "a: found", "lead: ANSWER"]
    );
    check_end(&talk, OutcomeKind::Limited, "the members have had their 2 turns");
    assert!(talk.asked.last().unwrap().instruction().contains("what is missing or uncertain"));
}

#[test]
fn what_the_last_turn_completes_is_done() {
    let talk = talk_of(ledger().max_turns(1), &[next("a"), satisfied()]);
    assert_eq!(talk.outcome.kind, OutcomeKind::Concluded);
}

#[test]
fn after_the_last_plan_the_best_answer_is_given() {
    let talk = talk_of(ledger().max_stalls(1).max_replans(2), &[stalled("a")]);
    assert_eq!(talk.said(), [SHOWN, SHOWN, SHOWN, "lead: ANSWER"]);
    check_end(&talk, OutcomeKind::Limited, "the work has stalled after 2 new plans");
}

#[test]
fn a_speaker_outside_the_candidates_is_never_heard() {
    for stranger in ["c", "lead", "A", "a b", ""] {
        let mut reports = vec![next(stranger), satisfied()];
        let talk = talk(crew(ledger()), "go", |asked| good(asked, &mut reports));
        assert_eq!(talk.said(), [SHOWN, "lead: ANSWER"], "{stranger}");
        let told = talk.asked[3].instruction();
        assert!(told.contains(&format!("`{stranger}` cannot speak next")), "{told}");
    }
}

#[test]
fn one_malformed_report_does_not_end_the_talk() {
    for reply in ["a should speak", "{", r#"{"next_speaker":"a"}"#, "[]", " "] {
        let talk = talk_of(ledger(), &[reply.to_owned(), next("a"), satisfied()]);
        assert_eq!(talk.said(), [SHOWN, "lead: a: do it", "a: found", "lead: ANSWER"], "{reply}");
        assert!(talk.asked[3].instruction().contains("could not be used"));
        assert!(!talk.asked[5].instruction().contains("could not be used"));
    }
}

fn failures() -> Vec<Does> {
    let (detail, limit, reason) = ("why".to_owned(), "steps".to_owned(), "why".to_owned());
    let mut failures = vec![Does::HandsOver { to: "b".to_owned(), words: "over".to_owned() }];
    failures.extend(
        [
            TurnOutcome::Unfit { detail: detail.clone() },
            TurnOutcome::Limited { limit },
            TurnOutcome::ModelFailed { detail },
            TurnOutcome::Skipped { reason },
            TurnOutcome::Cancelled,
        ]
        .map(Does::Ends),
    );
    failures
}

/// Lets turns of one kind fail, as often as said, and checks how it all ends.
#[track_caller]
fn check_failures(failing: &'static str, n_failures: usize, expected: OutcomeKind, detail: &str) {
    for failure in failures() {
        let mut reports = vec![next("a"), next("b"), satisfied()];
        let mut n_left = n_failures;
        let pattern = ledger().max_stalls(2).max_replans(1);
        let talk = talk(crew(pattern), "go", |asked| {
            if kind(&ask(asked)) == failing && n_left > 0 {
                n_left -= 1;
                return failure.clone();
            }
            good(asked, &mut reports)
        });
        assert_eq!(talk.outcome.kind, expected, "{failing}: {failure:?}");
        assert!(talk.outcome.detail.starts_with(detail), "{}", talk.outcome.detail);
        assert_eq!(talk.said().contains(&"lead: ANSWER".to_owned()), !detail.contains("no final answer"));
    }
}

const DONE: &str = "the request is satisfied: seen";

#[test]
fn without_facts_there_is_a_plan() {
    check_failures("facts", 99, OutcomeKind::Concluded, DONE);
}

#[test]
fn without_a_plan_the_work_goes_on() {
    check_failures("plan", 99, OutcomeKind::Concluded, DONE);
}

#[test]
fn a_member_that_fails_leaves_the_choice_to_the_lead() {
    check_failures("work", 1, OutcomeKind::Concluded, DONE);
    check_failures("work", 99, OutcomeKind::Concluded, DONE);
}

#[test]
fn a_report_that_fails_is_asked_for_again() {
    check_failures("progress", 1, OutcomeKind::Concluded, DONE);
    check_failures("progress", 99, OutcomeKind::Limited, "the work has stalled after 1 new plans");
}

#[test]
fn a_talk_without_its_final_answer_is_not_done() {
    check_failures("answer", 1, OutcomeKind::Concluded, DONE);
    let detail = "the request is satisfied, but there is no final answer: ";
    check_failures("answer", 99, OutcomeKind::Limited, detail);
}

#[test]
fn the_lead_hears_of_a_turn_that_failed() {
    let mut reports = vec![next("a"), satisfied()];
    let talk = talk(crew(ledger()), "go", |asked| match asked.speaker.as_str() {
        "a" => Does::Ends(TurnOutcome::Limited { limit: "32 steps".to_owned() }),
        _ => good(asked, &mut reports),
    });
    let told = talk.asked[4].instruction();
    assert!(
        told.contains("Note: the last turn failed: a limit of the turn was reached: 32 steps."),
        "{told}"
    );
}

#[test]
fn without_a_policy_a_model_that_fails_fails_the_run() {
    let crew = CrewDefinition { policies: BTreeMap::new(), ..crew(ledger()) };
    let talk = talk(crew, "go", |_| Does::Ends(TurnOutcome::ModelFailed { detail: "gone".to_owned() }));
    check_end(&talk, OutcomeKind::Failed, "turn 1 of `lead`: gone");
}

#[test]
fn a_lead_whose_model_was_replaced_is_asked_the_same_again_and_goes_on() {
    for failing in ["facts", "plan", "progress", "work", "answer"] {
        let mut crew = crew(ledger().max_stalls(1));
        let ladder = vec![Escalation::ReplaceModel(ModelName::new("m"))];
        let policy = AgentPolicy { on_model_failure: ladder, ..AgentPolicy::default() };
        crew.policies = ["a", "b", "lead"].map(|agent| (name(agent), policy.clone())).into();
        let (mut reports, mut has_failed) = (vec![next("a"), satisfied()], false);
        let talk = talk(crew, "go", |asked| {
            if kind(&ask(asked)) == failing && !std::mem::replace(&mut has_failed, true) {
                return Does::Ends(TurnOutcome::ModelFailed { detail: "gone".to_owned() });
            }
            good(asked, &mut reports)
        });
        check_end(&talk, OutcomeKind::Concluded, DONE);
        assert_eq!(talk.said(), [SHOWN, "lead: a: do it", "a: found", "lead: ANSWER"], "{failing}");
        assert_eq!(counts(&talk)[failing], if failing == "progress" { 3 } else { 2 }, "{failing}");
    }
}

#[test]
fn an_answer_that_comes_after_all_counts() {
    let mut crew = crew(ledger());
    let ladder = vec![Escalation::SkipTurn, Escalation::ReplaceModel(ModelName::new("m"))];
    let policy = AgentPolicy { on_model_failure: ladder, ..AgentPolicy::default() };
    crew.policies.insert(name("lead"), policy);
    let (mut reports, mut n_failures) = (vec![satisfied()], 0);
    let talk = talk(crew, "go", |asked| match ask(asked) {
        Ask::Answer if n_failures < 2 => {
            n_failures += 1;
            Does::Ends(TurnOutcome::ModelFailed { detail: "gone".to_owned() })
        }
        _ => good(asked, &mut reports),
    });
    check_end(&talk, OutcomeKind::Concluded, DONE);
}

#[test]
fn a_lead_that_is_dropped_ends_the_talk_and_what_was_said_is_kept() {
    let mut crew = crew(ledger());
    let policy = AgentPolicy { on_model_failure: vec![Escalation::DropAgent], ..AgentPolicy::default() };
    crew.policies.insert(name("lead"), policy);
    let mut reports = vec![next("a"), next("b")];
    let talk = talk(crew, "go", |asked| match ask(asked) {
        Ask::Progress { .. } if reports.len() == 1 => {
            Does::Ends(TurnOutcome::ModelFailed { detail: "gone".to_owned() })
        }
        _ => good(asked, &mut reports),
    });
    assert_eq!(talk.said()[..3], [SHOWN, "lead: a: do it", "a: found"]);
    check_end(&talk, OutcomeKind::Limited, "`lead`, who leads, takes no further part");
}

#[test]
fn a_member_that_is_dropped_is_no_candidate_any_more() {
    let mut crew = crew(ledger());
    let policy = AgentPolicy { on_model_failure: vec![Escalation::DropAgent], ..AgentPolicy::default() };
    crew.policies.insert(name("a"), policy);
    let mut reports = vec![next("a"), next("a"), next("b"), satisfied()];
    let talk = talk(crew, "go", |asked| match asked.speaker.as_str() {
        "a" => Does::Ends(TurnOutcome::ModelFailed { detail: "gone".to_owned() }),
        _ => good(asked, &mut reports),
    });
    assert_eq!(talk.speakers(), ["lead", "lead", "lead", "a", "lead", "lead", "b", "lead", "lead"]);
    let schema = talk.asked[4].brief.as_ref().unwrap().schema.as_ref().unwrap();
    assert!(schema.contains(r#""enum":["b"]"#), "{schema}");
    check_end(&talk, OutcomeKind::Concluded, DONE);
}

fn apply(pattern: &mut Ledger, events: &[Event]) {
    events.iter().for_each(|event| pattern.apply(event));
}

#[test]
fn a_member_that_is_dropped_before_its_turn_gets_none() {
    let talk = talk_of(ledger(), &[next("a"), satisfied()]);
    let mut pattern = ledger();
    let upto = talk.records.iter().position(
        |record| matches!(&record.event, Event::TurnAssigned { speaker, .. } if speaker.as_str() == "a"),
    );
    // Up to the message that tells it what to do.
    let records = &talk.records[..upto.unwrap() - 1];
    records.iter().for_each(|record| pattern.apply(&record.event));
    assert!(matches!(pattern.state.phase(), Phase::Work(_)));
    apply(&mut pattern, &[Event::AgentDropped { agent: name("b"), reason: String::new() }]);
    assert!(matches!(pattern.state.phase(), Phase::Work(_)));
    apply(&mut pattern, &[Event::AgentDropped { agent: name("a"), reason: String::new() }]);
    assert_eq!(*pattern.state.phase(), Phase::Progress);
    assert_eq!(pattern.state.trouble(), Some("`a` takes no further part"));
}

/// Every talk is also read back after every record and has to decide the same; here what that means is spelled out.
#[test]
fn a_run_that_is_read_back_does_not_start_over() {
    let talk = talk_of(ledger(), &[next("a"), next("b"), satisfied()]);
    let transcript = talk.threads.threads().get(ThreadId::MAIN);
    let (agents, roles) = ([name("a"), name("b")], BTreeMap::new());
    let (mut pattern, mut n_past_facts) = (ledger(), 0);
    for record in &talk.records {
        pattern.apply(&record.event);
        let mut read = ledger();
        assert!(read.restore(&pattern.save().unwrap()));
        // A message of a person is no new beginning either.
        let message = Message {
            turn: TurnId(0),
            from: Participant::User,
            content: "And hurry.".to_owned(),
            label: Label::default(),
        };
        apply(&mut read, &[Event::MessagePosted { message }]);
        let view = ConversationView {
            agents: &agents,
            transcript: &transcript,
            assigned: 0,
            last_speaker: None,
            roles: &roles,
        };
        assert_eq!(read.decide(&view), pattern.decide(&view));
        n_past_facts += usize::from(read.state.facts().is_some());
        assert!(read.state.facts().is_none() || *read.state.phase() != Phase::Facts);
    }
    assert!(n_past_facts > 10);
    assert_eq!(counts(&talk)["facts"], 1);
}

#[test]
fn bytes_that_are_no_state_are_refused() {
    assert!(!ledger().restore(&[9, 9]));
}

#[test]
fn what_is_wrong_is_named_when_it_is_built() {
    let members = [name("a"), name("b")];
    assert!(ledger().max_replans(0).faults(&members).is_empty());
    let faults = Ledger::new(name("a")).max_turns(0).max_stalls(0).faults(&members);
    assert_eq!(
        faults,
        [
            "`a` leads by the ledger, so it cannot be a member as well",
            "`max_turns` of the ledger is 0, but must be at least 1",
            "`max_stalls` of the ledger is 0, but must be at least 1",
        ]
    );
    assert_ne!(ledger().describe(), ledger().max_turns(9).describe());
}

#[test]
fn the_final_answer_can_be_typed() {
    let pattern = ledger().output::<Vec<u32>>();
    let talk = talk_of(pattern, &[satisfied()]);
    let schema = |asked: &Asked| asked.brief.as_ref().unwrap().schema.clone();
    let (answer, facts) = (schema(talk.asked.last().unwrap()).unwrap(), schema(&talk.asked[0]));
    assert!(answer.contains("array"), "{answer}");
    assert_eq!(facts, None);
}

#[test]
fn a_crew_of_a_ledger_says_its_answer_in_the_crew_around_it() {
    for (reports, n_turns) in [(vec![next("a"), satisfied()], 9), (vec![next("a")], 1)] {
        let inner = Arc::new(crew(ledger().max_turns(n_turns)));
        let outer = CrewDefinition {
            agents: vec![name("research")],
            crews: BTreeMap::from([(name("research"), inner)]),
            pattern: Box::new(RoundRobin::new()),
            until: Some(messages(1)),
            ..CrewDefinition::default()
        };
        let mut reports = reports;
        let talk = talk(outer, "go", |asked| good(asked, &mut reports));
        assert_eq!(talk.said(), ["research: ANSWER"]);
        assert_eq!(talk.outcome.kind, OutcomeKind::Concluded);
    }
}

#[test]
fn a_crew_can_be_a_member_of_a_ledger() {
    let inner = CrewDefinition {
        agents: vec![name("x")],
        pattern: Box::new(RoundRobin::new()),
        until: Some(messages(1)),
        ..CrewDefinition::default()
    };
    let mut outer = crew(ledger());
    outer.crews.insert(name("b"), Arc::new(inner));
    let mut reports = vec![next("b"), satisfied()];
    let talk = talk(outer, "go", |asked| match asked.speaker.as_str() {
        "x" => asked.seen.join("; ").into(),
        _ => good(asked, &mut reports),
    });
    let asked = format!("b: user: go\n\n{SHOWN}\n\nlead: b: do it\n\ndo it");
    assert_eq!(talk.said(), [SHOWN, "lead: b: do it", &asked, "lead: ANSWER"]);
}
