//! A start in a task of its own: after the report and the wait, within its time, given up when asked.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use playhouse_messages::Clock;
use playhouse_types::Incarnation;
use ractor::{ActorCell, ActorRef};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::messages::{Note, SupervisorMsg};
use super::spec::{NotStarted, StartArgs, StartChild};
use super::tree::ChildId;

/// One start of one child.
pub(super) struct StartTask {
    pub(super) child: ChildId,
    pub(super) incarnation: Incarnation,
    pub(super) start: StartChild,
    pub(super) start_within: Duration,
    /// How long to wait before.
    pub(super) after: Duration,
    /// The report of the last exit, which ends before.
    pub(super) told: Option<JoinHandle<()>>,
    pub(super) given_up: CancellationToken,
    pub(super) supervisor: ActorRef<SupervisorMsg>,
    pub(super) clock: Arc<dyn Clock>,
}

impl StartTask {
    /// Starts the child and tells the supervisor, in every case.
    pub(super) async fn run(mut self) {
        let outcome = self.outcome().await;
        let (child, incarnation) = (self.child, self.incarnation);
        let note = Note::Started { child, incarnation, outcome };
        // A supervisor that has ended has taken its children along.
        let _ = self.supervisor.send_message(SupervisorMsg::Note(note));
    }

    async fn outcome(&mut self) -> Result<ActorCell, NotStarted> {
        let given_up = self.given_up.clone();
        let told = self.told.take();
        let turn = async {
            if let Some(told) = told {
                // A report that panicked has said so; the child is started all the same.
                let _ = told.await;
            }
            if !self.after.is_zero() {
                self.clock.sleep(self.after).await;
            }
        };
        tokio::select! {
            biased;
            () = given_up.cancelled() => return Err(not_needed()),
            () = turn => {}
        }
        let args = StartArgs { incarnation: self.incarnation, supervisor: self.supervisor.get_cell() };
        let start = Arc::clone(&self.start);
        // A task of its own: a panic is caught, and a start that blocks its thread is left behind.
        let mut task = tokio::spawn(async move { start(args).await });
        let why = tokio::select! {
            biased;
            ended = &mut task => return ended.unwrap_or_else(|error| Err(NotStarted::Failed(panic_text(error)))),
            () = given_up.cancelled() => not_needed(),
            () = self.clock.sleep(self.start_within) => {
                NotStarted::Failed(format!("it did not start within {:?}", self.start_within))
            }
        };
        task.abort();
        tokio::spawn(async move {
            // It may have succeeded in that very moment: nobody would know the actor.
            if let Ok(Ok(cell)) = task.await {
                cell.kill();
            }
        });
        Err(why)
    }
}

fn not_needed() -> NotStarted {
    NotStarted::Failed("it was told to stop before it had started".to_owned())
}

fn panic_text(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => format!("its start panicked: {}", payload_text(payload.as_ref())),
        Err(_) => "its start was cancelled".to_owned(),
    }
}

fn payload_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no text was given")
}
