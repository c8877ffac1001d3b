use playhouse_types::{ModelName, OutcomeKind};

use super::Concurrent;
use crate::patterns::test_crew::{check_end, crew, fails, failures, forgiving, name, names, said_by_agents};
use crate::test_talk::{Asked, Does, Order, talk, talk_in};
use crate::{AgentPolicy, CrewDefinition, Escalation, Pattern, says, turns};

fn aggregated() -> Concurrent {
    Concurrent::new().aggregated_by(name("editor"))
}

fn count(asked: &Asked) -> String {
    format!("{} before me", asked.seen.len())
}

#[test]
fn all_see_the_same_and_are_heard_in_their_order() {
    for order in [Order::First, Order::Last] {
        let talk = talk_in(order, crew(&["a", "b", "c"], Concurrent::new(), None), "go", count);
        assert_eq!(talk.said(), ["a: 1 before me", "b: 1 before me", "c: 1 before me"], "{order:?}");
        check_end(&talk, OutcomeKind::Concluded, "3 answered");
    }
}

#[test]
fn an_aggregator_speaks_last_whether_it_is_a_member_or_not() {
    for members in [&["a", "editor", "b"][..], &["a", "b"]] {
        let talk = talk_in(Order::Last, crew(members, aggregated(), None), "go", count);
        assert_eq!(talk.said(), ["a: 1 before me", "b: 1 before me", "editor: 3 before me"]);
        check_end(&talk, OutcomeKind::Concluded, "`editor` brought 2 answers together");
        assert!(talk.asked.last().unwrap().instruction().contains("bring them together"));
    }
}

#[test]
fn the_end_sees_what_any_of_them_says() {
    for speaker in ["a", "b", "c"] {
        let crew = crew(&["a", "b", "c"], aggregated(), Some(says("DONE")));
        let talk = talk(crew, "go", |asked| if asked.speaker == speaker { "DONE" } else { "no" });
        check_end(&talk, OutcomeKind::Concluded, "`DONE` was said");
        assert_eq!(talk.said().len(), 3, "nothing that was said is lost");
    }
}

#[test]
fn who_does_not_answer_is_left_out() {
    for end in failures() {
        let crew = forgiving(crew(&["a", "b", "c"], aggregated(), None), &["b"]);
        let talk = talk(crew, "go", |asked| match asked.speaker.as_str() {
            "b" => Does::Ends(end.clone()),
            speaker => speaker.into(),
        });
        assert_eq!(said_by_agents(&talk), ["a: a", "c: c", "editor: editor"], "{end:?}");
        check_end(&talk, OutcomeKind::Concluded, "`editor` brought 2 answers together");
    }
}

#[test]
fn who_is_asked_again_as_its_model_was_replaced_answers_with_the_others() {
    let mut crew = crew(&["a", "b", "c"], aggregated(), None);
    let replaced = vec![Escalation::ReplaceModel(ModelName::new("other"))];
    crew.policies.insert(name("b"), AgentPolicy { on_model_failure: replaced, ..AgentPolicy::default() });
    let mut n = 0;
    let talk = talk(crew, "go", |asked| {
        n += usize::from(asked.speaker == "b");
        if asked.speaker == "b" && n == 1 { fails() } else { asked.speaker.as_str().into() }
    });
    assert_eq!(talk.speakers(), ["a", "b", "c", "b", "editor"]);
    check_end(&talk, OutcomeKind::Concluded, "`editor` brought 3 answers together");
}

#[test]
fn nobody_who_answers_is_a_failure() {
    let crew = forgiving(crew(&["a", "b"], aggregated(), None), &[]);
    let talk = talk(crew, "go", |_| fails());
    check_end(&talk, OutcomeKind::Failed, "nobody answered: no model");
    assert_eq!(talk.asked.len(), 2);
}

#[test]
fn an_aggregator_that_does_not_answer_leaves_the_answers_as_they_are() {
    for end in failures() {
        let crew = forgiving(crew(&["a", "b"], aggregated(), None), &[]);
        let talk = talk(crew, "go", |asked| match asked.speaker.as_str() {
            "editor" => Does::Ends(end.clone()),
            speaker => speaker.into(),
        });
        assert_eq!(talk.said()[..2], ["a: a", "b: b"], "{end:?}");
        assert_eq!(talk.outcome.kind, OutcomeKind::Limited, "{end:?}");
        assert!(talk.outcome.detail.contains("`editor` did not bring them together"), "{end:?}");
    }
}

#[test]
fn one_member_alone_speaks_and_an_empty_input_is_an_input() {
    let talk = talk(crew(&["a"], Concurrent::new(), None), "", count);
    assert_eq!(talk.said(), ["a: 1 before me"]);
    check_end(&talk, OutcomeKind::Concluded, "1 answered");
}

#[test]
fn hundreds_speak_at_once() {
    let agents: Vec<String> = (0..300).map(|n| format!("a{n}")).collect();
    let agents: Vec<&str> = agents.iter().map(String::as_str).collect();
    let crew = CrewDefinition { limit: turns(300), ..crew(&agents, Concurrent::new(), None) };
    let talk = talk_in(Order::Last, crew, "go", count);
    assert_eq!((talk.said().len(), talk.said()[299].as_str()), (300, "a299: 1 before me"));
}

#[test]
fn faults_name_what_is_wrong() {
    let faults = aggregated().faults(&names(&["editor"]));
    assert_eq!(faults, ["`editor` has no answers to bring together: it is the only member"]);
}
