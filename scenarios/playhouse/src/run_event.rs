//! What happens in a run, for a program that watches it.

mod of_bus;

use playhouse_journal::{Command, CommandId, ExitKind};
use playhouse_types::{
    AgentName, Brief, CallId, CaseName, Effect, Incarnation, Lane, Message, ModelFailure, ModelName,
    ModelReply, ReviewId, ReviewRequest, RunId, RunOutcome, ScenarioName, Seq, Step, Timestamp, ToolFailure,
    ToolName, TurnId, TurnOutcome, Usage, Verdict,
};
use serde::{Deserialize, Serialize};

/// One event with its place. Its JSON form is stable: the fields of the event stand beside those of the place.
///
/// ```json
/// {"run":"..","seq":3,"time":1800000000000000,"event":"turn_started","turn":1,"speaker":"clerk","reason":"..","n_messages":1}
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunUpdate {
    /// The run.
    pub run: RunId,
    /// The place of its record in the journal, from 1; `None` for what is on no record: `Token`, `Retracted`, `Lagged`.
    pub seq: Option<Seq>,
    /// When that was recorded, in microseconds since the Unix epoch, UTC; `None` as for `seq`.
    pub time: Option<Timestamp>,
    /// What happened.
    #[serde(flatten)]
    pub event: RunEvent,
}

/// One thing that happened in a run. More kinds may follow.
///
/// All but `Token`, `Retracted` and `Lagged` stand for one durable record each, in the order of the journal. `actor` is
/// an agent's name, or `run` for the coordinator. Durations are in microseconds of wall time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunEvent {
    /// The run began.
    Started {
        /// The scenario.
        scenario: ScenarioName,
        /// The case of the batch, if it is part of one.
        case: Option<CaseName>,
        /// The batch it belongs to.
        parent: Option<RunId>,
        /// The seed of all draws.
        seed: u64,
        /// The agents in the order of their declaration.
        agents: Vec<AgentName>,
    },
    /// The batch began; each case is a run of its own.
    BatchStarted {
        /// The scenario.
        scenario: ScenarioName,
        /// The cases in order.
        cases: Vec<CaseName>,
    },
    /// The events before this one are those of another run.
    Forked {
        /// The run that it shares its beginning with.
        from: RunId,
        /// The last record that both share.
        at: Seq,
        /// The model that all agents ask from here on, if it was chosen anew.
        model: Option<ModelName>,
        /// The seed of all draws from here on.
        seed: u64,
        /// Whether tools that change anything outside may run.
        effects: bool,
    },
    /// The run goes on after it has rested.
    Resumed {
        /// How often it was taken up, the beginning included.
        epoch: u64,
        /// Whether the process before ended cleanly.
        clean: bool,
    },
    /// The scenario is not the one that the run was worked on with before.
    DefinitionChanged,
    /// An agent was selected and has the floor.
    TurnStarted {
        /// The turn, from 1.
        turn: TurnId,
        /// Who was selected.
        speaker: AgentName,
        /// Why, in the pattern's words.
        reason: String,
        /// How many messages of the conversation the speaker sees.
        n_messages: u32,
    },
    /// What the speaker of the next turn is asked, and in which conversation of the run; a turn without it is in the main
    /// one and goes on with that.
    Briefed {
        /// The turn, or that of the next message.
        turn: TurnId,
        /// What it is asked.
        brief: Brief,
    },
    /// An agent's go ended.
    TurnEnded {
        /// The turn.
        turn: TurnId,
        /// How.
        outcome: TurnOutcome,
    },
    /// A participant said something.
    MessagePosted {
        /// What; its turn is 0 for a message from outside.
        message: Message,
    },
    /// A model is asked.
    ModelAsked {
        /// The turn.
        turn: TurnId,
        /// The step in the turn, from 1.
        step: Step,
        /// Who asks.
        actor: Lane,
        /// The model.
        model: ModelName,
        /// Which asking of this step it is, from 0; above 0 only after a crash lost a reply.
        attempt: u32,
    },
    /// A piece of a reply that is still being written. Provisional: `ModelReplied` brings the whole reply, `Retracted`
    /// takes it back. It may come before the events of its turn.
    Token {
        /// The turn.
        turn: TurnId,
        /// The step.
        step: Step,
        /// Who speaks.
        actor: Lane,
        /// Which request to the endpoint, from 1.
        attempt: u32,
        /// Where the piece begins in the reply, in bytes.
        offset: u64,
        /// The piece.
        text: String,
    },
    /// What an attempt has shown is void.
    Retracted {
        /// The turn.
        turn: TurnId,
        /// The step.
        step: Step,
        /// Who spoke.
        actor: Lane,
        /// The attempt that failed.
        attempt: u32,
        /// Why, for a person.
        reason: String,
        /// How long until the next attempt; `None` if there is none.
        retry_in_micros: Option<u64>,
    },
    /// A model replied: with text, tool calls or both.
    ModelReplied {
        /// The turn.
        turn: TurnId,
        /// The step.
        step: Step,
        /// Who asked.
        actor: Lane,
        /// The whole reply with what it used, in tokens and micro-dollars.
        reply: ModelReply,
        /// How often the endpoint was asked.
        attempts: u32,
        /// How long it took.
        duration_micros: u64,
        /// What the run has used so far, in tokens, calls and micro-dollars, this reply included.
        usage: Usage,
    },
    /// A model call failed for good.
    ModelFailed {
        /// The turn.
        turn: TurnId,
        /// The step.
        step: Step,
        /// Who asked.
        actor: Lane,
        /// How.
        failure: ModelFailure,
        /// How long it took.
        duration_micros: u64,
    },
    /// A tool is called.
    ToolCalled {
        /// Who calls.
        actor: Lane,
        /// The call.
        call: CallId,
        /// The tool.
        tool: ToolName,
        /// The canonical arguments as JSON text.
        arguments: String,
        /// The effect that the tool declared.
        effect: Effect,
    },
    /// A reply did not fit what was asked for: its model is asked again.
    ReplyRejected {
        /// The turn.
        turn: TurnId,
        /// The step in the turn.
        step: Step,
        /// Whose model.
        actor: Lane,
        /// What was wrong, in words for the model.
        feedback: String,
    },
    /// A call that was not made in time is made now, under the same id.
    ToolCalledAgain {
        /// Whose call.
        actor: Lane,
        /// The call.
        call: CallId,
    },
    /// An agent calls a colleague as a tool; the colleague's turn follows.
    Consulted {
        /// Whose call.
        actor: Lane,
        /// The call.
        call: CallId,
        /// The colleague: an agent or a crew.
        whom: AgentName,
        /// What it is to do.
        task: String,
    },
    /// A tool answered.
    ToolAnswered {
        /// Who called.
        actor: Lane,
        /// The call.
        call: CallId,
        /// What it answered, at most as long as the tool's output limit.
        output: String,
        /// The length of the whole answer in bytes, if it was cut.
        full_bytes: Option<u64>,
        /// Whether the answer came from the probe or an earlier call instead of a run.
        recovered: bool,
        /// How long it took.
        duration_micros: u64,
    },
    /// A tool call failed without effect.
    ToolFailed {
        /// Who called.
        actor: Lane,
        /// The call.
        call: CallId,
        /// How.
        failure: ToolFailure,
    },
    /// A tool call was refused by policy.
    ToolDenied {
        /// Who called.
        actor: Lane,
        /// The call.
        call: CallId,
        /// Why.
        reason: String,
    },
    /// Nobody knows whether a tool call had its effect: a person is asked.
    ToolInDoubt {
        /// Who called.
        actor: Lane,
        /// The call.
        call: CallId,
        /// Why nobody knows.
        detail: String,
    },
    /// A person is asked.
    ReviewOpened {
        /// Its id, by which it is answered.
        review: ReviewId,
        /// What.
        request: ReviewRequest,
    },
    /// A review was answered: the first valid answer.
    ReviewDecided {
        /// Which review.
        review: ReviewId,
        /// The answer.
        verdict: Verdict,
        /// Who gave it.
        by: String,
    },
    /// A command from outside was taken.
    CommandAccepted {
        /// Its id.
        id: CommandId,
        /// What was asked.
        command: Command,
    },
    /// A command from outside was refused.
    CommandRefused {
        /// Its id.
        id: CommandId,
        /// Why.
        reason: String,
    },
    /// An actor ended abnormally.
    ActorFailed {
        /// Which.
        actor: Lane,
        /// Which start of it, from 1.
        incarnation: Incarnation,
        /// How.
        exit: ExitKind,
        /// Why, for a person.
        reason: String,
    },
    /// An actor started again and goes on.
    ActorRestarted {
        /// Which.
        actor: Lane,
        /// Which start it is.
        incarnation: Incarnation,
        /// The last record that its state includes.
        checkpoint: Seq,
        /// How long it was gone.
        down_micros: u64,
    },
    /// An actor failed too often and is not started again by itself.
    ActorGivenUp {
        /// Which.
        actor: Lane,
        /// Its last start.
        incarnation: Incarnation,
        /// Why.
        reason: String,
    },
    /// An agent takes no further part.
    AgentDropped {
        /// Which.
        agent: AgentName,
        /// Why.
        reason: String,
    },
    /// An agent asks another model from now on.
    ModelReplaced {
        /// Which; `None` for all.
        agent: Option<AgentName>,
        /// The model.
        model: ModelName,
        /// Why.
        reason: String,
    },
    /// The run rests until a person acts.
    Suspended {
        /// What it waits for.
        reason: String,
    },
    /// A person ended the run.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// The run was set aside until a person decides.
    Quarantined {
        /// Why.
        reason: String,
    },
    /// The run ended.
    Concluded {
        /// How.
        outcome: RunOutcome,
        /// The result as JSON text, if there is one.
        result: Option<String>,
        /// What it used, in tokens, calls and micro-dollars.
        usage: Usage,
    },
    /// The watcher was too slow: so many things that happened in this process, in this run or others, were not shown
    /// as they happened. What is on record of this run follows, in its order; `Token` and `Retracted` are lost.
    Lagged {
        /// How many.
        n_missed: u64,
    },
}

#[cfg(test)]
mod tests;
