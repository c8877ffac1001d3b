//! What the tests share: a clock, a bus that remembers, draws, calls and clients.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_http::{HttpClient, HttpLimits};
use playhouse_messages::{
    Address, BusEvent, Clock, Draws, EventBus, FrameSink, ModelCall, ModelLimits, ModelLimitsMsg,
    ModelRequest, OwnTurn, RequestHeader, Transcript, TranscriptView,
};
use playhouse_models::{
    ApiKey, Delivery, DrawsFactory, Endpoint, EndpointLimits, ModelClient, ModelClientArguments, OpenAiModel,
    OpenAiParts, OpenAiSettings, PriceTable, RetryPolicy, Timeouts,
};
use playhouse_types::{
    AgentName, Envelope, Incarnation, Label, Lane, Message, ModelName, Participant, RunId, Step, TenantId,
    Timestamp, TraceContext, TurnId,
};
use ractor::Actor;
use tokio_util::sync::CancellationToken;

const MINUTE: Duration = Duration::from_secs(60);

/// The time of the test's runtime: real beside sockets, simulated where the runtime is paused.
pub(crate) struct TestClock(tokio::time::Instant);

impl TestClock {
    #[expect(clippy::disallowed_methods, reason = "this is a clock")]
    pub(crate) fn start() -> Arc<dyn Clock> {
        Arc::new(Self(tokio::time::Instant::now()))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_445_412_480_000_000).plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is a clock")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Keeps every event as a line, and why attempts failed.
#[derive(Default)]
pub(crate) struct RecordingBus {
    lines: Mutex<Vec<String>>,
    reasons: Mutex<Vec<String>>,
}

impl RecordingBus {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub(crate) fn reasons(&self) -> Vec<String> {
        self.reasons.lock().unwrap().clone()
    }
}

impl EventBus for RecordingBus {
    fn is_watched(&self) -> bool {
        true
    }

    fn publish(&self, event: BusEvent) {
        let line = match event {
            BusEvent::Token { attempt, offset, text, .. } => format!("{attempt}:{offset}:{text}"),
            BusEvent::Retracted { attempt, retry_in, reason, .. } => {
                self.reasons.lock().unwrap().push(reason);
                format!("{attempt} retracted, {}", if retry_in.is_some() { "again" } else { "failed" })
            }
            BusEvent::Recorded(_) => return,
        };
        self.lines.lock().unwrap().push(line);
    }
}

/// Draws that are always the middle.
struct Middle;

impl Draws for Middle {
    fn next_u64(&mut self) -> u64 {
        1 << 63
    }
}

pub(crate) fn draws() -> DrawsFactory {
    Arc::new(|_, _, _, _| Box::new(Middle))
}

pub(crate) fn agent(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

fn envelope() -> Envelope {
    Envelope {
        sender: Lane::from(&agent("clerk")),
        receiver: Lane::run(),
        incarnation: Incarnation(1),
        tenant: TenantId::default(),
        label: Label::default(),
        causation: None,
        trace: TraceContext { trace_id: 0xabc, span_id: 0xdef },
        deadline: None,
    }
}

pub(crate) fn header() -> RequestHeader {
    RequestHeader {
        model: ModelName::new("test-model"),
        system: "Be brief.".to_owned(),
        tools: Vec::new(),
        max_output_tokens: None,
        temperature: None,
    }
}

/// A call of `clerk` in turn 2 over a conversation.
pub(crate) fn call(
    header: RequestHeader,
    messages: &[(Participant, &str)],
    own: Vec<OwnTurn>,
) -> (ModelCall, Arc<RecordingBus>) {
    let transcript = Transcript::default();
    for (ordinal, (from, content)) in (0..).zip(messages) {
        let (from, content) = (from.clone(), (*content).to_owned());
        transcript.push(Message { turn: TurnId(ordinal), from, content, label: Label::default() });
    }
    let transcript = TranscriptView::new(Arc::new(transcript), u32::MAX);
    let (agent, turn, step) = (agent("clerk"), TurnId(2), Step(1));
    let bus = Arc::new(RecordingBus::default());
    let run = RunId::from_u128(7);
    let frames =
        FrameSink { bus: Arc::clone(&bus) as Arc<dyn EventBus>, run, turn, step, speaker: agent.clone() };
    let header_hash = header.hash();
    let request = ModelRequest {
        agent,
        turn,
        step,
        header: Arc::new(header),
        header_hash,
        brief: None,
        transcript,
        own: Arc::new(own),
    };
    (ModelCall { request, seed: 1, envelope: envelope(), cancel: CancellationToken::new(), frames }, bus)
}

/// A call with nothing special.
pub(crate) fn plain_call() -> (ModelCall, Arc<RecordingBus>) {
    call(header(), &[(Participant::User, "hello")], Vec::new())
}

/// Settings that fit a test: three attempts close together, and time enough on a busy machine.
pub(crate) fn settings(delivery: Delivery) -> OpenAiSettings {
    let timeouts = Timeouts { first_byte: MINUTE, between_pieces: MINUTE, total: MINUTE };
    let retry = RetryPolicy { max_attempts: 3, base: Duration::from_millis(1), ..RetryPolicy::default() };
    OpenAiSettings { delivery, timeouts, retry, ..OpenAiSettings::default() }
}

/// Settings for an endpoint that stalls: real time, but little of it.
pub(crate) fn impatient(delivery: Delivery) -> OpenAiSettings {
    let short = Duration::from_millis(40);
    let timeouts = Timeouts { first_byte: short, between_pieces: short, total: 3 * short };
    OpenAiSettings { timeouts, ..settings(delivery) }
}

pub(crate) async fn limits(limits: EndpointLimits, clock: &Arc<dyn Clock>) -> ModelLimits {
    let address: Address<ModelLimitsMsg> = Address::new(1_024);
    let arguments = ModelClientArguments { limits, clock: Arc::clone(clock) };
    let (actor, _) = Actor::spawn(None, ModelClient, arguments).await.unwrap();
    address.slot().set(Some(actor));
    ModelLimits::new(address)
}

/// A client of the endpoint at `base_url`, whose key is `sk-canary`.
pub(crate) async fn client(base_url: &str, settings: OpenAiSettings) -> OpenAiModel {
    let clock = TestClock::start();
    let limits = limits(EndpointLimits::default(), &clock).await;
    let endpoint = Endpoint::new(base_url, Some(ApiKey::new("sk-canary").unwrap())).unwrap();
    let prices = PriceTable::from_json(r#"{"test-model": {"input": 1000000, "output": 2000000}}"#).unwrap();
    OpenAiModel::new(OpenAiParts {
        endpoint,
        settings,
        http: HttpClient::new(HttpLimits::default()),
        limits,
        prices: Arc::new(prices),
        clock,
        draws: draws(),
    })
    .unwrap()
}
