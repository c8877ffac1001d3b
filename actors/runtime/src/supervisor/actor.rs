//! The supervisor actor: passes messages and exits on to its state, and never waits.

use playhouse_journal::ExitKind;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use super::messages::{Note, SupervisorMsg};
use super::spec::SupervisorArgs;
use super::state::SupervisorState;

/// The supervisor.
#[derive(Debug, Default)]
pub struct Supervisor;

impl Actor for Supervisor {
    type Msg = SupervisorMsg;
    type State = SupervisorState;
    type Arguments = SupervisorArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<SupervisorMsg>,
        args: SupervisorArgs,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        args.check()?;
        Ok(SupervisorState::new(myself, args))
    }

    async fn post_start(
        &self,
        _: ActorRef<SupervisorMsg>,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        state.boot();
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<SupervisorMsg>,
        message: SupervisorMsg,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMsg::Start { child } => state.start(&child),
            SupervisorMsg::Restart { child, reply } => state.restart(&child, reply),
            SupervisorMsg::Add { spec, reply } => state.add(spec, reply),
            SupervisorMsg::Terminate { child, reply } => state.terminate(&child, reply),
            SupervisorMsg::Remove { child, reply } => {
                // The caller may have timed out; its absence is not our failure.
                let _ = reply.send(state.remove(&child));
            }
            SupervisorMsg::Children { reply } => {
                let _ = reply.send(state.statuses());
            }
            SupervisorMsg::Counts { reply } => {
                let _ = reply.send(state.counts());
            }
            SupervisorMsg::Shutdown => state.shutdown(),
            SupervisorMsg::Note(Note::Started { child, incarnation, outcome }) => {
                state.start_ended(child, incarnation, outcome);
            }
            SupervisorMsg::Note(Note::Stopped { actor, is_left_behind }) => {
                state.stop_ended(actor, is_left_behind);
            }
            SupervisorMsg::Note(Note::Silent { actor, patience }) => state.silent(actor, patience),
            SupervisorMsg::Note(Note::End) => state.end()?,
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<SupervisorMsg>,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(cell, _, reason) => {
                // ractor's words: for a kill, and for a task that its runtime dropped.
                let is_killed = matches!(reason.as_deref(), Some("killed" | "actor_task_cancelled"));
                let exit = if is_killed { ExitKind::Killed } else { ExitKind::Normal };
                state.actor_ended(cell.get_id(), exit, reason.unwrap_or_default());
            }
            SupervisionEvent::ActorFailed(cell, error) => {
                state.actor_ended(cell.get_id(), ExitKind::Failed, error.to_string());
            }
            _ => {}
        }
        Ok(())
    }
}
