//! Seeing that a child is stuck: it is asked, and one that does not answer in time is killed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_messages::Clock;
use ractor::{ActorCell, ActorRef, Message, RpcReplyPort};
use tokio_util::sync::CancellationToken;

use super::messages::{Note, SupervisorMsg};

type Ask = Arc<dyn Fn(&ActorCell) -> BoxFuture<'static, bool> + Send + Sync>;

/// How a supervisor asks a child whether it still works off its mailbox.
#[derive(Clone)]
pub struct Heartbeat {
    every: Duration,
    patience: Duration,
    ask: Ask,
}

impl Heartbeat {
    /// Asks `every` so often with the message that `make` makes, and waits `patience` for the answer.
    ///
    /// The question takes its place in the mailbox like any other message: patience covers what may wait before it.
    #[must_use]
    pub fn new<M: Message>(
        every: Duration,
        patience: Duration,
        make: impl Fn(RpcReplyPort<()>) -> M + Send + Sync + 'static,
    ) -> Self {
        let ask: Ask = Arc::new(move |cell| {
            let (reply, answer) = tokio::sync::oneshot::channel();
            let sent = cell.send_message(make(reply.into()));
            Box::pin(async move { sent.is_ok() && answer.await.is_ok() })
        });
        Self { every, patience, ask }
    }

    pub(crate) const fn is_possible(&self) -> bool {
        !self.every.is_zero() && !self.patience.is_zero()
    }

    /// Asks one incarnation until it ends or does not answer.
    pub(crate) async fn watch(
        self,
        cell: ActorCell,
        supervisor: ActorRef<SupervisorMsg>,
        clock: Arc<dyn Clock>,
        ended: CancellationToken,
    ) {
        let silence = async {
            loop {
                clock.sleep(self.every).await;
                let is_heard = tokio::select! {
                    biased;
                    is_heard = (self.ask)(&cell) => is_heard,
                    () = clock.sleep(self.patience) => false,
                };
                if !is_heard {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            () = ended.cancelled() => {}
            () = silence => {
                let note = Note::Silent { actor: cell.get_id(), patience: self.patience };
                // A supervisor that has ended has taken its children along.
                let _ = supervisor.send_message(SupervisorMsg::Note(note));
            }
        }
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat")
            .field("every", &self.every)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
