//! The actor of a tool: hands out its places. It runs no code of the tool.

use std::sync::Arc;

use playhouse_messages::{Clock, Mail, PlacesTaken, ToolLimits, ToolLimitsError, ToolLimitsMsg, ToolPlace};
use playhouse_types::ToolSpec;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio_util::task::AbortOnDropHandle;

use crate::limiter::{Limiter, Next};

/// How many calls may wait for one tool: every agent of a large crew once, and a bound on what a stuck tool holds.
const MAX_WAITING: usize = 1_024;

type Waiter = RpcReplyPort<Result<ToolPlace, ToolLimitsError>>;

/// What each incarnation of a tool's actor starts with; its supervisor keeps it.
#[derive(Clone)]
pub struct ToolLimitsArguments {
    pub(crate) spec: Arc<ToolSpec>,
    pub(crate) limits: ToolLimits,
    pub(crate) taken: PlacesTaken,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Behavior of a tool's actor, one per tool, shared by all runs.
///
/// A restart loses the queue (those who wait ask again) but no taken place, as the number of those is shared.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToolLimitsActor;

/// What a tool's actor holds.
pub struct ToolLimitsState {
    arguments: ToolLimitsArguments,
    limiter: Limiter<Waiter>,
    // Rings when the rate allows the next start; at most one is set.
    due: Option<AbortOnDropHandle<()>>,
}

impl Actor for ToolLimitsActor {
    type Msg = Mail<ToolLimitsMsg>;
    type State = ToolLimitsState;
    type Arguments = ToolLimitsArguments;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        arguments: ToolLimitsArguments,
    ) -> Result<ToolLimitsState, ActorProcessingErr> {
        let ToolSpec { concurrency, rate_per_second, .. } = *arguments.spec;
        let limiter = Limiter::new(concurrency, rate_per_second, MAX_WAITING);
        Ok(ToolLimitsState { arguments, limiter, due: None })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        mail: Mail<ToolLimitsMsg>,
        state: &mut ToolLimitsState,
    ) -> Result<(), ActorProcessingErr> {
        match mail.message {
            ToolLimitsMsg::Acquire { reply } => state.enqueue(reply),
            ToolLimitsMsg::Due => state.due = None,
            ToolLimitsMsg::Released => {}
        }
        state.serve(&myself);
        Ok(())
    }
}

impl ToolLimitsState {
    fn enqueue(&mut self, reply: Waiter) {
        self.limiter.forget_first(RpcReplyPort::is_closed);
        if let Err(refused) = self.limiter.enqueue(reply) {
            self.limiter.forget(RpcReplyPort::is_closed);
            if let Err(refused) = self.limiter.enqueue(refused) {
                // The caller may have left; its absence is not our failure.
                let _ = refused.send(Err(ToolLimitsError::Overloaded));
            }
        }
    }

    fn serve(&mut self, myself: &ActorRef<Mail<ToolLimitsMsg>>) {
        loop {
            self.limiter.forget_first(RpcReplyPort::is_closed);
            let now = self.arguments.clock.monotonic();
            match self.limiter.next(now, self.arguments.taken.count()) {
                Next::Start => {
                    let Some(reply) = self.limiter.start(now) else { return };
                    let place = self.arguments.taken.take(self.arguments.limits.address());
                    // A caller that has just left gives its place back by dropping it.
                    let _ = reply.send(Ok(place));
                }
                Next::After(wait) => {
                    if self.due.is_none() {
                        let (sleep, myself) = (self.arguments.clock.sleep(wait), myself.clone());
                        self.due = Some(AbortOnDropHandle::new(tokio::spawn(async move {
                            sleep.await;
                            // A stopped actor has nobody to serve.
                            let _ = myself.send_message(Mail::to_self(ToolLimitsMsg::Due));
                        })));
                    }
                    return;
                }
                Next::Full | Next::Idle => return,
            }
        }
    }
}
