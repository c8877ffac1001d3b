//! The coordinator actor: fold, decide, append, ring.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use playhouse_journal::{Event, JournalRead, Kind, NewRecord, PendingCommand, ReadError, Record, RecordKey};
use playhouse_messages::{Address, Clock, CoordinatorMsg, JournalError, Mail, RunJournal};
use playhouse_runtime::Restarted;
use playhouse_types::{AgentName, Incarnation, Label, Lane, ModelName, OutcomeKind, RunOutcome, Seq, TurnId};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Acceptance, CheckArguments, Consequences, CoordinatorState, Decision, Escalation, Measure, ResultFn,
    conclusion,
};

/// How often the coordinator looks for commands and rings open turns again, should a doorbell have been lost.
const TICK: Duration = Duration::from_secs(1);

/// How many records are read at a time.
const PAGE: usize = 1000;

/// What the coordinator can do to the rest of its run.
pub trait CrewLinks: Send + Sync {
    /// Rings the speaker of an open turn, starting it if it is not running.
    fn take_turn(&self, speaker: &AgentName, turn: TurnId);

    /// Cancels the calls of all open turns and tells their speakers.
    fn cancel_turns(&self, speakers: &[AgentName]);

    /// Reads the run's inbox and hands what waits there to the coordinator.
    fn read_inbox(&self);

    /// Lets an agent that was given up start again, for its open turn or its next one.
    fn revive(&self, agent: &AgentName);

    /// Lets an agent, or all of them, ask another model from its next start on, which comes at once.
    fn replace_model(&self, agent: Option<&AgentName>, model: &ModelName);

    /// Tells whether somebody is there who answers reviews: then the run waits instead of coming to rest.
    fn is_attended(&self) -> bool;
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
    /// The state of its crew as of the base of the log.
    pub state: CoordinatorState,
    /// Where the records before the base are read, which the result needs.
    pub history: Arc<dyn JournalRead>,
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
    /// How arguments that a person has edited are checked.
    pub check: CheckArguments,
    /// Commands that were in the inbox before the run was taken up: looked at before anybody gets a turn.
    pub commands: Vec<PendingCommand>,
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
    /// Whether the speakers of open turns have to look at the log again.
    is_to_ring: bool,
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
        let (state, cursor) = (args.state.clone(), args.journal.log().base());
        let mut actor =
            CoordinatorActor { args, state, cursor, is_interrupted: false, is_to_ring: false, timer: None };
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
        if let CoordinatorMsg::Ping { reply } = mail.message {
            // A supervisor that does not wait any more has its reason.
            let _ = reply.send(());
            return Ok(());
        }
        let mut commands = std::mem::take(&mut actor.args.commands);
        match mail.message {
            CoordinatorMsg::Changed => {}
            CoordinatorMsg::Tick => {
                actor.args.links.read_inbox();
                actor.is_to_ring = true;
            }
            CoordinatorMsg::Commands { commands: read } => commands.extend(read),
            CoordinatorMsg::Interrupt => actor.is_interrupted = true,
            // Answered above.
            CoordinatorMsg::Ping { .. } => {}
        }
        match actor.take_and_advance(commands).await {
            Ok(()) => Ok(()),
            Err(Failure::Journal(error)) => actor.give_up(error),
            Err(Failure::Read(error)) => Err(error.into()),
        }
    }
}

impl CoordinatorActor {
    /// Takes in all records since the last look.
    fn fold(&mut self) {
        let log = Arc::clone(self.args.journal.log());
        for record in log.after(self.cursor) {
            // Who called a colleague goes on once that one's turn has ended.
            let caller = self.state.caller_of(record);
            self.state.apply(record);
            self.cursor = record.seq;
            if let Some((turn, caller)) = caller {
                self.args.links.take_turn(&caller, turn);
            }
        }
    }

    async fn announce_restart(&self) -> Result<(), JournalError> {
        let (lane, incarnation, checkpoint) = (Lane::run(), self.args.incarnation, self.cursor);
        let restarted = Restarted { lane, place: 0, incarnation, checkpoint };
        let record = restarted.record(self.args.journal.log(), self.args.clock.now());
        self.args.journal.append(vec![record]).await?;
        Ok(())
    }

    async fn take_and_advance(&mut self, commands: Vec<PendingCommand>) -> Result<(), Failure> {
        for command in commands {
            self.take(command).await?;
        }
        self.advance().await?;
        if std::mem::take(&mut self.is_to_ring) {
            self.ring_open_turns();
        }
        Ok(())
    }

    /// Puts a command and what it comes to on record, in one commit that also takes it out of the inbox.
    async fn take(&mut self, command: PendingCommand) -> Result<(), JournalError> {
        self.fold();
        let at = Acceptance { epoch: self.args.epoch, now: self.args.clock.now() };
        let consequences = self.state.accept(command, &self.args.check, at);
        let replaced = consequences.iter().find_map(|(_, event)| match event {
            Event::ModelReplaced { model, .. } => Some(model.clone()),
            _ => None,
        });
        self.commit(consequences).await?;
        if let Some(model) = replaced {
            self.args.links.replace_model(None, &model);
        }
        self.is_to_ring = true;
        Ok(())
    }

    async fn commit(&mut self, consequences: Consequences) -> Result<(), JournalError> {
        let records = consequences.into_iter().map(|(key, event)| self.record(key, event)).collect();
        self.args.journal.commit(records).await?;
        self.fold();
        Ok(())
    }

    /// Decides and acts until there is nothing to do but wait.
    async fn advance(&mut self) -> Result<(), Failure> {
        loop {
            self.fold();
            if let Some(why) = self.args.journal.log().torn() {
                return Err(why.into());
            }
            match self.state.decide(self.args.journal.log().threads(), self.args.clock.now()) {
                Decision::Wait => return Ok(()),
                Decision::Ended => return Ok(self.come_to_rest().await?),
                Decision::CancelTurns => {
                    let speakers: Vec<AgentName> = self.state.open().values().cloned().collect();
                    self.args.links.cancel_turns(&speakers);
                    return Ok(());
                }
                Decision::Assign(_) if self.is_interrupted => return Ok(()),
                Decision::Assign(turns) => self.assign(turns).await?,
                said @ (Decision::Say { .. }
                | Decision::Post(_)
                | Decision::Decline { .. }
                | Decision::EndCrew { .. }) => {
                    self.append(self.records_of(&said)).await?;
                }
                Decision::Take(measure) => self.take_measure(measure).await?,
                decision @ Decision::Expire(_) => self.expire(&decision).await?,
                Decision::Quarantine(reason) => return Ok(self.quarantine(reason).await?),
                // Somebody is looking: an answer comes through the inbox.
                Decision::Suspend(_) if self.args.links.is_attended() && !self.state.reviews().is_empty() => {
                    return Ok(());
                }
                Decision::Suspend(reason) => return Ok(self.suspend(reason).await?),
                Decision::Conclude(outcome) => return self.conclude(outcome).await,
            }
        }
    }

    async fn assign(&mut self, turns: Vec<(TurnId, crate::Assignment)>) -> Result<(), JournalError> {
        let speakers: Vec<_> = turns.iter().map(|(turn, to)| (*turn, to.speaker.clone())).collect();
        self.append(self.records_of(&Decision::Assign(turns))).await?;
        for (turn, speaker) in speakers {
            self.args.links.take_turn(&speaker, turn);
        }
        Ok(())
    }

    /// Puts something on record that rides along with the next commit.
    async fn append(&self, consequences: Consequences) -> Result<(), JournalError> {
        let records = consequences.into_iter().map(|(key, event)| self.record(key, event)).collect();
        self.args.journal.append(records).await?;
        Ok(())
    }

    /// Returns what a decision of this moment puts on record.
    fn records_of(&self, decision: &Decision) -> Consequences {
        self.state.records_of(decision, self.args.journal.log().threads(), self.args.epoch)
    }

    /// Rings the open turns again: a doorbell that was lost must not stop a run.
    fn ring_open_turns(&self) {
        if !self.is_interrupted {
            self.state.open().iter().for_each(|(turn, speaker)| self.args.links.take_turn(speaker, *turn));
        }
    }

    /// Does something about an agent that cannot go on.
    async fn take_measure(&mut self, measure: Measure) -> Result<(), JournalError> {
        let Measure { agent, escalation, is_crash, .. } = measure.clone();
        self.commit(self.records_of(&Decision::Take(measure))).await?;
        match escalation {
            Escalation::ReplaceModel(model) => {
                self.args.links.replace_model(Some(&agent), &model);
                self.is_to_ring = true;
            }
            Escalation::DropAgent => {}
            // An agent whose model failed is well itself.
            Escalation::SkipTurn if is_crash => self.args.links.revive(&agent),
            // The last two end the run, so they never come here as a measure.
            Escalation::SkipTurn | Escalation::Quarantine | Escalation::Fail => {}
        }
        Ok(())
    }

    async fn expire(&mut self, decision: &Decision) -> Result<(), JournalError> {
        self.commit(self.records_of(decision)).await?;
        self.is_to_ring = true;
        Ok(())
    }

    /// Sets the run aside: a person says what becomes of it.
    async fn quarantine(&mut self, reason: String) -> Result<(), JournalError> {
        self.commit(self.records_of(&Decision::Quarantine(reason.clone()))).await?;
        self.rest(RunRest::Concluded(RunOutcome { kind: OutcomeKind::Quarantined, detail: reason }));
        Ok(())
    }

    async fn suspend(&mut self, reason: String) -> Result<(), JournalError> {
        self.commit(self.records_of(&Decision::Suspend(reason.clone()))).await?;
        self.rest(RunRest::Suspended(reason));
        Ok(())
    }

    async fn conclude(&self, outcome: RunOutcome) -> Result<(), Failure> {
        let log = self.args.journal.log();
        let mut records = self.history().await?;
        records.extend(log.after(Seq(0)).cloned());
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

    /// Reads the records up to the base of the log.
    async fn history(&self) -> Result<Vec<Arc<Record>>, ReadError> {
        let log = self.args.journal.log();
        let (base, mut read) = (log.base(), Seq(0));
        let mut records = Vec::new();
        while read < base {
            let n_missing = usize::try_from(base.0 - read.0).unwrap_or(PAGE);
            let page = self.args.history.records(log.run(), read, n_missing.min(PAGE)).await?;
            read = page.last().map_or(base, |last| last.seq);
            records.extend(page.into_iter().map(Arc::new));
        }
        Ok(records)
    }

    /// Says how the run has ended: an earlier incarnation, or whoever gave up an actor, put it on record.
    async fn come_to_rest(&self) -> Result<(), JournalError> {
        let log = self.args.journal.log();
        let mut records = log.after(Seq(0)).rev();
        let end = records.find_map(|record| match &record.event {
            Event::RunConcluded { outcome, .. } => Some((record.seq, outcome.clone())),
            _ => None,
        });
        if let Some((seq, outcome)) = end {
            log.wait_durable(seq).await?;
            self.rest(RunRest::Concluded(outcome));
        } else if let Some(reason) = self.state.quarantined() {
            log.wait_durable(log.head()).await?;
            let (kind, detail) = (OutcomeKind::Quarantined, reason.to_owned());
            self.rest(RunRest::Concluded(RunOutcome { kind, detail }));
        }
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

/// What keeps a coordinator from going on.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Its records are refused.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The history of the run cannot be read; safe to retry, which the next start does.
    #[error(transparent)]
    Read(#[from] ReadError),
}
