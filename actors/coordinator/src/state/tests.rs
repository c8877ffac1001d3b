use std::time::Duration;

use playhouse_journal::{ChainHash, Command, CommandId, Event, GateVerdict, Record, RecordKey, ToolIntent};
use playhouse_messages::Threads;
use playhouse_types::{
    AgentName, CallId, Effect, EffectKeys, Incarnation, Label, Lane, Message, OutcomeKind, Participant,
    RunId, RunOutcome, Seq, Step, TenantId, Timestamp, ToolName, TurnId, TurnOutcome,
};

use super::{CoordinatorState, Decision};
use crate::{
    Assignment, Condition, ConversationView, CrewDefinition, Pattern, PatternDecision, RoundRobin, Selector,
    active_for, says, turns,
};

pub(super) fn name(text: &str) -> AgentName {
    AgentName::new(text).unwrap()
}

pub(super) fn crew(until: Option<Condition>, limit: Condition) -> CrewDefinition {
    CrewDefinition {
        agents: vec![name("a"), name("b")],
        pattern: Box::new(RoundRobin::new()),
        until,
        limit,
        ..CrewDefinition::default()
    }
}

/// A record at `second` seconds.
pub(super) fn record(second: i64, turn: u32, event: Event) -> Record {
    Record {
        run: RunId::from_u128(1),
        seq: Seq(1),
        prev_hash: ChainHash::default(),
        hash: ChainHash::default(),
        epoch: 1,
        incarnation: Incarnation(1),
        lane: Lane::run(),
        lane_prev: None,
        key: RecordKey::new(TurnId(turn), Step(0), 0, event.kind()),
        schema_version: 1,
        time: Timestamp(second * 1_000_000),
        tenant: TenantId::default(),
        label: Label::default(),
        causation: None,
        event,
    }
}

pub(super) fn assigned(second: i64, turn: u32, speaker: &str) -> Record {
    let event =
        Event::TurnAssigned { turn: TurnId(turn), speaker: name(speaker), reason: String::new(), upto: 1 };
    record(second, turn, event)
}

pub(super) fn ended(second: i64, turn: u32, outcome: TurnOutcome) -> Record {
    record(second, turn, Event::TurnEnded { turn: TurnId(turn), outcome })
}

pub(super) fn said(second: i64, turn: u32, from: Participant, content: &str) -> Record {
    let message = Message { turn: TurnId(turn), from, content: content.to_owned(), label: Label::default() };
    record(second, turn, Event::MessagePosted { message })
}

fn intent(call: CallId) -> Event {
    Event::ToolIntent(ToolIntent {
        call,
        tool: ToolName::new("pay").unwrap(),
        arguments: "{}".to_owned(),
        effect: Effect::Once,
        keys: EffectKeys { idempotency: String::new(), intent: None },
        dispatch_by: Timestamp(0),
        verdict: GateVerdict::Allow,
    })
}

pub(super) fn decide_at(crew: CrewDefinition, records: &[Record], second: i64) -> Decision {
    let mut state = CoordinatorState::new(crew);
    records.iter().for_each(|record| state.apply(record));
    state.decide(&Threads::default(), Timestamp(second * 1_000_000))
}

pub(super) fn decide(crew: CrewDefinition, records: &[Record]) -> Decision {
    let last = records.last().map_or(0, |record| record.time.0 / 1_000_000);
    decide_at(crew, records, last)
}

#[track_caller]
pub(super) fn check_end(decision: &Decision, kind: OutcomeKind, detail: &str) {
    assert_eq!(*decision, Decision::Conclude(RunOutcome { kind, detail: detail.to_owned() }));
}

#[track_caller]
pub(super) fn check_speaker(decision: Decision, turn: u32, speaker: &str) {
    let Decision::Assign(assignments) = decision else { panic!("{decision:?}") };
    let given: Vec<_> = assignments.iter().map(|(turn, to)| (turn.0, to.speaker.as_str())).collect();
    assert_eq!(given, [(turn, speaker)]);
}

#[test]
fn a_run_begins_with_the_first_agent_and_goes_round() {
    check_speaker(decide(crew(None, turns(9)), &[]), 1, "a");
    let records = [assigned(1, 1, "a"), ended(2, 1, TurnOutcome::Replied)];
    check_speaker(decide(crew(None, turns(9)), &records), 2, "b");
}

#[test]
fn nobody_is_asked_while_a_turn_is_open() {
    assert_eq!(decide(crew(None, turns(9)), &[assigned(1, 1, "a")]), Decision::Wait);
}

#[test]
fn the_planned_end_wins_over_the_limit() {
    let agent = Participant::Agent(name("a"));
    let records = [assigned(1, 1, "a"), said(2, 1, agent, "CLOSED"), ended(2, 1, TurnOutcome::Replied)];
    let decision = decide(crew(Some(says("CLOSED")), turns(1)), &records);
    check_end(&decision, OutcomeKind::Concluded, "`CLOSED` was said");
}

#[test]
fn the_input_cannot_end_the_run() {
    let records = [said(1, 0, Participant::User, "never say CLOSED")];
    check_speaker(decide(crew(Some(says("CLOSED")), turns(9)), &records), 1, "a");
}

#[test]
fn a_limit_keeps_what_was_done() {
    let records = [assigned(1, 1, "a"), ended(2, 1, TurnOutcome::Replied)];
    check_end(&decide(crew(None, turns(1)), &records), OutcomeKind::Limited, "1 turns were taken");
}

#[test]
fn a_deadline_cancels_open_turns_and_then_ends_the_run() {
    let limit = || active_for(Duration::from_secs(10));
    let records = [record(0, 0, cancel("x")), assigned(1, 1, "a")];
    assert_eq!(decide_at(crew(None, limit()), &records[1..], 5), Decision::Wait);
    assert_eq!(decide_at(crew(None, limit()), &records[1..], 12), Decision::CancelTurns);
    let records = [assigned(1, 1, "a"), ended(12, 1, TurnOutcome::Cancelled)];
    let decision = decide_at(crew(None, limit()), &records, 12);
    assert!(matches!(decision, Decision::Conclude(RunOutcome { kind: OutcomeKind::Limited, .. })));
}

#[test]
fn time_between_a_stop_and_its_resumption_does_not_count() {
    let resumed = record(5000, 0, Event::Resumed { epoch: 2, clean: false });
    let records = [assigned(1, 1, "a"), ended(2, 1, TurnOutcome::Replied), resumed];
    check_speaker(decide_at(crew(None, active_for(Duration::from_secs(10))), &records, 5003), 2, "b");
}

fn cancel(id: &str) -> Event {
    let command = Command::Cancel { reason: "enough".to_owned() };
    Event::CommandAccepted { id: CommandId(id.to_owned()), command }
}

#[test]
fn a_cancelled_run_ends_its_turns_and_then_itself() {
    let records = [assigned(1, 1, "a"), record(2, 0, cancel("c"))];
    assert_eq!(decide(crew(None, turns(9)), &records), Decision::CancelTurns);
    let records = [assigned(1, 1, "a"), record(2, 0, cancel("c")), ended(3, 1, TurnOutcome::Cancelled)];
    check_end(&decide(crew(None, turns(9)), &records), OutcomeKind::Cancelled, "enough");
}

#[test]
fn a_model_that_fails_for_good_fails_the_run() {
    let failed = TurnOutcome::ModelFailed { detail: "no such model".to_owned() };
    let records = [assigned(1, 1, "a"), ended(2, 1, failed)];
    let decision = decide(crew(None, turns(9)), &records);
    check_end(&decision, OutcomeKind::Failed, "turn 1 of `a`: no such model");
}

#[test]
fn a_call_in_doubt_suspends_the_run_and_nobody_else_is_asked() {
    let call = CallId { turn: TurnId(1), step: Step(1), ordinal: 0 };
    let intended = record(1, 1, intent(call));
    let doubt = record(2, 1, Event::ToolInDoubt { call, detail: "timeout".to_owned() });
    let decision = decide(crew(None, turns(9)), &[assigned(1, 1, "a"), intended, doubt]);
    let expected = "waits for a person: doubt-1.1.0 (`pay`: timeout)".to_owned();
    assert_eq!(decision, Decision::Suspend(expected));
}

#[test]
fn a_pattern_that_names_a_stranger_fails_the_run() {
    let pattern = Box::new(Selector::new(|_| Some(name("stranger"))));
    let crew = CrewDefinition {
        agents: vec![name("a")],
        pattern,
        until: None,
        limit: turns(9),
        ..CrewDefinition::default()
    };
    let detail = "the pattern named `stranger`, who is not in the crew";
    check_end(&decide(crew, &[]), OutcomeKind::Failed, detail);
}

#[test]
fn an_ended_run_stays_ended() {
    let outcome = RunOutcome { kind: OutcomeKind::Concluded, detail: "done".to_owned() };
    let event = Event::RunConcluded { outcome, result: None, usage: playhouse_types::Usage::default() };
    assert_eq!(decide(crew(None, turns(9)), &[record(1, 0, event)]), Decision::Ended);
}

#[test]
fn a_case_that_waited_for_its_place_in_a_batch_has_not_been_active() {
    let limit = || active_for(Duration::from_secs(10));
    let admitted = said(1, 0, Participant::User, "the input");
    check_speaker(decide_at(crew(None, limit()), std::slice::from_ref(&admitted), 5000), 1, "a");
    let records = [admitted, assigned(5000, 1, "a"), ended(5004, 1, TurnOutcome::Replied)];
    check_speaker(decide_at(crew(None, limit()), &records, 5005), 2, "b");
}

#[test]
fn a_call_in_doubt_does_not_suspend_the_run_while_a_sibling_call_is_open() {
    let call = |ordinal| CallId { turn: TurnId(1), step: Step(1), ordinal };
    let intent = |ordinal| record(1, 1, intent(call(ordinal)));
    let doubt = record(2, 1, Event::ToolInDoubt { call: call(0), detail: "timeout".to_owned() });
    let mut records = vec![assigned(1, 1, "a"), intent(0), intent(1), doubt];
    assert_eq!(decide(crew(None, turns(9)), &records), Decision::Wait);
    let (output, full_bytes) = ("paid".to_owned(), None);
    let end = Event::ToolResult { call: call(1), output, full_bytes, recovered: false, duration_micros: 0 };
    records.push(record(3, 1, end));
    assert!(matches!(decide(crew(None, turns(9)), &records), Decision::Suspend(_)));
}

/// Names the same agent twice.
#[derive(Clone)]
struct Twice;

impl Pattern for Twice {
    fn decide(&self, _: &ConversationView<'_>) -> PatternDecision {
        let turn = || Assignment::new(name("a"), "");
        PatternDecision::Speak(vec![turn(), turn()])
    }
    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }
}

#[test]
fn an_agent_cannot_have_two_turns_at_once() {
    let crew = CrewDefinition {
        agents: vec![name("a")],
        pattern: Box::new(Twice),
        until: None,
        limit: turns(9),
        ..CrewDefinition::default()
    };
    let detail = "the pattern named an agent twice for turns at once";
    check_end(&decide(crew, &[]), OutcomeKind::Failed, detail);
}
