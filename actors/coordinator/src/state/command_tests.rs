//! Messages from outside, and the wish that no further turn be given.

use std::sync::Arc;

use playhouse_journal::{Command, CommandId, Event, Kind, PendingCommand, Record};
use playhouse_types::{
    Incarnation, Label, Lane, Message, OutcomeKind, Participant, Timestamp, TurnId, TurnOutcome,
};

use super::tests::{assigned, check_end, crew, decide, ended, record, said};
use super::{CoordinatorState, Decision};
use crate::{Acceptance, CheckArguments, Consequences, Escalation, says, turns};

fn state(records: &[Record]) -> CoordinatorState {
    let mut state = CoordinatorState::new(crew(None, turns(9)));
    records.iter().for_each(|record| state.apply(record));
    state
}

fn taken(records: &[Record], id: &str, command: Command) -> Consequences {
    let check: CheckArguments = Arc::new(|_, arguments| Ok(arguments.to_owned()));
    let pending = PendingCommand { id: CommandId(id.to_owned()), command };
    state(records).accept(pending, &check, Acceptance { epoch: 1, now: Timestamp(3_000_000) })
}

fn inject(text: &str) -> Command {
    Command::Inject { text: text.to_owned(), by: "ann".to_owned() }
}

fn stop() -> Command {
    Command::Stop { reason: "enough".to_owned() }
}

fn accepted(second: i64, command: Command) -> Record {
    record(second, 0, Event::CommandAccepted { id: CommandId("c".to_owned()), command })
}

fn pause() -> Record {
    accepted(2, Command::Pause)
}

#[track_caller]
fn check_refused(records: &[Record], command: Command, expected: &str) {
    match taken(records, "c", command).as_slice() {
        [(_, Event::CommandRefused { reason, .. })] => assert!(reason.contains(expected), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_from_outside_is_the_users_and_stands_beside_its_command() {
    for records in [vec![], vec![assigned(1, 1, "a")], vec![pause()]] {
        let records = taken(&records, "c", inject("Look again."));
        let [(command, Event::CommandAccepted { .. }), (key, Event::MessagePosted { message })] =
            records.as_slice()
        else {
            panic!("{records:?}")
        };
        let (from, label) = (Participant::User, Label::default());
        assert_eq!(*message, Message { turn: TurnId(0), from, content: "Look again.".to_owned(), label });
        assert_eq!((key.kind, key.turn), (Kind::MessagePosted, TurnId(0)));
        assert_eq!((key.step, key.ordinal), (command.step, command.ordinal), "a command is taken once");
    }
}

#[test]
fn two_messages_from_outside_are_two_records() {
    let (first, second) = (taken(&[], "c", inject("one")), taken(&[], "d", inject("one")));
    assert_ne!(first[1].0, second[1].0);
}

#[test]
fn a_message_that_nobody_would_read_is_refused() {
    check_refused(&[], inject(" \n"), "empty");
    check_refused(&[], inject(&"x".repeat(1024 * 1024 + 1)), "1048577 bytes");
    check_refused(&[accepted(1, stop())], inject("Go on."), "no further turn");
    check_refused(&[accepted(1, Command::Cancel { reason: String::new() })], inject("x"), "no further turn");
    let quarantined = [record(1, 0, Event::Quarantined { reason: "why".to_owned() })];
    check_refused(&quarantined, inject("Go on."), "set aside");
    check_refused(&quarantined, stop(), "set aside");
}

#[test]
fn what_is_under_way_ends_and_then_the_run_with_what_was_done() {
    let mut records = vec![assigned(1, 1, "a"), accepted(2, stop())];
    assert_eq!(decide(crew(None, turns(9)), &records), Decision::Wait);
    assert!(!state(&records).only_ends());
    records.push(ended(3, 1, TurnOutcome::Replied));
    assert!(state(&records).only_ends());
    check_end(&decide(crew(None, turns(9)), &records), OutcomeKind::Limited, "enough");
}

#[test]
fn a_run_that_ends_as_planned_in_its_last_turn_has_ended_as_planned() {
    let speaker = Participant::Agent(super::tests::name("a"));
    let mut records = vec![assigned(1, 1, "a"), accepted(2, stop()), said(3, 1, speaker, "DONE")];
    records.push(ended(3, 1, TurnOutcome::Replied));
    let decision = decide(crew(Some(says("DONE")), turns(9)), &records);
    check_end(&decision, OutcomeKind::Concluded, "`DONE` was said");
}

#[test]
fn a_paused_run_that_is_stopped_ends_and_the_first_reason_holds() {
    let other = Command::Stop { reason: "another".to_owned() };
    let records = [pause(), accepted(3, stop()), accepted(4, other)];
    check_end(&decide(crew(None, turns(9)), &records), OutcomeKind::Limited, "enough");
}

#[test]
fn a_run_that_is_stopped_can_still_be_cancelled() {
    let cancel = Command::Cancel { reason: "now".to_owned() };
    let mut records = vec![assigned(1, 1, "a"), accepted(2, stop()), accepted(3, cancel)];
    assert_eq!(decide(crew(None, turns(9)), &records), Decision::CancelTurns);
    records.push(ended(4, 1, TurnOutcome::Cancelled));
    check_end(&decide(crew(None, turns(9)), &records), OutcomeKind::Cancelled, "now");
}

#[test]
fn a_stopped_run_does_not_wait_for_an_agent_that_is_gone() {
    let (actor, incarnation) = (Lane::new("a").unwrap(), Incarnation(4));
    let given_up = record(2, 0, Event::ActorGivenUp { actor, incarnation, reason: "crashed".to_owned() });
    let records = [assigned(1, 1, "a"), given_up, accepted(3, stop())];
    let Decision::Take(measure) = decide(crew(None, turns(9)), &records) else { panic!() };
    assert_eq!((measure.escalation, measure.turn), (Escalation::SkipTurn, Some(TurnId(1))));
}
