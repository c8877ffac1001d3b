//! Single acts of a call: wait for a place, run the tool, ask the destination. Runs tool code on the user pool only.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use playhouse_messages::{Probe, ToolContext, ToolError, ToolLimitsError, ToolPlace};
use playhouse_runtime::UserCodeError;
use playhouse_types::{Effect, Timestamp, ToolFailure, ToolFailureKind};
use tokio::sync::oneshot::{self, error::TryRecvError};

use crate::effects::Mishap;
use crate::output::{self, Kept};
use crate::{Dispatch, ToolHandle};

/// How long a send that `dispatch_by` does not bind waits for a place: long enough for a whole process of resumed runs
/// to get through a slow tool.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// How long to wait before asking for a place again while the tool's actor restarts or is flooded.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// How many characters of an error's text are kept.
const MAX_DETAIL: usize = 4_000;

/// What binds a send, besides ownership.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Window {
    /// The `dispatch_by` of the intent.
    Intent,
    /// Nothing more.
    Renewed,
}

/// Why there is no place.
pub(crate) enum NoPlace {
    Cancelled,
    TooLate,
    Overloaded,
}

/// What running the tool brought.
pub(crate) enum Ran {
    Done(Kept),
    Failed(ToolFailure),
    Mishap(Mishap, String),
    Cancelled,
    NotSent,
}

/// What the destination said.
pub(crate) enum Asked {
    Landed(Kept),
    Absent,
    Unknown,
    Failed(String),
}

/// Runs the attempts of one call.
pub(crate) struct Attempt<'a> {
    pub handle: &'a ToolHandle,
    pub window: Window,
    /// How often the tool was run in this life.
    pub n_sent: u32,
    arguments: String,
    ctx: ToolContext,
    dispatch_by: Timestamp,
    may_dispatch: Arc<dyn Fn() -> bool + Send + Sync>,
    // Of abandoned attempts: closed once their code has ended.
    abandoned: Vec<oneshot::Receiver<Infallible>>,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(handle: &'a ToolHandle, dispatch: &Dispatch) -> Self {
        Self {
            handle,
            window: Window::Intent,
            n_sent: 0,
            arguments: dispatch.arguments.clone(),
            ctx: ToolContext { timeout: handle.spec.timeout, ..dispatch.ctx.clone() },
            dispatch_by: dispatch.dispatch_by,
            may_dispatch: Arc::clone(&dispatch.may_dispatch),
            abandoned: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.handle.services.clock.now()
    }

    /// Tells whether the tool may be run once more.
    pub(crate) fn may_send(&self) -> bool {
        self.n_sent <= self.handle.spec.retries
    }

    /// Tells whether the code of an abandoned attempt still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.abandoned.retain_mut(|ended| matches!(ended.try_recv(), Err(TryRecvError::Empty)));
        !self.abandoned.is_empty()
    }

    /// Waits for a place.
    pub(crate) async fn place(&self) -> Result<ToolPlace, NoPlace> {
        let (longest, over) = match self.window {
            Window::Intent => (self.dispatch_by.since(self.now()), NoPlace::TooLate),
            Window::Renewed => (LONGEST_WAIT, NoPlace::Overloaded),
        };
        tokio::select! {
            biased;
            () = self.ctx.cancel.cancelled() => Err(NoPlace::Cancelled),
            place = self.acquire() => place,
            () = self.handle.services.clock.sleep(longest) => Err(over),
        }
    }

    async fn acquire(&self) -> Result<ToolPlace, NoPlace> {
        loop {
            match self.handle.limits.acquire().await {
                Ok(place) => return Ok(place),
                Err(ToolLimitsError::Overloaded) if self.window == Window::Intent => {
                    return Err(NoPlace::Overloaded);
                }
                // The supervisor starts the next incarnation; the caller bounds the wait.
                Err(_) => self.handle.services.clock.sleep(ASK_AGAIN).await,
            }
        }
    }

    /// Runs the tool once, in `place`.
    pub(crate) async fn run(&mut self, place: ToolPlace) -> Ran {
        self.n_sent += 1;
        let spec = Arc::clone(&self.handle.spec);
        let (running, ended) = oneshot::channel::<Infallible>();
        let (tool, arguments) = (Arc::clone(&self.handle.tool), self.arguments.clone());
        let ctx = ToolContext { attempt: self.n_sent, ..self.ctx.clone() };
        let (window, dispatch_by, may_dispatch) =
            (self.window, self.dispatch_by, Arc::clone(&self.may_dispatch));
        let clock = Arc::clone(&self.handle.services.clock);
        let code = async move {
            // Both are dropped when this future is: when the tool's code has really ended.
            let _held = (place, running);
            let in_time = window == Window::Renewed || clock.now() <= dispatch_by;
            if !(in_time && may_dispatch()) {
                return Ran::NotSent;
            }
            match tool.call(arguments, ctx).await {
                Ok(answer) => match output::keep(answer, spec.effect, spec.output_limit_bytes) {
                    Ok(kept) => Ran::Done(kept),
                    Err(unreadable) => Ran::Failed(ToolFailure {
                        kind: ToolFailureKind::UnreadableOutput,
                        detail: format!(
                            "the answer of `{}` is not text: it is not UTF-8 after byte {}",
                            spec.name, unreadable.valid_bytes
                        ),
                    }),
                },
                // The text is made here: an error's `Display` is user code too.
                Err(error) => Ran::Mishap(mishap_of(&error), bounded(&error.to_string())),
            }
        };
        let timeout = self.handle.spec.timeout;
        let outcome = tokio::select! {
            biased;
            outcome = self.handle.services.pool.run(code, timeout) => outcome,
            () = self.ctx.cancel.cancelled(), if self.handle.spec.effect == Effect::Pure => return Ran::Cancelled,
        };
        let (mishap, detail) = match outcome {
            Ok(ran) => return ran,
            Err(error) => self.described(&error),
        };
        if mishap == Mishap::TimedOut {
            self.abandoned.push(ended);
        }
        Ran::Mishap(mishap, detail)
    }

    /// Asks the destination once. A probe takes no place: the attempt it asks about may still hold the last one.
    pub(crate) async fn ask(&self) -> Asked {
        let (tool, arguments) = (Arc::clone(&self.handle.tool), self.arguments.clone());
        let spec = Arc::clone(&self.handle.spec);
        let ctx = ToolContext { attempt: self.n_sent.max(1), ..self.ctx.clone() };
        let code = async move {
            match tool.probe(arguments, ctx).await {
                Ok(Probe::Landed(answer)) => match output::keep(answer, spec.effect, spec.output_limit_bytes)
                {
                    Ok(kept) => Asked::Landed(kept),
                    Err(_) => Asked::Failed("its answer is not text".to_owned()),
                },
                Ok(Probe::Absent) => Asked::Absent,
                Ok(Probe::Unknown) => Asked::Unknown,
                Err(error) => Asked::Failed(bounded(&error.to_string())),
            }
        };
        match self.handle.services.pool.run(code, self.handle.spec.timeout).await {
            Ok(asked) => asked,
            Err(error) => Asked::Failed(self.described(&error).1),
        }
    }

    fn described(&self, error: &UserCodeError) -> (Mishap, String) {
        let name = &self.handle.spec.name;
        match error {
            UserCodeError::Panicked(text) => {
                (Mishap::Panicked, bounded(&format!("`{name}` panicked: {text}")))
            }
            UserCodeError::Saturated => (Mishap::NotStarted, "too much user code runs at once".to_owned()),
            // `UserCodeError` may grow; whatever is not known to have not started is treated like a timeout.
            _ => {
                let timeout = self.handle.spec.timeout;
                (Mishap::TimedOut, format!("`{name}` did not answer within {timeout:?}"))
            }
        }
    }
}

const fn mishap_of(error: &ToolError) -> Mishap {
    match error {
        ToolError::Invalid(_) => Mishap::Invalid,
        ToolError::NotDone(_) => Mishap::NotDone,
        ToolError::InDoubt(_) => Mishap::InDoubt,
        // `ToolError` may grow; what is not classified is foreign.
        _ => Mishap::Foreign,
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(MAX_DETAIL).collect()
}
