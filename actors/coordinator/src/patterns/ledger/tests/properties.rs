//! Random leads and members: whatever they answer, the talk ends in time and does not begin again.

use playhouse_types::{OutcomeKind, TurnOutcome};
use proptest::prelude::{Just, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy;

use super::{Ask, ask, counts, crew, kind, ledger, report};
use crate::test_talk::{Does, Talk, talk};

/// Something that anybody may answer to anything.
fn does() -> impl Strategy<Value = Does> {
    let speaker = prop_oneof![Just("a"), Just("b"), Just("c"), Just("lead"), Just("")];
    let reports = (prop::bool::weighted(0.05), any::<bool>(), any::<bool>(), speaker)
        .prop_map(|(satisfied, in_loop, progress, next)| report(satisfied, in_loop, progress, next).into());
    let text = || "why".to_owned();
    prop_oneof![
        6 => reports,
        2 => prop_oneof![Just(""), Just("text"), Just("{"), Just("[]"), Just(r#"{"next_speaker":"a"}"#)]
            .prop_map(Does::from),
        1 => Just(Does::HandsOver { to: "b".to_owned(), words: "over".to_owned() }),
        1 => Just(Does::Ends(TurnOutcome::Unfit { detail: text() })),
        1 => Just(Does::Ends(TurnOutcome::Limited { limit: text() })),
        1 => Just(Does::Ends(TurnOutcome::ModelFailed { detail: text() })),
        1 => Just(Does::Ends(TurnOutcome::Skipped { reason: text() })),
        1 => Just(Does::Ends(TurnOutcome::Cancelled)),
    ]
}

/// Tells whether a turn brought what was asked for.
fn is_answered(talk: &Talk, wanted: &str) -> Vec<bool> {
    let asked = talk.asked.iter().filter(|asked| kind(&ask(asked)) == wanted);
    let answered = asked.map(|asked| {
        let is_end = |event: &playhouse_journal::Event| match event {
            playhouse_journal::Event::TurnEnded { turn, outcome } if *turn == asked.turn => {
                Some(matches!(outcome, TurnOutcome::Replied | TurnOutcome::Answered { .. }))
            }
            _ => None,
        };
        talk.records.iter().find_map(|record| is_end(&record.event)).unwrap()
    });
    answered.collect()
}

proptest! {
    #[test]
    fn every_talk_ends_in_time_and_never_begins_again(
        replies in prop::collection::vec(does(), 1..120),
        (n_turns, n_stalls, n_replans) in (1_u32..8, 1_u32..4, 0_u32..3),
    ) {
        let pattern = ledger().max_turns(n_turns).max_stalls(n_stalls).max_replans(n_replans);
        let mut script = replies.iter().cycle().cloned();
        let talk = talk(crew(pattern), "go", |_| script.next().unwrap());

        let n_most = 3 * n_turns + (n_replans + 1) * (n_stalls + 2) + 3;
        prop_assert!(talk.asked.len() <= n_most as usize, "{} of {n_most}", talk.asked.len());
        let counts = counts(&talk);
        prop_assert!(counts.get("work").copied().unwrap_or(0) <= n_turns as usize);

        // The first question for the facts is asked once; later ones ask for an update.
        let is_first = |asked: &&crate::test_talk::Asked| {
            ask(asked) == Ask::Facts && asked.instruction().contains("Before anybody works on it")
        };
        prop_assert_eq!(talk.asked.iter().filter(is_first).count(), 1);
        prop_assert!(counts["facts"] <= n_replans as usize + 1);
        prop_assert_eq!(counts["facts"], counts["plan"]);

        // Done means that the final answer is there, limited that it was at least asked for.
        let answers = is_answered(&talk, "answer");
        match talk.outcome.kind {
            OutcomeKind::Concluded => prop_assert_eq!(answers.last(), Some(&true)),
            OutcomeKind::Limited => prop_assert!(!answers.is_empty()),
            kind => prop_assert!(false, "{:?}: {}", kind, talk.outcome.detail),
        }

        // Only members that may speak do, each with its instruction.
        for asked in talk.asked.iter().filter(|asked| ask(asked) == Ask::Work) {
            prop_assert!(["a", "b"].contains(&asked.speaker.as_str()));
            prop_assert_eq!(asked.instruction(), "do it");
        }
    }
}
