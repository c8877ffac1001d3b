use playhouse_journal::{ChainHash, Event, GateVerdict, Record, RecordKey, ToolIntent};
use playhouse_types::{
    CallId, Effect, EffectKeys, Incarnation, Label, Lane, OnExpiry, ReviewId, ReviewRequest, RunId, Seq,
    Step, TenantId, Timestamp, ToolName, TurnId, TurnOutcome, Verdict,
};

use super::ReviewQueue;
use crate::VerdictError;

const CALL: CallId = CallId { turn: TurnId(2), step: Step(1), ordinal: 0 };
const APPROVAL: ReviewId = ReviewId::Approval(CALL);

fn record(lane: &str, event: Event) -> Record {
    Record {
        run: RunId::from_u128(1),
        seq: Seq(1),
        prev_hash: ChainHash::default(),
        hash: ChainHash::default(),
        epoch: 4,
        incarnation: Incarnation(1),
        lane: Lane::new(lane).unwrap(),
        lane_prev: None,
        key: RecordKey::of_run(event.kind()),
        schema_version: 1,
        time: Timestamp(10),
        tenant: TenantId::default(),
        label: Label::default(),
        causation: None,
        event,
    }
}

fn opened() -> Event {
    let request = ReviewRequest {
        agent: "clerk".parse_name(),
        tool: "send".to_owned(),
        arguments: "{}".to_owned(),
        effect: Effect::Once,
        subject_hash: [7; 32],
        reason: "a letter".to_owned(),
        expires_at: Some(Timestamp(50)),
        on_expiry: OnExpiry::Deny,
    };
    Event::ReviewOpened { review: APPROVAL, request: Box::new(request) }
}

trait ParseName {
    fn parse_name(&self) -> playhouse_types::AgentName;
}

impl ParseName for str {
    fn parse_name(&self) -> playhouse_types::AgentName {
        playhouse_types::AgentName::new(self).unwrap()
    }
}

fn intent() -> Event {
    Event::ToolIntent(ToolIntent {
        call: CALL,
        tool: ToolName::new("send").unwrap(),
        arguments: "{\"to\":1}".to_owned(),
        effect: Effect::Once,
        keys: EffectKeys { idempotency: "k".to_owned(), intent: None },
        dispatch_by: Timestamp(0),
        verdict: GateVerdict::Allow,
    })
}

fn queue(events: impl IntoIterator<Item = Event>) -> ReviewQueue {
    let mut queue = ReviewQueue::default();
    events.into_iter().for_each(|event| queue.apply(&record("clerk", event)));
    queue
}

fn decided(review: ReviewId, verdict: Verdict) -> Event {
    Event::ReviewDecided { review, verdict, by: "ann".to_owned() }
}

#[test]
fn the_first_answer_wins_and_later_ones_learn_it() {
    let queue = queue([opened(), decided(APPROVAL, Verdict::Approve)]);
    let refused =
        queue.check(APPROVAL, &Verdict::Reject { reason: String::new() }, None, Timestamp(20)).unwrap_err();
    let by = "ann".to_owned();
    assert_eq!(refused, VerdictError::Closed { review: APPROVAL, verdict: "approved", by });
}

#[test]
fn an_answer_to_another_subject_is_stale() {
    let queue = queue([opened()]);
    assert!(queue.check(APPROVAL, &Verdict::Approve, Some([7; 32]), Timestamp(20)).is_ok());
    let refused = queue.check(APPROVAL, &Verdict::Approve, Some([8; 32]), Timestamp(20)).unwrap_err();
    assert_eq!(refused, VerdictError::Stale { review: APPROVAL });
}

#[test]
fn an_answer_that_does_not_fit_is_refused_with_those_that_do() {
    let queue = queue([opened()]);
    let refused = queue.check(APPROVAL, &Verdict::Reopen, None, Timestamp(20)).unwrap_err().to_string();
    assert!(refused.contains("approve, edit or reject"), "{refused}");
    let other = ReviewId::Quarantine(9);
    assert_eq!(
        queue.check(other, &Verdict::Reopen, None, Timestamp(20)).unwrap_err(),
        VerdictError::Unknown { review: other }
    );
}

#[test]
fn a_call_in_doubt_is_a_review_with_its_exact_arguments() {
    let queue = queue([intent(), Event::ToolInDoubt { call: CALL, detail: "lost".to_owned() }]);
    let open = queue.get(ReviewId::Doubt(CALL)).unwrap();
    assert_eq!(open.request.arguments, "{\"to\":1}");
    assert_eq!((open.request.tool.as_str(), open.request.reason.as_str()), ("send", "lost"));
    assert!(queue.check(ReviewId::Doubt(CALL), &Verdict::DidNotHappen, None, Timestamp(20)).is_ok());
}

#[test]
fn a_quarantine_is_a_review_of_its_epoch() {
    let queue = queue([Event::Quarantined { reason: "why".to_owned() }]);
    assert!(queue.check(ReviewId::Quarantine(4), &Verdict::Skip, None, Timestamp(20)).is_ok());
}

#[test]
fn the_end_of_a_turn_withdraws_its_questions() {
    let ended = Event::TurnEnded { turn: TurnId(2), outcome: TurnOutcome::Cancelled };
    assert!(queue([opened(), ended]).is_empty());
    let other = Event::TurnEnded { turn: TurnId(3), outcome: TurnOutcome::Cancelled };
    assert!(!queue([opened(), other]).is_empty());
}

#[test]
fn a_review_expires_at_its_moment_and_not_before() {
    let queue = queue([opened()]);
    assert_eq!(queue.expired(Timestamp(49)).count(), 0);
    assert_eq!(queue.expired(Timestamp(50)).count(), 1);
}

#[test]
fn an_answer_after_its_time_is_refused() {
    let queue = queue([opened()]);
    let refused = queue.check(APPROVAL, &Verdict::Approve, None, Timestamp(50)).unwrap_err();
    assert_eq!(refused, VerdictError::Expired { review: APPROVAL });
}

#[test]
fn a_call_in_doubt_is_asked_about_after_its_turn_was_skipped() {
    let skipped = TurnOutcome::Skipped { reason: String::new() };
    let ended = Event::TurnEnded { turn: TurnId(2), outcome: skipped };
    let doubt = Event::ToolInDoubt { call: CALL, detail: "lost".to_owned() };
    for events in [[intent(), doubt.clone(), ended.clone()], [intent(), ended, doubt]] {
        assert!(queue(events).get(ReviewId::Doubt(CALL)).is_some());
    }
}
