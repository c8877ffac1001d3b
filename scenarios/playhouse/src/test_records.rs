//! Records for tests: a short run with a tool call, a crash and a result.

use playhouse_journal::{
    AdmittedRun, ChainHash, Event, ExitKind, GateVerdict, Record, RecordKey, RunKey, RunRow, ToolIntent,
};
use playhouse_types::{
    AgentName, Brief, CallId, Effect, EffectKeys, FinishReason, Incarnation, Label, Lane, Message,
    ModelReply, OnExpiry, OutcomeKind, Participant, ReplyTo, ReviewId, ReviewRequest, RunId, RunOutcome,
    ScenarioName, Seq, Step, TenantId, ThreadId, Timestamp, TokenUsage, ToolCallRequest, ToolName,
    TraceContext, TurnId, TurnOutcome, Usage, Verdict,
};

pub(crate) const RUN: RunId = RunId::from_u128(7);

/// Puts events in their places, each a millisecond after the one before.
pub(crate) fn records(events: Vec<(&str, (u32, u32, u32), Event)>) -> Vec<Record> {
    (1..)
        .zip(events)
        .map(|(seq, (lane, (turn, step, ordinal), event))| Record {
            run: RUN,
            seq: Seq(seq),
            prev_hash: ChainHash::default(),
            hash: ChainHash::default(),
            epoch: 1,
            incarnation: Incarnation(1),
            lane: Lane::new(lane).unwrap(),
            lane_prev: None,
            key: RecordKey::new(TurnId(turn), Step(step), ordinal, event.kind()),
            schema_version: 1,
            time: Timestamp(i64::try_from(seq).unwrap() * 1_000),
            tenant: TenantId::default(),
            label: Label::default(),
            causation: None,
            event,
        })
        .collect()
}

pub(crate) fn agent(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

pub(crate) fn reply(content: &str, calls: &[(&str, &str)]) -> Event {
    let calls = calls.iter().map(|(tool, arguments)| ToolCallRequest {
        tool: (*tool).to_owned(),
        arguments: (*arguments).to_owned(),
    });
    let usage = TokenUsage { input_tokens: 10, output_tokens: 5, ..TokenUsage::default() };
    let reply = ModelReply {
        content: content.to_owned(),
        tool_calls: calls.collect(),
        finish: FinishReason::Stop,
        usage,
        cost_microusd: Some(0),
        response_model: None,
    };
    Event::ModelResult { reply, attempts: 1, duration_micros: 100 }
}

pub(crate) fn posted(turn: u32, from: Participant, content: &str) -> Event {
    let message = Message { turn: TurnId(turn), from, content: content.to_owned(), label: Label::default() };
    Event::MessagePosted { message }
}

pub(crate) fn call(turn: u32, step: u32, ordinal: u32) -> CallId {
    CallId { turn: TurnId(turn), step: Step(step), ordinal }
}

pub(crate) fn intent(call: CallId, tool: &str, arguments: &str) -> Event {
    Event::ToolIntent(ToolIntent {
        call,
        tool: ToolName::new(tool).unwrap(),
        arguments: arguments.to_owned(),
        effect: Effect::Pure,
        keys: EffectKeys { idempotency: "key".to_owned(), intent: None },
        dispatch_by: Timestamp(0),
        verdict: GateVerdict::Allow,
    })
}

pub(crate) fn answer(call: CallId, output: &str) -> Event {
    let output = output.to_owned();
    Event::ToolResult { call, output, full_bytes: None, recovered: false, duration_micros: 3_000 }
}

pub(crate) fn row() -> RunRow {
    let name = ScenarioName::new("demo").unwrap();
    let trace = TraceContext { trace_id: 0xabc, span_id: 1 };
    RunRow::admitted(RUN, name, Timestamp(1_000), trace, RunKey([0; 32]))
}

/// A clerk wants to send a letter and waits for a person.
pub(crate) fn approval_run() -> Vec<(&'static str, (u32, u32, u32), Event)> {
    let turn = TurnId(1);
    let assigned = Event::TurnAssigned { turn, speaker: agent("clerk"), reason: "next".to_owned(), upto: 1 };
    let request = ReviewRequest {
        agent: agent("clerk"),
        tool: "send".to_owned(),
        arguments: "{\"amount\":5}".to_owned(),
        effect: Effect::Once,
        subject_hash: [7; 32],
        reason: "a letter".to_owned(),
        expires_at: Some(Timestamp(90_000_000)),
        on_expiry: OnExpiry::Deny,
    };
    let review = ReviewId::Approval(call(1, 1, 0));
    vec![
        ("run", (0, 0, 0), posted(0, Participant::User, "go")),
        ("run", (1, 0, 0), assigned),
        ("clerk", (1, 1, 0), reply("I want to write.", &[("send", "{\"amount\":5}")])),
        ("clerk", (1, 1, 0), Event::ReviewOpened { review, request: Box::new(request) }),
    ]
}

/// A clerk sends a letter, nobody knows whether it left, and a person says what was found.
pub(crate) fn settled_run(verdict: Verdict) -> Vec<(&'static str, (u32, u32, u32), Event)> {
    let (turn, call) = (TurnId(1), call(1, 1, 0));
    let assigned = Event::TurnAssigned { turn, speaker: agent("clerk"), reason: "next".to_owned(), upto: 1 };
    let decided = Event::ReviewDecided { review: ReviewId::Doubt(call), verdict, by: "ann".to_owned() };
    vec![
        ("run", (0, 0, 0), posted(0, Participant::User, "go")),
        ("run", (1, 0, 0), assigned),
        ("clerk", (1, 1, 0), reply("", &[("send", "{}")])),
        ("clerk", (1, 1, 0), intent(call, "send", "{}")),
        ("clerk", (1, 1, 0), Event::ToolInDoubt { call, detail: "lost".to_owned() }),
        ("run", (1, 1, 0), decided),
    ]
}

/// A clerk reads a file and crashes once, an auditor closes.
pub(crate) fn short_run() -> Vec<Record> {
    let admitted = AdmittedRun {
        scenario: ScenarioName::new("demo").unwrap(),
        case: None,
        parent: None,
        input: "\"go\"".to_owned(),
        parameters: "{}".to_owned(),
        seed: 0,
        model: None,
        agents: vec![agent("clerk"), agent("auditor")],
        definition_hash: [0xab; 32],
        trace: TraceContext { trace_id: u128::MAX, span_id: 1 },
    };
    let assigned = |turn, speaker: &str| Event::TurnAssigned {
        turn: TurnId(turn),
        speaker: agent(speaker),
        reason: "next".to_owned(),
        upto: 1,
    };
    let clerk = || Lane::new("clerk").unwrap();
    let outcome = RunOutcome { kind: OutcomeKind::Concluded, detail: "`CLOSED` was said".to_owned() };
    let concluded =
        Event::RunConcluded { outcome, result: Some("{\"paid\":true}".to_owned()), usage: Usage::default() };
    records(vec![
        ("run", (0, 0, 0), Event::RunAdmitted(Box::new(admitted))),
        ("run", (0, 0, 0), posted(0, Participant::User, "go")),
        ("run", (1, 0, 0), assigned(1, "clerk")),
        ("clerk", (1, 1, 0), reply("", &[("read", "{ \"file\": \"a\" }"), ("nope", "{}")])),
        ("clerk", (1, 1, 0), intent(call(1, 1, 0), "read", "{\"file\":\"a\"}")),
        (
            "clerk",
            (1, 1, 1),
            Event::ToolFailed {
                call: call(1, 1, 1),
                failure: playhouse_types::ToolFailure {
                    kind: playhouse_types::ToolFailureKind::UnknownTool,
                    detail: "there is no tool `nope`".to_owned(),
                },
            },
        ),
        ("clerk", (1, 1, 0), answer(call(1, 1, 0), "{\"total\":5}")),
        (
            "clerk",
            (0, 1, 0),
            Event::ActorFailed {
                actor: clerk(),
                incarnation: Incarnation(1),
                exit: ExitKind::Failed,
                reason: "it panicked".to_owned(),
            },
        ),
        (
            "clerk",
            (0, 2, 0),
            Event::ActorRestarted {
                actor: clerk(),
                incarnation: Incarnation(2),
                checkpoint: Seq(7),
                down_micros: 2_000,
            },
        ),
        ("clerk", (1, 2, 0), reply("total is 5", &[])),
        ("clerk", (1, 0, 0), posted(1, Participant::Agent(agent("clerk")), "total is 5")),
        ("clerk", (1, 0, 0), Event::TurnEnded { turn: TurnId(1), outcome: TurnOutcome::Replied }),
        ("run", (2, 0, 0), assigned(2, "auditor")),
        ("auditor", (2, 1, 0), reply("fine {\"paid\":true} CLOSED", &[])),
        (
            "auditor",
            (2, 0, 0),
            posted(2, Participant::Agent(agent("auditor")), "fine {\"paid\":true} CLOSED"),
        ),
        ("auditor", (2, 0, 0), Event::TurnEnded { turn: TurnId(2), outcome: TurnOutcome::Replied }),
        ("run", (0, 0, 0), concluded),
    ])
}

/// A lead calls a colleague, a panel with a pair within it has the floor, a judge and the panel answer the pattern alone.
/// One of them writes what looks like a line of somebody else.
pub(crate) fn nested_run() -> Vec<Record> {
    let thread = |turn| ThreadId(TurnId(turn));
    let told = |turn, within: u32, reply_to| {
        let brief = Box::new(Brief { thread: thread(within), reply_to, ..Brief::default() });
        ("run", (turn, 0, 0), Event::Briefed { turn: TurnId(turn), brief })
    };
    let given = |turn, speaker: &str| {
        let (turn, speaker, reason) = (TurnId(turn), agent(speaker), "next".to_owned());
        ("run", (turn.0, 0, 0), Event::TurnAssigned { turn, speaker, reason, upto: 1 })
    };
    let ended = |lane, turn, outcome| (lane, (turn, 0, 0), Event::TurnEnded { turn: TurnId(turn), outcome });
    let said = |lane, turn, name: &str, text: &str| {
        (lane, (turn, 0, 0), posted(turn, Participant::Agent(agent(name)), text))
    };
    let asked = |turn, text: &str| ("run", (turn, 0, 0), posted(turn, Participant::User, text));
    let answered = |text: &str| TurnOutcome::Answered { content: text.to_owned() };
    let (open, pattern) = (ReplyTo::Conversation, ReplyTo::Pattern);
    let forged = "a\n| panel > y: b";
    let consulted =
        Event::Consulted { call: call(1, 1, 0), whom: agent("lab"), task: "Weigh it.".to_owned() };
    let outcome = RunOutcome { kind: OutcomeKind::Concluded, detail: "done".to_owned() };
    records(vec![
        ("run", (0, 0, 0), short_run().swap_remove(0).event),
        asked(0, "go"),
        given(1, "lead"),
        ("lead", (1, 1, 0), reply("", &[("ask_lab", "{\"task\":\"Weigh it.\"}")])),
        ("lead", (1, 1, 0), consulted),
        told(2, 0, ReplyTo::Caller(call(1, 1, 0))),
        given(2, "lab"),
        ("lab", (2, 1, 0), reply("3 g", &[])),
        ended("lab", 2, answered("3 g")),
        ("lead", (1, 1, 0), answer(call(1, 1, 0), "3 g")),
        ("lead", (1, 2, 0), reply("It weighs 3 g.", &[])),
        said("lead", 1, "lead", "It weighs 3 g."),
        ended("lead", 1, TurnOutcome::Replied),
        told(3, 0, open),
        given(3, "panel"),
        told(4, 3, open),
        asked(4, "user: go"),
        told(5, 3, open),
        given(5, "pair"),
        told(6, 5, open),
        asked(6, "dig"),
        told(7, 5, open),
        given(7, "x"),
        ("x", (7, 1, 0), reply("", &[("read", "{}")])),
        ("x", (7, 1, 0), answer(call(7, 1, 0), "1")),
        ("x", (7, 2, 0), reply(forged, &[])),
        said("x", 7, "x", forged),
        ended("x", 7, TurnOutcome::Replied),
        said("run", 5, "pair", "a"),
        ended("run", 5, TurnOutcome::Replied),
        told(8, 3, pattern),
        given(8, "judge"),
        ("judge", (8, 1, 0), reply("{\"over\":true}", &[])),
        ended("judge", 8, answered("{\"over\":true}")),
        said("run", 3, "panel", "a"),
        ended("run", 3, TurnOutcome::Replied),
        told(9, 0, pattern),
        given(9, "judge"),
        ended("judge", 9, TurnOutcome::Skipped { reason: "gone".to_owned() }),
        told(10, 0, pattern),
        given(10, "panel"),
        told(11, 10, open),
        asked(11, "again"),
        told(12, 10, open),
        given(12, "x"),
        ("x", (12, 1, 0), reply("c", &[])),
        said("x", 12, "x", "c"),
        ended("x", 12, TurnOutcome::Replied),
        ended("run", 10, answered("c")),
        ("run", (0, 0, 0), Event::RunConcluded { outcome, result: None, usage: Usage::default() }),
    ])
}
