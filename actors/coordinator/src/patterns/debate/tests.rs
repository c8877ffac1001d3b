use playhouse_types::{OutcomeKind, TurnOutcome};
use proptest::prelude::*;

use super::Debate;
use crate::patterns::test_crew::{check_end, crew, fails, failures, forgiving, name, names, said_by_agents};
use crate::test_talk::{Asked, Does, Order, Talk, talk, talk_in};
use crate::{CrewDefinition, Pattern, says};

fn debate() -> Debate {
    Debate::new(name("judge"))
}

fn verdict(is_over: bool, text: &str) -> Does {
    format!(r#"{{"over": {is_over}, "verdict": "{text}"}}"#).into()
}

/// Lets all argue; `judge` is what the judge replies, asked for the n-th time, from 1.
fn judged(crew: CrewDefinition, mut judge: impl FnMut(u32) -> Does) -> Talk {
    let mut n = 0;
    talk(crew, "go", |asked| match asked.speaker.as_str() {
        "judge" => {
            n += 1;
            judge(n)
        }
        speaker => format!("{speaker} after {}", asked.seen.len()).into(),
    })
}

fn members() -> CrewDefinition {
    crew(&["a", "b"], debate(), None)
}

#[test]
fn all_see_all_and_the_judge_ends_it_early() {
    let talk =
        judged(members(), |n| if n == 2 { verdict(true, "b is right") } else { verdict(false, "costs") });
    let expected = ["a: a after 1", "b: b after 2", "a: a after 3", "b: b after 4", "judge: b is right"];
    assert_eq!(talk.said(), expected);
    assert_eq!(talk.speakers(), ["a", "b", "judge", "a", "b", "judge"]);
    check_end(&talk, OutcomeKind::Concluded, "`judge` decided in round 2");
    let told: Vec<bool> =
        talk.asked.iter().map(|asked| asked.instruction().ends_with("judge: costs")).collect();
    assert_eq!(told, [false, false, false, true, true, false], "all hear in the next round what is open");
}

#[test]
fn after_the_last_round_the_judge_has_to_decide() {
    let talk = judged(members(), |_| verdict(false, "still unsure"));
    assert_eq!(talk.speakers().len(), 9);
    assert_eq!(talk.said().last().unwrap(), "judge: still unsure");
    check_end(&talk, OutcomeKind::Concluded, "`judge` decided in round 3");
    let last: Vec<bool> =
        talk.asked.iter().map(|asked| asked.instruction().ends_with("decide now.")).collect();
    assert_eq!([last[2], last[5], last[8]], [false, false, true]);
}

#[test]
fn arguments_at_once_are_heard_in_the_next_round() {
    for order in [Order::First, Order::Last] {
        let crew = crew(&["a", "judge", "b"], debate().at_once().rounds(2), None);
        let act = |asked: &Asked| match asked.speaker.as_str() {
            "judge" => verdict(false, "open"),
            speaker => format!("{speaker} after {}", asked.seen.len()).into(),
        };
        let talk = talk_in(order, crew, "go", act);
        let expected = ["a: a after 1", "b: b after 1", "a: a after 3", "b: b after 3", "judge: open"];
        assert_eq!(talk.said(), expected, "{order:?}");
    }
}

#[test]
fn a_judge_that_gives_no_verdict_does_not_end_the_debate_before_the_last_round() {
    let handed = Does::HandsOver { to: "a".to_owned(), words: String::new() };
    let words = ["no JSON", "{}", r#"{"over": true, "verdict": " "}"#].map(Does::from);
    for end in failures().into_iter().map(Does::Ends).chain([handed]).chain(words) {
        let talk =
            judged(forgiving(members(), &[]), |n| if n < 3 { end.clone() } else { verdict(true, "a") });
        check_end(&talk, OutcomeKind::Concluded, "`judge` decided in round 3");
        let talk = judged(forgiving(members(), &[]), |_| end.clone());
        assert_eq!((talk.speakers().len(), said_by_agents(&talk).len()), (9, 6), "{end:?}");
        assert_eq!(talk.outcome.kind, OutcomeKind::Limited, "{end:?}");
        assert!(talk.outcome.detail.starts_with("the debate stands undecided: `judge` gave no verdict"));
    }
}

#[test]
fn a_judge_that_was_dropped_leaves_it_undecided() {
    let talk = judged(forgiving(members(), &["judge"]), |_| fails());
    assert_eq!(said_by_agents(&talk), ["a: a after 1", "b: b after 2"]);
    check_end(&talk, OutcomeKind::Limited, "the debate stands undecided: `judge` takes no further part");
}

#[test]
fn who_says_nothing_is_passed_over_in_this_round() {
    for end in failures() {
        let mut n = 0;
        let talk = talk(forgiving(members(), &[]), "go", |asked| match asked.speaker.as_str() {
            "judge" => verdict(asked.seen.len() > 3, "b"),
            "a" => {
                n += 1;
                if n == 1 { Does::Ends(end.clone()) } else { "word".into() }
            }
            _ => "word".into(),
        });
        assert_eq!(talk.speakers()[..5], ["a", "b", "judge", "a", "b"], "{end:?}");
        assert_eq!(talk.outcome.kind, OutcomeKind::Concluded, "{end:?}");
    }
}

#[test]
fn with_one_left_to_argue_the_judge_decides() {
    let talk = talk(forgiving(members(), &["a"]), "go", |asked| match asked.speaker.as_str() {
        "judge" => verdict(false, "b, as nobody objects"),
        "a" => fails(),
        _ => "word".into(),
    });
    assert_eq!(talk.speakers(), ["a", "b", "judge"]);
    check_end(&talk, OutcomeKind::Concluded, "`judge` decided in round 1");
}

#[test]
fn without_an_argument_it_fails_and_nobody_judges() {
    let talk = talk(forgiving(members(), &[]), "go", |_| fails());
    assert_eq!(talk.speakers(), ["a", "b"]);
    check_end(&talk, OutcomeKind::Failed, "nobody argued: no model");
}

#[test]
fn an_end_of_the_crew_ends_it_in_the_middle() {
    let crew = CrewDefinition { until: Some(says("after 2")), ..members() };
    let talk = judged(crew, |_| verdict(true, "a"));
    assert_eq!(talk.speakers(), ["a", "b"]);
}

#[test]
fn faults_name_what_is_wrong() {
    let faults = debate().rounds(0).faults(&names(&["a", "judge"]));
    assert_eq!(
        faults,
        [
            "a debate needs two who argue besides `judge`, and there is 1",
            "a debate of 0 rounds has no arguments: let `rounds` be 1 at least",
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever they do: it comes to an end of its own, and nobody speaks twice in a round.
    #[test]
    fn it_always_ends(picks in proptest::collection::vec(0usize..6, 1..30), is_at_once in any::<bool>()) {
        let mut picks = picks.into_iter().cycle();
        let pattern = if is_at_once { debate().at_once() } else { debate() };
        let crew = forgiving(crew(&["a", "b", "c"], pattern, None), &["c"]);
        let talk = talk(crew, "go", |asked| match (asked.speaker.as_str(), picks.next().unwrap_or(0)) {
            (_, 0) => fails(),
            (_, 1) => Does::Ends(TurnOutcome::Unfit { detail: "no".to_owned() }),
            ("judge", 2) => verdict(true, "a"),
            ("judge", 3) => "no JSON".into(),
            ("judge", _) => verdict(false, "open"),
            _ => "word".into(),
        });
        let speakers = talk.speakers();
        prop_assert!(speakers.len() <= 12, "{speakers:?}");
        for round in speakers.split(|speaker| *speaker == "judge") {
            prop_assert!(["a", "b", "c"].iter().all(|agent| round.iter().filter(|one| *one == agent).count() <= 1));
        }
        let is_decided = talk.said().last().is_some_and(|last| last.starts_with("judge: "));
        prop_assert_eq!(is_decided, talk.outcome.kind == OutcomeKind::Concluded);
    }
}

/// What a typed debate decides.
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Chosen {
    choice: String,
}

fn typed(is_over: bool, decision: &str) -> Does {
    format!(r#"{{"over": {is_over}, "verdict": "text", "decision": {decision}}}"#).into()
}

#[test]
fn a_typed_verdict_ends_with_its_decision() {
    let members = || crew(&["a", "b"], debate().output::<Chosen>(), None);
    let talk =
        judged(members(), |n| if n == 1 { typed(false, "null") } else { typed(true, r#"{"choice":"a"}"#) });
    assert_eq!(talk.said().last().unwrap(), "judge: text\n{\"choice\":\"a\"}");
    check_end(&talk, OutcomeKind::Concluded, "`judge` decided in round 2");
    // One that says it is over without a decision has not decided.
    let talk =
        judged(members(), |n| if n < 3 { typed(true, "null") } else { typed(false, r#"{"choice":"b"}"#) });
    check_end(&talk, OutcomeKind::Concluded, "`judge` decided in round 3");
    let talk = judged(members(), |_| typed(false, "null"));
    let detail = "the debate stands undecided: `judge` gave no decision in the form that was asked for";
    check_end(&talk, OutcomeKind::Limited, detail);
    let schemas: Vec<bool> = talk
        .asked
        .iter()
        .filter_map(|asked| asked.brief.as_ref()?.schema.as_deref())
        .map(|schema| {
            playhouse_tools::check_reply(schema, r#"{"over":false,"verdict":"v","decision":null}"#).is_ok()
        })
        .collect();
    assert_eq!(schemas, [true, true, false], "after the last round there has to be a decision");
}
