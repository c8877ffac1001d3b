//! Tools that misbehave: each call gets one answer that says so, and the run goes on.

use std::sync::{Condvar, Mutex};

use playhouse::prelude::*;
use playhouse::{Runtime, RuntimeOptions};

/// Whether tools that block may end: after the test, so that no thread of it stays behind.
static MAY_END: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

/// Never ends.
#[tool(effect = "pure", timeout = "50ms")]
async fn hang() -> Result<String, ToolError> {
    std::future::pending().await
}

/// Blocks its thread, does not listen when it is cancelled, and answers when nobody waits any more.
#[tool(effect = "pure", timeout = "50ms")]
async fn answer_late() -> Result<String, ToolError> {
    let (may_end, changed) = &MAY_END;
    drop(changed.wait_while(may_end.lock().unwrap(), |may_end| !*may_end).unwrap());
    Ok("too late".to_owned())
}

/// Panics.
#[expect(clippy::panic, reason = "that is what it is for")]
#[tool(effect = "pure", timeout = "5s")]
async fn panic_at_once() -> Result<String, ToolError> {
    panic!("the rope tears")
}

/// Answers far more than anybody can read.
#[tool(effect = "pure", timeout = "20s", output_limit = "1KiB")]
async fn answer_much() -> Result<ToolOutput, ToolError> {
    Ok(ToolOutput(vec![b'a'; 64 << 20]))
}

/// Answers bytes that are no text.
#[tool(effect = "pure", timeout = "5s")]
async fn answer_bytes() -> Result<ToolOutput, ToolError> {
    Ok(ToolOutput(vec![b'a', 0xff, 0xfe]))
}

/// Answers characters that would move a cursor.
#[tool(effect = "pure", timeout = "5s")]
async fn answer_controls() -> Result<ToolOutput, ToolError> {
    Ok(ToolOutput::text("a\u{0}b\u{1b}[2Jc\r\n"))
}

/// Answers half of a JSON object.
#[tool(effect = "pure", timeout = "5s")]
async fn answer_half() -> Result<ToolOutput, ToolError> {
    Ok(ToolOutput::text("{\"a\": "))
}

/// Fails with an error that names nothing.
#[tool(effect = "pure", timeout = "5s")]
async fn fail_silently() -> Result<String, ToolError> {
    Err(ToolError::NotDone(String::new()))
}

/// The tools with what the agent is to be told: whether it failed, and the beginning of the text.
const EXPECTED: &[(&str, bool, &str)] = &[
    ("hang", true, "50ms"),
    ("answer_late", true, "50ms"),
    ("panic_at_once", true, "the rope tears"),
    ("answer_much", false, "aaaa"),
    ("answer_bytes", true, "UTF-8"),
    ("answer_controls", false, "a\u{0}b\u{1b}[2Jc"),
    ("answer_half", false, "{\"a\": "),
    ("fail_silently", true, ""),
];

fn scenario() -> Scenario<String, String> {
    let mut scenario = Scenario::builder("bad-tools");
    let clerk = scenario.agent("clerk", |agent| {
        let agent = agent.tool(hang).tool(answer_late).tool(panic_at_once).tool(answer_much);
        let agent = agent.tool(answer_bytes).tool(answer_controls).tool(answer_half).tool(fail_silently);
        agent.script(|request: &ModelRequest, _: &ScriptContext| {
            let Some(exchange) = request.exchanges().first() else {
                let calls = EXPECTED.iter().map(|(tool, ..)| *tool);
                return calls.fold(ScriptReply::default(), |reply, tool| {
                    reply.and_call(tool, &serde_json::json!({}))
                });
            };
            let told = exchange.calls.iter().map(|call| (&call.tool, call.failed, &call.answer));
            ScriptReply::say(serde_json::to_string(&told.collect::<Vec<_>>()).unwrap_or_default())
        })
    });
    scenario.crew(RoundRobin::new(), [&clerk]).until(turns(1));
    scenario.build().unwrap()
}

#[test]
fn every_misbehaving_tool_gets_one_answer_and_the_run_goes_on() {
    let executor = playhouse::async_runtime().unwrap();
    let outcome = executor
        .block_on(executor.spawn(async {
            let runtime = Runtime::open_with(RuntimeOptions::ephemeral()).await.unwrap();
            let outcome = runtime.run(&scenario(), "Begin.".to_owned()).await.unwrap();
            *MAY_END.0.lock().unwrap() = true;
            MAY_END.1.notify_all();
            runtime.close().await.unwrap();
            outcome
        }))
        .unwrap();
    let told: Vec<(String, bool, String)> = serde_json::from_str(&outcome.result.unwrap()).unwrap();
    assert_eq!(told.len(), EXPECTED.len(), "{told:?}");
    for ((tool, failed, answer), (expected_tool, expected_failed, part)) in told.iter().zip(EXPECTED) {
        let shown: String = answer.chars().take(200).collect();
        assert_eq!((tool.as_str(), *failed), (*expected_tool, *expected_failed), "{shown}");
        assert!(answer.contains(part), "`{tool}` tells {shown:?}");
        assert!(answer.len() <= 2_048, "`{tool}` tells {} bytes", answer.len());
    }
}
