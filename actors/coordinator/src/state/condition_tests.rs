//! Ends of a run: what conditions come to in a decision.

use std::sync::Arc;

use playhouse_journal::{Command, CommandId, Event, PendingCommand, Record};
use playhouse_messages::Threads;
use playhouse_types::{OutcomeKind, Participant, Timestamp, TurnOutcome};

use super::tests::{assigned, check_end, check_speaker, crew, decide, decide_at, ended, name, record, said};
use super::{CoordinatorState, Decision};
use crate::{
    Acceptance, CheckArguments, Condition, CrewDefinition, deadline, external, handoff, no_progress, says,
    silence, turns, when,
};

fn agent() -> Participant {
    Participant::Agent(name("a"))
}

fn broken() -> Condition {
    when("broken", |message| panic!("cannot read {}", message.content))
}

fn signal(second: i64, name: &str) -> Record {
    let command = Command::Signal { name: name.to_owned() };
    record(second, 0, Event::CommandAccepted { id: CommandId("s".to_owned()), command })
}

/// Returns what a signal comes to.
fn taken(crew: CrewDefinition, name: &str) -> Vec<Event> {
    let check: CheckArguments = Arc::new(|_, arguments| Ok(arguments.to_owned()));
    let (id, command) = (CommandId("s".to_owned()), Command::Signal { name: name.to_owned() });
    let at = Acceptance { epoch: 1, now: Timestamp(1) };
    let taken = CoordinatorState::new(crew).accept(PendingCommand { id, command }, &check, at);
    taken.into_iter().map(|(_, event)| event).collect()
}

#[test]
fn a_function_that_panics_fails_the_run_once_its_turns_are_over() {
    let crew = || crew(Some(broken()), turns(9));
    let mut records = vec![assigned(1, 1, "a"), assigned(1, 2, "b"), said(2, 1, agent(), "odd")];
    records.push(ended(2, 1, TurnOutcome::Replied));
    assert_eq!(decide(crew(), &records), Decision::CancelTurns);
    records.push(ended(3, 2, TurnOutcome::Cancelled));
    let detail = "the condition `broken` panicked at a message of `a`";
    check_end(&decide(crew(), &records), OutcomeKind::Failed, detail);
}

#[test]
fn a_planned_end_that_was_reached_is_not_undone_by_a_function_that_panics() {
    let crew = crew(Some(says("DONE")), turns(9).or(broken()));
    let records = [assigned(1, 1, "a"), said(2, 1, agent(), "DONE"), ended(2, 1, TurnOutcome::Replied)];
    check_end(&decide(crew, &records), OutcomeKind::Concluded, "`DONE` was said");
}

#[test]
fn a_signal_ends_the_run_and_counts_for_turns_to_come() {
    let crew = || crew(Some(external("stop").and(turns(1))), turns(9));
    let mut records = vec![signal(1, "stop")];
    check_speaker(decide(crew(), &records), 1, "a");
    records.extend([assigned(1, 1, "a"), ended(2, 1, TurnOutcome::Replied)]);
    let detail = "the signal `stop` was given and 1 turns were taken";
    check_end(&decide(crew(), &records), OutcomeKind::Concluded, detail);
}

#[test]
fn a_signal_that_nothing_waits_for_is_refused_by_name() {
    let crew = || crew(Some(external("stop").or(external("go"))), turns(9));
    let events = taken(crew(), "stop");
    assert!(matches!(events.as_slice(), [Event::CommandAccepted { .. }]), "{events:?}");
    let refused = |events: Vec<Event>| match events.as_slice() {
        [Event::CommandRefused { reason, .. }] => reason.clone(),
        other => panic!("{other:?}"),
    };
    let expected = "the run does not wait for the signal `stpo`, only for `go`, `stop`";
    assert_eq!(refused(taken(crew(), "stpo")), expected);
    let expected = "the run waits for no signal, neither `stop` nor any other";
    assert_eq!(refused(taken(super::tests::crew(None, turns(9)), "stop")), expected);
}

#[test]
fn a_deadline_that_passes_while_nothing_works_on_the_run_ends_it_when_it_is_resumed() {
    let crew = || crew(None, deadline(Timestamp(100_000_000)));
    let mut records = vec![assigned(1, 1, "a"), ended(2, 1, TurnOutcome::Replied)];
    check_speaker(decide_at(crew(), &records, 99), 2, "b");
    records.push(record(5000, 0, Event::Resumed { epoch: 2, clean: false }));
    check_end(&decide(crew(), &records), OutcomeKind::Limited, "the deadline has passed");
}

#[test]
fn a_livelock_of_handoffs_is_a_limit() {
    let hand_over = |second, turn, from, to| {
        [assigned(second, turn, from), ended(second, turn, TurnOutcome::HandedOff { to: name(to) })]
    };
    let records = [hand_over(1, 1, "a", "b"), hand_over(2, 2, "b", "a")].concat();
    let detail = "2 turns in a row brought nothing new";
    check_end(&decide(crew(None, no_progress(2)), &records), OutcomeKind::Limited, detail);
    check_end(
        &decide(crew(Some(handoff("b")), silence(2)), &records),
        OutcomeKind::Concluded,
        "an agent handed over to `b`",
    );
}

#[test]
fn a_restored_run_has_what_its_conditions_had_counted() {
    let crew = || crew(Some(says("DONE").and(external("stop"))), no_progress(3).or(turns(9)));
    let turn = |turn, speaker: &str, text| {
        let from = Participant::Agent(name(speaker));
        vec![assigned(1, turn, speaker), said(1, turn, from, text), ended(1, turn, TurnOutcome::Replied)]
    };
    let mut records = [turn(1, "a", "DONE"), turn(2, "b", "DONE"), turn(3, "a", "DONE")].concat();
    records.extend([turn(4, "b", "DONE"), vec![signal(1, "stop")]].concat());
    let decide = |state: &CoordinatorState| state.decide(&Threads::default(), Timestamp(1_000_000));
    for at in 0..records.len() {
        let mut state = CoordinatorState::new(crew());
        records[..at].iter().for_each(|record| state.apply(record));
        let mut state = CoordinatorState::restore(crew(), &state.save().unwrap()).unwrap();
        records[at..records.len() - 1].iter().for_each(|record| state.apply(record));
        let detail = "3 turns in a row brought nothing new";
        check_end(&decide(&state), OutcomeKind::Limited, detail);
        state.apply(&records[records.len() - 1]);
        let detail = "`DONE` was said and the signal `stop` was given";
        check_end(&decide(&state), OutcomeKind::Concluded, detail);
    }
}
