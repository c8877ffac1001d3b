//! The client of OpenAI-compatible endpoints.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_openai::config::{Config, OpenAIConfig};
use bytes::Bytes;
use futures::future::BoxFuture;
use playhouse_http::{HeaderMap, HeaderName, HeaderValue, HttpClient, HttpRequest, Url};
use playhouse_messages::{
    Clock, EndpointHealth, Model, ModelAnswer, ModelCall, ModelLease, ModelLimits, ModelLimitsError,
};
use playhouse_types::{ModelFailure, ModelFailureKind, ModelReply};
use tracing::{debug, warn};

use crate::attempt::{Attempt, within};
use crate::config::{ApiKey, Endpoint, ModelConfigError};
use crate::failure::AttemptFailure;
use crate::price::PriceTable;
use crate::reply::Reply;
use crate::request_body::RequestBodies;
use crate::retry::{FailedAttempt, RetryBudget, RetryDecision};
use crate::scripted::DrawsFactory;
use crate::settings::OpenAiSettings;

/// What a client of an endpoint is made of.
#[derive(Clone)]
pub struct OpenAiParts {
    /// The endpoint and its key.
    pub endpoint: Endpoint,
    /// How it is asked.
    pub settings: OpenAiSettings,
    /// The process' HTTP client.
    pub http: HttpClient,
    /// The model client actor of this endpoint and key.
    pub limits: ModelLimits,
    /// What models cost.
    pub prices: Arc<PriceTable>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Draws for the jitter of retries.
    pub draws: DrawsFactory,
}

/// Asks an OpenAI-compatible endpoint for chat completions.
pub struct OpenAiModel {
    parts: OpenAiParts,
    url: Url,
    headers: HeaderMap,
    bodies: RequestBodies,
    budget: Mutex<RetryBudget>,
}

impl OpenAiModel {
    /// Makes a client; nothing is connected yet.
    ///
    /// # Errors
    /// [`ModelConfigError::InvalidUrl`] if the endpoint's address does not take the path of chat completions.
    pub fn new(parts: OpenAiParts) -> Result<Self, ModelConfigError> {
        let invalid = ModelConfigError::InvalidUrl { reason: "no path can be added to it" };
        let mut base = parts.endpoint.base().clone();
        let query = base.query().map(str::to_owned);
        base.set_query(None);
        // Every setter is called, because the defaults would be read from the environment.
        let config = OpenAIConfig::new()
            .with_api_base(base.as_str().trim_end_matches('/'))
            .with_api_key(parts.endpoint.key().map_or("", ApiKey::expose))
            .with_org_id("")
            .with_project_id("");
        let mut url: Url = config.url("/chat/completions").parse().map_err(|_| invalid)?;
        url.set_query(query.as_deref());
        let mut headers = HeaderMap::new();
        if parts.endpoint.key().is_some() {
            headers.extend(config.headers());
            headers.values_mut().for_each(|value| value.set_sensitive(true));
        }
        headers.insert(HeaderName::from_static("content-type"), HeaderValue::from_static("application/json"));
        let bodies = RequestBodies::new(parts.settings.delivery, parts.endpoint.is_vendor());
        let budget = Mutex::new(RetryBudget::new(&parts.settings.retry));
        Ok(Self { parts, url, headers, bodies, budget })
    }

    /// Asks until there is a reply or no hope, counting in `attempts` how often.
    async fn ask(&self, call: &ModelCall, attempts: &AtomicU32) -> Result<ModelReply, AttemptFailure> {
        let request = self.request(call)?;
        let retry = &self.parts.settings.retry;
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).earn(retry);
        let estimate_tokens = estimate_tokens(&request.body, call);
        let mut draws = None;
        let mut tried = 0;
        let mut before = String::new();
        loop {
            tried += 1;
            let failure = match self.try_once(call, &request, estimate_tokens, attempts).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => AttemptFailure { detail: self.redacted(failure.detail), ..failure },
            };
            if failure.kind != ModelFailureKind::Transient || failure.health == EndpointHealth::Unknown {
                return Err(AttemptFailure { detail: failure.detail + &before, ..failure });
            }
            let draws = draws.get_or_insert_with(|| {
                let request = &call.request;
                (self.parts.draws)(call.seed, &request.agent, request.turn, request.step)
            });
            let wait = match self.next_wait(call, tried, failure.retry_after, draws.unit()) {
                RetryDecision::Again(wait) => wait,
                RetryDecision::GiveUp(why) => {
                    return Err(AttemptFailure { detail: format!("{} ({why})", failure.detail), ..failure });
                }
            };
            // The endpoint's own words are left out: some quote the prompt.
            let (agent, health, wait_ms) = (&call.request.agent, failure.health, wait.as_millis());
            warn!(agent.id = %agent, attempt = tried, ?health, wait_ms, "model call failed, retrying");
            match attempts.load(Ordering::Relaxed) {
                0 => {}
                attempt => call.frames.retract(attempt, &failure.detail, Some(wait)),
            }
            before = format!("; before that: {}", failure.detail);
            self.parts.clock.sleep(wait).await;
        }
    }

    fn next_wait(
        &self,
        call: &ModelCall,
        attempt: u32,
        retry_after: Option<Duration>,
        unit: f64,
    ) -> RetryDecision {
        let (remaining, now) = (self.remaining(call), self.parts.clock.monotonic());
        let failed = FailedAttempt { attempt, retry_after, remaining, unit, now };
        // A poisoned lock only means that a panic happened elsewhere: the budget is two numbers.
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        self.parts.settings.retry.decide(&mut budget, &failed)
    }

    /// Asks once, within limits, deadline and total time.
    async fn try_once(
        &self,
        call: &ModelCall,
        request: &HttpRequest,
        estimate_tokens: u64,
        attempts: &AtomicU32,
    ) -> Result<ModelReply, AttemptFailure> {
        let settings = &self.parts.settings;
        let lease = self.lease(call, estimate_tokens).await?;
        let number = attempts.fetch_add(1, Ordering::Relaxed) + 1;
        let (total, remaining) = (settings.timeouts.total, self.remaining(call));
        let limit = remaining.map_or(total, |remaining| remaining.min(total));
        let attempt = Attempt {
            http: &self.parts.http,
            clock: self.parts.clock.as_ref(),
            settings,
            model: &call.request.header.model,
            frames: &call.frames,
            number,
        };
        let outcome = match within(self.parts.clock.as_ref(), limit, attempt.run(request.clone())).await {
            Some(outcome) => outcome,
            None if limit < total => Err(AttemptFailure::given_up("the deadline of the call has passed")),
            None => Err(AttemptFailure::transient(format!("its answer was not complete within {total:?}"))),
        };
        match outcome {
            Ok(reply) => {
                lease.end(reply.usage.map(|usage| usage.total()), EndpointHealth::Healthy);
                Ok(self.priced(call, reply))
            }
            Err(failure) => {
                lease.end(None, self.capped(failure.health));
                Err(failure)
            }
        }
    }

    async fn lease(&self, call: &ModelCall, estimate_tokens: u64) -> Result<ModelLease, AttemptFailure> {
        let most = self.parts.settings.max_wait_for_limits;
        let max_wait = self.remaining(call).map_or(most, |remaining| remaining.min(most));
        if max_wait.is_zero() && !most.is_zero() {
            return Err(AttemptFailure::given_up("the deadline of the call has passed"));
        }
        self.parts.limits.acquire(estimate_tokens, max_wait).await.map_err(|error| match error {
            // Its supervisor starts it again: worth the same waits as an endpoint that is away for a moment.
            ModelLimitsError::Stopped => AttemptFailure::transient(error.to_string()),
            ModelLimitsError::Open { retry_in, .. } => {
                AttemptFailure { retry_after: Some(retry_in), ..AttemptFailure::given_up(error.to_string()) }
            }
            _ => AttemptFailure::given_up(format!("overloaded: {error}")),
        })
    }

    /// Nobody waits longer than a retry may, whatever an endpoint asks for.
    fn capped(&self, health: EndpointHealth) -> EndpointHealth {
        match health {
            EndpointHealth::Throttled(wait) => {
                EndpointHealth::Throttled(wait.min(self.parts.settings.retry.max_wait))
            }
            other => other,
        }
    }

    /// Returns how long an answer is still of use; `None` for ever.
    fn remaining(&self, call: &ModelCall) -> Option<Duration> {
        call.envelope.deadline.map(|deadline| deadline.since(self.parts.clock.now()))
    }

    fn request(&self, call: &ModelCall) -> Result<HttpRequest, AttemptFailure> {
        let body = self.bodies.build(&call.request).map_err(AttemptFailure::permanent)?;
        let mut headers = self.headers.clone();
        if let Ok(trace) = HeaderValue::from_str(&call.envelope.trace.to_string()) {
            headers.insert(HeaderName::from_static("traceparent"), trace);
        }
        Ok(HttpRequest { url: self.url.clone(), headers, body: Bytes::from(body) })
    }

    fn priced(&self, call: &ModelCall, reply: Reply) -> ModelReply {
        let price = self.parts.prices.price(call.request.header.model.as_str());
        // An endpoint that does not count tokens leaves the cost unknown, not 0.
        let cost_microusd = price.zip(reply.usage).map(|(price, usage)| price.cost_microusd(&usage));
        let mut tool_calls = reply.tool_calls;
        for tool_call in &mut tool_calls {
            tool_call.arguments = self.redacted(std::mem::take(&mut tool_call.arguments));
        }
        ModelReply {
            content: self.redacted(reply.content),
            tool_calls,
            finish: reply.finish,
            usage: reply.usage.unwrap_or_default(),
            cost_microusd,
            response_model: reply.model.map(|model| self.redacted(model)),
        }
    }

    /// Takes the key out of a text: what an endpoint echoes must not reach a journal.
    fn redacted(&self, text: String) -> String {
        match self.parts.endpoint.key() {
            Some(key) if text.contains(key.expose()) => text.replace(key.expose(), "***"),
            _ => text,
        }
    }

    fn failure(&self, call: &ModelCall, failure: &AttemptFailure, attempts: u32) -> ModelFailure {
        let detail = self.redacted(format!("endpoint `{}`: {}", self.parts.endpoint, failure.detail));
        debug!(agent.id = %call.request.agent, attempts, kind = ?failure.kind, "model call failed");
        if attempts > 0 {
            call.frames.retract(attempts, &detail, None);
        }
        ModelFailure {
            model: call.request.header.model.clone(),
            kind: failure.kind,
            detail,
            attempts,
            retry_after: failure.retry_after,
        }
    }

    async fn answer(&self, call: ModelCall) -> Result<ModelAnswer, ModelFailure> {
        let attempts = AtomicU32::new(0);
        let outcome = tokio::select! {
            biased;
            () = call.cancel.cancelled() => Err(AttemptFailure::cancelled()),
            outcome = self.ask(&call, &attempts) => outcome,
        };
        let attempts = attempts.into_inner();
        match outcome {
            Ok(reply) => Ok(ModelAnswer { reply, attempts }),
            Err(failure) => Err(self.failure(&call, &failure, attempts)),
        }
    }
}

impl Model for OpenAiModel {
    fn complete(&self, call: ModelCall) -> BoxFuture<'_, Result<ModelAnswer, ModelFailure>> {
        Box::pin(self.answer(call))
    }
}

impl std::fmt::Debug for OpenAiModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAiModel").field("endpoint", &self.parts.endpoint).finish_non_exhaustive()
    }
}

/// Returns roughly what a call will use: four bytes a token, and the longest reply it allows.
fn estimate_tokens(body: &Bytes, call: &ModelCall) -> u64 {
    // A typical reply, where the request sets no limit.
    let output = call.request.header.max_output_tokens.unwrap_or(512);
    (body.len() as u64 / 4).saturating_add(u64::from(output))
}
