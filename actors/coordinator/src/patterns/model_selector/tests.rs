use std::sync::Arc;

use playhouse_types::{AgentName, OutcomeKind, TurnOutcome};
use proptest::prelude::*;

use super::ModelSelector;
use crate::patterns::test_crew::{check_end, crew, fails, failures, forgiving, name, names};
use crate::test_talk::{Asked, Does, Talk, talk};
use crate::{CrewDefinition, Pattern, RoundRobin, messages, turns};

fn selector() -> ModelSelector {
    ModelSelector::new(name("chooser"))
}

/// Lets three agents say four things; `choose` replies to who is asked who speaks next.
fn choosing(pattern: ModelSelector, choose: impl FnMut(&Asked) -> Does) -> Talk {
    run(crew(&["a", "b", "c"], pattern, Some(messages(4))), choose)
}

fn run(crew: CrewDefinition, mut choose: impl FnMut(&Asked) -> Does) -> Talk {
    talk(crew, "go", |asked| if asked.speaker == "chooser" { choose(asked) } else { "word".into() })
}

fn speakers(talk: &Talk) -> String {
    let speakers = talk.speakers().into_iter().filter(|speaker| *speaker != "chooser");
    speakers.collect::<Vec<_>>().join("")
}

fn next(name: &str) -> Does {
    format!(r#"{{"next": "{name}"}}"#).into()
}

fn n_asked(talk: &Talk) -> usize {
    talk.speakers().iter().filter(|speaker| **speaker == "chooser").count()
}

#[test]
fn whom_the_agent_chooses_speaks() {
    let mut wanted = ["c", "a", "c", "b"].into_iter();
    let talk = choosing(selector(), |_| next(wanted.next().unwrap()));
    assert_eq!(talk.said(), ["c: word", "a: word", "c: word", "b: word"]);
    assert_eq!(n_asked(&talk), 4);
    check_end(&talk, OutcomeKind::Concluded, "4 of 4 messages were said");
}

#[test]
fn it_is_asked_apart_with_the_candidates_their_roles_and_a_schema() {
    let roles = [(name("b"), "Reads proofs".to_owned())].into();
    let crew = CrewDefinition { roles, ..crew(&["a", "b", "c"], selector(), Some(messages(2))) };
    let mut told = Vec::new();
    run(crew, |asked| {
        told.push((asked.brief.clone().unwrap(), asked.seen.clone()));
        next(if told.len() == 1 { "a" } else { "b" })
    });
    let (brief, seen) = &told[1];
    assert_eq!(
        brief.instruction,
        "Read the conversation and choose who speaks next.\n\n- b: Reads proofs\n- c\n\n\
         Reply with JSON: {\"next\": NAME}. NAME is one of b, c."
    );
    assert!(brief.schema.as_ref().unwrap().contains(r#"["b","c"]"#));
    assert_eq!(*seen, ["user: go", "a: word"]);
}

#[test]
fn who_spoke_last_is_not_chosen_unless_repeats_are_allowed() {
    let talk = choosing(selector(), |_| "I say a".into());
    assert_eq!(speakers(&talk), "abab");
    let talk = choosing(selector().allow_repeats(), |_| "I say a".into());
    assert_eq!(speakers(&talk), "aaaa");
    assert_eq!(talk.asked.last().unwrap().seen.len(), 4, "who is chosen again sees everything");
    assert_eq!(n_asked(&talk), 4);
}

#[test]
fn a_reply_that_is_no_choice_is_asked_about_again_with_what_is_wrong_and_for_words() {
    let mut told = Vec::new();
    let talk = choosing(selector(), |asked| {
        told.push(asked.brief.clone().unwrap());
        match told.len() {
            1 => "a or b".into(),
            n => next(if n % 2 == 0 { "c" } else { "b" }),
        }
    });
    assert_eq!(speakers(&talk), "cbcb");
    assert!(told[1].instruction.contains("Your last reply was no choice: it names more than one: a, b."));
    let with_schema: Vec<bool> = told.iter().map(|brief| brief.schema.is_some()).collect();
    assert_eq!(with_schema, [true, false, true, true, true], "each choice begins anew");
}

#[test]
fn the_fallback_never_is_an_excluded_speaker() {
    for fallback in ["a", "b"] {
        let talk = choosing(selector().fallback(name(fallback)), |_| "nobody".into());
        let expected = if fallback == "a" { "abab" } else { "baba" };
        assert_eq!(speakers(&talk), expected);
        assert_eq!(n_asked(&talk), 12, "three times for each choice");
    }
}

#[test]
fn no_end_of_an_ask_ends_the_conversation() {
    let handed = Does::HandsOver { to: "a".to_owned(), words: String::new() };
    let ends = failures().into_iter().map(Does::Ends).chain([handed, next("d"), "".into()]);
    for end in ends {
        let crew = forgiving(crew(&["a", "b", "c"], selector(), Some(messages(4))), &[]);
        let talk = run(crew, |_| end.clone());
        assert_eq!(speakers(&talk), "abab", "{end:?}");
        assert_eq!(n_asked(&talk), 12, "{end:?}");
        check_end(&talk, OutcomeKind::Concluded, "4 of 4 messages were said");
    }
}

#[test]
fn an_agent_that_chooses_and_is_dropped_is_not_asked_again() {
    let crew = forgiving(crew(&["a", "b", "c"], selector(), Some(messages(3))), &["chooser"]);
    let talk = run(crew, |_| fails());
    assert_eq!((speakers(&talk).as_str(), n_asked(&talk)), ("aba", 1));
}

#[test]
fn a_member_that_was_dropped_is_no_candidate() {
    let crew = forgiving(crew(&["a", "b", "c"], selector(), Some(messages(3))), &["b"]);
    let talk = talk(crew, "go", |asked| match asked.speaker.as_str() {
        "chooser" if !asked.instruction().contains("- b") => next("c"),
        "chooser" => next("b"),
        "b" => fails(),
        _ => "word".into(),
    });
    assert_eq!(
        talk.speakers(),
        ["chooser", "b", "chooser", "c", "a", "c"],
        "one candidate needs no question"
    );
}

#[test]
fn a_filter_says_who_may_speak_and_never_lets_others_in() {
    let pattern = selector().candidates("not a", |_| names(&["b", "stranger", "c", "b"]));
    let talk = choosing(pattern, |_| next("a"));
    assert_eq!(speakers(&talk), "bcbc");
    assert_eq!(n_asked(&talk), 3, "once b has spoken, c is the only one");
}

#[test]
fn without_candidates_the_conversation_fails() {
    let pattern = selector().candidates("nobody", |_| Vec::new());
    let talk = choosing(pattern, |_| next("a"));
    check_end(&talk, OutcomeKind::Failed, "nobody may speak next by the rule `nobody`");
    assert_eq!(talk.asked.len(), 0);
    let pattern = selector().candidates("only a", |_| names(&["a"]));
    let talk = choosing(pattern, |_| next("a"));
    assert_eq!(talk.said(), ["a: word"]);
    check_end(&talk, OutcomeKind::Failed, "nobody may speak next by the rule `only a`");
}

#[test]
fn a_member_may_choose_and_speak() {
    let crew = crew(&["chooser", "a", "b"], selector(), Some(messages(3)));
    let talk = talk(
        crew,
        "go",
        |asked| if asked.instruction().is_empty() { "word".into() } else { next("chooser") },
    );
    assert_eq!(talk.said(), ["chooser: word", "a: word", "chooser: word"]);
}

#[test]
fn a_crew_that_chooses_is_read_in_words() {
    let panel = crew(&["x"], RoundRobin::new(), Some(messages(1)));
    let mut crew = crew(&["a", "b"], selector(), Some(messages(2)));
    crew.crews.insert(name("chooser"), Arc::new(panel));
    let talk = talk(crew, "go", |asked| if asked.speaker == "x" { "Let b speak." } else { "word" });
    assert_eq!(talk.said(), ["b: word", "a: word"]);
}

#[test]
fn asking_counts_as_no_turn() {
    let talk = run(crew(&["a", "b", "c"], selector(), Some(turns(2))), |_| "nobody".into());
    assert_eq!(talk.said().len(), 2);
    let unfit = TurnOutcome::Unfit { detail: "no".to_owned() };
    let talk = run(crew(&["a", "b", "c"], selector(), Some(turns(2))), |_| Does::Ends(unfit.clone()));
    assert_eq!(talk.said().len(), 2);
}

#[test]
fn faults_name_what_is_wrong() {
    let members = names(&["a"]);
    let pattern = selector().fallback(name("x")).max_attempts(0);
    assert_eq!(
        pattern.faults(&members),
        [
            "the fallback `x` of the selector is no member",
            "the selector may be asked 0 times: let `max_attempts` be 1 at least",
            "`a` is the only member and may not speak twice: `allow_repeats`",
        ]
    );
    assert!(!pattern.has_own_end());
    assert_eq!(pattern.staff(), [AgentName::new("chooser").unwrap()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is replied: who speaks is one of those who may, and nobody speaks twice in a row.
    #[test]
    fn nobody_speaks_who_may_not(picks in proptest::collection::vec(0usize..8, 1..20)) {
        let mut picks = picks.into_iter().cycle();
        let pattern = selector().max_attempts(2).fallback(name("b")).candidates("not d", |view| {
            view.agents.iter().filter(|agent| agent.as_str() != "d").cloned().collect()
        });
        let crew = forgiving(crew(&["a", "b", "c", "d"], pattern, Some(messages(6))), &["c"]);
        let talk = talk(crew, "go", |asked| match (asked.speaker.as_str(), picks.next().unwrap_or(0)) {
            ("chooser", 0) => fails(),
            ("chooser", 1) => Does::Ends(TurnOutcome::Unfit { detail: "no".to_owned() }),
            ("chooser", 2) => "a and b".into(),
            ("chooser", pick) => next(["a", "b", "c", "d", "e"][pick - 3]),
            ("c", 0..3) => fails(),
            _ => "word".into(),
        });
        let spoke: Vec<&str> = talk.speakers().into_iter().filter(|speaker| *speaker != "chooser").collect();
        prop_assert!(spoke.iter().all(|speaker| *speaker != "d"), "{spoke:?}");
        prop_assert!(spoke.windows(2).all(|two| two[0] != two[1]), "{spoke:?}");
        prop_assert_eq!(talk.outcome.kind, OutcomeKind::Concluded);
    }
}
