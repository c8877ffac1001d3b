//! Code that misbehaves: nobody else is stalled, and what it did is told as it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use futures::future::BoxFuture;
use playhouse_messages::{Clock, Probe, Tool, ToolContext, ToolError, ToolOutput};
use playhouse_runtime::{UserPool, UserPoolLimits};
use playhouse_tools::{Declaration, ToolEnd};
use playhouse_types::{Effect, ToolFailureKind, ToolSpec};

use crate::world::{LONG, SHORT, SimulatedClock, brief, dispatch, open};

type Code = dyn Fn() -> Result<ToolOutput, ToolError> + Send + Sync;

/// A tool that runs a closure.
struct Coded {
    spec: Arc<ToolSpec>,
    code: Box<Code>,
}

impl Tool for Coded {
    fn spec(&self) -> Arc<ToolSpec> {
        Arc::clone(&self.spec)
    }
    fn call(&self, _: String, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, ToolError>> {
        // Outside the future on purpose: that is user code as well.
        let answer = (self.code)();
        Box::pin(async { answer })
    }
    fn probe(&self, _: String, _: ToolContext) -> BoxFuture<'_, Result<Probe<ToolOutput>, ToolError>> {
        Box::pin(async { Ok(Probe::Absent) })
    }
}

fn coded(
    declaration: Declaration,
    code: impl Fn() -> Result<ToolOutput, ToolError> + Send + Sync + 'static,
) -> Arc<Coded> {
    let spec = Arc::new(declaration.spec_with_schema(r#"{"type":"object"}"#.to_owned()));
    Arc::new(Coded { spec, code: Box::new(code) })
}

fn declared(effect: Effect) -> Declaration {
    Declaration { effect, timeout: LONG, ..Declaration::DEFAULT }
}

async fn run(tool: Arc<Coded>) -> ToolEnd {
    let clock = SimulatedClock::start();
    open(tool, &clock).await.run(dispatch(false)).await
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_told_with_its_text() {
    let failed = |end| match end {
        ToolEnd::Failed(failure) => failure.detail,
        other => panic!("{other:?}"),
    };
    let text = run(coded(declared(Effect::Pure), || panic!("out of {}", "paper"))).await;
    assert_eq!(failed(text), "`tool` panicked: out of paper");
    let other = run(coded(declared(Effect::Pure), || std::panic::panic_any(7_u8))).await;
    assert_eq!(failed(other), "`tool` panicked: no text in the panic");
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_display_panics_is_a_panic_of_the_tool() {
    #[derive(Debug)]
    struct Rude;
    impl std::fmt::Display for Rude {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("rude")
        }
    }
    impl std::error::Error for Rude {}
    let end = run(coded(declared(Effect::Once), || Err(Rude.into()))).await;
    assert_eq!(end, ToolEnd::InDoubt { detail: "`tool` panicked: rude".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_never_yields_keeps_its_place_and_its_call_is_never_run_again() {
    let end = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&end);
    let declaration =
        Declaration { timeout: SHORT, concurrency: 1, retries: 5, ..declared(Effect::Reconcile) };
    let tool = coded(declaration, move || {
        while !ended.load(Ordering::SeqCst) {
            std::hint::spin_loop();
        }
        Ok(ToolOutput::text("late"))
    });
    let clock = SimulatedClock::start();
    let handle = open(tool, &clock).await;
    // The destination says "absent", but the loop may still do it.
    let stuck = handle.run(dispatch(false)).await;
    let ToolEnd::InDoubt { detail } = stuck else { panic!("{stuck:?}") };
    assert_eq!(detail, "`tool` did not answer within 150ms; the code of an abandoned attempt still runs");
    let mut place = Box::pin(handle.limits().acquire());
    assert!(futures::poll!(&mut place).is_pending(), "the loop holds the only place");
    end.store(true, Ordering::SeqCst);
    place.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pure_call_is_left_at_once_when_it_is_cancelled() {
    let clock = SimulatedClock::start();
    let dispatch = dispatch(false);
    let cancel = dispatch.ctx.cancel.clone();
    let (end, ended) = mpsc::channel::<()>();
    let ended = Mutex::new(ended);
    let tool = coded(declared(Effect::Pure), move || {
        cancel.cancel();
        // Goes on after the call was left.
        let _ = ended.lock().unwrap().recv();
        Ok(ToolOutput::text("late"))
    });
    assert_eq!(brief(&open(tool, &clock).await.run(dispatch).await), "failed Cancelled");
    drop(end);
}

#[tokio::test(start_paused = true)]
async fn a_huge_answer_keeps_head_and_tail() {
    let tool = coded(declared(Effect::Once), || {
        let mut text = "x".repeat(50_000_000);
        text.push_str("the end");
        Ok(ToolOutput::text(text))
    });
    let ToolEnd::Done { output, full_bytes, recovered: false } = run(tool).await else { panic!() };
    assert_eq!(full_bytes, Some(50_000_007));
    assert!(output.len() <= 64 * 1024 && output.len() > 64 * 1024 - 32, "{}", output.len());
    assert!(output.starts_with("xxx") && output.ends_with("the end") && output.contains(" bytes cut ...]\n"));
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_text_fail_a_pure_call_but_never_hide_an_effect() {
    let bytes = || Ok(ToolOutput(b"paid \xff\xfe".to_vec()));
    let ToolEnd::Failed(failure) = run(coded(declared(Effect::Pure), bytes)).await else { panic!() };
    assert_eq!(failure.kind, ToolFailureKind::UnreadableOutput);
    let ToolEnd::Done { output, .. } = run(coded(declared(Effect::Once), bytes)).await else { panic!() };
    assert!(output.starts_with("paid \u{fffd}\u{fffd}\n[the answer was not UTF-8"), "{output}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_of_the_caller_ends_no_call_on_the_pool() {
    let pool = UserPool::new(UserPoolLimits { slots: 1, io_threads: 1 }).unwrap();
    let (go, gone) = mpsc::channel::<()>();
    let call = pool.run(async move { gone.recv() }, LONG);
    let clock = SimulatedClock::start();
    let (answer, ()) = tokio::join!(call, async {
        clock.sleep(LONG * 2).await;
        go.send(()).unwrap();
    });
    assert_eq!(answer, Ok(Ok(())));
}
