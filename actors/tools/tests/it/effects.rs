//! Each effect class against a destination that fails before or after the effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use playhouse_messages::Clock;
use playhouse_tools::{Declaration, Dispatch, ToolEnd};
use playhouse_types::{Effect, IntentScope, Timestamp, ToolFailureKind};

use crate::world::{Act, Ask, Fake, LONG, SHORT, SimulatedClock, brief, dispatch, open};

/// One way to call the tool, and what should come of it.
struct Case<'a> {
    effect: Effect,
    retries: u32,
    recovering: bool,
    scope: IntentScope,
    acts: &'a [Act],
    asks: &'a [Ask],
}

impl<'a> Case<'a> {
    const fn live(effect: Effect, retries: u32, acts: &'a [Act]) -> Self {
        Self { effect, retries, recovering: false, scope: IntentScope::Run, acts, asks: &[] }
    }

    fn declaration(&self) -> Declaration {
        let hangs = self.acts.iter().any(|act| matches!(act, Act::HangBefore | Act::HangAfter))
            || self.asks.contains(&Ask::Hang);
        Declaration {
            effect: self.effect,
            retries: self.retries,
            scope: self.scope,
            timeout: if hangs { SHORT } else { LONG },
            settles_within: Duration::from_secs(5),
            ..Declaration::DEFAULT
        }
    }

    /// Runs it and compares the end and what the destination saw.
    async fn check(&self, ends: &str, log: &[&str]) {
        let clock = SimulatedClock::start();
        let tool = Fake::new(self.declaration(), self.acts, self.asks, &clock);
        let handle = open(Arc::clone(&tool) as _, &clock).await;
        let end = handle.run(dispatch(self.recovering)).await;
        assert_eq!((brief(&end).as_str(), tool.log.lock().unwrap().as_slice()), (ends, own(log).as_slice()));
    }
}

fn own(log: &[&str]) -> Vec<String> {
    log.iter().map(|entry| (*entry).to_owned()).collect()
}

const RAN: &[&str] = &["run 1 at 0s", "landed at 0s"];

#[tokio::test(start_paused = true)]
async fn every_effect_brings_its_answer() {
    for effect in [Effect::Pure, Effect::Idempotent, Effect::Reconcile, Effect::Once] {
        Case::live(effect, 0, &[]).check("answer", RAN).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pure_call_is_repeated_whatever_happened_until_its_retries_are_used() {
    let acts = [Act::NotDone, Act::ForeignBefore, Act::PanicBefore, Act::HangBefore];
    let runs = ["run 1 at 0s", "run 2 at 0s", "run 3 at 0s", "run 4 at 0s", "run 5 at 1s", "landed at 1s"];
    Case::live(Effect::Pure, 4, &acts).check("answer", &runs).await;
    for (act, ends) in [
        (Act::NotDone, "failed NotDone"),
        (Act::ForeignBefore, "failed NotDone"),
        (Act::PanicBefore, "failed Panicked"),
        (Act::HangBefore, "failed Timeout"),
    ] {
        Case::live(Effect::Pure, 1, &[act, act]).check(ends, &["run 1 at 0s", "run 2 at 0s"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn arguments_that_the_tool_refuses_are_not_tried_again() {
    for effect in [Effect::Pure, Effect::Idempotent, Effect::Reconcile, Effect::Once] {
        Case::live(effect, 3, &[Act::Invalid]).check("failed InvalidArguments", &["run 1 at 0s"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_call_is_repeated_with_its_key_and_in_doubt_when_no_repetition_answers() {
    for act in [Act::PanicAfter, Act::HangAfter, Act::InDoubtAfter, Act::ForeignAfter] {
        let both = ["run 1 at 0s", "landed at 0s", "run 2 at 0s", "landed at 0s"];
        Case::live(Effect::Idempotent, 1, &[act]).check("answer", &both).await;
    }
    Case::live(Effect::Idempotent, 0, &[Act::PanicAfter]).check("in doubt", RAN).await;
    let second_refuses = ["run 1 at 0s", "landed at 0s", "run 2 at 0s"];
    Case::live(Effect::Idempotent, 1, &[Act::PanicAfter, Act::NotDone])
        .check("in doubt", &second_refuses)
        .await;
    Case::live(Effect::Idempotent, 0, &[Act::NotDone]).check("failed NotDone", &["run 1 at 0s"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_once_call_is_repeated_only_when_surely_nothing_was_done() {
    let both = ["run 1 at 0s", "run 2 at 0s", "landed at 0s"];
    Case::live(Effect::Once, 1, &[Act::NotDone]).check("answer", &both).await;
    for act in [Act::ForeignBefore, Act::PanicBefore, Act::HangBefore] {
        Case::live(Effect::Once, 3, &[act]).check("in doubt", &["run 1 at 0s"]).await;
    }
    for act in [Act::ForeignAfter, Act::PanicAfter, Act::HangAfter, Act::InDoubtAfter] {
        Case::live(Effect::Once, 3, &[act]).check("in doubt", RAN).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_call_in_doubt_takes_the_answer_of_its_destination() {
    for act in [Act::ForeignAfter, Act::PanicAfter, Act::HangAfter, Act::InDoubtAfter] {
        let log = ["run 1 at 0s", "landed at 0s", "ask at 0s"];
        Case::live(Effect::Reconcile, 3, &[act]).check("recovered receipt", &log).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_call_is_run_again_once_the_destination_surely_does_not_hold_it() {
    // Dispatch by 30 s, settles within 5 s: an earlier "absent" proves nothing.
    for act in [Act::ForeignBefore, Act::PanicBefore, Act::HangBefore] {
        let log = ["run 1 at 0s", "ask at 0s", "ask at 35s", "run 2 at 35s", "landed at 35s"];
        Case::live(Effect::Reconcile, 1, &[act]).check("answer", &log).await;
        let log = ["run 1 at 0s", "ask at 0s", "ask at 35s"];
        let kind = match act {
            Act::ForeignBefore => ToolFailureKind::NotDone,
            Act::PanicBefore => ToolFailureKind::Panicked,
            _ => ToolFailureKind::Timeout,
        };
        Case::live(Effect::Reconcile, 0, &[act]).check(&format!("failed {kind:?}"), &log).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_cannot_say_leaves_the_call_in_doubt() {
    let live = |asks| Case { asks, ..Case::live(Effect::Reconcile, 3, &[Act::ForeignAfter]) };
    live(&[Ask::Unknown]).check("in doubt", &["run 1 at 0s", "landed at 0s", "ask at 0s"]).await;
    let thrice = ["run 1 at 0s", "landed at 0s", "ask at 0s", "ask at 0s", "ask at 0s"];
    live(&[Ask::Fail, Ask::Panic, Ask::Hang]).check("in doubt", &thrice).await;
    live(&[Ask::Fail, Ask::Panic, Ask::Truth]).check("recovered receipt", &thrice).await;
}

#[tokio::test(start_paused = true)]
async fn with_scope_destination_the_probe_runs_before_the_first_send() {
    let case = |asks| Case { asks, scope: IntentScope::Destination, ..Case::live(Effect::Reconcile, 0, &[]) };
    case(&[]).check("answer", &["ask at 0s", "run 1 at 0s", "landed at 0s"]).await;
    case(&[Ask::Unknown]).check("in doubt", &["ask at 0s"]).await;
    case(&[Ask::Fail, Ask::Fail, Ask::Fail]).check("failed NotDone", &["ask at 0s"; 3]).await;

    let clock = SimulatedClock::start();
    let tool = Fake::new(case(&[]).declaration(), &[], &[], &clock);
    tool.landed.lock().unwrap().insert("key".to_owned());
    let end = open(Arc::clone(&tool) as _, &clock).await.run(dispatch(false)).await;
    assert_eq!((brief(&end).as_str(), tool.log.lock().unwrap().len()), ("recovered receipt", 1));
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_each_effect_does_what_its_class_allows() {
    let recovering = |effect| Case { recovering: true, ..Case::live(effect, 0, &[]) };
    recovering(Effect::Pure).check("answer", RAN).await;
    recovering(Effect::Idempotent).check("answer", RAN).await;
    recovering(Effect::Once).check("in doubt", &[]).await;
    let log = ["ask at 0s", "ask at 35s", "run 1 at 35s", "landed at 35s"];
    recovering(Effect::Reconcile).check("answer", &log).await;
    let unsure = Case { asks: &[Ask::Truth, Ask::Unknown], ..recovering(Effect::Reconcile) };
    unsure.check("in doubt", &["ask at 0s", "ask at 35s"]).await;
    // Whether the earlier life did it, nobody knows, although this one surely did not.
    let refused = Case { acts: &[Act::NotDone], ..recovering(Effect::Idempotent) };
    refused.check("in doubt", &["run 1 at 0s"]).await;
}

async fn run_with(
    effect: Effect,
    acts: &[Act],
    change: impl FnOnce(&mut Dispatch, Timestamp),
) -> (ToolEnd, Vec<String>) {
    let clock = SimulatedClock::start();
    clock.sleep(Duration::from_secs(1)).await;
    let tool = Fake::new(Case::live(effect, 1, acts).declaration(), acts, &[], &clock);
    let handle = open(Arc::clone(&tool) as _, &clock).await;
    let mut dispatch = dispatch(false);
    change(&mut dispatch, clock.now());
    let end = handle.run(dispatch).await;
    let log = tool.log.lock().unwrap().clone();
    (end, log)
}

#[tokio::test(start_paused = true)]
async fn a_call_is_not_sent_after_its_time_or_for_another_owner() {
    let (end, log) =
        run_with(Effect::Once, &[], |dispatch, now| dispatch.dispatch_by = Timestamp(now.0 - 1)).await;
    assert_eq!((end, log), (ToolEnd::NotSent, Vec::new()));
    let (end, log) =
        run_with(Effect::Pure, &[], |dispatch, _| dispatch.may_dispatch = Arc::new(|| false)).await;
    assert_eq!((end, log), (ToolEnd::NotSent, Vec::new()));
    let asked = AtomicUsize::new(0);
    let owns_once = move || asked.fetch_add(1, Ordering::SeqCst) == 0;
    let (end, log) =
        run_with(Effect::Once, &[Act::NotDone], |dispatch, _| dispatch.may_dispatch = Arc::new(owns_once))
            .await;
    assert_eq!((end, log.len()), (ToolEnd::NotSent, 1), "ownership is tested before each send");
}

#[tokio::test(start_paused = true)]
async fn a_once_call_is_not_repeated_after_its_time() {
    let late =
        |dispatch: &mut Dispatch, now: Timestamp| dispatch.dispatch_by = now.plus(Duration::from_millis(50));
    let (end, log) = run_with(Effect::Once, &[Act::NotDone], late).await;
    assert_eq!((brief(&end).as_str(), log.len()), ("failed NotDone", 1));
    let (end, log) = run_with(Effect::Idempotent, &[Act::NotDone], late).await;
    assert_eq!((brief(&end).as_str(), log.len()), ("answer", 3), "a repeated key does no harm at any time");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_not_sent() {
    for effect in [Effect::Pure, Effect::Idempotent, Effect::Reconcile, Effect::Once] {
        let (end, log) = run_with(effect, &[], |dispatch, _| dispatch.ctx.cancel.cancel()).await;
        assert_eq!((brief(&end).as_str(), log.len()), ("failed Cancelled", 0));
    }
}
