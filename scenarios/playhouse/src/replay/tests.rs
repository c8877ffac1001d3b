use std::sync::Arc;

use futures::future::BoxFuture;
use playhouse_coordinator::{ConversationView, Pattern, PatternDecision};
use playhouse_journal::{Event, Kind, ModelIntent, Record, RecordKey};
use playhouse_messages::{Tool, ToolContext, ToolError, ToolOutput};
use playhouse_review::ReviewPolicy;
use playhouse_runtime::{SystemClock, UserPool, UserPoolLimits};
use playhouse_tools::{Declaration, ToolHandle, ToolRegistry, ToolServices};
use playhouse_types::{Effect, OutcomeKind, Seq, Step, ToolSpec, TurnId, TurnOutcome};

use super::{Cast, Replayed, replay};
use crate::definition::ToolSource;
use crate::{
    Definition, ModelRequest, RoundRobin, Runtime, RuntimeOptions, Scenario, ScriptContext, ScriptReply,
    StartRun, says, turns,
};

/// Looks something up.
#[derive(Clone)]
struct Look;

const SCHEMA: &str = r#"{"type":"object","properties":{"what":{"type":"string"}},"required":["what"],"additionalProperties":false}"#;

impl Tool for Look {
    fn spec(&self) -> Arc<ToolSpec> {
        const LOOK: Declaration =
            Declaration { name: "look", description: "Looks.", effect: Effect::Pure, ..Declaration::DEFAULT };
        Arc::new(LOOK.spec_with_schema(SCHEMA.to_owned()))
    }

    fn call(&self, _: String, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, ToolError>> {
        Box::pin(async { Ok(ToolOutput::text("seen")) })
    }
}

/// Makes a good call, one of an unknown tool and one with bad arguments, then says so.
fn clerk(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    if request.exchanges().is_empty() {
        ScriptReply::call("look", &serde_json::json!({ "what": "books" }))
            .and_call("peek", &serde_json::json!({}))
            .and_call("look", &serde_json::json!({ "where": 1 }))
    } else {
        ScriptReply::say("all is in order")
    }
}

fn scenario() -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder("ledger");
    let clerk = scenario.agent("clerk", |agent| agent.tool(Look).script(clerk));
    let auditor =
        scenario.agent("auditor", |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| "CLOSED"));
    scenario.crew(RoundRobin::new(), [&clerk, &auditor]).until(says("CLOSED")).limit(turns(6));
    scenario.build().unwrap().definition()
}

/// Runs the scenario and returns what is on record.
async fn real_run(definition: &Arc<Definition>) -> Vec<Record> {
    let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
    let start = StartRun { input: "\"go\"".to_owned(), seed: 0, model: None };
    let handle = runtime.start(Arc::clone(definition), start).await.unwrap();
    let run = handle.run;
    let _ = handle.finished().await.unwrap();
    let records = runtime.journal().records(run, Seq(0), 1_000).await.unwrap();
    runtime.close().await.unwrap();
    records
}

fn replayed(definition: &Arc<Definition>, records: Vec<Record>) -> Replayed {
    let mut tools = ToolRegistry::default();
    let pool = Arc::new(UserPool::new(UserPoolLimits::default()).unwrap());
    let services = ToolServices { pool, clock: Arc::new(SystemClock::new()) };
    for source in &definition.tools {
        let ToolSource::Single(tool) = source else { continue };
        tools.insert(Arc::new(ToolHandle::new(Arc::clone(tool), services.clone()).unwrap())).unwrap();
    }
    let cast = Cast { definition: Arc::clone(definition), tools: Arc::new(tools) };
    let records: Vec<Arc<Record>> = renumbered(records).into_iter().map(Arc::new).collect();
    let mut report = Replayed::new(records[0].run, definition.name.clone(), None);
    replay(&cast, &records, &mut report);
    report
}

/// Gives records their places anew, as a forger with the key would: only what they say can be wrong.
fn renumbered(mut records: Vec<Record>) -> Vec<Record> {
    let before: Vec<Seq> = records.iter().map(|record| record.seq).collect();
    let mut lanes = std::collections::BTreeMap::new();
    for (seq, record) in (1..).map(Seq).zip(&mut records) {
        record.seq = seq;
        record.lane_prev = lanes.insert(record.lane.clone(), seq);
        record.causation = record.causation.map(|cause| {
            Seq(before.iter().take(usize::try_from(seq.0).unwrap() - 1).filter(|old| **old <= cause).count()
                as u64)
        });
    }
    records
}

fn nth(records: &[Record], kind: Kind, n: usize) -> usize {
    let mut places = (0..records.len()).filter(|place| records[*place].key.kind == kind);
    places.nth(n).unwrap()
}

/// Changes the `n`-th record of a kind, from 0, and expects it as the first difference, with this in what was expected.
#[track_caller]
fn check(
    definition: &Arc<Definition>,
    records: &[Record],
    (kind, n): (Kind, usize),
    change: impl FnOnce(&mut Record),
    expected: &str,
) {
    let mut records = records.to_vec();
    let place = nth(&records, kind, n);
    change(&mut records[place]);
    let report = replayed(definition, records);
    let first = report.differences.first().unwrap_or_else(|| panic!("no difference for {kind:?} {n}"));
    assert_eq!((first.seq, report.is_equal()), (Seq(place as u64 + 1), false), "{:?}", report.differences);
    assert!(first.expected.contains(expected), "{first:?}");
}

#[tokio::test]
async fn a_real_run_is_what_its_records_lead_to() {
    let definition = scenario();
    let records = real_run(&definition).await;
    let report = replayed(&definition, records.clone());
    assert_eq!((&report.differences, &report.changed, report.n_turns), (&vec![], &vec![], 2));
    // Opening, 2 assignments, 3 askings, 3 calls, 2 messages, 2 ends of turns, 1 end.
    assert_eq!((report.n_decisions, report.n_records), (14, records.len()));
}

#[tokio::test]
async fn a_wrong_decision_of_the_coordinator_is_found() {
    let definition = scenario();
    let records = real_run(&definition).await;
    let check =
        |which, change: fn(&mut Record), expected| check(&definition, &records, which, change, expected);
    check((Kind::MessagePosted, 0), |record| say(record, "stop"), "the message of user: go");
    check(
        (Kind::TurnAssigned, 1),
        |record| assign(record, "clerk", "round robin, place 2", 2),
        "turn 2 for `auditor`",
    );
    check((Kind::TurnAssigned, 1), |record| assign(record, "auditor", "because", 2), "round robin, place 2");
    check(
        (Kind::TurnAssigned, 1),
        |record| assign(record, "auditor", "round robin, place 2", 1),
        "with 2 messages",
    );
    check(
        (Kind::RunConcluded, 0),
        |record| conclude(record, OutcomeKind::Limited, "CLOSED"),
        "concluded: `CLOSED` was said",
    );
    check(
        (Kind::RunConcluded, 0),
        |record| conclude(record, OutcomeKind::Concluded, "open"),
        r#"result "CLOSED""#,
    );
    check((Kind::RunConcluded, 0), |record| record.causation = Some(Seq(3)), "turns are waited for");
}

#[tokio::test]
async fn a_wrong_decision_of_an_agent_is_found() {
    let definition = scenario();
    let records = real_run(&definition).await;
    let check =
        |which, change: fn(&mut Record), expected| check(&definition, &records, which, change, expected);
    check(
        (Kind::ModelIntent, 1),
        |record| intent(record).request_hash = [7; 32],
        "attempt 0 to ask `scripted`",
    );
    check((Kind::ModelIntent, 0), |record| record.key.ordinal = 1, "the model is asked in step 1, attempt 0");
    check((Kind::ToolIntent, 0), |record| call(record).arguments = "{}".to_owned(), r#"{"what":"books"}"#);
    check((Kind::ToolIntent, 0), |record| call(record).effect = Effect::Once, "pure");
    check((Kind::ToolIntent, 0), |record| call(record).keys.idempotency.clear(), "key ");
    check((Kind::ToolFailed, 0), |record| fail(record, "nothing"), "there is no tool `peek`");
    check((Kind::ToolFailed, 1), |record| fail(record, "nothing"), "do not fit the schema");
    check((Kind::MessagePosted, 1), |record| say(record, "nothing is"), "the message: all is in order");
    check(
        (Kind::TurnEnded, 0),
        |record| end(record, TurnOutcome::Limited { limit: "1".to_owned() }),
        "the message",
    );
    check((Kind::TurnEnded, 0), |record| end(record, TurnOutcome::Cancelled), "the message");
    check((Kind::TurnEnded, 1), |record| record.causation = None, "the place of the agent");
}

#[tokio::test]
async fn a_record_without_its_cause_or_too_many_is_found() {
    let definition = scenario();
    let records = real_run(&definition).await;
    let first = |records: Vec<Record>| {
        let report = replayed(&definition, records);
        report.differences.first().map(|first| (first.key.kind, first.expected.clone())).unwrap()
    };
    let mut orphan = records.clone();
    orphan.remove(nth(&records, Kind::ModelIntent, 0));
    assert_eq!(first(orphan).0, Kind::ModelResult);
    let mut orphan = records.clone();
    orphan.remove(nth(&records, Kind::ToolIntent, 0));
    assert_eq!(first(orphan).0, Kind::ToolResult);
    let mut twice = records.clone();
    twice.insert(nth(&records, Kind::TurnEnded, 0), records[nth(&records, Kind::ToolResult, 0)].clone());
    assert_eq!(first(twice), (Kind::ToolResult, "no second record with the key 1/1/0/ToolResult".to_owned()));
    let mut after = records.clone();
    let mut late = records[nth(&records, Kind::TurnAssigned, 1)].clone();
    late.key = RecordKey::new(TurnId(3), Step(0), 0, Kind::TurnAssigned);
    after.push(late);
    assert_eq!(first(after), (Kind::TurnAssigned, "nothing after the end of the run".to_owned()));
}

#[tokio::test]
async fn a_rest_that_the_host_wrote_is_a_fact() {
    let definition = scenario();
    let mut records = real_run(&definition).await;
    let mut rest = records[nth(&records, Kind::TurnAssigned, 1)].clone();
    rest.key = RecordKey::new(TurnId(0), Step(0), 0, Kind::Suspended);
    rest.event = Event::Suspended { reason: "the store is full".to_owned() };
    rest.causation = None;
    records.insert(nth(&records, Kind::TurnAssigned, 1), rest);
    let report = replayed(&definition, records);
    assert!(report.is_equal(), "{:?}", report.differences);
}

#[tokio::test]
async fn what_another_definition_decided_is_changed_and_not_wrong() {
    let definition = scenario();
    let mut records = real_run(&definition).await;
    let place = nth(&records, Kind::TurnAssigned, 1);
    assign(&mut records[place], "auditor", "the oldest first", 2);
    if let Event::RunAdmitted(admitted) = &mut records[0].event {
        admitted.definition_hash = [9; 32];
    }
    let report = replayed(&definition, records);
    assert!(report.is_equal(), "{:?}", report.differences);
    assert_eq!(
        report.changed.iter().map(|deviation| deviation.seq.0).collect::<Vec<_>>(),
        [place as u64 + 1]
    );
}

/// Panics at every record and question.
#[derive(Clone)]
struct Breaks;

impl Pattern for Breaks {
    fn decide(&self, _: &ConversationView<'_>) -> PatternDecision {
        broken()
    }

    fn apply(&mut self, _: &Event) {
        broken()
    }

    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }
}

fn broken() -> ! {
    // Without the panic hook: a planned panic needs no backtrace.
    std::panic::resume_unwind(Box::new("as planned"))
}

#[tokio::test]
async fn what_panics_is_what_is_wrong_and_the_rest_is_replayed() {
    let definition = scenario();
    let records = real_run(&definition).await;
    let expected = |change: fn(&mut Definition)| {
        let mut broken = Definition::clone(&definition);
        change(&mut broken);
        let report = replayed(&Arc::new(broken), records.clone());
        assert_eq!(report.n_records, records.len());
        let differences = report.differences.into_iter();
        differences.map(|one| (one.key.kind, one.expected)).collect::<Vec<_>>()
    };
    let opening = expected(|definition| definition.opening = Arc::new(|_| broken()));
    assert_eq!(opening, [(Kind::MessagePosted, "an opening that does not panic".to_owned())]);
    let pattern = expected(|definition| definition.crew.pattern = Box::new(Breaks));
    let why = "a pattern that does not panic".to_owned();
    let kinds = [Kind::TurnAssigned, Kind::TurnAssigned, Kind::RunConcluded];
    assert_eq!(pattern, kinds.map(|kind| (kind, why.clone())));
    let policy = expected(|definition| definition.policy = ReviewPolicy::new(|_| broken()));
    assert_eq!(policy, [(Kind::ToolIntent, "a policy that does not panic".to_owned())]);
}

fn say(record: &mut Record, text: &str) {
    let Event::MessagePosted { message } = &mut record.event else { panic!("{record:?}") };
    text.clone_into(&mut message.content);
}

fn assign(record: &mut Record, to: &str, why: &str, sees: u32) {
    let Event::TurnAssigned { speaker, reason, upto, .. } = &mut record.event else { panic!("{record:?}") };
    (*speaker, *reason, *upto) = (crate::test_records::agent(to), why.to_owned(), sees);
}

fn conclude(record: &mut Record, kind: OutcomeKind, text: &str) {
    let Event::RunConcluded { outcome, result, .. } = &mut record.event else { panic!("{record:?}") };
    (outcome.kind, *result) = (kind, Some(format!("\"{text}\"")));
}

fn intent(record: &mut Record) -> &mut ModelIntent {
    let Event::ModelIntent(intent) = &mut record.event else { panic!("another kind") };
    intent
}

fn call(record: &mut Record) -> &mut playhouse_journal::ToolIntent {
    let Event::ToolIntent(intent) = &mut record.event else { panic!("another kind") };
    intent
}

fn fail(record: &mut Record, text: &str) {
    let Event::ToolFailed { failure, .. } = &mut record.event else { panic!("another kind") };
    text.clone_into(&mut failure.detail);
}

fn end(record: &mut Record, how: TurnOutcome) {
    let Event::TurnEnded { outcome, .. } = &mut record.event else { panic!("another kind") };
    *outcome = how;
}
