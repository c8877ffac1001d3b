//! Records and decisions in words for a person. What models and tools wrote is not escaped here.

use playhouse_agents::AgentDecision;
use playhouse_coordinator::Decision;
use playhouse_journal::Event;
use playhouse_types::Participant;

/// Says what a record says.
pub(crate) fn event(event: &Event) -> String {
    match event {
        Event::TurnAssigned { turn, speaker, reason, upto } => {
            format!("turn {turn} for `{speaker}` with {upto} messages ({reason})")
        }
        Event::Briefed { turn, brief } => {
            format!("turn {turn} is told in thread {}: {} ({})", brief.thread, brief.instruction, brief.note)
        }
        Event::ReplyRejected { feedback } => format!("the reply is rejected: {feedback}"),
        Event::TurnEnded { turn, outcome } => format!("the end of turn {turn}: {}", json(outcome)),
        Event::ModelIntent(intent) => {
            let hash: String = intent.request_hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            format!("attempt {} to ask `{}` with request {hash}", intent.attempt, intent.model)
        }
        Event::ToolIntent(intent) => format!(
            "the intent {} of `{}` {} ({}, {}, key {})",
            intent.call,
            intent.tool,
            intent.arguments,
            json(&intent.effect),
            json(&intent.verdict),
            intent.keys.idempotency
        ),
        Event::ToolFailed { call, failure } => format!("the failure of {call}: {failure}"),
        Event::ToolDenied { call, reason } => format!("the refusal of {call}: {reason}"),
        Event::MessagePosted { message } => said(&message.from, &message.content),
        Event::Suspended { reason } => format!("a rest: {reason}"),
        Event::RunConcluded { outcome, result, usage } => format!(
            "the end of the run, {}: {}; result {}; {}",
            outcome.kind.status().as_str(),
            outcome.detail,
            result.as_deref().unwrap_or("none"),
            json(usage)
        ),
        other => format!("{:?} {}", other.kind(), json(other)),
    }
}

/// Says that somebody says something.
pub(super) fn said(from: &Participant, content: &str) -> String {
    format!("the message of {from}: {content}")
}

/// Says what a coordinator decides.
pub(super) fn decision(decision: &Decision) -> String {
    match decision {
        Decision::Wait => "nothing: open turns are waited for".to_owned(),
        Decision::Ended => "nothing: the run has ended".to_owned(),
        Decision::CancelTurns => "the open turns are cancelled".to_owned(),
        Decision::Suspend(reason) => format!("a rest: {reason}"),
        Decision::Decline { turn, reason, .. } => format!("turn {turn} is declined: {reason}"),
        Decision::Quarantine(reason) => format!("the run is set aside: {reason}"),
        Decision::Take(measure) => {
            format!("{} for `{}`: {}", json(&measure.escalation), measure.agent, measure.reason)
        }
        Decision::Expire(reviews) => {
            let reviews: Vec<String> = reviews.iter().map(ToString::to_string).collect();
            format!("reviews expire: {}", reviews.join(", "))
        }
        Decision::Conclude(outcome) => {
            format!("the end of the run, {}: {}", outcome.kind.status().as_str(), outcome.detail)
        }
        Decision::Say { message, .. } => said(&message.from, &message.content),
        Decision::Post(messages) => {
            let said: Vec<String> =
                messages.iter().map(|message| said(&message.from, &message.content)).collect();
            said.join(", ")
        }
        Decision::EndCrew { turn, outcome, .. } => format!("the end of turn {turn}: {}", json(outcome)),
        Decision::Assign(turns) => {
            let turns: Vec<String> = turns
                .iter()
                .map(|(turn, to)| format!("turn {turn} for `{}` ({})", to.speaker, to.reason))
                .collect();
            turns.join(", ")
        }
    }
}

/// Says what an agent decides.
pub(super) fn agent_decision(decision: &AgentDecision) -> String {
    match decision {
        AgentDecision::Idle => "nothing: no turn is open".to_owned(),
        AgentDecision::Ask { step, attempt } => {
            format!("the model is asked in step {step}, attempt {attempt}")
        }
        AgentDecision::AwaitModel { step, .. } => format!("the model is waited for in step {step}"),
        AgentDecision::Prepare { step, ordinals } => {
            format!("the calls {ordinals:?} of step {step} are prepared")
        }
        AgentDecision::AwaitCalls { intents } => {
            let calls: Vec<String> = intents.iter().map(|intent| intent.call.to_string()).collect();
            format!("calls are waited for: {}", calls.join(", "))
        }
        AgentDecision::AwaitColleagues => "nothing: colleagues are waited for".to_owned(),
        AgentDecision::Stuck => "nothing: a person has to say what became of a call".to_owned(),
        AgentDecision::Post { content, .. } => format!("the turn ends with the message: {content}"),
        AgentDecision::HandOff { to, content } => {
            format!("the floor goes to {to} with the message: {content}")
        }
        AgentDecision::End { outcome } => format!("the turn ends: {}", json(outcome)),
    }
}

fn json(value: &impl serde::Serialize) -> String {
    // Everything of a journal has a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}
