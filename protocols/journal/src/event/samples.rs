//! One sample of every kind of event, as released builds wrote them: they must read back for ever.

use playhouse_types::{
    AgentName, Brief, CallId, CaseName, Effect, EffectKeys, FinishReason, Incarnation, Label, Lane, Message,
    ModelFailure, ModelFailureKind, ModelName, ModelReply, OnExpiry, OutcomeKind, Participant, ReplyTo,
    ReviewId, ReviewRequest, RunId, RunOutcome, ScenarioName, Sees, Seq, Step, ThreadId, Timestamp,
    TokenUsage, ToolCallRequest, ToolFailure, ToolFailureKind, ToolName, TraceContext, TurnId, TurnOutcome,
    Usage, Verdict,
};

use super::{
    AdmittedBatch, AdmittedRun, BatchCase, Event, ExitKind, Fork, GateVerdict, ModelIntent, ToolIntent,
};
use crate::{Command, CommandId};

/// A line for each event: its kind, then its postcard bytes in hex. Made by version 1 of the schema; append only.
const STORED: &str = include_str!("samples_v1.txt");

fn call() -> CallId {
    CallId { turn: TurnId(3), step: Step(2), ordinal: 1 }
}

fn agent() -> AgentName {
    AgentName::new("clerk").unwrap()
}

fn admissions() -> Vec<Event> {
    let scenario = ScenarioName::new("invoice-review").unwrap();
    let run = AdmittedRun {
        scenario: scenario.clone(),
        case: Some(CaseName::new("a-1").unwrap()),
        parent: Some(RunId::from_u128(7)),
        input: "{}".to_owned(),
        parameters: "{}".to_owned(),
        seed: 42,
        model: Some(ModelName::new("any")),
        agents: vec![agent()],
        definition_hash: [9; 32],
        trace: TraceContext { trace_id: 1 << 100, span_id: 5 },
    };
    let case =
        BatchCase { case: CaseName::new("a-1").unwrap(), run: RunId::from_u128(8), input_hash: [1; 32] };
    let batch = AdmittedBatch {
        scenario,
        parameters: "{}".to_owned(),
        input_path: "/cases".to_owned(),
        seed: 42,
        model: None,
        concurrency: 8,
        cases: vec![case],
    };
    vec![Event::RunAdmitted(Box::new(run)), Event::BatchAdmitted(Box::new(batch))]
}

fn turns() -> Vec<Event> {
    let usage =
        TokenUsage { input_tokens: 300, output_tokens: 20, cached_input_tokens: 100, reasoning_tokens: 4 };
    let reply = ModelReply {
        content: "text".to_owned(),
        tool_calls: vec![ToolCallRequest { tool: "read".to_owned(), arguments: "{}".to_owned() }],
        finish: FinishReason::ToolCalls,
        usage,
        cost_microusd: Some(12),
        response_model: Some("any-1".to_owned()),
    };
    let failure = ModelFailure {
        model: ModelName::new("any"),
        kind: ModelFailureKind::ContextOverflow,
        detail: "too long".to_owned(),
        attempts: 2,
        retry_after: Some(std::time::Duration::from_millis(1500)),
    };
    let message = Message {
        turn: TurnId(3),
        from: Participant::Agent(agent()),
        content: "hello".to_owned(),
        label: Label::default(),
    };
    let (turn, reason) = (TurnId(3), "round robin".to_owned());
    vec![
        Event::TurnAssigned { turn, speaker: agent(), reason, upto: 6 },
        Event::TurnEnded { turn, outcome: TurnOutcome::Limited { limit: "steps".to_owned() } },
        Event::ModelIntent(ModelIntent { model: ModelName::new("any"), request_hash: [2; 32], attempt: 1 }),
        Event::ModelResult { reply, attempts: 1, duration_micros: 1000 },
        Event::ModelFailed { failure, duration_micros: 1000 },
        Event::MessagePosted { message },
    ]
}

fn calls() -> Vec<Event> {
    let intent = ToolIntent {
        call: call(),
        tool: ToolName::new("pay").unwrap(),
        arguments: "{}".to_owned(),
        effect: Effect::Reconcile,
        keys: EffectKeys { idempotency: "k".to_owned(), intent: Some("i".to_owned()) },
        dispatch_by: Timestamp(1_700_000_000_000_000),
        verdict: GateVerdict::Allow,
    };
    let failure = ToolFailure { kind: ToolFailureKind::Overloaded, detail: "full".to_owned() };
    vec![
        Event::ToolIntent(intent),
        Event::ToolResult {
            call: call(),
            output: "ok".to_owned(),
            full_bytes: Some(70_000),
            recovered: true,
            duration_micros: 5,
        },
        Event::ToolFailed { call: call(), failure },
        Event::ToolDenied { call: call(), reason: "no".to_owned() },
        Event::ToolInDoubt { call: call(), detail: "lost".to_owned() },
    ]
}

fn operations() -> Vec<Event> {
    let (actor, incarnation) = (Lane::run(), Incarnation(2));
    let outcome = RunOutcome { kind: OutcomeKind::Concluded, detail: "done".to_owned() };
    let usage = Usage { input_tokens: 9, cost_microusd: None, lost: 1, ..Usage::default() };
    let command = Command::Cancel { reason: "enough".to_owned() };
    let reason = || "why".to_owned();
    vec![
        Event::CommandAccepted { id: CommandId("c".to_owned()), command },
        Event::ActorFailed { actor: actor.clone(), incarnation, exit: ExitKind::Killed, reason: reason() },
        Event::ActorRestarted { actor, incarnation, checkpoint: Seq(77), down_micros: 500 },
        Event::Suspended { reason: reason() },
        Event::Resumed { epoch: 3, clean: false },
        Event::Cancelled { reason: reason() },
        Event::Quarantined { reason: reason() },
        Event::RunConcluded { outcome, result: Some("{}".to_owned()), usage },
    ]
}

fn reviews() -> Vec<Event> {
    let review = ReviewId::Approval(call());
    let request = ReviewRequest {
        agent: agent(),
        tool: "pay".to_owned(),
        arguments: "{}".to_owned(),
        effect: Effect::Once,
        subject_hash: [3; 32],
        reason: "why".to_owned(),
        expires_at: Some(Timestamp(5)),
        on_expiry: OnExpiry::Escalate,
    };
    let by = || "ann".to_owned();
    let verdicts = [
        Verdict::ApproveWith { arguments: "{}".to_owned() },
        Verdict::Amend { model: Some(ModelName::new("any")), message: None },
    ];
    let decided = |verdict| Event::ReviewDecided { review: ReviewId::Quarantine(4), verdict, by: by() };
    let decide = Command::Decide { review, verdict: Verdict::Approve, by: by(), subject_hash: Some([3; 32]) };
    let mut events = vec![
        Event::CommandRefused { id: CommandId("c".to_owned()), reason: "why".to_owned() },
        Event::ReviewOpened { review, request: Box::new(request) },
        Event::CommandAccepted { id: CommandId("d".to_owned()), command: decide },
    ];
    events.extend(verdicts.map(decided));
    events
}

fn escalations() -> Vec<Event> {
    let reason = || "why".to_owned();
    let fork = Fork {
        from: RunId::from_u128(7),
        at: Seq(12),
        model: Some(ModelName::new("any")),
        seed: 3,
        effects: false,
    };
    vec![
        Event::ActorGivenUp { actor: Lane::run(), incarnation: Incarnation(4), reason: reason() },
        Event::AgentDropped { agent: agent(), reason: reason() },
        Event::ModelReplaced { agent: Some(agent()), model: ModelName::new("any"), reason: reason() },
        Event::DefinitionChanged { from: [1; 32], to: [2; 32] },
        Event::Forked(Box::new(fork)),
        Event::TurnEnded { turn: TurnId(3), outcome: TurnOutcome::Skipped { reason: reason() } },
        Event::MessagePosted {
            message: Message {
                turn: TurnId(3),
                from: Participant::Runtime,
                content: "note".to_owned(),
                label: Label::default(),
            },
        },
    ]
}

fn commands() -> Vec<Event> {
    let inject = Command::Inject { text: "Look again.".to_owned(), by: "ann".to_owned() };
    let stop = Command::Stop { reason: "enough".to_owned() };
    let signal = Command::Signal { name: "enough".to_owned() };
    let accepted = |id: &str, command| Event::CommandAccepted { id: CommandId(id.to_owned()), command };
    vec![accepted("i", inject), accepted("s", stop), accepted("g", signal)]
}

fn briefs() -> Vec<Event> {
    let ended = |outcome| Event::TurnEnded { turn: TurnId(4), outcome };
    let brief = Brief {
        thread: ThreadId(TurnId(2)),
        instruction: "choose".to_owned(),
        sees: Sees::Since(5),
        reply_to: ReplyTo::Pattern,
        schema: Some("{}".to_owned()),
        tools: Some(Vec::new()),
        note: "first".to_owned(),
    };
    let called = Brief { reply_to: ReplyTo::Caller(call()), ..Brief::new("weigh it") };
    vec![
        Event::Briefed { turn: TurnId(4), brief: Box::new(brief) },
        Event::ReplyRejected { feedback: "no JSON".to_owned() },
        Event::ToolIntentRenewed { call: call(), dispatch_by: Timestamp(9) },
        ended(TurnOutcome::HandedOff { to: agent() }),
        ended(TurnOutcome::Answered { content: "b".to_owned() }),
        ended(TurnOutcome::Unfit { detail: "no JSON".to_owned() }),
        Event::Consulted { call: call(), whom: agent(), task: "weigh it".to_owned() },
        Event::Briefed { turn: TurnId(5), brief: Box::new(called) },
    ]
}

fn samples() -> Vec<Event> {
    [admissions(), turns(), calls(), operations(), reviews(), escalations(), commands(), briefs()].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_kind_of_event_is_written_as_its_stored_sample() {
    let lines: Vec<String> = samples()
        .iter()
        .map(|event| format!("{:?} {}\n", event.kind(), hex(&postcard::to_stdvec(event).unwrap())))
        .collect();
    let written = lines.concat();
    if std::env::var_os("PLAYHOUSE_UPDATE_SAMPLES").is_some() && written.starts_with(STORED) {
        std::fs::write("src/event/samples_v1.txt", &written).unwrap();
        return;
    }
    assert_eq!(written, STORED, "a stored form changed: that needs a new schema version and an upcaster");
}

#[test]
fn every_stored_sample_reads_back() {
    for (line, event) in STORED.lines().zip(samples()) {
        let hex = line.split_once(' ').unwrap().1;
        let bytes: Vec<u8> =
            (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
        assert_eq!(postcard::from_bytes::<Event>(&bytes).unwrap(), event, "{line}");
    }
}

#[test]
fn there_is_a_sample_of_every_kind() {
    let kinds: std::collections::BTreeSet<_> = samples().iter().map(Event::kind).collect();
    assert_eq!(kinds.len(), crate::Kind::Consulted as usize + 1);
}
