use playhouse_types::{OutcomeKind, TurnOutcome};
use proptest::prelude::*;

use super::Handoff;
use crate::patterns::test_crew::{check_end, crew, fails, failures, forgiving};
use crate::test_talk::{Asked, Does, talk};
use crate::{Pattern, handoff, messages, says};

const CREW: [&str; 3] = ["triage", "sales", "refunds"];

fn over_to(to: &str) -> Does {
    Does::HandsOver { to: to.to_owned(), words: format!("Over to {to}.") }
}

/// Who hands over to whom: `triage>sales` once, then replies.
fn once(asked: &Asked, from: &str, to: &str) -> Does {
    let said = format!("{from}: Over to {to}.");
    if asked.speaker == from && !asked.seen.contains(&said) { over_to(to) } else { "word".into() }
}

#[test]
fn the_first_member_begins_and_the_floor_goes_where_it_is_handed() {
    let crew = crew(&CREW, Handoff::new(), Some(messages(4)));
    let talk = talk(crew, "go", |asked| once(asked, "triage", "refunds"));
    let expected = ["triage: Over to refunds.", "refunds: word", "refunds: word", "refunds: word"];
    assert_eq!(talk.said(), expected, "each message stands once, and who has the floor keeps it");
}

#[test]
fn it_ends_by_a_handoff_if_until_says_so() {
    let crew = crew(&CREW, Handoff::new(), Some(handoff("refunds")));
    let talk = talk(crew, "go", |_| over_to("refunds"));
    assert_eq!(talk.speakers(), ["triage"]);
    assert_eq!(talk.outcome.kind, OutcomeKind::Concluded);
}

#[test]
fn it_ends_with_a_reply_without_handoff_if_asked_to() {
    let pattern = Handoff::new().ends_without_handoff();
    assert!(pattern.has_own_end() && !Handoff::new().has_own_end());
    let talk = talk(crew(&CREW, pattern, None), "go", |asked| once(asked, "triage", "sales"));
    assert_eq!(talk.said(), ["triage: Over to sales.", "sales: word"]);
    check_end(&talk, OutcomeKind::Concluded, "`sales` replied without handing over");
}

#[test]
fn a_turn_that_brought_nothing_is_no_reply_and_the_floor_stays() {
    for end in failures() {
        // A limit in a turn of the conversation ends it.
        if matches!(end, TurnOutcome::Limited { .. } | TurnOutcome::Unfit { .. }) {
            continue;
        }
        let mut n = 0;
        let pattern = Handoff::new().ends_without_handoff();
        let talk = talk(forgiving(crew(&CREW, pattern, None), &[]), "go", |_| {
            n += 1;
            if n < 3 { Does::Ends(end.clone()) } else { "word".into() }
        });
        assert_eq!(talk.speakers(), ["triage"; 3], "{end:?}");
        check_end(&talk, OutcomeKind::Concluded, "`triage` replied without handing over");
    }
}

#[test]
fn ping_pong_is_bounded() {
    let pattern = Handoff::new().max_handoffs(3);
    let talk = talk(crew(&CREW, pattern, Some(says("DONE"))), "go", |asked| match asked.speaker.as_str() {
        "triage" => over_to("sales"),
        _ => over_to("triage"),
    });
    assert_eq!(talk.speakers(), ["triage", "sales", "triage", "sales"]);
    check_end(&talk, OutcomeKind::Limited, "the floor went on 3 times, and may not more often");
}

#[test]
fn ping_pong_without_a_bound_of_its_own_ends_at_the_limit_of_the_crew() {
    let talk = talk(crew(&CREW, Handoff::new(), Some(says("DONE"))), "go", |asked| {
        over_to(if asked.speaker == "triage" { "sales" } else { "triage" })
    });
    assert_eq!((talk.asked.len(), talk.outcome.kind), (200, OutcomeKind::Limited));
}

#[test]
fn a_handoff_to_somebody_who_was_dropped_gives_the_floor_back_with_a_word() {
    let crew = forgiving(crew(&CREW, Handoff::new().ends_without_handoff(), None), &["sales"]);
    let mut told = Vec::new();
    let talk = talk(crew, "go", |asked| {
        told.push(format!("{}: {}", asked.speaker, asked.instruction()));
        match (asked.speaker.as_str(), told.len()) {
            ("sales", _) => fails(),
            ("triage", 1 | 3) => over_to("sales"),
            _ => "I do it myself".into(),
        }
    });
    let back = "triage: `sales` takes no further part in this conversation. Go on yourself, or hand over to \
                somebody else.";
    assert_eq!(told, ["triage: ", "sales: ", back, back]);
    check_end(&talk, OutcomeKind::Concluded, "`triage` replied without handing over");
}

#[test]
fn who_keeps_handing_over_to_somebody_gone_is_bounded() {
    let crew = forgiving(crew(&CREW, Handoff::new(), Some(says("DONE"))), &["sales"]);
    let talk = talk(crew, "go", |asked| if asked.speaker == "sales" { fails() } else { over_to("sales") });
    assert_eq!(talk.speakers(), ["triage", "sales", "triage", "triage", "triage", "triage"]);
    check_end(&talk, OutcomeKind::Limited, "`sales` takes no further part and is still handed over to");
}

#[test]
fn the_first_one_left_goes_on_if_who_has_the_floor_was_dropped_and_nobody_gave_it() {
    let crew = forgiving(crew(&CREW, Handoff::new().ends_without_handoff(), None), &["triage"]);
    let talk = talk(crew, "go", |asked| if asked.speaker == "triage" { fails() } else { "word".into() });
    assert_eq!(talk.speakers(), ["triage", "sales"]);
}

#[test]
fn nobody_left_is_an_end() {
    let crew = forgiving(crew(&CREW, Handoff::new().ends_without_handoff(), None), &CREW);
    let talk = talk(crew, "go", |_| fails());
    check_end(&talk, OutcomeKind::Failed, "nobody is left to speak");
}

#[test]
fn a_handoff_to_a_stranger_gives_the_floor_back() {
    let talk = talk(crew(&CREW, Handoff::new(), Some(messages(2))), "go", |asked| {
        if asked.instruction().is_empty() { over_to("stranger") } else { "word".into() }
    });
    assert_eq!(talk.said(), ["triage: Over to stranger.", "triage: word"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the agents do: the floor is with whom it was handed to, and it ends.
    #[test]
    fn the_floor_is_where_the_last_handoff_said(picks in proptest::collection::vec(0usize..6, 1..30)) {
        let mut picks = picks.into_iter().chain([5].into_iter().cycle());
        let pattern = Handoff::new().ends_without_handoff().max_handoffs(20);
        let crew = forgiving(crew(&CREW, pattern, None), &["sales"]);
        let mut expected: Vec<String> = vec!["triage".to_owned()];
        let talk = talk(crew, "go", |asked| {
            let pick = picks.next().unwrap_or(5);
            match pick {
                0..3 => {
                    expected.push(CREW[pick].to_owned());
                    over_to(CREW[pick])
                }
                3 | 4 => {
                    expected.push(asked.speaker.clone());
                    fails()
                }
                _ => "word".into(),
            }
        });
        for (n, (asked, expected)) in talk.asked.iter().zip(&expected).enumerate() {
            let is_told = asked.instruction().contains("takes no further part");
            let is_first_again = *expected == "sales" && asked.speaker != "sales";
            prop_assert!(asked.speaker == *expected || is_told || is_first_again, "{n}: {:?}", talk.speakers());
        }
        prop_assert!(matches!(talk.outcome.kind, OutcomeKind::Concluded | OutcomeKind::Limited));
    }
}
