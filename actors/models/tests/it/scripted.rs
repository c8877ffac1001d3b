use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use playhouse_messages::{Model, Script, ScriptReply};
use playhouse_models::ScriptedModel;
use playhouse_types::{FinishReason, ModelFailureKind, TokenUsage};

use crate::support::{TestClock, agent, draws, plain_call};

fn model(script: Script) -> ScriptedModel {
    ScriptedModel::new(BTreeMap::from([(agent("clerk"), script)]), draws(), TestClock::start())
}

#[tokio::test(start_paused = true)]
async fn a_script_answers_after_its_latency_in_pieces() {
    let model = model(Arc::new(|request, context| {
        assert_eq!(request.agent.as_str(), "clerk");
        ScriptReply::say(format!("größe {}", context.below(10))).after(Duration::from_secs(3_600))
    }));
    let (call, bus) = plain_call();
    let clock = TestClock::start();
    let answer = model.complete(call).await.unwrap();
    assert_eq!(clock.monotonic().as_secs(), 3_600);
    assert_eq!(answer.reply.content, "größe 5");
    assert_eq!((answer.reply.finish, answer.reply.usage), (FinishReason::Stop, TokenUsage::default()));
    assert_eq!((answer.reply.cost_microusd, answer.attempts), (Some(0), 1));
    assert_eq!(bus.lines(), ["1:0:grö", "1:4:ße ", "1:8:5"]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_with_calls_waits_for_them() {
    let model = model(Arc::new(|_, _| ScriptReply::call("read", &1)));
    assert_eq!(model.complete(plain_call().0).await.unwrap().reply.finish, FinishReason::ToolCalls);
}

#[track_caller]
fn check_panic(failure: &playhouse_types::ModelFailure, says: &str) {
    assert_eq!(failure.kind, ModelFailureKind::Permanent);
    assert_eq!(failure.detail, format!("agent `clerk`: its script panicked: {says}"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_any_kind_is_a_permanent_failure() {
    let failure = |script: Script| async move { model(script).complete(plain_call().0).await.unwrap_err() };
    check_panic(&failure(Arc::new(|_, _| panic!("oh"))).await, "oh");
    check_panic(&failure(Arc::new(|request, _| panic!("{}", request.agent))).await, "clerk");
    check_panic(&failure(Arc::new(|_, _| std::panic::panic_any(7))).await, "(no text)");
}

#[tokio::test(start_paused = true)]
async fn an_agent_without_a_script_is_named() {
    let model = ScriptedModel::new(BTreeMap::new(), draws(), TestClock::start());
    let failure = model.complete(plain_call().0).await.unwrap_err();
    assert_eq!(failure.detail, "agent `clerk` has no script");
}

#[tokio::test(start_paused = true)]
async fn a_slow_script_ends_when_cancelled_or_late() {
    let model = model(Arc::new(|_, _| ScriptReply::say("late").after(Duration::from_secs(60))));
    let (call, bus) = plain_call();
    call.cancel.cancel();
    let failure = model.complete(call).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.detail.as_str()),
        (ModelFailureKind::Cancelled, "the call was cancelled")
    );
    let (mut call, _) = plain_call();
    call.envelope.deadline = Some(TestClock::start().now().plus(Duration::from_secs(10)));
    let failure = model.complete(call).await.unwrap_err();
    assert_eq!(failure.detail, "the deadline of the call has passed");
    assert!(bus.lines().is_empty());
}
