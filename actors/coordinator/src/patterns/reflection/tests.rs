use playhouse_types::{OutcomeKind, TurnOutcome};
use proptest::prelude::*;

use super::Reflection;
use crate::patterns::test_crew::{check_end, crew, fails, failures, forgiving, name, names, said_by_agents};
use crate::test_talk::{Does, Talk, talk};
use crate::{CrewDefinition, Pattern, says};

fn reflection() -> Reflection {
    Reflection::new(name("writer"), name("critic"))
}

fn criticism(is_approved: bool, score: u8, feedback: &str) -> Does {
    format!(r#"{{"approved": {is_approved}, "score": {score}, "feedback": "{feedback}"}}"#).into()
}

/// The crew, in which turns that fail are skipped.
fn pair() -> CrewDefinition {
    forgiving(crew(&["writer"], reflection(), None), &[])
}

/// Lets the writer write `draft 1`, `draft 2` and so on, unless `act` says otherwise for who speaks for the n-th time.
fn reflected(crew: CrewDefinition, mut act: impl FnMut(&str, u32) -> Option<Does>) -> Talk {
    let (mut n_written, mut n_judged) = (0, 0);
    talk(crew, "go", |asked| {
        let count = if asked.speaker == "writer" { &mut n_written } else { &mut n_judged };
        *count += 1;
        let fallback = || format!("draft {count}").into();
        act(&asked.speaker, *count).unwrap_or_else(fallback)
    })
}

/// Lets the critic give these scores and approve nothing.
fn scored(scores: [u8; 3]) -> Talk {
    reflected(pair(), |speaker, n| {
        (speaker == "critic").then(|| criticism(false, scores[n as usize - 1], &format!("better {n}")))
    })
}

#[test]
fn the_writer_revises_until_the_critic_approves() {
    for members in [&["writer"][..], &["writer", "critic"]] {
        let crew = crew(members, reflection(), None);
        let mut told = Vec::new();
        let talk = talk(crew, "go", |asked| {
            told.push(asked.instruction().to_owned());
            match (asked.speaker.as_str(), asked.seen.len()) {
                ("writer", seen) => format!("draft after {seen}").into(),
                (_, 2) => criticism(false, 4, "shorter"),
                _ => criticism(true, 9, ""),
            }
        });
        assert_eq!(talk.said(), ["writer: draft after 1", "critic: shorter", "writer: draft after 3"]);
        check_end(&talk, OutcomeKind::Concluded, "`critic` approved in round 2");
        assert_eq!(told[0], "");
        assert!(told[1].contains("Judge the last draft of `writer`"));
        assert!(told[2].contains("Revise your last draft by what `critic` said"));
    }
}

#[test]
fn at_the_bound_the_best_draft_is_the_last_thing_said() {
    let talk = scored([8, 3, 5]);
    let expected = [
        "writer: draft 1",
        "critic: better 1",
        "writer: draft 2",
        "critic: better 2",
        "writer: draft 3",
        "writer: draft 1",
    ];
    assert_eq!(talk.said(), expected);
    check_end(&talk, OutcomeKind::Limited, "not approved in 3 rounds; the best draft has a score of 8");
}

#[test]
fn a_best_draft_that_stands_last_is_not_said_twice() {
    for scores in [[1, 2, 3], [5, 5, 5]] {
        let talk = scored(scores);
        assert_eq!((talk.said().len(), talk.said().last().unwrap().as_str()), (5, "writer: draft 3"));
        assert_eq!(talk.outcome.kind, OutcomeKind::Limited);
    }
}

#[test]
fn a_critic_that_gives_no_judgment_costs_a_round_and_is_asked_again() {
    let handed = Does::HandsOver { to: "writer".to_owned(), words: String::new() };
    let bad = ["fine", "{}", r#"{"approved": true, "score": 11, "feedback": ""}"#].map(Does::from);
    for end in failures().into_iter().map(Does::Ends).chain([handed]).chain(bad) {
        let talk = reflected(pair(), |speaker, n| match (speaker, n) {
            ("critic", 1) => Some(end.clone()),
            ("critic", _) => Some(criticism(true, 9, "")),
            _ => None,
        });
        assert_eq!(talk.speakers(), ["writer", "critic", "critic"], "{end:?}");
        check_end(&talk, OutcomeKind::Concluded, "`critic` approved in round 2");
        let talk = reflected(pair(), |speaker, _| (speaker == "critic").then(|| end.clone()));
        assert_eq!(talk.speakers(), ["writer", "critic", "critic", "critic"], "{end:?}");
        assert_eq!(said_by_agents(&talk), ["writer: draft 1"], "{end:?}");
        assert_eq!(talk.outcome.kind, OutcomeKind::Limited, "{end:?}");
        assert!(talk.outcome.detail.starts_with("not approved in 3 rounds; the draft was not judged: "));
    }
}

#[test]
fn a_writer_that_brings_no_draft_costs_a_round_and_is_asked_again() {
    for end in failures() {
        let talk = reflected(pair(), |speaker, n| match (speaker, n) {
            ("writer", 2) => Some(Does::Ends(end.clone())),
            ("writer", _) => None,
            _ => Some(criticism(false, 5, "shorter")),
        });
        assert_eq!(talk.speakers(), ["writer", "critic", "writer", "writer", "critic"], "{end:?}");
        assert_eq!(talk.outcome.kind, OutcomeKind::Limited, "{end:?}");
        let talk = reflected(pair(), |_, _| Some(Does::Ends(end.clone())));
        assert_eq!(talk.speakers(), ["writer"; 3], "{end:?}");
        assert_eq!(talk.outcome.kind, OutcomeKind::Failed, "{end:?}");
        assert!(
            talk.outcome.detail.starts_with("not approved in 3 rounds, and there is no draft: "),
            "{end:?}"
        );
    }
}

#[test]
fn a_critic_or_writer_that_was_dropped_leaves_the_best_draft() {
    let crew = || crew(&["writer", "critic"], reflection(), None);
    let talk = reflected(forgiving(crew(), &["critic"]), |speaker, n| match (speaker, n) {
        ("critic", 1) => Some(criticism(false, 7, "shorter")),
        ("critic", _) => Some(fails()),
        _ => None,
    });
    assert_eq!(said_by_agents(&talk).last().unwrap(), "writer: draft 1", "the one with a score");
    check_end(&talk, OutcomeKind::Limited, "`critic` takes no further part; the best draft has a score of 7");
    let talk = reflected(forgiving(crew(), &["writer"]), |speaker, n| match (speaker, n) {
        ("writer", 2) => Some(fails()),
        ("writer", _) => None,
        _ => Some(criticism(false, 7, "shorter")),
    });
    check_end(&talk, OutcomeKind::Limited, "`writer` takes no further part; the best draft has a score of 7");
    let talk = reflected(forgiving(crew(), &["writer"]), |_, _| Some(fails()));
    check_end(&talk, OutcomeKind::Failed, "`writer` takes no further part, and there is no draft: no model");
}

#[test]
fn a_critic_without_words_still_says_something() {
    let talk = reflected(pair(), |speaker, n| (speaker == "critic").then(|| criticism(n == 2, 4, " ")));
    assert_eq!(talk.said()[1], "critic: This is not good enough yet: 4 of 10.");
}

#[test]
fn an_end_of_the_crew_ends_it_before_the_critic_is_asked() {
    let crew = crew(&["writer"], reflection(), Some(says("draft 1")));
    let talk = reflected(crew, |_, _| None);
    assert_eq!(talk.speakers(), ["writer"]);
}

#[test]
fn faults_name_what_is_wrong() {
    let pattern = Reflection::new(name("a"), name("a")).rounds(0);
    assert_eq!(
        pattern.faults(&names(&["b"])),
        [
            "the writer `a` is no member",
            "`a` cannot be writer and critic at once",
            "`b` is neither the writer nor the critic and would never speak",
            "a reflection of 0 rounds brings no draft: let `rounds` be 1 at least",
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the two do: it ends within its rounds, and the best draft that was judged is the last one said.
    #[test]
    fn it_ends_with_the_best_draft(picks in proptest::collection::vec(0u8..14, 1..20)) {
        let mut picks = picks.into_iter().cycle();
        let mut best: Option<(u8, String)> = None;
        let mut last = String::new();
        let mut is_approved = false;
        let talk = reflected(pair(), |speaker, n| match (speaker, picks.next().unwrap_or(0)) {
            (_, 0) => Some(fails()),
            (_, 1) => Some(Does::Ends(TurnOutcome::Limited { limit: "no".to_owned() })),
            ("writer", _) => {
                last = format!("draft {n}");
                None
            }
            (_, 2) => Some("no JSON".into()),
            (_, pick) => {
                let score = pick - 3;
                is_approved = score > 8;
                if is_approved || best.as_ref().is_none_or(|(best, _)| *best <= score) {
                    best = Some((score, last.clone()));
                }
                Some(criticism(is_approved, score, "more"))
            }
        });
        prop_assert!(talk.asked.len() <= 6);
        let kind = match (is_approved, last.is_empty()) {
            (true, _) => OutcomeKind::Concluded,
            (false, true) => OutcomeKind::Failed,
            (false, false) => OutcomeKind::Limited,
        };
        prop_assert_eq!(talk.outcome.kind, kind);
        let written = said_by_agents(&talk).into_iter().rfind(|said| said.starts_with("writer: "));
        let expected = best.map(|(_, draft)| draft).or((!last.is_empty()).then_some(last));
        prop_assert_eq!(written, expected.map(|draft| format!("writer: {draft}")));
    }
}
