//! Agents that cannot go on, reviews, and what a person may say about both.

use std::sync::Arc;

use playhouse_journal::{Command, CommandId, Event, PendingCommand, Record};
use playhouse_types::{
    CallId, Effect, Incarnation, Lane, ModelName, OnExpiry, OutcomeKind, Participant, ReviewId,
    ReviewRequest, Step, Timestamp, TurnId, TurnOutcome, Verdict,
};

use super::tests::{assigned, check_end, check_speaker, crew, decide, decide_at, ended, name, record, said};
use super::{CoordinatorState, Decision};
use crate::{Acceptance, AgentPolicy, CheckArguments, CrewDefinition, Escalation, turns};

const CALL: CallId = CallId { turn: TurnId(1), step: Step(1), ordinal: 0 };

/// When commands are taken.
const AT: Acceptance = Acceptance { epoch: 3, now: Timestamp(3_000_000) };

fn crew_with(on_crash: &[Escalation], on_model_failure: &[Escalation]) -> CrewDefinition {
    let mut crew = crew(None, turns(9));
    let policy = AgentPolicy { on_crash: on_crash.to_vec(), on_model_failure: on_model_failure.to_vec() };
    crew.policies.insert(name("a"), policy);
    crew
}

fn given_up(second: i64) -> Record {
    let (actor, incarnation) = (Lane::new("a").unwrap(), Incarnation(4));
    record(second, 0, Event::ActorGivenUp { actor, incarnation, reason: "crashed".to_owned() })
}

fn failed(second: i64) -> Record {
    ended(second, 1, TurnOutcome::ModelFailed { detail: "gone".to_owned() })
}

fn replaced(second: i64) -> Record {
    let (agent, model) = (Some(name("a")), ModelName::new("m"));
    record(second, 0, Event::ModelReplaced { agent, model, reason: String::new() })
}

fn asked(expires_at: Option<i64>, on_expiry: OnExpiry) -> Record {
    let request = ReviewRequest {
        agent: name("a"),
        tool: "pay".to_owned(),
        arguments: "{}".to_owned(),
        effect: Effect::Once,
        subject_hash: [1; 32],
        reason: "much".to_owned(),
        expires_at: expires_at.map(|second| Timestamp(second * 1_000_000)),
        on_expiry,
    };
    record(2, 1, Event::ReviewOpened { review: ReviewId::Approval(CALL), request: Box::new(request) })
}

#[track_caller]
fn check_measure(decision: &Decision, escalation: &Escalation, turn: Option<u32>) {
    let Decision::Take(measure) = decision else { panic!("{decision:?}") };
    assert_eq!((&measure.escalation, measure.turn), (escalation, turn.map(TurnId)));
}

#[test]
fn an_agent_that_was_given_up_sets_the_run_aside_unless_told_otherwise() {
    let decision = decide(crew(None, turns(9)), &[assigned(1, 1, "a"), given_up(2)]);
    assert_eq!(decision, Decision::Quarantine("`a`: crashed".to_owned()));
}

#[test]
fn the_ladder_is_climbed_one_measure_at_a_time() {
    let ladder = [Escalation::ReplaceModel(ModelName::new("m")), Escalation::SkipTurn];
    let mut records = vec![assigned(1, 1, "a"), given_up(2)];
    check_measure(&decide(crew_with(&ladder, &[]), &records), &ladder[0], Some(1));
    records.push(replaced(3));
    assert_eq!(decide(crew_with(&ladder, &[]), &records), Decision::Wait);
    records.push(given_up(4));
    check_measure(&decide(crew_with(&ladder, &[]), &records), &Escalation::SkipTurn, Some(1));
    records.push(ended(5, 1, TurnOutcome::Skipped { reason: String::new() }));
    check_speaker(decide(crew_with(&ladder, &[]), &records), 2, "b");
}

#[test]
fn an_agent_that_crashes_between_its_turns_has_nothing_to_skip() {
    let records = [assigned(1, 1, "b"), ended(2, 1, TurnOutcome::Replied), given_up(3)];
    check_speaker(decide(crew_with(&[Escalation::SkipTurn], &[]), &records), 2, "b");
}

#[test]
fn a_dropped_agent_gets_no_further_turn() {
    let dropped = record(4, 0, Event::AgentDropped { agent: name("a"), reason: String::new() });
    let skipped = ended(3, 1, TurnOutcome::Skipped { reason: String::new() });
    let records = [assigned(1, 1, "a"), given_up(2), skipped, dropped];
    check_speaker(decide(crew_with(&[Escalation::DropAgent], &[]), &records), 2, "b");
}

#[test]
fn a_crew_of_which_nobody_is_left_fails() {
    let drop = |agent| record(1, 0, Event::AgentDropped { agent: name(agent), reason: String::new() });
    let decision = decide(crew(None, turns(9)), &[drop("a"), drop("b")]);
    check_end(&decision, OutcomeKind::Failed, "nobody is left to speak");
}

#[test]
fn an_agent_whose_model_was_replaced_after_a_failure_is_asked_again() {
    let ladder = [Escalation::ReplaceModel(ModelName::new("m"))];
    let mut records = vec![assigned(1, 1, "a"), failed(2)];
    check_measure(&decide(crew_with(&[], &ladder), &records), &ladder[0], Some(1));
    records.push(replaced(3));
    check_speaker(decide(crew_with(&[], &ladder), &records), 2, "a");
}

#[test]
fn a_note_settles_a_turn_whose_model_failed() {
    let ladder = [Escalation::SkipTurn];
    let mut records = vec![assigned(1, 1, "a"), failed(2)];
    check_measure(&decide(crew_with(&[], &ladder), &records), &Escalation::SkipTurn, Some(1));
    records.push(said(3, 1, Participant::Runtime, "skipped"));
    check_speaker(decide(crew_with(&[], &ladder), &records), 2, "b");
}

#[test]
fn a_cancelled_run_does_not_wait_for_an_agent_that_is_gone() {
    let cancel = Command::Cancel { reason: "enough".to_owned() };
    let taken = record(3, 0, Event::CommandAccepted { id: CommandId("c".to_owned()), command: cancel });
    let decision = decide(crew(None, turns(9)), &[assigned(1, 1, "a"), given_up(2), taken]);
    check_measure(&decision, &Escalation::SkipTurn, Some(1));
}

#[test]
fn a_review_lets_the_run_rest_until_its_time_is_over() {
    let records = [assigned(1, 1, "a"), asked(Some(10), OnExpiry::Deny)];
    let expected = "waits for a person: approval-1.1.0 (`pay`: much)".to_owned();
    assert_eq!(decide(crew(None, turns(9)), &records), Decision::Suspend(expected));
    let expired = decide_at(crew(None, turns(9)), &records, 10);
    assert_eq!(expired, Decision::Expire(vec![ReviewId::Approval(CALL)]));
}

#[test]
fn a_review_that_escalates_sets_the_run_aside() {
    let records = [assigned(1, 1, "a"), asked(Some(10), OnExpiry::Escalate)];
    let decision = decide_at(crew(None, turns(9)), &records, 11);
    assert_eq!(decision, Decision::Quarantine("nobody has answered approval-1.1.0 in time".to_owned()));
}

fn state(records: &[Record]) -> CoordinatorState {
    let mut state = CoordinatorState::new(crew(None, turns(9)));
    records.iter().for_each(|record| state.apply(record));
    state
}

fn answer(state: &CoordinatorState, review: ReviewId, verdict: Verdict) -> Vec<Event> {
    let check: CheckArguments = Arc::new(|_, arguments| match arguments {
        "bad" => Err("not an object".to_owned()),
        arguments => Ok(format!("canonical {arguments}")),
    });
    let command = Command::Decide { review, verdict, by: "ann".to_owned(), subject_hash: None };
    let pending = PendingCommand { id: CommandId("c".to_owned()), command };
    state.accept(pending, &check, AT).into_iter().map(|(_, event)| event).collect()
}

#[test]
fn an_answer_is_on_record_with_the_command_and_edited_arguments_are_checked() {
    let state = state(&[assigned(1, 1, "a"), asked(None, OnExpiry::Deny)]);
    let review = ReviewId::Approval(CALL);
    let events = answer(&state, review, Verdict::ApproveWith { arguments: "new".to_owned() });
    let verdict = Verdict::ApproveWith { arguments: "canonical new".to_owned() };
    assert_eq!(events[1], Event::ReviewDecided { review, verdict, by: "ann".to_owned() });
    let events = answer(&state, review, Verdict::ApproveWith { arguments: "bad".to_owned() });
    let Event::CommandRefused { reason, .. } = &events[0] else { panic!("{events:?}") };
    assert!(reason.contains("not an object"), "{reason}");
}

#[test]
fn an_answer_to_nothing_is_refused_on_record() {
    let events = answer(&state(&[]), ReviewId::Approval(CALL), Verdict::Approve);
    assert!(matches!(events.as_slice(), [Event::CommandRefused { .. }]), "{events:?}");
}

#[test]
fn a_run_that_was_set_aside_does_nothing_until_a_person_says_what() {
    let quarantined = record(2, 0, Event::Quarantined { reason: "why".to_owned() });
    let records = [assigned(1, 1, "a"), quarantined];
    assert_eq!(decide(crew(None, turns(9)), &records), Decision::Ended);
    let state = state(&records);
    let review = ReviewId::Quarantine(1);
    let amended = Verdict::Amend { model: Some(ModelName::new("m")), message: Some("Go on.".to_owned()) };
    let kinds: Vec<_> = answer(&state, review, amended).iter().map(Event::kind).collect();
    use playhouse_journal::Kind::{CommandAccepted, MessagePosted, ModelReplaced, ReviewDecided, TurnEnded};
    assert_eq!(
        kinds,
        [CommandAccepted, MessagePosted, TurnEnded, ModelReplaced, MessagePosted, ReviewDecided]
    );
    let abandoned = Event::ReviewDecided { review, verdict: Verdict::Abandon, by: "ann".to_owned() };
    let after = [records.to_vec(), vec![record(3, 0, abandoned)]].concat();
    assert_eq!(decide(crew(None, turns(9)), &after), Decision::CancelTurns);
}

#[test]
fn a_paused_run_gives_no_further_turn_and_goes_on_when_told() {
    let command = |second, id: &str, command| {
        record(second, 0, Event::CommandAccepted { id: CommandId(id.to_owned()), command })
    };
    let mut records = vec![command(1, "p", Command::Pause)];
    assert!(matches!(decide(crew(None, turns(9)), &records), Decision::Suspend(_)));
    records.push(command(2, "u", Command::Unpause));
    check_speaker(decide(crew(None, turns(9)), &records), 1, "a");
}

#[test]
fn a_run_that_was_set_aside_can_be_cancelled_but_not_paused() {
    let quarantined = record(2, 0, Event::Quarantined { reason: "why".to_owned() });
    let mut records = vec![assigned(1, 1, "a"), quarantined];
    let pending = |command| PendingCommand { id: CommandId("c".to_owned()), command };
    let check: CheckArguments = Arc::new(|_, arguments| Ok(arguments.to_owned()));
    let taken = |records: &[Record], command| {
        let taken = state(records).accept(pending(command), &check, AT);
        taken.into_iter().map(|(_, event)| event).collect::<Vec<_>>()
    };
    for command in [Command::Pause, Command::Unpause] {
        let events = taken(&records, command);
        assert!(matches!(events.as_slice(), [Event::CommandRefused { .. }]), "{events:?}");
    }
    let events = taken(&records, Command::Cancel { reason: "enough".to_owned() });
    records.push(record(3, 0, events[0].clone()));
    assert_eq!(decide(crew(None, turns(9)), &records), Decision::CancelTurns);
    records.push(ended(4, 1, TurnOutcome::Cancelled));
    check_end(&decide(crew(None, turns(9)), &records), OutcomeKind::Cancelled, "enough");
}

#[test]
fn a_run_that_has_ended_takes_no_command() {
    let outcome = playhouse_types::RunOutcome { kind: OutcomeKind::Concluded, detail: "done".to_owned() };
    let usage = playhouse_types::Usage::default();
    let concluded = record(2, 0, Event::RunConcluded { outcome, result: None, usage });
    let check: CheckArguments = Arc::new(|_, arguments| Ok(arguments.to_owned()));
    let pending = PendingCommand { id: CommandId("c".to_owned()), command: Command::Pause };
    let taken = state(&[concluded]).accept(pending, &check, AT);
    assert!(matches!(taken.as_slice(), [(_, Event::CommandRefused { .. })]), "{taken:?}");
}

#[test]
fn two_agents_in_trouble_do_not_hide_each_other() {
    // `a` failed and waits for `b`, who was given up and has nobody to end its turn.
    let (actor, incarnation) = (Lane::new("b").unwrap(), Incarnation(4));
    let lost = record(3, 0, Event::ActorGivenUp { actor, incarnation, reason: "crashed".to_owned() });
    let records = [assigned(1, 1, "a"), assigned(1, 2, "b"), failed(2), lost];
    assert_eq!(decide(crew(None, turns(9)), &records), Decision::Quarantine("`b`: crashed".to_owned()));
    let mut both = crew(None, turns(9));
    let policy = AgentPolicy { on_crash: vec![Escalation::SkipTurn], ..AgentPolicy::default() };
    both.policies.insert(name("b"), policy);
    check_measure(&decide(both, &records), &Escalation::SkipTurn, Some(2));
}

#[test]
fn a_run_is_not_set_aside_while_another_agent_is_in_the_middle_of_something() {
    let records = [assigned(1, 1, "a"), assigned(1, 2, "b"), given_up(2)];
    assert_eq!(decide(crew(None, turns(9)), &records), Decision::Wait);
    let ended = [records.to_vec(), vec![ended(3, 2, TurnOutcome::Replied)]].concat();
    assert_eq!(decide(crew(None, turns(9)), &ended), Decision::Quarantine("`a`: crashed".to_owned()));
}

#[test]
fn time_that_a_person_takes_is_not_active_time() {
    let crew = || crew(None, crate::active_for(std::time::Duration::from_secs(60)));
    let mut records = vec![assigned(1, 1, "a"), asked(None, OnExpiry::Deny)];
    assert!(matches!(decide_at(crew(), &records, 10_000), Decision::Suspend(_)));
    let decided = Event::ReviewDecided {
        review: ReviewId::Approval(CALL),
        verdict: Verdict::Approve,
        by: "ann".to_owned(),
    };
    records.push(Record { epoch: 2, ..record(10_000, 0, decided) });
    records.push(Record { epoch: 3, ..record(20_000, 0, Event::Resumed { epoch: 3, clean: true }) });
    assert_eq!(decide_at(crew(), &records, 20_001), Decision::Wait);
}

#[test]
fn an_approved_call_goes_on_while_another_one_waits() {
    let other = CallId { ordinal: 1, ..CALL };
    let Event::ReviewOpened { request, .. } = asked(None, OnExpiry::Deny).event else { unreachable!() };
    let second = record(2, 1, Event::ReviewOpened { review: ReviewId::Approval(other), request });
    let decided = Event::ReviewDecided {
        review: ReviewId::Approval(CALL),
        verdict: Verdict::Approve,
        by: "ann".to_owned(),
    };
    let records = [assigned(1, 1, "a"), asked(None, OnExpiry::Deny), second, record(3, 0, decided)];
    assert_eq!(decide(crew(None, turns(9)), &records), Decision::Wait);
}

#[test]
fn a_review_that_escalated_once_waits_after_a_person_has_reopened_the_run() {
    let quarantined = record(11, 0, Event::Quarantined { reason: "why".to_owned() });
    let review = ReviewId::Quarantine(1);
    let reopened = Event::ReviewDecided { review, verdict: Verdict::Reopen, by: "ann".to_owned() };
    let records =
        [assigned(1, 1, "a"), asked(Some(10), OnExpiry::Escalate), quarantined, record(12, 0, reopened)];
    assert!(matches!(decide_at(crew(None, turns(9)), &records, 13), Decision::Suspend(_)));
}
