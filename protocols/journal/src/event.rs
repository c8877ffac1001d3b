//! The facts a journal holds. The order of variants and fields is the stored form: see the crate doc before editing.

use playhouse_types::{
    AgentName, Brief, CallId, CaseName, Effect, EffectKeys, Incarnation, Lane, Message, ModelFailure,
    ModelName, ModelReply, ReviewId, ReviewRequest, RunId, RunOutcome, ScenarioName, Seq, Timestamp,
    ToolFailure, ToolName, TraceContext, TurnId, TurnOutcome, Usage, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::{Command, CommandId, Kind};

/// How a run began: everything its resumption needs besides the scenario's code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AdmittedRun {
    /// The scenario.
    pub scenario: ScenarioName,
    /// The case of the batch, if it is part of one.
    pub case: Option<CaseName>,
    /// The batch it belongs to.
    pub parent: Option<RunId>,
    /// The input as JSON text.
    pub input: String,
    /// The scenario's parameters as JSON text.
    pub parameters: String,
    /// The seed of all draws.
    pub seed: u64,
    /// The model given on the command line, if any.
    pub model: Option<ModelName>,
    /// The agents in the order of their declaration.
    pub agents: Vec<AgentName>,
    /// BLAKE3 of the definition's description: tells whether the scenario changed since.
    pub definition_hash: [u8; 32],
    /// The trace of the run.
    pub trace: TraceContext,
}

/// One case of a batch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BatchCase {
    /// Its name.
    pub case: CaseName,
    /// The run that settles it.
    pub run: RunId,
    /// BLAKE3 of its input's JSON text.
    pub input_hash: [u8; 32],
}

/// How a batch began; its cases are admitted in the same commit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AdmittedBatch {
    /// The scenario.
    pub scenario: ScenarioName,
    /// The scenario's parameters as JSON text.
    pub parameters: String,
    /// The absolute path of the input folder.
    pub input_path: String,
    /// The seed; each case draws with it under its own name.
    pub seed: u64,
    /// The model given on the command line, if any.
    pub model: Option<ModelName>,
    /// How many cases run at once.
    pub concurrency: u32,
    /// The cases in order.
    pub cases: Vec<BatchCase>,
}

/// A model is about to be asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ModelIntent {
    /// The model.
    pub model: ModelName,
    /// BLAKE3 of the request: header, transcript prefix and own exchanges.
    pub request_hash: [u8; 32],
    /// Which asking of this step it is, from 0; above 0 only after a crash lost a reply.
    pub attempt: u32,
}

/// What policy says about a tool call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// It may run.
    Allow,
    /// A person has to look first.
    Review,
    /// It may not run.
    Deny,
}

/// A tool is about to be called. What later work depends on is stored here and never recomputed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToolIntent {
    /// The call.
    pub call: CallId,
    /// The tool.
    pub tool: ToolName,
    /// The canonical arguments as JSON text.
    pub arguments: String,
    /// The effect that the tool declared.
    pub effect: Effect,
    /// The keys for the destination.
    pub keys: EffectKeys,
    /// The last moment at which the call may be sent.
    pub dispatch_by: Timestamp,
    /// What policy said.
    pub verdict: GateVerdict,
}

/// How an actor ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitKind {
    /// As asked.
    Normal,
    /// Killed from outside.
    Killed,
    /// By a panic or an error.
    Failed,
    /// It could not start.
    StartFailed,
}

/// A fact. Variants stand in the order of [`Kind`]; append, never reorder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Event {
    /// A run began.
    RunAdmitted(Box<AdmittedRun>),
    /// A batch began.
    BatchAdmitted(Box<AdmittedBatch>),
    /// An agent got the floor.
    TurnAssigned {
        /// The turn.
        turn: TurnId,
        /// Who speaks.
        speaker: AgentName,
        /// Why, in the pattern's words.
        reason: String,
        /// How many messages of the conversation the speaker sees.
        upto: u32,
    },
    /// An agent's go ended.
    TurnEnded {
        /// The turn.
        turn: TurnId,
        /// How.
        outcome: TurnOutcome,
    },
    /// A model is about to be asked.
    ModelIntent(ModelIntent),
    /// A model replied.
    ModelResult {
        /// What it said.
        reply: ModelReply,
        /// How often the endpoint was asked.
        attempts: u32,
        /// How long it took, in microseconds.
        duration_micros: u64,
    },
    /// A model call failed for good.
    ModelFailed {
        /// How.
        failure: ModelFailure,
        /// How long it took, in microseconds.
        duration_micros: u64,
    },
    /// A tool is about to be called.
    ToolIntent(ToolIntent),
    /// A tool answered.
    ToolResult {
        /// The call.
        call: CallId,
        /// What it answered, at most as long as the tool's output limit.
        output: String,
        /// The length of the whole answer in bytes, if it was cut.
        full_bytes: Option<u64>,
        /// Whether the answer came from the probe or an earlier call instead of a run.
        recovered: bool,
        /// How long it took, in microseconds.
        duration_micros: u64,
    },
    /// A tool call failed without effect.
    ToolFailed {
        /// The call.
        call: CallId,
        /// How.
        failure: ToolFailure,
    },
    /// A tool call was refused by policy.
    ToolDenied {
        /// The call.
        call: CallId,
        /// Why.
        reason: String,
    },
    /// Nobody knows whether a tool call had its effect.
    ToolInDoubt {
        /// The call.
        call: CallId,
        /// Why nobody knows.
        detail: String,
    },
    /// A participant said something.
    MessagePosted {
        /// What.
        message: Message,
    },
    /// A command from outside was taken.
    CommandAccepted {
        /// The command's id: taken once.
        id: CommandId,
        /// What was asked.
        command: Command,
    },
    /// An actor ended abnormally.
    ActorFailed {
        /// Whose lane.
        actor: Lane,
        /// Which start of it.
        incarnation: Incarnation,
        /// How it ended.
        exit: ExitKind,
        /// Why, for a person; bounded, never a prompt.
        reason: String,
    },
    /// An actor started again.
    ActorRestarted {
        /// Whose lane.
        actor: Lane,
        /// Which start it is.
        incarnation: Incarnation,
        /// The last record that its state includes.
        checkpoint: Seq,
        /// How long it was gone, in microseconds.
        down_micros: u64,
    },
    /// The run came to rest until a person acts.
    Suspended {
        /// What it waits for.
        reason: String,
    },
    /// The run goes on in another process.
    Resumed {
        /// The epoch of the new owner.
        epoch: u64,
        /// Whether the process before it ended cleanly.
        clean: bool,
    },
    /// A person ended the run.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// The run was set aside.
    Quarantined {
        /// Why.
        reason: String,
    },
    /// The run ended.
    RunConcluded {
        /// How.
        outcome: RunOutcome,
        /// The result as JSON text, if there is one.
        result: Option<String>,
        /// What it used.
        usage: Usage,
    },
    /// A command from outside was refused.
    CommandRefused {
        /// The command's id: looked at once.
        id: CommandId,
        /// Why, for whoever asked.
        reason: String,
    },
    /// A person is asked.
    ReviewOpened {
        /// About what.
        review: ReviewId,
        /// What.
        request: Box<ReviewRequest>,
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
    /// An actor failed too often and is not started again by itself.
    ActorGivenUp {
        /// Whose lane.
        actor: Lane,
        /// Its last start.
        incarnation: Incarnation,
        /// Why.
        reason: String,
    },
    /// An agent takes no further part.
    AgentDropped {
        /// Which agent.
        agent: AgentName,
        /// Why.
        reason: String,
    },
    /// An agent asks another model from now on.
    ModelReplaced {
        /// Which agent; `None` for all.
        agent: Option<AgentName>,
        /// The model.
        model: ModelName,
        /// Why.
        reason: String,
    },
    /// The scenario is not the one that the run was worked on with before.
    DefinitionChanged {
        /// The hash of its definition before.
        from: [u8; 32],
        /// The hash now.
        to: [u8; 32],
    },
    /// The records before this one are those of another run; nothing of them was done again.
    Forked(Box<Fork>),
    /// The speaker of the next record's turn is told what to do. Stands right before its assignment, or before a message
    /// that the coordinator posts itself.
    Briefed {
        /// The turn.
        turn: TurnId,
        /// What it is told.
        brief: Box<Brief>,
    },
    /// A reply does not fit what was asked for; the model is told and asked again.
    ReplyRejected {
        /// What is wrong with it, for the model.
        feedback: String,
    },
    /// A tool call that was not sent yet may be sent for some time longer: the clock was set forward since its intent.
    ToolIntentRenewed {
        /// The call.
        call: CallId,
        /// The last moment at which it may be sent, by the clock as it is now.
        dispatch_by: Timestamp,
    },
    /// An agent calls a colleague as a tool: that one gets a turn of its own, whose answer ends the call.
    Consulted {
        /// The call.
        call: CallId,
        /// The colleague: an agent or a crew.
        whom: AgentName,
        /// What it is to do.
        task: String,
    },
}

/// Where a fork comes from, and what is different from here on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fork {
    /// The run that it shares its beginning with.
    pub from: RunId,
    /// The last record that both share.
    pub at: Seq,
    /// The model that all agents ask from here on, if it was chosen anew.
    pub model: Option<ModelName>,
    /// The seed of all draws from here on.
    pub seed: u64,
    /// Whether tools that change anything outside may run.
    pub effects: bool,
}

impl Event {
    /// Returns which kind of fact this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::RunAdmitted(_) => Kind::RunAdmitted,
            Self::BatchAdmitted(_) => Kind::BatchAdmitted,
            Self::TurnAssigned { .. } => Kind::TurnAssigned,
            Self::TurnEnded { .. } => Kind::TurnEnded,
            Self::ModelIntent(_) => Kind::ModelIntent,
            Self::ModelResult { .. } => Kind::ModelResult,
            Self::ModelFailed { .. } => Kind::ModelFailed,
            Self::ToolIntent(_) => Kind::ToolIntent,
            Self::ToolResult { .. } => Kind::ToolResult,
            Self::ToolFailed { .. } => Kind::ToolFailed,
            Self::ToolDenied { .. } => Kind::ToolDenied,
            Self::ToolInDoubt { .. } => Kind::ToolInDoubt,
            Self::MessagePosted { .. } => Kind::MessagePosted,
            Self::CommandAccepted { .. } => Kind::CommandAccepted,
            Self::ActorFailed { .. } => Kind::ActorFailed,
            Self::ActorRestarted { .. } => Kind::ActorRestarted,
            Self::Suspended { .. } => Kind::Suspended,
            Self::Resumed { .. } => Kind::Resumed,
            Self::Cancelled { .. } => Kind::Cancelled,
            Self::Quarantined { .. } => Kind::Quarantined,
            Self::RunConcluded { .. } => Kind::RunConcluded,
            Self::CommandRefused { .. } => Kind::CommandRefused,
            Self::ReviewOpened { .. } => Kind::ReviewOpened,
            Self::ReviewDecided { .. } => Kind::ReviewDecided,
            Self::ActorGivenUp { .. } => Kind::ActorGivenUp,
            Self::AgentDropped { .. } => Kind::AgentDropped,
            Self::ModelReplaced { .. } => Kind::ModelReplaced,
            Self::DefinitionChanged { .. } => Kind::DefinitionChanged,
            Self::Forked(_) => Kind::Forked,
            Self::Briefed { .. } => Kind::Briefed,
            Self::ReplyRejected { .. } => Kind::ReplyRejected,
            Self::ToolIntentRenewed { .. } => Kind::ToolIntentRenewed,
            Self::Consulted { .. } => Kind::Consulted,
        }
    }

    /// Tells whether the record may wait for the next commit: losing it in a crash costs nothing that is not decided
    /// again in the same way.
    #[must_use]
    pub const fn rides_along(&self) -> bool {
        match self {
            Self::TurnAssigned { .. }
            | Self::TurnEnded { .. }
            | Self::MessagePosted { .. }
            | Self::Briefed { .. } => true,
            Self::ToolIntent(intent) => matches!(intent.effect, Effect::Pure),
            _ => false,
        }
    }
}

#[cfg(test)]
mod samples;
