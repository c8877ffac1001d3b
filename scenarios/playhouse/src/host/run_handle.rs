//! A run as a program holds it: to wait for its end, to watch it, and to tell it something.

use std::sync::{Arc, Weak};
use std::time::Duration;

use playhouse_journal::{Command, CommandId, JournalRead};
use playhouse_messages::BusEvent;
use playhouse_runtime::{EventStream, StreamItem};
use playhouse_types::{RunId, Seq};
use tokio::sync::watch;

use super::answered::{Answered, Waiting};
use super::error::RunError;
use super::live_run::RunEnd;
use super::run_events::RunEvents;
use super::runtime::Inner;
use crate::answer::new_command_id;

/// How long a command may wait for the run's coordinator: it answers at once unless it is starting again.
const PATIENCE: Duration = Duration::from_secs(5);

/// A run that was started or resumed. It goes on when this is dropped. Clones are of the same run.
///
/// What is asked of the run goes through its inbox, as it does from any other process: it stays there until it is on
/// record, also if this process dies.
///
/// ```
/// use playhouse::prelude::*;
/// use playhouse::{RunEvent, RunStatus, Runtime, RuntimeOptions, StartRun};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let mut scenario = Scenario::<String, String>::builder("talk");
/// let host = scenario.agent("host", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "Go on."));
/// scenario.crew(RoundRobin::new(), [&host]).until(says("GOODBYE")).limit(turns(100));
///
/// let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await?;
/// let start = StartRun { input: "\"Hello.\"".to_owned(), seed: 0, model: None };
/// let handle = runtime.start(scenario.build()?.definition(), start).await?;
/// let mut events = handle.events()?;
/// while let Some(update) = events.next().await? {
///     match update.event {
///         RunEvent::TurnStarted { turn, speaker, reason, .. } => println!("{turn}: {speaker} ({reason})"),
///         RunEvent::MessagePosted { message } => println!("{}: {}", message.from, message.content),
///         // Not before the end of the turn that is under way.
///         RunEvent::TurnEnded { .. } => drop(handle.stop("seen enough").await?),
///         _ => {}
///     }
/// }
/// assert_eq!(handle.finished().await?.row.status, RunStatus::Limited);
/// runtime.close().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunHandle {
    /// The run.
    pub run: RunId,
    end: watch::Receiver<Option<RunEnd>>,
    /// Whoever only holds a handle does not keep the store open.
    inner: Weak<Inner>,
}

impl RunHandle {
    pub(crate) const fn new(run: RunId, end: watch::Receiver<Option<RunEnd>>, inner: Weak<Inner>) -> Self {
        Self { run, end, inner }
    }

    /// Waits until the run has come to rest: nothing of it is worked on any more, and what is on record is durable.
    ///
    /// # Errors
    /// [`RunError::Closing`] if the runtime went away first.
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn finished(mut self) -> Result<RunEnd, RunError> {
        let end = self.end.wait_for(Option::is_some).await.map_err(|_| RunError::Closing)?;
        end.clone().ok_or(RunError::Closing)
    }

    /// Returns what happens in the run: from its first record on, and until it has come to rest in this process.
    ///
    /// # Errors
    /// [`RunError::Closing`] if the runtime is gone.
    pub fn events(&self) -> Result<RunEvents, RunError> {
        self.events_after(Seq(0))
    }

    /// Returns what happens in the run after the record `seq`.
    ///
    /// # Errors
    /// [`RunError::Closing`] if the runtime is gone.
    pub fn events_after(&self, seq: Seq) -> Result<RunEvents, RunError> {
        let inner = self.inner()?;
        let journal = Arc::clone(&inner.store) as Arc<dyn JournalRead>;
        Ok(RunEvents::new(self.run, seq, journal, inner.bus.watch(), self.end.clone()))
    }

    /// Ends the run now: its model and tool calls are cancelled; what was done is kept.
    ///
    /// # Errors
    /// [`RunError`]: the command may not have been left; safe to retry.
    /// # Cancel safety
    /// Dropping the future does not take the command back.
    pub async fn cancel(&self, reason: &str) -> Result<Answered, RunError> {
        self.ask(Command::Cancel { reason: reason.to_owned() }).await
    }

    /// Gives no further turns: once the open ones have ended the run rests.
    ///
    /// # Errors
    /// As for [`RunHandle::cancel`].
    pub async fn pause(&self) -> Result<Answered, RunError> {
        self.ask(Command::Pause).await
    }

    /// Lets a paused run go on. One that rests already is then gone on with by [`Runtime::resume`](crate::Runtime::resume).
    ///
    /// # Errors
    /// As for [`RunHandle::cancel`].
    pub async fn unpause(&self) -> Result<Answered, RunError> {
        self.ask(Command::Unpause).await
    }

    /// Says something in the conversation in the name of `by`: agents see it from their next turn on.
    ///
    /// # Errors
    /// As for [`RunHandle::cancel`].
    pub async fn inject(&self, text: &str, by: &str) -> Result<Answered, RunError> {
        self.ask(Command::Inject { text: text.to_owned(), by: by.to_owned() }).await
    }

    /// Gives no further turns: once the open ones have ended the run does, as `limited`, with what was done so far.
    ///
    /// # Errors
    /// As for [`RunHandle::cancel`].
    pub async fn stop(&self, reason: &str) -> Result<Answered, RunError> {
        self.ask(Command::Stop { reason: reason.to_owned() }).await
    }

    /// Leaves a command in the run's inbox and waits a little for its answer.
    async fn ask(&self, command: Command) -> Result<Answered, RunError> {
        if let Some(refused) = self.refused_at_end() {
            return Ok(refused);
        }
        let inner = self.inner()?;
        let (id, mut events) = (new_command_id(), inner.bus.watch());
        let mut waiting = Waiting { run: self.run, id: &id, seen: inner.durable(self.run) };
        inner.store.submit(self.run, id.clone(), command).await?;
        inner.ring(self.run);
        let mut end = self.end.clone();
        let answered = tokio::select! {
            answered = answer_to(&id, &mut events) => answered,
            // An error means that the run's keeper is gone: it rests.
            _ = end.wait_for(Option::is_some) => None,
            () = inner.clock.sleep(PATIENCE) => None,
        };
        let answered = match answered {
            Some(answered) => Some(answered),
            None => waiting.look(inner.store.as_ref()).await?,
        };
        Ok(answered.or_else(|| self.refused_at_end()).unwrap_or(Answered::Left))
    }

    /// A run that has ended takes nothing any more, so that nothing is left for it.
    fn refused_at_end(&self) -> Option<Answered> {
        let is_ended = self.end.borrow().as_ref().is_some_and(|end| end.row.ended_at.is_some());
        is_ended.then(|| Answered::Refused("the run has ended".to_owned()))
    }

    fn inner(&self) -> Result<Arc<Inner>, RunError> {
        self.inner.upgrade().ok_or(RunError::Closing)
    }

    /// Waits until a record of the run shows progress, or the run rests. `events` must watch since before the run began.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn got_somewhere(&self, events: &mut EventStream) {
        let mut end = self.end.clone();
        let progress = async {
            loop {
                match events.next().await {
                    Some(StreamItem::Event(BusEvent::Recorded(record)))
                        if record.run == self.run && record.key.kind.is_progress() =>
                    {
                        return;
                    }
                    // What was missed may have been the progress: not to wait is the safer guess.
                    Some(StreamItem::Missed(_)) | None => return,
                    Some(_) => {}
                }
            }
        };
        tokio::select! {
            () = progress => {}
            // An error means that the run's keeper is gone: it rests.
            _ = end.wait_for(Option::is_some) => {}
        }
    }
}

/// Waits for the answer to a command; `None` if it may have been missed.
async fn answer_to(command: &CommandId, events: &mut EventStream) -> Option<Answered> {
    loop {
        match events.next().await? {
            StreamItem::Event(BusEvent::Recorded(record)) => {
                if let Some(answered) = Answered::of_record(&record, command) {
                    return Some(answered);
                }
            }
            StreamItem::Event(_) => {}
            StreamItem::Missed(_) => return None,
        }
    }
}
