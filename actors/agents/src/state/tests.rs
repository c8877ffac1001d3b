use playhouse_journal::{ChainHash, Event, GateVerdict, ModelIntent, Record, RecordKey, ToolIntent};
use playhouse_types::{
    AgentName, CallId, Effect, EffectKeys, FinishReason, Incarnation, Label, Lane, ModelName, ModelReply,
    RunId, Seq, Step, TenantId, Timestamp, TokenUsage, ToolCallRequest, ToolFailure, ToolFailureKind,
    ToolName, TurnId, TurnOutcome,
};
use proptest::prelude::*;

use super::{AgentDecision, AgentState};

pub(super) fn record(lane: &str, turn: u32, step: u32, ordinal: u32, event: Event) -> Record {
    Record {
        run: RunId::from_u128(1),
        seq: Seq(1),
        prev_hash: ChainHash::default(),
        hash: ChainHash::default(),
        epoch: 1,
        incarnation: Incarnation(1),
        lane: Lane::new(lane).unwrap(),
        lane_prev: None,
        key: RecordKey::new(TurnId(turn), Step(step), ordinal, event.kind()),
        schema_version: 1,
        time: Timestamp(0),
        tenant: TenantId::default(),
        label: Label::default(),
        causation: None,
        event,
    }
}

pub(super) fn assigned(speaker: &str, turn: u32) -> Record {
    let speaker = AgentName::new(speaker).unwrap();
    let event = Event::TurnAssigned { turn: TurnId(turn), speaker, reason: String::new(), upto: turn };
    record("run", turn, 0, 0, event)
}

pub(super) fn asked(step: u32, attempt: u32) -> Record {
    let model = ModelName::new("m");
    record(
        "clerk",
        1,
        step,
        attempt,
        Event::ModelIntent(ModelIntent { model, request_hash: [0; 32], attempt }),
    )
}

pub(super) fn replied(step: u32, content: &str, tools: &[&str], finish: FinishReason) -> Record {
    let tool_calls = tools
        .iter()
        .map(|tool| ToolCallRequest { tool: (*tool).to_owned(), arguments: "{}".to_owned() })
        .collect();
    let reply = ModelReply {
        content: content.to_owned(),
        tool_calls,
        finish,
        usage: TokenUsage::default(),
        cost_microusd: Some(0),
        response_model: None,
    };
    record("clerk", 1, step, 0, Event::ModelResult { reply, attempts: 1, duration_micros: 0 })
}

pub(super) const fn call(step: u32, ordinal: u32) -> CallId {
    CallId { turn: TurnId(1), step: Step(step), ordinal }
}

pub(super) fn intent(step: u32, ordinal: u32) -> ToolIntent {
    ToolIntent {
        call: call(step, ordinal),
        tool: ToolName::new("read").unwrap(),
        arguments: "{}".to_owned(),
        effect: Effect::Once,
        keys: EffectKeys { idempotency: String::new(), intent: None },
        dispatch_by: Timestamp(0),
        verdict: GateVerdict::Allow,
    }
}

pub(super) fn intended(step: u32, ordinal: u32) -> Record {
    record("clerk", 1, step, ordinal, Event::ToolIntent(intent(step, ordinal)))
}

pub(super) fn answered(step: u32, ordinal: u32, output: &str) -> Record {
    let (call, output) = (call(step, ordinal), output.to_owned());
    let event = Event::ToolResult { call, output, full_bytes: None, recovered: false, duration_micros: 0 };
    record("clerk", 1, step, ordinal, event)
}

pub(super) fn refused(step: u32, ordinal: u32) -> Record {
    let failure = ToolFailure { kind: ToolFailureKind::UnknownTool, detail: "no such tool".to_owned() };
    record("clerk", 1, step, ordinal, Event::ToolFailed { call: call(step, ordinal), failure })
}

pub(super) fn doubted(step: u32, ordinal: u32) -> Record {
    let event = Event::ToolInDoubt { call: call(step, ordinal), detail: "?".to_owned() };
    record("clerk", 1, step, ordinal, event)
}

pub(super) fn fold(records: &[Record]) -> AgentState {
    let mut state = AgentState::new(AgentName::new("clerk").unwrap(), 2);
    records.iter().for_each(|record| state.apply(record));
    state
}

#[track_caller]
pub(super) fn check(records: &[Record], expected: &AgentDecision) {
    assert_eq!(fold(records).decide(), *expected);
}

pub(super) fn ask(step: u32, attempt: u32) -> AgentDecision {
    AgentDecision::Ask { step: Step(step), attempt }
}

#[test]
fn an_agent_without_a_turn_does_nothing() {
    check(&[], &AgentDecision::Idle);
    check(&[assigned("auditor", 1)], &AgentDecision::Idle);
}

#[test]
fn a_turn_begins_with_a_question_to_the_model() {
    check(&[assigned("clerk", 1)], &ask(1, 0));
}

#[test]
fn a_model_call_without_an_end_is_awaited_or_asked_again_with_the_next_attempt() {
    let expected = AgentDecision::AwaitModel { step: Step(1), next_attempt: 2 };
    check(&[assigned("clerk", 1), asked(1, 0), asked(1, 1)], &expected);
}

#[test]
fn a_text_is_posted() {
    let records = [assigned("clerk", 1), asked(1, 0), replied(1, "done", &[], FinishReason::Stop)];
    check(&records, &AgentDecision::Post { step: Step(1), content: "done".to_owned() });
}

#[test]
fn a_cut_withheld_or_empty_reply_is_not_an_answer() {
    for (content, finish) in
        [("half", FinishReason::Length), ("half", FinishReason::ContentFilter), (" \n", FinishReason::Stop)]
    {
        let state = fold(&[assigned("clerk", 1), asked(1, 0), replied(1, content, &[], finish)]);
        assert!(matches!(state.decide(), AgentDecision::End { outcome } if outcome != TurnOutcome::Replied));
    }
}

#[test]
fn calls_of_a_cut_reply_are_not_made() {
    let records = [assigned("clerk", 1), asked(1, 0), replied(1, "", &["read"], FinishReason::Length)];
    let limit = "the reply was cut at the output limit".to_owned();
    check(&records, &AgentDecision::End { outcome: TurnOutcome::Limited { limit } });
}

#[test]
fn calls_are_prepared_then_awaited_then_answered_to_the_model() {
    let mut records = vec![assigned("clerk", 1), asked(1, 0)];
    records.push(replied(1, "", &["read", "nonsense"], FinishReason::ToolCalls));
    check(&records, &AgentDecision::Prepare { step: Step(1), ordinals: vec![0, 1] });
    records.extend([intended(1, 0), refused(1, 1)]);
    check(&records, &AgentDecision::AwaitCalls { intents: vec![intent(1, 0)] });
    records.push(answered(1, 0, "text"));
    check(&records, &ask(2, 0));
    let state = fold(&records);
    let exchange = &state.own()[0].exchanges[0];
    let answers: Vec<_> = exchange.calls.iter().map(|call| (call.answer.as_str(), call.failed)).collect();
    assert_eq!(answers, [("text", false), ("no such tool", true)]);
}

#[test]
fn a_call_in_doubt_holds_the_turn_once_all_others_have_ended() {
    let mut records = vec![assigned("clerk", 1), asked(1, 0)];
    records.push(replied(1, "", &["read", "read"], FinishReason::ToolCalls));
    records.extend([intended(1, 0), intended(1, 1), doubted(1, 0)]);
    check(&records, &AgentDecision::AwaitCalls { intents: vec![intent(1, 1)] });
    records.push(answered(1, 1, "text"));
    check(&records, &AgentDecision::Stuck);
    assert!(fold(&records).own().is_empty(), "no exchange without all answers reaches a model");
}

#[test]
fn too_many_steps_end_the_turn_with_a_limit() {
    let mut records = vec![assigned("clerk", 1)];
    for step in 1..=2 {
        records.extend([asked(step, 0), replied(step, "", &["read"], FinishReason::ToolCalls)]);
        records.extend([intended(step, 0), answered(step, 0, "text")]);
    }
    let limit = "2 model calls in one turn".to_owned();
    check(&records, &AgentDecision::End { outcome: TurnOutcome::Limited { limit } });
}

#[test]
fn records_of_others_and_of_ended_turns_change_nothing() {
    let ended = Event::TurnEnded { turn: TurnId(1), outcome: TurnOutcome::Replied };
    let mut records = vec![assigned("clerk", 1), asked(1, 0), replied(1, "done", &[], FinishReason::Stop)];
    records.push(record("clerk", 1, 0, 0, ended));
    check(&records, &AgentDecision::Idle);
    records.push(answered(1, 0, "late"));
    check(&records, &AgentDecision::Idle);
}

proptest! {
    /// The results of one batch of calls may arrive in any order: what the model sees is the same.
    #[test]
    fn the_order_of_results_does_not_matter(order in Just(vec![0u32, 1, 2, 3]).prop_shuffle()) {
        let begin = || {
            let mut records = vec![assigned("clerk", 1), asked(1, 0)];
            records.push(replied(1, "", &["read"; 4], FinishReason::ToolCalls));
            records.extend((0..4).map(|ordinal| intended(1, ordinal)));
            records
        };
        let answers = |order: &[u32]| {
            let mut records = begin();
            records.extend(order.iter().map(|ordinal| answered(1, *ordinal, &format!("answer {ordinal}"))));
            fold(&records)
        };
        prop_assert_eq!(answers(&order), answers(&[0, 1, 2, 3]));
    }

    /// Folding is total: any record of the lane in any order leads to some decision, never to a panic.
    #[test]
    fn no_order_of_records_panics(picks in proptest::collection::vec(0usize..8, 0..20)) {
        let pool = [
            assigned("clerk", 1), asked(3, 0), replied(1, "", &["read", "read"], FinishReason::ToolCalls),
            intended(1, 1), answered(2, 7, "x"), answered(1, 1, "x"), doubted(1, 0), refused(9, 9),
        ];
        let records: Vec<Record> = picks.iter().map(|pick| pool[*pick].clone()).collect();
        let _ = fold(&records).decide();
    }
}
