//! From records and provisional frames to events: a pure function.

use playhouse_journal::{AdmittedRun, Event, Fork, Record, ToolIntent};
use playhouse_messages::BusEvent;
use playhouse_types::{Lane, RunId, Usage};

use super::{RunEvent, RunUpdate};

impl RunUpdate {
    /// Makes the event of what the bus has shown. `usage` is what the run has used so far, a record itself included.
    #[must_use]
    pub fn of_bus(shown: &BusEvent, usage: Usage) -> Self {
        match shown.clone() {
            BusEvent::Recorded(record) => Self::of_record(&record, usage),
            BusEvent::Token { run, turn, step, speaker, attempt, offset, text } => {
                let (actor, offset) = (Lane::from(&speaker), u64::try_from(offset).unwrap_or(u64::MAX));
                Self::off_record(run, RunEvent::Token { turn, step, actor, attempt, offset, text })
            }
            BusEvent::Retracted { run, turn, step, speaker, attempt, reason, retry_in } => {
                let actor = Lane::from(&speaker);
                let retry_in_micros =
                    retry_in.map(|wait| u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
                let event = RunEvent::Retracted { turn, step, actor, attempt, reason, retry_in_micros };
                Self::off_record(run, event)
            }
        }
    }

    /// Makes the event of a record. `usage` is what the run has used so far, the record included.
    #[must_use]
    pub fn of_record(record: &Record, usage: Usage) -> Self {
        let (run, seq, time) = (record.run, Some(record.seq), Some(record.time));
        Self { run, seq, time, event: of_record(record, usage) }
    }

    /// Makes what stands on no record.
    pub(crate) const fn off_record(run: RunId, event: RunEvent) -> Self {
        Self { run, seq: None, time: None, event }
    }
}

fn of_record(record: &Record, usage: Usage) -> RunEvent {
    let (turn, step, actor) = (record.key.turn, record.key.step, record.lane.clone());
    match record.event.clone() {
        Event::RunAdmitted(admitted) => started(*admitted),
        Event::BatchAdmitted(admitted) => {
            let cases = admitted.cases.into_iter().map(|case| case.case).collect();
            RunEvent::BatchStarted { scenario: admitted.scenario, cases }
        }
        Event::TurnAssigned { turn, speaker, reason, upto } => {
            RunEvent::TurnStarted { turn, speaker, reason, n_messages: upto }
        }
        Event::Briefed { turn, brief } => RunEvent::Briefed { turn, brief: *brief },
        Event::ReplyRejected { feedback } => RunEvent::ReplyRejected { turn, step, actor, feedback },
        Event::ToolIntentRenewed { call, .. } => RunEvent::ToolCalledAgain { actor, call },
        Event::Consulted { call, whom, task } => RunEvent::Consulted { actor, call, whom, task },
        Event::TurnEnded { turn, outcome } => RunEvent::TurnEnded { turn, outcome },
        Event::ModelIntent(intent) => {
            RunEvent::ModelAsked { turn, step, actor, model: intent.model, attempt: intent.attempt }
        }
        Event::ModelResult { reply, attempts, duration_micros } => {
            RunEvent::ModelReplied { turn, step, actor, reply, attempts, duration_micros, usage }
        }
        Event::ModelFailed { failure, duration_micros } => {
            RunEvent::ModelFailed { turn, step, actor, failure, duration_micros }
        }
        Event::ToolIntent(intent) => called(actor, intent),
        Event::ToolResult { call, output, full_bytes, recovered, duration_micros } => {
            RunEvent::ToolAnswered { actor, call, output, full_bytes, recovered, duration_micros }
        }
        Event::ToolFailed { call, failure } => RunEvent::ToolFailed { actor, call, failure },
        Event::ToolDenied { call, reason } => RunEvent::ToolDenied { actor, call, reason },
        Event::ToolInDoubt { call, detail } => RunEvent::ToolInDoubt { actor, call, detail },
        Event::MessagePosted { message } => RunEvent::MessagePosted { message },
        Event::CommandAccepted { id, command } => RunEvent::CommandAccepted { id, command },
        Event::CommandRefused { id, reason } => RunEvent::CommandRefused { id, reason },
        Event::ActorFailed { actor, incarnation, exit, reason } => {
            RunEvent::ActorFailed { actor, incarnation, exit, reason }
        }
        Event::ActorRestarted { actor, incarnation, checkpoint, down_micros } => {
            RunEvent::ActorRestarted { actor, incarnation, checkpoint, down_micros }
        }
        Event::ActorGivenUp { actor, incarnation, reason } => {
            RunEvent::ActorGivenUp { actor, incarnation, reason }
        }
        Event::AgentDropped { agent, reason } => RunEvent::AgentDropped { agent, reason },
        Event::ModelReplaced { agent, model, reason } => RunEvent::ModelReplaced { agent, model, reason },
        Event::Suspended { reason } => RunEvent::Suspended { reason },
        Event::Resumed { epoch, clean } => RunEvent::Resumed { epoch, clean },
        Event::Cancelled { reason } => RunEvent::Cancelled { reason },
        Event::Quarantined { reason } => RunEvent::Quarantined { reason },
        Event::RunConcluded { outcome, result, usage } => RunEvent::Concluded { outcome, result, usage },
        Event::ReviewOpened { review, request } => RunEvent::ReviewOpened { review, request: *request },
        Event::ReviewDecided { review, verdict, by } => RunEvent::ReviewDecided { review, verdict, by },
        Event::DefinitionChanged { .. } => RunEvent::DefinitionChanged,
        Event::Forked(fork) => forked(*fork),
    }
}

fn started(admitted: AdmittedRun) -> RunEvent {
    let AdmittedRun { scenario, case, parent, seed, agents, .. } = admitted;
    RunEvent::Started { scenario, case, parent, seed, agents }
}

fn called(actor: Lane, intent: ToolIntent) -> RunEvent {
    let ToolIntent { call, tool, arguments, effect, .. } = intent;
    RunEvent::ToolCalled { actor, call, tool, arguments, effect }
}

fn forked(fork: Fork) -> RunEvent {
    let Fork { from, at, model, seed, effects } = fork;
    RunEvent::Forked { from, at, model, seed, effects }
}
