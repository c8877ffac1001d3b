//! What a handoff leaves behind: whatever stands beside it, no tool call reaches a model without its result.

use std::sync::Arc;

use playhouse_journal::{Event, Record};
use playhouse_messages::{Exchange, HistoryItem, Threads};
use playhouse_types::{
    AgentName, Brief, FinishReason, ModelName, ReviewId, Sees, Step, ThreadId, ToolFailure, ToolFailureKind,
    TurnId, TurnOutcome, Verdict,
};
use proptest::prelude::*;

use super::tests::{
    answered, asked, assigned, call, check, doubted, fold, intended, intent, record, refused, replied,
};
use super::{AgentDecision, AgentState};
use crate::{AgentDefinition, Ending, ending, model_request, request_header};

fn name(text: &str) -> AgentName {
    AgentName::new(text).unwrap()
}

/// The turn of `clerk`, told what `brief` says, up to a reply with these calls.
fn turn_with(brief: Option<Brief>, content: &str, tools: &[&str]) -> Vec<Record> {
    let told =
        brief.map(|brief| record("run", 1, 0, 0, Event::Briefed { turn: TurnId(1), brief: Box::new(brief) }));
    let reply = replied(1, content, tools, FinishReason::ToolCalls);
    told.into_iter().chain([assigned("clerk", 1), asked(1, 0), reply]).collect()
}

fn turn(tools: &[&str]) -> Vec<Record> {
    turn_with(None, "", tools)
}

/// A handoff that passed: it needs no intent.
fn passed(ordinal: u32) -> Record {
    answered(1, ordinal, "the other has the floor.")
}

/// A handoff that did not pass.
fn failed(ordinal: u32) -> Record {
    let failure = ToolFailure { kind: ToolFailureKind::InvalidArguments, detail: "not there".to_owned() };
    record("clerk", 1, 1, ordinal, Event::ToolFailed { call: call(1, ordinal), failure })
}

fn ended(outcome: TurnOutcome) -> Record {
    record("run", 1, 0, 0, Event::TurnEnded { turn: TurnId(1), outcome })
}

fn hands_over(to: &str, content: &str) -> AgentDecision {
    AgentDecision::HandOff { to: name(to), content: content.to_owned() }
}

/// Returns the exchanges that the model of a later turn reads.
fn seen_later(mut records: Vec<Record>, brief: Option<Brief>) -> Vec<Exchange> {
    let told =
        brief.map(|brief| record("run", 2, 0, 0, Event::Briefed { turn: TurnId(2), brief: Box::new(brief) }));
    records.extend(told);
    records.push(assigned("clerk", 2));
    let state = fold(&records);
    let agent = AgentDefinition::new(name("clerk"));
    let header = request_header(&agent, ModelName::new("m"), &[], Vec::new());
    let hash = header.hash();
    let place = (TurnId(2), 0, Step(1));
    let request = model_request(&agent, &state, (Arc::new(header), hash), &Threads::default(), place);
    let history = request.history();
    let exchanges = history.filter_map(|item| match item {
        HistoryItem::Exchange(exchange) => Some(exchange.clone()),
        _ => None,
    });
    exchanges.collect()
}

/// Checks that a later request holds these calls in one exchange, each with its answer.
#[track_caller]
fn check_later(records: Vec<Record>, expected: &[(&str, &str)]) {
    let exchanges = seen_later(records, None);
    assert_eq!(exchanges.len(), 1);
    let calls = exchanges[0].calls.iter();
    let calls: Vec<_> = calls.map(|call| (call.tool.as_str(), call.answer.as_str())).collect();
    assert_eq!(calls, expected);
}

const FLOOR: &str = "the other has the floor.";

#[test]
fn of_two_handoffs_in_one_reply_the_first_counts_and_both_have_results() {
    let mut records = turn(&["transfer_to_refunds", "transfer_to_sales"]);
    records.extend([passed(0), passed(1)]);
    check(&records, &hands_over("refunds", "Over to refunds."));
    records.push(ended(TurnOutcome::HandedOff { to: name("refunds") }));
    check_later(records, &[("transfer_to_refunds", FLOOR), ("transfer_to_sales", FLOOR)]);
}

#[test]
fn a_refused_handoff_leaves_the_floor_to_the_next_one_or_asks_again() {
    let mut records = turn(&["transfer_to_nobody", "transfer_to_sales"]);
    records.extend([failed(0), passed(1)]);
    check(&records, &hands_over("sales", "Over to sales."));
    records.push(ended(TurnOutcome::HandedOff { to: name("sales") }));
    check_later(records, &[("transfer_to_nobody", "not there"), ("transfer_to_sales", FLOOR)]);
    let mut records = turn(&["transfer_to_nobody"]);
    records.push(failed(0));
    check(&records, &AgentDecision::Ask { step: Step(2), attempt: 0 });
}

#[test]
fn the_calls_beside_a_handoff_end_before_the_turn_does() {
    let mut records = turn(&["transfer_to_refunds", "read", "nonsense"]);
    records.extend([passed(0), intended(1, 1), refused(1, 2)]);
    check(&records, &AgentDecision::AwaitCalls { intents: vec![intent(1, 1)] });
    records.push(answered(1, 1, "text"));
    check(&records, &hands_over("refunds", "Over to refunds."));
    records.push(ended(TurnOutcome::HandedOff { to: name("refunds") }));
    check_later(records, &[("transfer_to_refunds", FLOOR), ("read", "text"), ("nonsense", "no such tool")]);
}

#[test]
fn a_call_in_doubt_beside_a_handoff_waits_for_a_person() {
    let mut records = turn(&["read", "transfer_to_refunds"]);
    records.extend([intended(1, 0), passed(1), doubted(1, 0)]);
    check(&records, &AgentDecision::Stuck);
    let verdict = Verdict::Landed { output: "it was done".to_owned() };
    let decided = Event::ReviewDecided { review: ReviewId::Doubt(call(1, 0)), verdict, by: "me".to_owned() };
    records.push(record("run", 1, 0, 0, decided));
    check(&records, &hands_over("refunds", "Over to refunds."));
    records.push(ended(TurnOutcome::HandedOff { to: name("refunds") }));
    check_later(records, &[("read", "it was done"), ("transfer_to_refunds", FLOOR)]);
}

#[test]
fn a_denied_call_beside_a_handoff_has_its_refusal_as_result() {
    let mut records = turn(&["transfer_to_refunds", "read"]);
    let denied = Event::ToolDenied { call: call(1, 1), reason: "not allowed".to_owned() };
    records.extend([passed(0), record("clerk", 1, 1, 1, denied)]);
    check(&records, &hands_over("refunds", "Over to refunds."));
    records.push(ended(TurnOutcome::HandedOff { to: name("refunds") }));
    check_later(records, &[("transfer_to_refunds", FLOOR), ("read", "denied: not allowed")]);
}

#[test]
fn a_turn_cancelled_beside_an_open_call_leaves_no_call_behind() {
    let mut records = turn(&["transfer_to_refunds", "read"]);
    records.extend([passed(0), intended(1, 1), ended(TurnOutcome::Cancelled)]);
    assert_eq!(seen_later(records, None), []);
}

#[test]
fn a_handoff_in_a_private_turn_says_nothing_and_is_complete_in_its_conversation() {
    let thread = ThreadId(TurnId(7));
    let private = Brief { thread, ..Brief::new("Who is next?").privately() };
    let mut records = turn_with(Some(private.clone()), "I pass.", &["transfer_to_refunds", "read"]);
    records.extend([passed(0), intended(1, 1), answered(1, 1, "text")]);
    let state: AgentState = fold(&records);
    let outcome = TurnOutcome::HandedOff { to: name("refunds") };
    let found = ending(&AgentDefinition::new(name("clerk")), &state, &state.decide());
    assert_eq!(found, Some(Ending::Turn { content: None, outcome: outcome.clone() }));
    records.push(ended(outcome));
    let later = seen_later(records.clone(), Some(private.clone()));
    let answers: Vec<&str> = later[0].calls.iter().map(|call| call.answer.as_str()).collect();
    assert_eq!(answers, [FLOOR, "text"]);
    assert_eq!(seen_later(records.clone(), None), [], "another conversation sees none of it");
    assert_eq!(seen_later(records, Some(private.seeing(Sees::Nothing))), []);
}

proptest! {
    /// However far a turn with handoffs came before it ended, and in whatever order: a later request holds all calls of a
    /// reply with their results, or none of them.
    #[test]
    fn a_later_request_holds_all_calls_with_their_results_or_none(
        order in Just((0usize..6).collect::<Vec<_>>()).prop_shuffle(), upto in 0usize..=6,
    ) {
        let begun = [passed(0), intended(1, 1), answered(1, 1, "text"), passed(2), failed(3), doubted(1, 1)];
        let mut records = turn(&["transfer_to_refunds", "read", "transfer_to_sales", "transfer_to_x"]);
        records.extend(order.iter().take(upto).map(|place| begun[*place].clone()));
        records.push(ended(TurnOutcome::HandedOff { to: name("refunds") }));
        let answered = [0, 2, 3, 4].iter().all(|place| order[..upto].contains(place));
        let n_calls: Vec<usize> = seen_later(records, None).iter().map(|exchange| exchange.calls.len()).collect();
        prop_assert_eq!(n_calls, if answered { vec![4] } else { vec![] });
    }
}
