//! What a program does with a run that it holds: watch it, and tell it something.

use std::sync::Arc;

use playhouse::prelude::*;
use playhouse::{
    Answered, Definition, ModelFailureKind, OutcomeKind, Resumed, RunEvent, RunHandle, RunRest, RunStatus,
    RunUpdate, Runtime, RuntimeOptions, Seq, StartRun, ToolFailureKind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::held_model::{HeldModel, MESSAGE};

/// An agent without a script: what the model says decides everything.
fn asker() -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("asker");
    let asker = scenario.agent("asker", |agent| agent);
    scenario.crew(RoundRobin::new(), [&asker]).until(says("DONE")).limit(turns(4));
    scenario.build().unwrap().definition()
}

/// An agent that talks for `n_turns` turns.
fn talker(n_turns: u32) -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("talker");
    let talker =
        scenario.agent("talker", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "Well."));
    scenario.crew(RoundRobin::new(), [&talker]).until(says("DONE")).limit(turns(n_turns));
    scenario.build().unwrap().definition()
}

async fn start(runtime: &Runtime, definition: Arc<Definition>) -> RunHandle {
    let start = StartRun { input: "\"Go on.\"".to_owned(), seed: 1, model: None };
    runtime.start(definition, start).await.unwrap()
}

/// A run of [`asker`] whose model has been asked and holds its first answer back.
struct Held {
    model: HeldModel,
    runtime: Runtime,
    handle: RunHandle,
}

impl Held {
    async fn start() -> Self {
        let mut model = HeldModel::start();
        let mut options = RuntimeOptions::ephemeral();
        options.base_url = Some(model.endpoint.base_url().to_owned());
        options.model = Some("any".to_owned());
        let runtime = Runtime::open_with(options).await.unwrap();
        let handle = start(&runtime, asker()).await;
        model.is_asked().await;
        Self { model, runtime, handle }
    }

    async fn resume(&self) -> RunHandle {
        match self.runtime.resume(self.handle.run, &|_: &_, _: &str| Ok(asker()), false).await.unwrap() {
            Resumed::Run(handle) => handle,
            other => unreachable!("{other:?}"),
        }
    }
}

/// Returns what has happened in a run, until it rests.
async fn events(handle: &RunHandle) -> Vec<RunUpdate> {
    let (mut events, mut seen) = (handle.events().unwrap(), Vec::new());
    while let Some(update) = events.next().await.unwrap() {
        seen.push(update);
    }
    seen
}

/// Returns what was said, by whom.
fn said(updates: &[RunUpdate]) -> Vec<(String, &str)> {
    let said = updates.iter().filter_map(|update| match &update.event {
        RunEvent::MessagePosted { message } => Some((message.from.to_string(), message.content.as_str())),
        _ => None,
    });
    said.collect()
}

fn lines(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    expected.iter().map(|(from, content)| ((*from).to_owned(), *content)).collect()
}

#[tokio::test]
async fn a_cancelled_run_ends_its_model_call_at_once() {
    let Held { model, runtime, handle } = Held::start().await;
    assert_eq!(handle.cancel("not needed").await.unwrap(), Answered::Accepted);
    // The model still holds its answer.
    let end = handle.clone().finished().await.unwrap();
    model.let_go();
    assert_eq!((end.row.status, end.result), (RunStatus::Cancelled, None));
    let is_cut = |update: &RunUpdate| {
        matches!(&update.event,
            RunEvent::ModelFailed { failure, .. } if failure.kind == ModelFailureKind::Cancelled)
    };
    let events = events(&handle).await;
    assert_eq!(events.iter().filter(|update| is_cut(update)).count(), 1, "{events:#?}");
    assert!(matches!(events.last().unwrap().event, RunEvent::Concluded { .. }), "{events:#?}");
    let refused = handle.inject(MESSAGE, "ann").await.unwrap();
    assert_eq!(refused, Answered::Refused("the run has ended".to_owned()));
    assert!(runtime.inbox().pending(handle.run).await.unwrap().is_empty());
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn a_run_that_is_stopped_keeps_what_its_turn_says() {
    let Held { model, runtime, handle } = Held::start().await;
    assert_eq!(handle.stop("enough for today").await.unwrap(), Answered::Accepted);
    let nobody = handle.inject(MESSAGE, "ann").await.unwrap();
    assert!(matches!(&nobody, Answered::Refused(why) if why.contains("nobody would read it")), "{nobody:?}");
    model.let_go();
    let end = handle.clone().finished().await.unwrap();
    assert_eq!((end.row.status, end.result.as_deref()), (RunStatus::Limited, Some("\"Not yet.\"")));
    let RunRest::Concluded(outcome) = end.rest else { unreachable!("{:?}", end.rest) };
    assert_eq!((outcome.kind, outcome.detail.as_str()), (OutcomeKind::Limited, "enough for today"));
    let events = events(&handle).await;
    assert_eq!(said(&events), lines(&[("user", "Go on."), ("asker", "Not yet.")]));
    assert_eq!(model.endpoint.n_requests(), 1);
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn a_message_is_read_from_the_next_turn_on_and_shown_once() {
    let Held { model, runtime, handle } = Held::start().await;
    assert_eq!(handle.inject(MESSAGE, "ann").await.unwrap(), Answered::Accepted);
    model.let_go();
    assert_eq!(handle.clone().finished().await.unwrap().result.as_deref(), Some("\"DONE\""));
    let expected = [("user", "Go on."), ("user", MESSAGE), ("asker", "Not yet."), ("asker", "DONE")];
    assert_eq!(said(&events(&handle).await), lines(&expected));
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn a_run_that_is_paused_and_unpaused_within_a_turn_goes_on() {
    let Held { model, runtime, handle } = Held::start().await;
    assert_eq!(handle.pause().await.unwrap(), Answered::Accepted);
    assert_eq!(handle.unpause().await.unwrap(), Answered::Accepted);
    assert_eq!(handle.inject(MESSAGE, "ann").await.unwrap(), Answered::Accepted);
    model.let_go();
    assert_eq!(handle.finished().await.unwrap().row.status, RunStatus::Concluded);
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn a_run_that_rests_takes_what_was_left_once_it_goes_on() {
    let held = Held::start().await;
    assert_eq!(held.handle.pause().await.unwrap(), Answered::Accepted);
    held.model.let_go();
    let rest = held.handle.clone().finished().await.unwrap().rest;
    assert!(matches!(rest, RunRest::Suspended(_)), "{rest:?}");
    assert_eq!(held.handle.inject(MESSAGE, "ann").await.unwrap(), Answered::Left);
    assert_eq!(held.handle.unpause().await.unwrap(), Answered::Left);
    let resumed = held.resume().await;
    assert_eq!(resumed.clone().finished().await.unwrap().result.as_deref(), Some("\"DONE\""));
    let expected = [("user", "Go on."), ("asker", "Not yet."), ("user", MESSAGE), ("asker", "DONE")];
    assert_eq!(said(&events(&resumed).await), lines(&expected));
    held.runtime.close().await.unwrap();
}

#[tokio::test]
async fn tokens_come_before_their_reply_and_add_up_to_it() {
    let Held { model, runtime, handle } = Held::start().await;
    let watching = tokio::spawn({
        let handle = handle.clone();
        async move { events(&handle).await }
    });
    assert_eq!(handle.stop("enough").await.unwrap(), Answered::Accepted);
    model.let_go();
    let events = watching.await.unwrap();
    let (mut shown, mut replies) = (String::new(), Vec::new());
    for update in &events {
        match &update.event {
            RunEvent::Token { offset, text, .. } => {
                assert_eq!((shown.len() as u64, replies.len()), (*offset, 0), "{events:#?}");
                shown.push_str(text);
            }
            RunEvent::ModelReplied { reply, usage, .. } => {
                replies.push((reply.content.clone(), usage.model_calls));
            }
            _ => {}
        }
    }
    assert_eq!((shown.as_str(), replies), ("Not yet.", vec![("Not yet.".to_owned(), 1)]));
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn a_watcher_that_does_not_read_holds_no_run_and_misses_no_record() {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    // More records than the bus keeps for one who does not read.
    let handle = start(&runtime, talker(2_500)).await;
    let mut slow = handle.events().unwrap();
    let end = handle.clone().finished().await.unwrap();
    assert_eq!(end.row.status, RunStatus::Limited);
    let (mut seqs, mut n_lagged) = (Vec::new(), 0);
    while let Some(update) = slow.next().await.unwrap() {
        match (update.seq, update.event) {
            (Some(seq), _) => seqs.push(seq.0),
            (None, RunEvent::Lagged { n_missed }) => n_lagged += n_missed,
            // The replies are on record: their pieces are not shown any more.
            (None, event) => unreachable!("{event:?}"),
        }
    }
    let n_records = runtime.journal().records(handle.run, Seq(0), usize::MAX).await.unwrap().len() as u64;
    assert!(n_records > 8_192 && n_lagged > 0, "{n_records} records, {n_lagged} missed");
    assert_eq!(seqs, (1..=n_records).collect::<Vec<_>>());
    let mut late = handle.events_after(Seq(n_records - 1)).unwrap();
    let last = late.next().await.unwrap().unwrap();
    assert!(matches!(last.event, RunEvent::Concluded { .. }), "{last:?}");
    assert_eq!(late.next().await.unwrap(), None);
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn what_was_watched_can_be_read_after_the_runtime_was_closed() {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let handle = start(&runtime, talker(1)).await;
    let mut events = handle.events().unwrap();
    handle.clone().finished().await.unwrap();
    runtime.close().await.unwrap();
    let mut n_seen = 0;
    while events.next().await.unwrap().is_some() {
        n_seen += 1;
    }
    assert!(n_seen > 4, "{n_seen} events");
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Errand {
    what: String,
}

/// A place where errands take for ever, or until they are called off.
#[derive(Clone)]
struct Errands {
    begun: UnboundedSender<String>,
}

#[tools]
impl Errands {
    /// Looks something up, whatever happens.
    #[tool(effect = "pure")]
    async fn look(&self, args: Errand) -> Result<String, ToolError> {
        self.begun.send(args.what)?;
        std::future::pending().await
    }

    /// Buys something unless it is called off.
    #[tool(effect = "once")]
    async fn buy(&self, args: Errand, ctx: &ToolContext) -> Result<String, ToolError> {
        self.begun.send(args.what)?;
        ctx.cancel.cancelled().await;
        Err(ToolError::NotDone("called off".to_owned()))
    }
}

#[tokio::test]
async fn a_cancelled_run_ends_all_its_tool_calls_and_each_has_its_end_on_record() {
    let (begun, mut beginning) = unbounded_channel();
    let errands = Errands { begun };
    let mut scenario = Scenario::<String, String>::builder("errands");
    let tools = scenario.tools(move |_| {
        let errands = errands.clone();
        async move { Ok(errands) }
    });
    let clerk = scenario.agent("clerk", |agent| {
        agent.tools(&tools).script(|_: &ModelRequest, _: &ScriptContext| {
            let errand = |what: &str| Errand { what: what.to_owned() };
            ScriptReply::call("look", &errand("price")).and_call("buy", &errand("bread"))
        })
    });
    scenario.crew(RoundRobin::new(), [&clerk]).until(says("DONE")).limit(turns(3));
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let handle = start(&runtime, scenario.build().unwrap().definition()).await;
    for _ in 0..2 {
        beginning.recv().await.unwrap();
    }
    assert_eq!(handle.cancel("not needed").await.unwrap(), Answered::Accepted);
    let end = handle.clone().finished().await.unwrap();
    assert_eq!(end.row.status, RunStatus::Cancelled);
    let events = events(&handle).await;
    let ends = events.iter().filter_map(|update| match &update.event {
        RunEvent::ToolFailed { call, failure, .. } => Some((call.ordinal, failure.kind)),
        _ => None,
    });
    // The one that changes nothing was left, the other was waited for: it says what it has done.
    let mut ends: Vec<_> = ends.collect();
    ends.sort_by_key(|(ordinal, _)| *ordinal);
    assert_eq!(ends, [(0, ToolFailureKind::Cancelled), (1, ToolFailureKind::NotDone)], "{events:#?}");
    runtime.close().await.unwrap();
}
