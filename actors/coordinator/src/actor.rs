//! The coordinator actor: fold, decide, append, ring.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use playhouse_journal::{Event, Kind, NewRecord, RecordKey};
use playhouse_messages::{Address, Clock, CoordinatorMsg, JournalError, Mail, RunJournal};
use playhouse_runtime::Restarted;
use playhouse_types::{AgentName, Incarnation, Label, Lane, RunOutcome, Seq, Step, TurnId};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::{CoordinatorState, CrewDefinition, Decision, ResultFn, conclusion};

/// How often the coordinator looks for commands and rings open turns again, should a doorbell have been lost.
const TICK: Duration = Duration::from_secs(1);

/// What the coordinator can do to the rest of its run.
pub trait CrewLinks: Send + Sync {
    /// Rings the speaker of an open turn, starting it if it is not running.
    fn take_turn(&self, speaker: &AgentName, turn: TurnId);

    /// Cancels the calls of all open turns and tells their speakers.
    fn cancel_turns(&self, speakers: &[AgentName]);

    /// Moves the run's waiting commands from the inbox into its journal, then rings the coordinator if there were any.
    fn take_commands(&self);
}

/// How a run came to rest in this process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RunRest {
    /// It ended; the record is durable.
    Concluded(RunOutcome),
    /// It waits for a person.
    Suspended(String),
    /// The process was asked to stop; the run can be resumed.
    Interrupted,
    /// The journal refuses us: another process owns the run, or the store failed.
    Lost(JournalError),
}

/// What a coordinator needs.
#[derive(Clone)]
pub struct CoordinatorArgs {
    /// Which start this is.
    pub incarnation: Incarnation,
    /// Where its records go.
    pub journal: RunJournal,
    /// Who takes part, who speaks when, when it ends.
    pub crew: CrewDefinition,
    /// How the result is made.
    pub result: ResultFn,
    /// How the others are reached.
    pub links: Arc<dyn CrewLinks>,
    /// Its own address, for rings.
    pub address: Address<CoordinatorMsg>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The epoch of this process: names its `Suspended` record.
    pub epoch: u64,
    /// Told once when the run comes to rest.
    pub rest: Arc<watch::Sender<Option<RunRest>>>,
}

impl fmt::Debug for CoordinatorArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoordinatorArgs").field("incarnation", &self.incarnation).finish_non_exhaustive()
    }
}

/// The coordinator of one run.
#[derive(Debug, Default)]
pub struct Coordinator;

/// What a running coordinator holds: nothing that the log does not.
pub struct CoordinatorActor {
    args: CoordinatorArgs,
    state: CoordinatorState,
    cursor: Seq,
    is_interrupted: bool,
    /// Ends with the actor, not at its next tick: a run may be over in a millisecond.
    timer: Option<AbortOnDropHandle<()>>,
}

impl Actor for Coordinator {
    type Msg = Mail<CoordinatorMsg>;
    type State = CoordinatorActor;
    type Arguments = CoordinatorArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        args: CoordinatorArgs,
    ) -> Result<Self::State, ActorProcessingErr> {
        let state = CoordinatorState::new(args.crew.clone());
        let mut actor = CoordinatorActor { args, state, cursor: Seq(0), is_interrupted: false, timer: None };
        actor.fold();
        // Before anything can ring: a turn may end before our supervisor has seen us start.
        actor.args.address.slot().set(Some(myself.clone()));
        if actor.args.incarnation > Incarnation(1) {
            actor.announce_restart().await?;
        }
        // A later start rings the open turns: their agents may not be running.
        let first = if actor.args.incarnation > Incarnation(1) {
            CoordinatorMsg::Tick
        } else {
            CoordinatorMsg::Changed
        };
        myself.send_message(Mail::to_self(first))?;
        let timer = myself.send_interval(TICK, || Mail::to_self(CoordinatorMsg::Tick));
        actor.timer = Some(AbortOnDropHandle::new(timer));
        Ok(actor)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        mail: Self::Msg,
        actor: &mut CoordinatorActor,
    ) -> Result<(), ActorProcessingErr> {
        match mail.message {
            CoordinatorMsg::Changed => {}
            CoordinatorMsg::Tick => {
                actor.args.links.take_commands();
                actor.ring_open_turns();
            }
            CoordinatorMsg::Interrupt => actor.is_interrupted = true,
        }
        match actor.advance().await {
            Ok(()) => Ok(()),
            Err(error) => actor.give_up(error),
        }
    }
}

impl CoordinatorActor {
    /// Takes in all records since the last look.
    fn fold(&mut self) {
        let log = Arc::clone(self.args.journal.log());
        for record in log.after(self.cursor) {
            self.state.apply(record);
            self.cursor = record.seq;
        }
    }

    async fn announce_restart(&self) -> Result<(), JournalError> {
        let (lane, incarnation, checkpoint) = (Lane::run(), self.args.incarnation, self.cursor);
        let restarted = Restarted { lane, place: 0, incarnation, checkpoint };
        let record = restarted.record(self.args.journal.log(), self.args.clock.now());
        self.args.journal.append(vec![record]).await?;
        Ok(())
    }

    /// Decides and acts until there is nothing to do but wait.
    async fn advance(&mut self) -> Result<(), JournalError> {
        loop {
            self.fold();
            if let Some(why) = self.args.journal.log().torn() {
                return Err(why);
            }
            match self.state.decide(self.args.journal.log().transcript(), self.args.clock.now()) {
                Decision::Wait | Decision::Ended => return Ok(()),
                Decision::CancelTurns => {
                    let speakers: Vec<AgentName> = self.state.open().values().cloned().collect();
                    self.args.links.cancel_turns(&speakers);
                    return Ok(());
                }
                Decision::Assign(_) if self.is_interrupted => return Ok(()),
                Decision::Assign(turns) => self.assign(turns).await?,
                Decision::Suspend(reason) => return self.suspend(reason).await,
                Decision::Conclude(outcome) => return self.conclude(outcome).await,
            }
        }
    }

    async fn assign(&self, turns: Vec<(TurnId, crate::Assignment)>) -> Result<(), JournalError> {
        let upto = self.args.journal.log().transcript().len();
        let speakers: Vec<_> = turns.iter().map(|(turn, to)| (*turn, to.speaker.clone())).collect();
        let records = turns
            .into_iter()
            .map(|(turn, crate::Assignment { speaker, reason })| {
                let key = RecordKey::new(turn, Step(0), 0, Kind::TurnAssigned);
                self.record(key, Event::TurnAssigned { turn, speaker, reason, upto })
            })
            .collect();
        self.args.journal.append(records).await?;
        for (turn, speaker) in speakers {
            self.args.links.take_turn(&speaker, turn);
        }
        Ok(())
    }

    /// Rings the open turns again: a doorbell that was lost must not stop a run.
    fn ring_open_turns(&self) {
        if !self.is_interrupted {
            self.state.open().iter().for_each(|(turn, speaker)| self.args.links.take_turn(speaker, *turn));
        }
    }

    async fn suspend(&self, reason: String) -> Result<(), JournalError> {
        let key = RecordKey::new(TurnId(0), Step(epoch_step(self.args.epoch)), 0, Kind::Suspended);
        self.args.journal.commit(vec![self.record(key, Event::Suspended { reason: reason.clone() })]).await?;
        self.rest(RunRest::Suspended(reason));
        Ok(())
    }

    async fn conclude(&self, outcome: RunOutcome) -> Result<(), JournalError> {
        let log = self.args.journal.log();
        let records: Vec<_> = log.after(Seq(0)).cloned().collect();
        let event = conclusion(outcome.clone(), &self.args.result, &records);
        let key = RecordKey::of_run(Kind::RunConcluded);
        let stored = self.args.journal.commit(vec![self.record(key, event)]).await?;
        // Somebody else may have concluded the run under the same key: what is on record holds.
        let outcome = match stored.first().map(|record| &record.event) {
            Some(Event::RunConcluded { outcome, .. }) => outcome.clone(),
            _ => outcome,
        };
        self.rest(RunRest::Concluded(outcome));
        Ok(())
    }

    /// A refused journal ends our part in the run; anything else is a crash.
    fn give_up(&self, error: JournalError) -> Result<(), ActorProcessingErr> {
        match error {
            JournalError::Fenced { .. } | JournalError::StoreFailed => {
                self.rest(RunRest::Lost(error));
                Ok(())
            }
            error => Err(error.into()),
        }
    }

    fn rest(&self, rest: RunRest) {
        self.args.rest.send_if_modified(|known| {
            let is_first = known.is_none();
            known.get_or_insert(rest);
            is_first
        });
    }

    fn record(&self, key: RecordKey, event: Event) -> NewRecord {
        NewRecord {
            lane: Lane::run(),
            incarnation: self.args.incarnation,
            key,
            causation: (self.cursor > Seq(0)).then_some(self.cursor),
            label: Label::default(),
            event,
        }
    }
}

/// Returns an epoch as the step of a key; epochs count process starts and stay far below the bound.
fn epoch_step(epoch: u64) -> u32 {
    u32::try_from(epoch).unwrap_or(u32::MAX)
}
