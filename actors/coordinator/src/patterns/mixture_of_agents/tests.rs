use playhouse_types::OutcomeKind;

use super::MixtureOfAgents;
use crate::patterns::test_crew::{check_end, crew, fails, failures, forgiving, name, names};
use crate::test_talk::{Asked, Does, Order, talk, talk_in};
use crate::{Pattern, says};

fn mixture() -> MixtureOfAgents {
    MixtureOfAgents::new(name("editor"))
}

/// Says who speaks how often so far: `a1`, `a2` and so on.
fn counting() -> impl FnMut(&Asked) -> String {
    let mut counts = std::collections::BTreeMap::new();
    move |asked| {
        let count = counts.entry(asked.speaker.clone()).or_insert(0);
        *count += 1;
        format!("{}{count}", asked.speaker)
    }
}

#[test]
fn each_layer_sees_the_task_and_the_answers_of_the_layer_before() {
    for order in [Order::First, Order::Last] {
        let crew = crew(&["a", "b", "editor"], mixture().layers(3), None);
        let talk = talk_in(order, crew, "go", counting());
        let expected = ["a: a1", "b: b1", "a: a2", "b: b2", "a: a3", "b: b3", "editor: editor1"];
        assert_eq!(talk.said(), expected, "{order:?}");
        let seen: Vec<&[String]> = talk.asked.iter().map(|asked| asked.seen.as_slice()).collect();
        assert_eq!(seen[0], ["user: go"]);
        assert_eq!(seen[2], ["user: go", "a: a1", "b: b1"]);
        assert_eq!((seen[4], seen[5]), (&["a: a2", "b: b2"].map(str::to_owned)[..], seen[4]));
        assert_eq!(seen[6], ["a: a3", "b: b3"]);
        let has_task = |place: usize| talk.asked[place].instruction().ends_with("The task:\ngo");
        assert_eq!([0, 2, 4, 6].map(has_task), [false, false, true, true], "who sees it need not be told");
        check_end(&talk, OutcomeKind::Concluded, "`editor` brought 2 answers together");
    }
}

#[test]
fn who_is_dropped_takes_no_part_in_further_layers() {
    let crew = forgiving(crew(&["a", "b"], mixture(), None), &["b"]);
    let talk = talk(crew, "go", |asked| if asked.speaker == "b" { fails() } else { "word".into() });
    assert_eq!(talk.speakers(), ["a", "b", "a", "editor"]);
    check_end(&talk, OutcomeKind::Concluded, "`editor` brought 1 answers together");
}

#[test]
fn who_fails_once_is_asked_in_the_next_layer() {
    for end in failures() {
        let mut n = 0;
        let talk = talk(forgiving(crew(&["a", "b"], mixture(), None), &[]), "go", |asked| {
            n += usize::from(asked.speaker == "b");
            if asked.speaker == "b" && n == 1 { Does::Ends(end.clone()) } else { "word".into() }
        });
        assert_eq!(talk.speakers(), ["a", "b", "a", "b", "editor"], "{end:?}");
    }
}

#[test]
fn a_layer_without_answers_is_the_last_and_the_answers_before_it_count() {
    let crew = forgiving(crew(&["a", "b"], mixture().layers(5), None), &[]);
    let mut n = 0;
    let talk = talk(crew, "go", |asked| {
        n += 1;
        if (3..=4).contains(&n) { fails() } else { asked.speaker.as_str().into() }
    });
    assert_eq!(talk.speakers(), ["a", "b", "a", "b", "editor"]);
    assert!(talk.asked[4].seen.contains(&"a: a".to_owned()));
    check_end(&talk, OutcomeKind::Concluded, "`editor` brought 2 answers together");
}

#[test]
fn without_any_answer_it_fails_and_nobody_is_asked_again() {
    let talk = talk(forgiving(crew(&["a", "b"], mixture(), None), &[]), "go", |_| fails());
    assert_eq!(talk.speakers(), ["a", "b"]);
    check_end(&talk, OutcomeKind::Failed, "nobody answered: no model");
}

#[test]
fn an_aggregator_that_does_not_answer_leaves_the_answers_as_they_are() {
    for end in failures() {
        let talk = talk(forgiving(crew(&["a"], mixture(), None), &[]), "go", |asked| match &asked.speaker {
            speaker if speaker == "editor" => Does::Ends(end.clone()),
            _ => "word".into(),
        });
        assert_eq!(talk.said()[..2], ["a: word", "a: word"], "{end:?}");
        assert_eq!(talk.outcome.kind, OutcomeKind::Limited, "{end:?}");
    }
}

#[test]
fn all_members_dropped_in_the_second_layer_leave_the_aggregator_to_speak_if_it_is_a_member() {
    let crew = forgiving(crew(&["a", "editor"], mixture(), None), &["a"]);
    let mut n = 0;
    let talk = talk(crew, "go", |_| {
        n += 1;
        if n == 2 { fails() } else { "word".into() }
    });
    assert_eq!(talk.speakers(), ["a", "a", "editor"]);
    assert_eq!(talk.outcome.kind, OutcomeKind::Concluded);
}

#[test]
fn an_end_of_the_crew_ends_it_between_layers() {
    let talk = talk(crew(&["a", "b"], mixture(), Some(says("DONE"))), "go", |_| "DONE");
    assert_eq!(talk.speakers(), ["a", "b"]);
}

#[test]
fn faults_name_what_is_wrong() {
    let faults = mixture().layers(0).faults(&names(&["editor"]));
    assert_eq!(
        faults,
        [
            "`editor` has no answers to bring together: it is the only member",
            "a mixture of agents with 0 layers has no answers: let `layers` be 1 at least",
        ]
    );
}
