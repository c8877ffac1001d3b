//! Colleagues that agents call as tools.

use playhouse_journal::Event;
use playhouse_types::{Brief, CallId, OutcomeKind, ReplyTo, Sees, Step, TurnId, TurnOutcome};

use super::tests::{assigned, crew, decide, ended, name, record};
use super::{CoordinatorState, Decision};
use crate::{Assignment, CrewDefinition, turns};

fn call(turn: u32, ordinal: u32) -> CallId {
    CallId { turn: TurnId(turn), step: Step(1), ordinal }
}

fn consulted(second: i64, call: CallId, whom: &str) -> playhouse_journal::Record {
    let task = format!("task of {call}");
    record(second, call.turn.0, Event::Consulted { call, whom: name(whom), task })
}

fn brief(call: CallId) -> Brief {
    let brief = Brief::new(format!("task of {call}")).seeing(Sees::Nothing);
    Brief { reply_to: ReplyTo::Caller(call), ..brief }
}

fn given(second: i64, turn: u32, call: CallId) -> playhouse_journal::Record {
    record(second, turn, Event::Briefed { turn: TurnId(turn), brief: Box::new(brief(call)) })
}

fn with_lab() -> CrewDefinition {
    CrewDefinition { staff: vec![name("lab"), name("press")], ..crew(None, turns(9)) }
}

#[track_caller]
fn check_given(decision: &Decision, turn: u32, whom: &str, call: CallId) {
    let expected = Assignment::new(name(whom), "called by a").with(brief(call));
    assert_eq!(*decision, Decision::Assign(vec![(TurnId(turn), expected)]));
}

#[test]
fn a_colleague_gets_a_turn_while_the_caller_waits() {
    let mut records = vec![assigned(1, 1, "a"), consulted(2, call(1, 0), "lab")];
    check_given(&decide(with_lab(), &records), 2, "lab", call(1, 0));
    records.extend([given(3, 2, call(1, 0)), assigned(3, 2, "lab")]);
    assert_eq!(decide(with_lab(), &records), Decision::Wait);
}

#[test]
fn the_caller_goes_on_when_the_turn_of_its_colleague_ends() {
    let mut state = CoordinatorState::new(with_lab());
    let records = [
        assigned(1, 1, "a"),
        consulted(2, call(1, 0), "lab"),
        given(3, 2, call(1, 0)),
        assigned(3, 2, "lab"),
    ];
    records.iter().for_each(|record| state.apply(record));
    let answered = ended(4, 2, TurnOutcome::Answered { content: "3 g".to_owned() });
    assert_eq!(state.caller_of(&answered), Some((TurnId(1), name("a"))));
    assert_eq!(state.caller_of(&ended(4, 1, TurnOutcome::Replied)), None);
    state.apply(&answered);
    assert_eq!(state.open().into_keys().collect::<Vec<_>>(), [TurnId(1)]);
}

#[test]
fn of_two_calls_one_colleague_is_asked_once_and_two_are_asked_at_the_same_time() {
    let mut records = vec![
        assigned(1, 1, "a"),
        consulted(2, call(1, 0), "lab"),
        consulted(2, call(1, 1), "lab"),
        consulted(2, call(1, 2), "press"),
    ];
    let expected = |whom: &str, call| Assignment::new(name(whom), "called by a").with(brief(call));
    let wave = vec![(TurnId(2), expected("lab", call(1, 0))), (TurnId(3), expected("press", call(1, 2)))];
    assert_eq!(decide(with_lab(), &records), Decision::Assign(wave));
    records.extend([given(3, 2, call(1, 0)), assigned(3, 2, "lab")]);
    records.extend([given(3, 3, call(1, 2)), assigned(3, 3, "press")]);
    records.push(ended(4, 2, TurnOutcome::Answered { content: "3 g".to_owned() }));
    // Whoever is faster: the next turn is given once both have ended.
    assert_eq!(decide(with_lab(), &records), Decision::Wait);
    records.push(ended(5, 3, TurnOutcome::Answered { content: "printed".to_owned() }));
    check_given(&decide(with_lab(), &records), 4, "lab", call(1, 1));
}

#[test]
fn a_colleague_that_was_dropped_declines() {
    let dropped = Event::AgentDropped { agent: name("lab"), reason: "crashed".to_owned() };
    let records = [record(1, 0, dropped), assigned(1, 1, "a"), consulted(2, call(1, 0), "lab")];
    let reason = "it was dropped before `a` called it".to_owned();
    let expected = Decision::Decline { turn: TurnId(2), brief: brief(call(1, 0)), reason };
    assert_eq!(decide(with_lab(), &records), expected);
}

#[test]
fn a_model_of_a_colleague_that_fails_does_not_fail_the_run() {
    let records = [
        assigned(1, 1, "a"),
        consulted(2, call(1, 0), "lab"),
        given(3, 2, call(1, 0)),
        assigned(3, 2, "lab"),
        ended(4, 2, TurnOutcome::ModelFailed { detail: "down".to_owned() }),
    ];
    assert_eq!(decide(with_lab(), &records), Decision::Wait);
}

#[test]
fn a_call_whose_caller_is_gone_is_not_answered() {
    let skipped = TurnOutcome::Skipped { reason: "crashed".to_owned() };
    let records = [assigned(1, 1, "a"), consulted(2, call(1, 0), "lab"), ended(3, 1, skipped)];
    super::tests::check_speaker(decide(with_lab(), &records), 2, "b");
}

#[test]
fn turns_of_colleagues_are_none_of_the_conversation() {
    let answered = TurnOutcome::Answered { content: "3 g".to_owned() };
    let records = [
        assigned(1, 1, "a"),
        consulted(2, call(1, 0), "lab"),
        given(3, 2, call(1, 0)),
        assigned(3, 2, "lab"),
        ended(4, 2, answered),
        ended(5, 1, TurnOutcome::Replied),
    ];
    let once = |limit| CrewDefinition { limit, ..with_lab() };
    super::tests::check_speaker(decide(once(turns(2)), &records), 3, "b");
    super::tests::check_end(&decide(once(turns(1)), &records), OutcomeKind::Limited, "1 turns were taken");
}
