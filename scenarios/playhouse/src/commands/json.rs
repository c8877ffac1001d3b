//! The JSON forms of runs, conversations and records, as the documentation promises them.

mod usage;

use std::collections::BTreeSet;

use playhouse_journal::{AdmittedRun, CanonicalRecord, Event, Fork, Record, RecordKey, RunRow};
use playhouse_types::{
    AgentName, ReplyTo, RunId, RunOutcome, TraceContext, TurnId, TurnOutcome, Usage, Verdict,
};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

pub(super) use self::usage::UsageJson;
use super::find_review::review_name;
use super::time::rfc3339;
use crate::Conversation;
use crate::conversation::{CallEnd, Review, ReviewState, ToolCall};

/// A run as `runs --json` and `show --json` show it.
#[derive(Serialize)]
pub(super) struct RunJson {
    run: String,
    parent: Option<String>,
    scenario: String,
    case: Option<String>,
    status: &'static str,
    outcome: Option<RunOutcome>,
    started_at: String,
    turns: u32,
    forked_from: Option<ForkJson>,
}

/// A run in the list of all, with what it has used.
#[derive(Serialize)]
pub(super) struct ListedRunJson {
    /// The run.
    #[serde(flatten)]
    pub(super) run: RunJson,
    /// What it has used; a batch: what its cases have.
    pub(super) usage: Usage,
}

/// Where a fork comes from.
#[derive(Serialize)]
struct ForkJson {
    run: String,
    at: u64,
}

impl From<&RunRow> for RunJson {
    fn from(row: &RunRow) -> Self {
        Self {
            run: row.run.to_string(),
            parent: row.parent.map(|parent| parent.to_string()),
            scenario: row.scenario.to_string(),
            case: row.case.as_ref().map(ToString::to_string),
            status: row.status.as_str(),
            outcome: row.outcome.clone(),
            started_at: rfc3339(row.started_at),
            turns: row.turns,
            forked_from: None,
        }
    }
}

impl RunJson {
    /// Adds where the run was forked from, if it was.
    pub(super) fn of_fork(mut self, fork: Option<&Fork>) -> Self {
        self.forked_from = fork.map(|fork| ForkJson { run: fork.from.to_string(), at: fork.at.0 });
        self
    }
}

/// A run with its conversation as `show --json` shows it.
#[derive(Serialize)]
pub(super) struct ConversationJson {
    #[serde(flatten)]
    run: RunJson,
    trace_id: String,
    result: Option<Box<RawValue>>,
    messages: Vec<MessageJson>,
    usage: UsageJson,
    restarts: usize,
    reviews: Vec<ReviewJson>,
}

/// What a person was asked, as `show --json` and `review show --json` show it.
#[derive(Serialize)]
pub(super) struct ReviewJson {
    id: String,
    status: &'static str,
    tool: String,
    arguments: Value,
    reason: String,
    verdict: Value,
    by: Option<String>,
}

impl ReviewJson {
    /// Makes the JSON form of a review.
    pub(super) fn new(run: RunId, review: &Review) -> Self {
        let (status, verdict, by) = match &review.state {
            ReviewState::Open => ("open", Value::Null, None),
            ReviewState::Decided { verdict, by, .. } => {
                ("decided", serde_json::json!(verdict), Some(by.clone()))
            }
            ReviewState::Withdrawn => ("withdrawn", Value::Null, None),
        };
        Self {
            id: review_name(run, review.review),
            status,
            tool: review.request.tool.clone(),
            arguments: arguments_json(&review.request.arguments),
            reason: review.request.reason.clone(),
            verdict,
            by,
        }
    }
}

/// Shows arguments as the JSON they are; what a model wrote need not be JSON, then it is shown as the text it is.
pub(super) fn arguments_json(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap_or_else(|_| Value::String(arguments.to_owned()))
}

#[derive(Serialize)]
struct MessageJson {
    /// The message's place in the conversation; null for a turn that has said nothing.
    ordinal: Option<usize>,
    turn: u32,
    from: String,
    /// The crews in whose conversation it was said, the outermost first; empty for the main one.
    crews: Vec<AgentName>,
    /// Who hears it: `conversation`, `pattern`, or the call of a colleague.
    to: String,
    content: String,
    tool_calls: Vec<ToolCallJson>,
}

#[derive(Serialize)]
struct ToolCallJson {
    call: String,
    tool: String,
    args: Value,
    effect: Value,
    result: Value,
}

impl ConversationJson {
    /// Makes the JSON form of a run; `result` is JSON text.
    pub(super) fn new(
        row: &RunRow,
        conversation: &Conversation,
        result: Option<String>,
        usage: UsageJson,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            run: RunJson::from(row).of_fork(conversation.fork()),
            trace_id: format!("{:032x}", row.trace.trace_id),
            result: result.map(RawValue::from_string).transpose()?,
            messages: messages(conversation),
            usage,
            restarts: conversation.restarts().len(),
            reviews: conversation.reviews().iter().map(|review| ReviewJson::new(row.run, review)).collect(),
        })
    }
}

/// Puts the calls of each turn to its message. A turn with no message but with calls, or with an answer that no
/// conversation sees, stands at the end.
fn messages(conversation: &Conversation) -> Vec<MessageJson> {
    let message_json = |ordinal: Option<usize>, turn: TurnId, from: String, content: &str| MessageJson {
        ordinal,
        turn: turn.0,
        from,
        crews: conversation.places().crews(turn),
        to: match conversation.places().reply_to(turn) {
            ReplyTo::Conversation | ReplyTo::ConversationTogether => "conversation".to_owned(),
            ReplyTo::Pattern => "pattern".to_owned(),
            ReplyTo::Caller(call) => call.to_string(),
        },
        content: content.to_owned(),
        tool_calls: conversation
            .turn(turn)
            .map(|turn| turn.calls.iter().map(call_json).collect())
            .unwrap_or_default(),
    };
    let said = conversation.messages();
    let mut messages: Vec<MessageJson> = (0..)
        .zip(said)
        .map(|(ordinal, message)| {
            message_json(Some(ordinal), message.turn, message.from.to_string(), &message.content)
        })
        .collect();
    let spoken: BTreeSet<TurnId> = said.iter().map(|message| message.turn).collect();
    let private: BTreeSet<TurnId> = conversation.private_answers().map(|(_, turn)| turn.turn).collect();
    for turn in conversation.turns().filter(|turn| !spoken.contains(&turn.turn)) {
        let answer = match &turn.outcome {
            Some(TurnOutcome::Answered { content }) if private.contains(&turn.turn) => Some(content.as_str()),
            _ => None,
        };
        if answer.is_some() || !turn.calls.is_empty() {
            let from = turn.speaker.to_string();
            messages.push(message_json(None, turn.turn, from, answer.unwrap_or_default()));
        }
    }
    messages
}

fn call_json(call: &ToolCall) -> ToolCallJson {
    let result = match &call.end {
        None => Value::Null,
        Some(CallEnd::Answered { output, .. }) => Value::String(output.clone()),
        Some(CallEnd::Failed(text)) => serde_json::json!({ "failed": text }),
        Some(CallEnd::Denied(text)) => serde_json::json!({ "denied": text }),
        Some(CallEnd::InDoubt(text)) => serde_json::json!({ "in_doubt": text }),
        Some(CallEnd::Settled { doubt, verdict, by }) => settled_json(doubt, verdict, by),
    };
    ToolCallJson {
        call: call.call.to_string(),
        tool: call.tool.clone(),
        args: arguments_json(&call.arguments),
        effect: serde_json::json!(call.effect),
        result,
    }
}

/// Shows what a person found about a call that was in doubt.
fn settled_json(doubt: &str, verdict: &Verdict, by: &str) -> Value {
    let (found, output) = match verdict {
        Verdict::Landed { output } => ("happened", Some(output)),
        Verdict::DidNotHappen => ("did_not_happen", None),
        _ => ("unknown", None),
    };
    serde_json::json!({ "settled": { "found": found, "output": output, "by": by, "doubt": doubt } })
}

/// A record as `journal` shows it.
pub(super) fn record_json(record: &Record) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct RecordJson<'a> {
        kind: playhouse_journal::Kind,
        seq: u64,
        lane: &'a str,
        turn: u32,
        incarnation: u32,
        time: String,
        key: String,
        body: Value,
    }
    serde_json::to_string(&RecordJson {
        kind: record.key.kind,
        seq: record.seq.0,
        lane: record.lane.as_str(),
        turn: record.key.turn.0,
        incarnation: record.incarnation.0,
        time: rfc3339(record.time),
        key: record.key.to_string(),
        body: body(&record.event)?,
    })
}

/// A record as `journal --canonical` shows it: only what two runs of one seed and input have in common.
pub(super) fn canonical_json(record: &CanonicalRecord) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct CanonicalJson<'a> {
        kind: playhouse_journal::Kind,
        lane: &'a str,
        turn: u32,
        key: String,
        body: Value,
    }
    let RecordKey { turn, kind, .. } = record.key;
    let (lane, key) = (record.lane.as_str(), record.key.to_string());
    let body = body(&record.event)?;
    serde_json::to_string(&CanonicalJson { kind, lane, turn: turn.0, key, body })
}

/// Takes an event out of the object that names its kind; hashes and trace ids are shown as hexadecimal digits.
fn body(event: &Event) -> Result<Value, serde_json::Error> {
    let mut body = match event {
        Event::RunAdmitted(admitted) => admitted_body(admitted)?,
        other => match serde_json::to_value(other)? {
            Value::Object(fields) => fields.into_iter().next().map_or(Value::Null, |(_, body)| body),
            bare => bare,
        },
    };
    hashes_as_hex(&mut body);
    Ok(body)
}

/// Shows an admission; its trace id has more bits than a number in a JSON value.
fn admitted_body(admitted: &AdmittedRun) -> Result<Value, serde_json::Error> {
    let TraceContext { trace_id, span_id } = admitted.trace;
    let trace =
        serde_json::json!({ "trace_id": format!("{trace_id:032x}"), "span_id": format!("{span_id:016x}") });
    let mut body = serde_json::to_value(AdmittedRun { trace: TraceContext::default(), ..admitted.clone() })?;
    if let Value::Object(fields) = &mut body {
        fields.insert("trace".to_owned(), trace);
    }
    Ok(body)
}

fn hashes_as_hex(value: &mut Value) {
    match value {
        Value::Object(fields) => fields_as_hex(fields),
        Value::Array(values) => values.iter_mut().for_each(hashes_as_hex),
        _ => {}
    }
}

fn fields_as_hex(fields: &mut Map<String, Value>) {
    for (name, value) in fields {
        match value {
            Value::Array(bytes) if name.ends_with("_hash") => {
                let digits =
                    bytes.iter().filter_map(Value::as_u64).map(|byte| format!("{byte:02x}")).collect();
                *value = Value::String(digits);
            }
            other => hashes_as_hex(other),
        }
    }
}

#[cfg(test)]
mod tests;
