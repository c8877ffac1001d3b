//! Effects that were asked for before: by another call of the run, or by another run.

use playhouse_journal::{ReadError, ToolIntent};
use playhouse_messages::EarlierEffect;
use playhouse_tools::ToolEnd;
use playhouse_types::{Effect, ToolFailure, ToolFailureKind};
use tracing::warn;

use crate::calls::ToolCall;
use crate::intents::result_key;
use crate::{AgentArgs, OtherIntent};

/// Returns how a call ends without being sent, because its effect was asked for before: the earlier answer serves, or
/// the call is refused. `None` if it may be sent.
///
/// That stays so: an intent that was committed before ours and has failed cannot come to life again. So whatever is
/// found here when a call is recovered was there in its earlier life, which then has not sent it either.
pub(crate) async fn asked_before(args: &AgentArgs, call: &ToolCall) -> Option<ToolEnd> {
    if let Some(earlier) = settled_effect(args, &call.intent).await {
        return Some(match earlier {
            EarlierEffect::Done { output, .. } => done(output),
            EarlierEffect::Unsettled { call } => refused(&format!("in {call}")),
        });
    }
    let key = call.intent.keys.shared_intent()?;
    match args.run.ownership.earlier_intent(call.intent.call, key.to_owned()).await {
        Ok(None) => None,
        Ok(Some(OtherIntent::Done { output })) => Some(done(output)),
        Ok(Some(OtherIntent::Unsettled { run, call: other })) => {
            Some(refused(&format!("in run `{run}`, call {other}")))
        }
        Err(error) => Some(unknown(args, call, &error)),
    }
}

/// Looks for an earlier call that meant the same effect, and waits for its end if it is in flight. Only earlier ones
/// are waited for, so no two calls wait for each other.
async fn settled_effect(args: &AgentArgs, intent: &ToolIntent) -> Option<EarlierEffect> {
    let look = || args.journal.log().facts(|facts| facts.earlier_effect(intent));
    loop {
        let earlier = look()?;
        let EarlierEffect::Unsettled { call } = earlier else { return Some(earlier) };
        let (run, key) = (args.run.run, result_key(call));
        if !args.calls.is_live(run, key) {
            // It may have ended between the two looks; if it has not, nobody works on it.
            return look();
        }
        args.calls.wait_for(run, key).await;
    }
}

const fn done(output: String) -> ToolEnd {
    ToolEnd::Done { output, full_bytes: None, recovered: true }
}

fn refused(place: &str) -> ToolEnd {
    let detail = format!("the same effect was asked for {place}, whose end is not known yet");
    ToolEnd::Failed(ToolFailure { kind: ToolFailureKind::NotDone, detail })
}

/// Nobody can tell whether another run has asked for the effect: it is not sent, though an earlier life may have.
fn unknown(args: &AgentArgs, call: &ToolCall, error: &ReadError) -> ToolEnd {
    warn!(run.id = %args.run.run, call = %call.intent.call, error = %error, "index of intents not read");
    let detail = format!("it cannot be told whether another run has asked for the same effect: {error}");
    match call.intent.effect {
        Effect::Idempotent | Effect::Reconcile | Effect::Once if call.is_recovering => {
            ToolEnd::InDoubt { detail }
        }
        _ => ToolEnd::Failed(ToolFailure { kind: ToolFailureKind::NotDone, detail }),
    }
}
