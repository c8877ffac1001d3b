//! The agent actor: fold, decide, append, start calls.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use playhouse_journal::{Event, Kind, ModelIntent, NewRecord, Record, RecordKey, ToolIntent};
use playhouse_messages::{
    Address, AgentMsg, Clock, CoordinatorMsg, EventBus, FrameSink, JournalError, Mail, Model, ModelCall,
    RequestHeader, RunJournal,
};
use playhouse_review::ReviewPolicy;
use playhouse_runtime::{CallTable, Restarted};
use playhouse_types::{
    AgentName, CallId, Envelope, Incarnation, Label, Lane, Message, Participant, Seq, Step, TurnId,
    TurnOutcome,
};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio_util::sync::CancellationToken;

use crate::calls::{ToolCall, call_model, call_tool, reply_key};
use crate::gate::CallGate;
use crate::intents::{OfferedTools, result_key};
use crate::{
    AgentDecision, AgentDefinition, AgentState, Ending, RunContext, ending, model_request, offered_names,
};

/// Until when after its intent a call may be sent: longer than any sane wait for a tool's limits, short enough that a
/// recovered `reconcile` call need not wait long.
pub(crate) const DISPATCH_WITHIN: Duration = Duration::from_secs(30);

/// What an agent needs. Cheap to clone: call tasks take a copy.
#[derive(Clone)]
pub struct AgentArgs {
    /// What it is.
    pub definition: Arc<AgentDefinition>,
    /// Its place in the crew, from 1: names its `ActorRestarted` records.
    pub place: u32,
    /// Which start this is.
    pub incarnation: Incarnation,
    /// The run.
    pub run: Arc<RunContext>,
    /// Its state as of the base of the log.
    pub state: Arc<AgentState>,
    /// Where its records go.
    pub journal: RunJournal,
    /// Whom it asks.
    pub model: Arc<dyn Model>,
    /// Instructions and tools.
    pub header: Arc<RequestHeader>,
    /// BLAKE3 of the header.
    pub header_hash: [u8; 32],
    /// The tools of the scenario; the agent may call those that its definition lists.
    pub tools: Arc<playhouse_tools::ToolRegistry>,
    /// Which calls a person is asked about.
    pub policy: ReviewPolicy,
    /// Where calls run.
    pub calls: CallTable,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where pieces of replies are shown.
    pub bus: Arc<dyn EventBus>,
    /// Its own address, for rings.
    pub address: Address<AgentMsg>,
    /// Whom it tells that a turn ended.
    pub coordinator: Address<CoordinatorMsg>,
}

impl fmt::Debug for AgentArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentArgs").field("agent", &self.definition.name).finish_non_exhaustive()
    }
}

/// One participant of one run.
#[derive(Debug, Default)]
pub struct Agent;

/// What a running agent holds: nothing that the log does not.
pub struct AgentActor {
    args: AgentArgs,
    state: AgentState,
    cursor: Seq,
    is_interrupted: bool,
    is_cancelled: bool,
}

impl Actor for Agent {
    type Msg = Mail<AgentMsg>;
    type State = AgentActor;
    type Arguments = AgentArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        args: AgentArgs,
    ) -> Result<AgentActor, ActorProcessingErr> {
        let (state, cursor) = (AgentState::clone(&args.state), args.journal.log().base());
        let mut actor = AgentActor { args, state, cursor, is_interrupted: false, is_cancelled: false };
        actor.fold();
        // Before anything can ring: a call may end before our supervisor has seen us start.
        actor.args.address.slot().set(Some(myself.clone()));
        if actor.args.incarnation > Incarnation(1) {
            actor.announce_restart().await?;
            // The life before may have ended its turn without telling.
            actor.tell_coordinator();
        }
        // An open turn goes on without anybody's doorbell.
        myself.send_message(Mail::to_self(AgentMsg::CallEnded))?;
        Ok(actor)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        mail: Self::Msg,
        actor: &mut AgentActor,
    ) -> Result<(), ActorProcessingErr> {
        match mail.message {
            AgentMsg::TakeTurn { .. } | AgentMsg::CallEnded => {}
            AgentMsg::Interrupt => actor.is_interrupted = true,
            AgentMsg::Cancel => actor.is_cancelled = true,
            AgentMsg::Ping { reply } => {
                // A supervisor that does not wait any more has its reason.
                let _ = reply.send(());
                return Ok(());
            }
        }
        match actor.advance().await {
            // The coordinator sees the same refusal and ends our part in the run.
            Err(JournalError::Fenced { .. } | JournalError::StoreFailed) => Ok(()),
            outcome => Ok(outcome?),
        }
    }
}

impl AgentActor {
    /// Takes in the records since the last look; stops before a result of this lane that is not durable yet.
    fn fold(&mut self) {
        let log = Arc::clone(self.args.journal.log());
        let (durable, head) = (log.durable(), log.head());
        let lane = Lane::from(&self.args.definition.name);
        for record in log.concerning(&lane, self.cursor, head) {
            if record.lane == lane && record.key.kind.is_result() && record.seq > durable {
                self.cursor = self.cursor.max(Seq(record.seq.0 - 1));
                return;
            }
            self.state.apply(record);
        }
        self.cursor = self.cursor.max(head);
    }

    async fn announce_restart(&self) -> Result<(), JournalError> {
        let restarted = Restarted {
            lane: Lane::from(&self.args.definition.name),
            place: self.args.place,
            incarnation: self.args.incarnation,
            checkpoint: self.cursor,
        };
        let record = restarted.record(self.args.journal.log(), self.args.clock.now());
        self.args.journal.append(vec![record]).await?;
        Ok(())
    }

    /// Decides and acts until there is nothing to do but wait.
    async fn advance(&mut self) -> Result<(), JournalError> {
        loop {
            self.fold();
            if self.args.journal.log().torn().is_some() {
                // The run's keeper sees it, too, and stops us; a call started again now would end at once, for ever.
                return Ok(());
            }
            let Some((turn, upto)) = self.state.open_turn() else {
                self.is_cancelled = false;
                return Ok(());
            };
            let decision = self.state.decide();
            if self.is_cancelling() && !self.has_open_calls(turn, &decision) {
                self.end(turn, None, TurnOutcome::Cancelled).await?;
                continue;
            }
            match decision {
                AgentDecision::Idle | AgentDecision::AwaitColleagues => return Ok(()),
                AgentDecision::Stuck => {
                    self.tell_coordinator();
                    return Ok(());
                }
                AgentDecision::Post { .. } | AgentDecision::HandOff { .. } | AgentDecision::End { .. } => {
                    self.finish(turn, &decision).await?;
                }
                AgentDecision::Ask { .. } | AgentDecision::Prepare { .. } if self.is_interrupted => {
                    return Ok(());
                }
                AgentDecision::Ask { step, attempt } => return self.ask(turn, upto, step, attempt).await,
                AgentDecision::AwaitModel { step, next_attempt } => {
                    let is_lost = self.is_lost(reply_key(turn, step));
                    if !is_lost || self.is_interrupted {
                        return Ok(());
                    }
                    return self.ask(turn, upto, step, next_attempt).await;
                }
                AgentDecision::Prepare { step, ordinals } => self.prepare(turn, step, &ordinals).await?,
                AgentDecision::AwaitCalls { .. } if self.is_interrupted => return Ok(()),
                AgentDecision::AwaitCalls { intents } => {
                    self.recover(intents);
                    return Ok(());
                }
            }
        }
    }

    /// Tells whether the open turn is to end: told by message, or noted for all before this actor had started.
    fn is_cancelling(&self) -> bool {
        self.is_cancelled || self.args.run.is_cancelling.load(Ordering::Acquire)
    }

    /// Tells whether calls of the turn have no end on record yet: a model call in flight, or any tool call with an
    /// intent, as every intent gets an end. Those that nobody works on get it here, without being sent.
    fn has_open_calls(&self, turn: TurnId, decision: &AgentDecision) -> bool {
        if let AgentDecision::AwaitModel { step, .. } = decision {
            return !self.is_lost(reply_key(turn, *step));
        }
        let intents = self.state.open_intents();
        let has_any = !intents.is_empty();
        self.recover(intents);
        has_any
    }

    /// Tells whether a call has neither a live task nor an end on record. The order of the two looks matters: a task
    /// records its end before it gives up its place.
    fn is_lost(&self, key: RecordKey) -> bool {
        let log = self.args.journal.log();
        !self.args.calls.is_live(self.args.run.run, key)
            && !log.after(self.cursor).any(|record| record.key == key)
    }

    async fn ask(&mut self, turn: TurnId, upto: u32, step: Step, attempt: u32) -> Result<(), JournalError> {
        let header = (Arc::clone(&self.args.header), self.args.header_hash);
        let threads = self.args.journal.log().threads();
        let request = model_request(&self.args.definition, &self.state, header, threads, (turn, upto, step));
        let model = self.args.header.model.clone();
        let event = Event::ModelIntent(ModelIntent { model, request_hash: request.hash(), attempt });
        let key = RecordKey::new(turn, step, attempt, Kind::ModelIntent);
        // Starts a commit and is not waited for: losing it costs money at most, never correctness.
        self.args.journal.append(vec![self.record(key, event)]).await?;
        self.fold();
        let args = self.args.clone();
        let make = |cancel| {
            let (frames, envelope, seed) = (frames(&args, turn, step), envelope(&args), args.run.seed);
            call_model(args, ModelCall { request, seed, envelope, cancel, frames })
        };
        self.args.calls.start(self.args.run.run, reply_key(turn, step), make, self.ring());
        Ok(())
    }

    /// Puts on record what the tool calls of the last reply lead to: intents, which are started; questions to a person;
    /// refusals.
    async fn prepare(&mut self, turn: TurnId, step: Step, ordinals: &[u32]) -> Result<(), JournalError> {
        let now = self.args.clock.now();
        let offered = self.offered();
        let gate = CallGate {
            agent: &self.args.definition,
            offered: &offered,
            policy: &self.args.policy,
            effects: self.args.run.effects,
            place: self.args.run.key_place(),
            now,
            dispatch_by: now.plus(DISPATCH_WITHIN),
        };
        let records: Vec<NewRecord> = ordinals
            .iter()
            .filter_map(|ordinal| {
                let call = CallId { turn, step, ordinal: *ordinal };
                let event = gate.prepare_call(&self.state, call)?;
                let key = match &event {
                    Event::ReviewOpened { review, .. } => RecordKey::of_review(Kind::ReviewOpened, *review),
                    event => RecordKey::new(turn, step, *ordinal, event.kind()),
                };
                Some(self.record(key, event))
            })
            .collect();
        let records = self.args.journal.append(records).await?;
        let last = records.iter().map(|record| record.seq).max().unwrap_or_default();
        for record in &records {
            if let Event::ToolIntent(intent) = &record.event {
                self.start_call(intent, record.seq, false);
            }
        }
        // What ends a call is a result, and a result is used only once it is durable.
        if records.iter().any(|record| record.key.kind.is_result()) {
            self.args.journal.log().wait_durable(last).await?;
        }
        Ok(())
    }

    /// Starts again the open calls of an earlier life; those in flight go on.
    fn recover(&self, intents: Vec<ToolIntent>) {
        for intent in intents {
            if self.is_lost(result_key(intent.call)) {
                let log = self.args.journal.log();
                // Newest first: it belongs to the open turn.
                let mut records = log.after(Seq(0)).rev();
                let seq = records.find(|record| is_intent(record, intent.call)).map(|record| record.seq);
                self.start_call(&intent, seq.unwrap_or_default(), true);
            }
        }
    }

    fn start_call(&self, intent: &ToolIntent, seq: Seq, is_recovering: bool) {
        let key = result_key(intent.call);
        // What this process began itself, no earlier owner can have sent.
        let is_inherited = is_recovering
            && self.args.journal.log().get(seq).is_none_or(|record| record.epoch < self.args.run.epoch);
        let sent_by = match self.args.run.owner_gone_at.filter(|_| is_inherited) {
            Some(gone_at) => intent.dispatch_by.min(gone_at),
            None => intent.dispatch_by,
        };
        let args = self.args.clone();
        // What is on record was allowed, whatever its turn is told.
        let (names, registry) = (self.args.definition.tools.clone(), Arc::clone(&self.args.tools));
        let Some(tool) = (OfferedTools { names, registry }).get(intent.tool.as_str()).cloned() else {
            self.refuse_unknown(intent);
            return;
        };
        let call = ToolCall { intent: intent.clone(), seq, tool, is_recovering, sent_by };
        let is_cancelling = self.is_cancelling();
        let make = |cancel: CancellationToken| {
            if is_cancelling {
                cancel.cancel();
            }
            call_tool(args, call, cancel)
        };
        self.args.calls.start(self.args.run.run, key, make, self.ring());
    }

    /// Returns the ring of a call that has ended: a full or dead mailbox is harmless, as the coordinator rings again.
    fn ring(&self) -> impl FnOnce() + Send + 'static {
        let address = self.args.address.clone();
        move || {
            let _ = address.send(AgentMsg::CallEnded);
        }
    }

    /// An open intent whose tool is gone is never resolved silently: it is in doubt.
    fn refuse_unknown(&self, intent: &ToolIntent) {
        let (args, call) = (self.args.clone(), intent.call);
        let detail = format!("agent `{}` has no tool `{}` any more", args.definition.name, intent.tool);
        let key = RecordKey { kind: Kind::ToolInDoubt, ..result_key(call) };
        let record = self.record(key, Event::ToolInDoubt { call, detail });
        let make = |_| async move {
            // If the journal refuses, the next owner of the run finds the intent open again.
            let _ = args.journal.commit(vec![record]).await;
        };
        self.args.calls.start(self.args.run.run, result_key(call), make, self.ring());
    }

    /// Returns the tools that may be called in the open turn.
    fn offered(&self) -> OfferedTools {
        let names = offered_names(&self.args.definition, self.state.brief().map(AsRef::as_ref));
        OfferedTools { names, registry: Arc::clone(&self.args.tools) }
    }

    /// Ends the turn, or asks the model again if its reply does not fit.
    async fn finish(&mut self, turn: TurnId, decision: &AgentDecision) -> Result<(), JournalError> {
        match (ending(&self.args.definition, &self.state, decision), decision) {
            (Some(Ending::Turn { content, outcome }), _) => self.end(turn, content, outcome).await,
            (Some(Ending::Rejected { feedback }), AgentDecision::Post { step, .. }) => {
                let key = RecordKey::new(turn, *step, 0, Kind::ReplyRejected);
                let record = self.record(key, Event::ReplyRejected { feedback });
                self.args.journal.append(vec![record]).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Ends the turn, with a message if there is one, and tells the coordinator.
    async fn end(
        &mut self,
        turn: TurnId,
        content: Option<String>,
        outcome: TurnOutcome,
    ) -> Result<(), JournalError> {
        let mut records = Vec::with_capacity(2);
        if let Some(content) = content {
            let from = Participant::Agent(self.args.definition.name.clone());
            let message = Message { turn, from, content, label: Label::default() };
            let key = RecordKey::new(turn, Step(0), 0, Kind::MessagePosted);
            records.push(self.record(key, Event::MessagePosted { message }));
        }
        let key = RecordKey::new(turn, Step(0), 0, Kind::TurnEnded);
        records.push(self.record(key, Event::TurnEnded { turn, outcome }));
        self.args.journal.append(records).await?;
        self.tell_coordinator();
        Ok(())
    }

    fn tell_coordinator(&self) {
        // A full mailbox holds a ring already; a dead coordinator folds when it starts again.
        let _ = self.args.coordinator.send(CoordinatorMsg::Changed);
    }

    fn record(&self, key: RecordKey, event: Event) -> NewRecord {
        NewRecord {
            lane: Lane::from(&self.args.definition.name),
            incarnation: self.args.incarnation,
            key,
            causation: (self.cursor > Seq(0)).then_some(self.cursor),
            label: Label::default(),
            event,
        }
    }
}

fn is_intent(record: &Record, call: CallId) -> bool {
    matches!(&record.event, Event::ToolIntent(intent) if intent.call == call)
}

fn frames(args: &AgentArgs, turn: TurnId, step: Step) -> FrameSink {
    let speaker: AgentName = args.definition.name.clone();
    FrameSink { bus: Arc::clone(&args.bus), run: args.run.run, turn, step, speaker }
}

fn envelope(args: &AgentArgs) -> Envelope {
    let lane = Lane::from(&args.definition.name);
    Envelope {
        sender: lane.clone(),
        receiver: lane,
        incarnation: args.incarnation,
        tenant: args.run.tenant.clone(),
        label: Label::default(),
        causation: None,
        trace: args.run.trace,
        deadline: None,
    }
}
