//! The model that runs agents' scripts: no network, no chance but seeded draws, no cost.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::future::BoxFuture;
use playhouse_messages::{
    Clock, Draws, FrameSink, Model, ModelAnswer, ModelCall, Script, ScriptContext, ScriptReply,
};
use playhouse_types::{
    AgentName, FinishReason, ModelFailure, ModelFailureKind, ModelName, ModelReply, Step, TokenUsage, TurnId,
};

/// Makes the draws of one call from seed, agent, turn and step.
pub type DrawsFactory = Arc<dyn Fn(u64, &AgentName, TurnId, Step) -> Box<dyn Draws> + Send + Sync>;

/// About the size of a token in English text, in bytes.
const PIECE_BYTES: usize = 4;

/// Answers with the script of the agent that asks. Tokens and cost are 0: nothing was used.
pub struct ScriptedModel {
    scripts: BTreeMap<AgentName, Script>,
    draws: DrawsFactory,
    clock: Arc<dyn Clock>,
}

impl ScriptedModel {
    /// Makes a model of scripts.
    #[must_use]
    pub fn new(scripts: BTreeMap<AgentName, Script>, draws: DrawsFactory, clock: Arc<dyn Clock>) -> Self {
        Self { scripts, draws, clock }
    }

    async fn answer(&self, call: ModelCall) -> Result<ModelAnswer, ModelFailure> {
        let request = &call.request;
        let agent = &request.agent;
        let permanent = |detail| failure(ModelFailureKind::Permanent, detail);
        let script =
            self.scripts.get(agent).ok_or_else(|| permanent(format!("agent `{agent}` has no script")))?;
        let draws = (self.draws)(call.seed, agent, request.turn, request.step);
        let context = ScriptContext::new(draws);
        // The script gets shared data and a context of its own, so a panic leaves nothing half-changed behind.
        let reply = catch_unwind(AssertUnwindSafe(|| script(request, &context))).map_err(|payload| {
            permanent(format!("agent `{agent}`: its script panicked: {}", panic_text(payload.as_ref())))
        })?;
        if !reply.latency.is_zero() {
            self.wait(&call, &reply).await?;
        }
        show(&call.frames, &reply.content);
        Ok(ModelAnswer { reply: model_reply(reply), attempts: 1 })
    }

    /// Waits as long as the answer takes, unless it is cancelled or too late before.
    async fn wait(&self, call: &ModelCall, reply: &ScriptReply) -> Result<(), ModelFailure> {
        let remaining = call.envelope.deadline.map(|deadline| deadline.since(self.clock.now()));
        let late = remaining.filter(|remaining| *remaining < reply.latency);
        let transient = |detail: &str| failure(ModelFailureKind::Transient, detail.to_owned());
        tokio::select! {
            biased;
            () = call.cancel.cancelled() => {
                Err(failure(ModelFailureKind::Cancelled, "the call was cancelled".to_owned()))
            },
            () = self.clock.sleep(late.unwrap_or(reply.latency)) => match late {
                Some(_) => Err(transient("the deadline of the call has passed")),
                None => Ok(()),
            },
        }
    }
}

impl Model for ScriptedModel {
    fn complete(&self, call: ModelCall) -> BoxFuture<'_, Result<ModelAnswer, ModelFailure>> {
        Box::pin(self.answer(call))
    }
}

impl std::fmt::Debug for ScriptedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptedModel").field("agents", &self.scripts.keys()).finish_non_exhaustive()
    }
}

fn failure(kind: ModelFailureKind, detail: String) -> ModelFailure {
    let model = ModelName::new(ModelName::SCRIPTED);
    ModelFailure { model, kind, detail, attempts: 1, retry_after: None }
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)")
}

/// Shows the text to watchers in pieces of about a token.
pub(crate) fn show(frames: &FrameSink, content: &str) {
    if !frames.bus.is_watched() {
        return;
    }
    let mut offset = 0;
    while offset < content.len() {
        let end = content.ceil_char_boundary(offset + PIECE_BYTES);
        frames.token(1, offset, content.get(offset..end).unwrap_or_default());
        offset = end;
    }
}

fn model_reply(reply: ScriptReply) -> ModelReply {
    let finish = if reply.tool_calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls };
    ModelReply {
        content: reply.content,
        tool_calls: reply.tool_calls,
        finish,
        usage: TokenUsage::default(),
        cost_microusd: Some(0),
        response_model: Some(ModelName::SCRIPTED.to_owned()),
    }
}
