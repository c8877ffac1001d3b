//! A simulated clock, a destination that holds effects, and a tool that fails as scripted.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_messages::{Clock, Probe, Tool, ToolContext, ToolError, ToolOutput};
use playhouse_runtime::{UserPool, UserPoolLimits};
use playhouse_tools::{Declaration, Dispatch, ToolEnd, ToolHandle, ToolLimitsActor, ToolServices};
use playhouse_types::{
    AgentName, CallId, EffectKeys, RunId, Step, TenantId, Timestamp, ToolSpec, TraceContext, TurnId,
};
use ractor::Actor;
use tokio_util::sync::CancellationToken;

/// Real time: long enough that nothing scripted to answer ever meets it.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// Real time: how long a test waits for a call that never answers.
pub(crate) const SHORT: Duration = Duration::from_millis(150);
/// Simulated time, after the start: until when calls may be sent.
pub(crate) const DISPATCH_WITHIN: Duration = Duration::from_secs(30);

/// Simulated time on a paused tokio clock: moves only when a sleep ends, and reads the same on every thread.
pub(crate) struct SimulatedClock {
    start: tokio::time::Instant,
    now_micros: Arc<AtomicU64>,
}

impl SimulatedClock {
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self { start: tokio::time::Instant::now(), now_micros: Arc::default() })
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp(0).plus(self.monotonic())
    }
    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.now_micros.load(Ordering::SeqCst))
    }
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (start, now_micros) = (self.start, Arc::clone(&self.now_micros));
        // The tokio clock counts whole milliseconds.
        let until = tokio::time::Instant::now() + duration;
        Box::pin(async move {
            tokio::time::sleep_until(until).await;
            let micros = start.elapsed().as_micros();
            now_micros.fetch_max(u64::try_from(micros).unwrap(), Ordering::SeqCst);
        })
    }
}

/// What the tool does when it is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    Answer,
    Invalid,
    NotDone,
    ForeignBefore,
    ForeignAfter,
    InDoubtAfter,
    PanicBefore,
    PanicAfter,
    HangBefore,
    HangAfter,
}

/// What the tool's probe does when it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ask {
    /// Says what the destination holds.
    Truth,
    Unknown,
    Fail,
    Panic,
    Hang,
}

/// A tool whose effects are keys in a set, and what it was asked.
pub(crate) struct Fake {
    pub(crate) spec: Arc<ToolSpec>,
    pub(crate) acts: Mutex<VecDeque<Act>>,
    pub(crate) asks: Mutex<VecDeque<Ask>>,
    pub(crate) landed: Mutex<BTreeSet<String>>,
    /// How often an effect was asked for, also in vain: `run 1`, `run 2`, `ask`, with the simulated second.
    pub(crate) log: Mutex<Vec<String>>,
    pub(crate) clock: Arc<SimulatedClock>,
}

impl Fake {
    pub(crate) fn new(
        declaration: Declaration,
        acts: &[Act],
        asks: &[Ask],
        clock: &Arc<SimulatedClock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            spec: Arc::new(declaration.spec_with_schema(r#"{"type":"object"}"#.to_owned())),
            acts: Mutex::new(acts.iter().copied().collect()),
            asks: Mutex::new(asks.iter().copied().collect()),
            landed: Mutex::default(),
            log: Mutex::default(),
            clock: Arc::clone(clock),
        })
    }

    fn note(&self, what: &str) {
        let seconds = self.clock.monotonic().as_secs();
        self.log.lock().unwrap().push(format!("{what} at {seconds}s"));
    }

    fn land(&self, ctx: &ToolContext) {
        self.landed.lock().unwrap().insert(ctx.keys.idempotency.clone());
        self.note("landed");
    }
}

fn foreign() -> ToolError {
    std::io::Error::other("connection reset").into()
}

impl Tool for Fake {
    fn spec(&self) -> Arc<ToolSpec> {
        Arc::clone(&self.spec)
    }

    fn call(&self, _: String, ctx: ToolContext) -> BoxFuture<'_, Result<ToolOutput, ToolError>> {
        Box::pin(async move {
            self.note(&format!("run {}", ctx.attempt));
            let act = self.acts.lock().unwrap().pop_front().unwrap_or(Act::Answer);
            if matches!(
                act,
                Act::Answer | Act::ForeignAfter | Act::InDoubtAfter | Act::PanicAfter | Act::HangAfter
            ) {
                self.land(&ctx);
            }
            match act {
                Act::Answer => Ok(ToolOutput::text("answer")),
                Act::Invalid => Err(ToolError::Invalid("no such supplier".to_owned())),
                Act::NotDone => Err(ToolError::NotDone("closed on Sundays".to_owned())),
                Act::ForeignBefore | Act::ForeignAfter => Err(foreign()),
                Act::InDoubtAfter => Err(ToolError::InDoubt("no receipt".to_owned())),
                Act::PanicBefore | Act::PanicAfter => panic!("scripted"),
                Act::HangBefore | Act::HangAfter => std::future::pending().await,
            }
        })
    }

    fn probe(&self, _: String, ctx: ToolContext) -> BoxFuture<'_, Result<Probe<ToolOutput>, ToolError>> {
        Box::pin(async move {
            self.note("ask");
            let ask = self.asks.lock().unwrap().pop_front().unwrap_or(Ask::Truth);
            let has_landed = self.landed.lock().unwrap().contains(&ctx.keys.idempotency);
            match ask {
                Ask::Truth if has_landed => Ok(Probe::Landed(ToolOutput::text("receipt"))),
                Ask::Truth => Ok(Probe::Absent),
                Ask::Unknown => Ok(Probe::Unknown),
                Ask::Fail => Err(foreign()),
                Ask::Panic => panic!("scripted"),
                Ask::Hang => std::future::pending().await,
            }
        })
    }
}

pub(crate) fn pool() -> Arc<UserPool> {
    Arc::new(UserPool::new(UserPoolLimits { slots: 128, io_threads: 1 }).unwrap())
}

/// Starts a tool with its actor.
pub(crate) async fn open(tool: Arc<dyn Tool>, clock: &Arc<SimulatedClock>) -> Arc<ToolHandle> {
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    let handle = ToolHandle::new(tool, ToolServices { pool: pool(), clock }).unwrap();
    let (actor, _) = Actor::spawn(None, ToolLimitsActor, handle.actor_arguments()).await.unwrap();
    handle.limits().address().slot().set(Some(actor));
    Arc::new(handle)
}

pub(crate) fn context() -> ToolContext {
    ToolContext {
        run: RunId::from_u128(7),
        case: None,
        tenant: TenantId::default(),
        agent: AgentName::new("clerk").unwrap(),
        call: CallId { turn: TurnId(1), step: Step(1), ordinal: 0 },
        keys: EffectKeys { idempotency: "key".to_owned(), intent: None },
        attempt: 0,
        timeout: Duration::ZERO,
        cancel: CancellationToken::new(),
        trace: TraceContext::default(),
        data_dir: PathBuf::new(),
        input: "{}".into(),
    }
}

pub(crate) fn dispatch(recovering: bool) -> Dispatch {
    Dispatch {
        arguments: "{}".to_owned(),
        ctx: context(),
        dispatch_by: Timestamp(0).plus(DISPATCH_WITHIN),
        recovering,
        may_dispatch: Arc::new(|| true),
    }
}

/// Says in a few words how a call ended.
pub(crate) fn brief(end: &ToolEnd) -> String {
    match end {
        ToolEnd::Done { output, recovered: false, .. } => output.clone(),
        ToolEnd::Done { output, recovered: true, .. } => format!("recovered {output}"),
        ToolEnd::Failed(failure) => format!("failed {:?}", failure.kind),
        ToolEnd::InDoubt { .. } => "in doubt".to_owned(),
        ToolEnd::NotSent => "not sent".to_owned(),
    }
}
