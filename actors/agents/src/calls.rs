//! The tasks of the call table: a model call, a tool call. Each journals its own end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use playhouse_journal::{Event, Kind, NewRecord, RecordKey, ToolIntent};
use playhouse_messages::{ModelAnswer, ModelCall, ToolContext};
use playhouse_tools::{Dispatch, ToolEnd, ToolHandle};
use playhouse_types::{
    Effect, Label, Lane, ModelFailure, ModelFailureKind, Seq, Step, Timestamp, ToolFailure, ToolFailureKind,
    TurnId,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::AgentArgs;
use crate::actor::DISPATCH_WITHIN;
use crate::asked_before::asked_before;
use crate::intents::result_key;

/// Returns the key under which the end of a model call is on record.
pub(crate) const fn reply_key(turn: TurnId, step: Step) -> RecordKey {
    RecordKey::new(turn, step, 0, Kind::ModelResult)
}

/// Asks the model and journals what it says.
pub(crate) async fn call_model(args: AgentArgs, call: ModelCall) {
    let key = reply_key(call.request.turn, call.request.step);
    let started = args.clock.monotonic();
    let outcome = ask(&args, call).await;
    let duration_micros = micros(args.clock.monotonic().saturating_sub(started));
    let (kind, event) = match outcome {
        Ok(answer) => {
            let (reply, attempts) = (answer.reply, answer.attempts);
            (Kind::ModelResult, Event::ModelResult { reply, attempts, duration_micros })
        }
        Err(failure) => (Kind::ModelFailed, Event::ModelFailed { failure, duration_micros }),
    };
    record_end(&args, RecordKey { kind, ..key }, event).await;
}

/// Asks the model. A panic is a failure: asked again, it would panic again, without end.
async fn ask(args: &AgentArgs, call: ModelCall) -> Result<ModelAnswer, ModelFailure> {
    AssertUnwindSafe(args.model.complete(call)).catch_unwind().await.unwrap_or_else(|_| {
        let (model, kind) = (args.header.model.clone(), ModelFailureKind::Permanent);
        let detail = "the model client panicked".to_owned();
        Err(ModelFailure { model, kind, detail, attempts: 1, retry_after: None })
    })
}

/// After which time a call looks again whether the run is still owned by this process.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A tool call that may be dispatched.
#[derive(Clone, Debug)]
pub(crate) struct ToolCall {
    /// What is on record.
    pub(crate) intent: ToolIntent,
    /// Where the intent stands in the journal.
    pub(crate) seq: Seq,
    /// The tool.
    pub(crate) tool: Arc<ToolHandle>,
    /// Whether the intent is of an earlier life that no live task holds.
    pub(crate) is_recovering: bool,
    /// The last moment at which an earlier owner could have sent it.
    pub(crate) sent_by: Timestamp,
}

/// Runs a tool and journals how the call ended.
pub(crate) async fn call_tool(args: AgentArgs, call: ToolCall, cancel: CancellationToken) {
    // Journal before effect: what is not pure waits until its intent is durable, as does what other runs may look for.
    let is_waited_for = call.intent.effect != Effect::Pure || call.intent.keys.shared_intent().is_some();
    if is_waited_for && args.journal.log().wait_durable(call.seq).await.is_err() {
        return;
    }
    let started = args.clock.monotonic();
    wait_until_owned(&args).await;
    let end = match asked_before(&args, &call).await {
        Some(end) => end,
        None => send(&args, &call, cancel, started).await,
    };
    let duration_micros = micros(args.clock.monotonic().saturating_sub(started));
    let id = call.intent.call;
    let (kind, event) = match end {
        ToolEnd::Done { output, full_bytes, recovered } => {
            (Kind::ToolResult, Event::ToolResult { call: id, output, full_bytes, recovered, duration_micros })
        }
        ToolEnd::Failed(failure) => (Kind::ToolFailed, Event::ToolFailed { call: id, failure }),
        ToolEnd::InDoubt { detail } => (Kind::ToolInDoubt, Event::ToolInDoubt { call: id, detail }),
        // Not sent by this life; the one before may have.
        ToolEnd::NotSent if call.is_recovering && call.intent.effect != Effect::Pure => {
            let detail =
                format!("`{}` may have been sent, and could not be looked after in time", call.intent.tool);
            (Kind::ToolInDoubt, Event::ToolInDoubt { call: id, detail })
        }
        ToolEnd::NotSent => {
            let detail = format!("`{}` was not sent in time, nothing was done", call.intent.tool);
            let failure = ToolFailure { kind: ToolFailureKind::Overloaded, detail };
            (Kind::ToolFailed, Event::ToolFailed { call: id, failure })
        }
    };
    record_end(&args, RecordKey { kind, ..result_key(id) }, event).await;
}

/// Sends a call. One that was not sent in time by a clock that was set forward meanwhile gets as much time again, once, on
/// record before it is sent: whoever takes the run over has to know until when it may have been sent.
async fn send(args: &AgentArgs, call: &ToolCall, cancel: CancellationToken, started: Duration) -> ToolEnd {
    let end = try_send(args, call, cancel.clone()).await;
    let is_fresh = !call.is_recovering && args.clock.monotonic().saturating_sub(started) < DISPATCH_WITHIN;
    let is_ours = args.journal.log().torn().is_none() && args.run.ownership.may_act();
    let is_late = args.clock.now() > call.sent_by;
    if !matches!(end, ToolEnd::NotSent) || !is_fresh || !is_ours || !is_late || cancel.is_cancelled() {
        return end;
    }
    let (id, dispatch_by) = (call.intent.call, args.clock.now().plus(DISPATCH_WITHIN));
    let key = RecordKey { kind: Kind::ToolIntentRenewed, ..result_key(id) };
    let record = new_record(args, key, Event::ToolIntentRenewed { call: id, dispatch_by });
    if args.journal.commit(vec![record]).await.is_err() {
        return end;
    }
    try_send(args, &ToolCall { sent_by: dispatch_by, ..call.clone() }, cancel).await
}

async fn try_send(args: &AgentArgs, call: &ToolCall, cancel: CancellationToken) -> ToolEnd {
    let end = AssertUnwindSafe(dispatch(args, call, cancel)).catch_unwind().await;
    end.unwrap_or_else(|_| panicked(&call.intent))
}

/// Waits while this process does not know whether the run is still its own: the next sign of life tells.
async fn wait_until_owned(args: &AgentArgs) {
    while args.journal.log().torn().is_none() && !args.run.ownership.may_act() {
        args.clock.sleep(LOOK_AGAIN).await;
    }
}

/// The dispatch itself panicked, not the tool's code, whose panics are caught where it runs: tried again, it would panic
/// again, without end.
fn panicked(intent: &ToolIntent) -> ToolEnd {
    let detail = format!("the dispatch of `{}` panicked", intent.tool);
    match intent.effect {
        Effect::Pure => ToolEnd::Failed(ToolFailure { kind: ToolFailureKind::Panicked, detail }),
        _ => ToolEnd::InDoubt { detail },
    }
}

async fn dispatch(args: &AgentArgs, call: &ToolCall, cancel: CancellationToken) -> ToolEnd {
    let spec = call.tool.spec();
    let ctx = ToolContext {
        run: args.run.run,
        case: args.run.case.clone(),
        tenant: args.run.tenant.clone(),
        agent: args.definition.name.clone(),
        call: call.intent.call,
        keys: call.intent.keys.clone(),
        attempt: 1,
        timeout: spec.timeout,
        cancel,
        trace: args.run.trace,
        data_dir: args.run.data_dir.clone(),
        input: Arc::clone(&args.run.input),
    };
    let (log, ownership) = (Arc::clone(args.journal.log()), Arc::clone(&args.run.ownership));
    let dispatch = Dispatch {
        arguments: call.intent.arguments.clone(),
        ctx,
        dispatch_by: call.sent_by,
        recovering: call.is_recovering,
        // A run that another process has taken, or whose store failed, sends nothing more.
        may_dispatch: Arc::new(move || log.torn().is_none() && ownership.may_act()),
    };
    call.tool.run(dispatch).await
}

/// Journals the end of a call and waits until it is durable.
async fn record_end(args: &AgentArgs, key: RecordKey, event: Event) {
    let record = new_record(args, key, event.clone());
    if let Err(error) = args.journal.commit(vec![record]).await {
        // The run is torn down or owned elsewhere; its next owner recovers the call by its intent.
        warn!(run.id = %args.run.run, record.key = %key, error = %error, "a result could not be recorded");
        args.run.ownership.keep_late(key, args.incarnation, event).await;
    }
}

/// Makes a record of a call's task, which decides nothing: it has no place in the log that it follows from.
fn new_record(args: &AgentArgs, key: RecordKey, event: Event) -> NewRecord {
    let (lane, incarnation) = (Lane::from(&args.definition.name), args.incarnation);
    NewRecord { lane, incarnation, key, causation: None, label: Label::default(), event }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
