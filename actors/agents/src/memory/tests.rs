//! Memories over histories with and without tool calls.

mod properties;

use std::sync::Arc;

use playhouse_messages::{
    Exchange, ExchangeCall, HistoryItem, ModelRequest, OwnTurn, RequestHeader, Threads, Transcript,
    TranscriptView,
};
use playhouse_types::{
    AgentName, Brief, CallId, Label, Message, ModelName, Participant, Step, ThreadId, TurnId,
};

use super::Memory;
use crate::{AgentDefinition, AgentState, model_request};

/// The turn that is open in all requests here; it comes after all others.
const OPEN: TurnId = TurnId(1_000);

fn name(text: &str) -> AgentName {
    AgentName::new(text).unwrap()
}

fn message(from: Participant, content: String) -> Message {
    Message { turn: TurnId(0), from, content, label: Label::default() }
}

/// A conversation of these texts: message 0 from the user, the others from `a` and `b` by turns.
fn transcript<T: ToString>(texts: &[T]) -> Arc<Transcript> {
    let transcript = Transcript::default();
    for (place, text) in texts.iter().enumerate() {
        let from = match place {
            0 => Participant::User,
            place => Participant::Agent(name(if place % 2 == 1 { "a" } else { "b" })),
        };
        transcript.push(message(from, text.to_string()));
    }
    Arc::new(transcript)
}

/// An exchange with one call whose answer has so many bytes.
fn exchange(turn: TurnId, answer_bytes: usize) -> Exchange {
    let call = ExchangeCall {
        call: CallId { turn, step: Step(1), ordinal: 0 },
        tool: "read".to_owned(),
        arguments: "{}".to_owned(),
        answer: "x".repeat(answer_bytes),
        failed: false,
    };
    Exchange { calls: vec![call], ..Exchange::default() }
}

fn own(turn: u32, upto: u32, answer_bytes: usize) -> OwnTurn {
    let turn = TurnId(turn);
    OwnTurn { turn, thread: ThreadId::MAIN, upto, exchanges: vec![exchange(turn, answer_bytes)] }
}

/// The request of `a` in its open turn, which sees the whole conversation.
fn request(transcript: &Arc<Transcript>, own: Vec<OwnTurn>, brief: Option<Brief>) -> ModelRequest {
    let header = Arc::new(RequestHeader {
        model: ModelName::new("m"),
        system: String::new(),
        tools: Vec::new(),
        max_output_tokens: None,
        temperature: None,
    });
    ModelRequest {
        agent: name("a"),
        turn: OPEN,
        step: Step(1),
        header_hash: header.hash(),
        header,
        brief: brief.map(Arc::new),
        transcript: TranscriptView::new(Arc::clone(transcript), transcript.len()),
        own: Arc::new(own),
    }
}

fn remembered(memory: Memory, request: &ModelRequest) -> ModelRequest {
    let transcript = request.transcript.clone().without(memory.left_out(request));
    ModelRequest { transcript, ..request.clone() }
}

/// Writes a history down: messages by their text, exchanges by their turn, what is left out by its number.
fn written(request: &ModelRequest) -> Vec<String> {
    let item = |item: HistoryItem<'_>| match item {
        HistoryItem::Message(entry) => entry.message.content.clone(),
        HistoryItem::Exchange(exchange) => {
            exchange.calls.iter().map(|call| format!("call {}", call.call.turn)).collect()
        }
        HistoryItem::LeftOut(count) => format!("-{count}"),
        HistoryItem::Instruction(text) => format!("do {text}"),
    };
    request.history().map(item).collect()
}

#[track_caller]
fn check(memory: Memory, expected: &[&str]) {
    // Turn 1 ended with message 1, turn 3 with message 3; `a` spoke last in turn 5, without a message.
    let own = vec![own(1, 1, 4), own(3, 3, 4), own(5, 6, 4), own(1_000, 6, 4)];
    let request = request(&transcript(&["task", "m1", "m2", "m3", "m4", "m5"]), own, Some(Brief::new("it")));
    assert_eq!(written(&remembered(memory, &request)), expected, "{memory:?}");
}

const NEWEST: [&str; 4] = ["m5", "call 5", "do it", "call 1000"];

/// Returns these items and then the newest ones.
fn and_newest(items: &[&'static str]) -> Vec<&'static str> {
    [items, &NEWEST].concat()
}

#[test]
fn a_whole_memory_leaves_out_nothing() {
    let all = and_newest(&["task", "call 1", "m1", "m2", "call 3", "m3", "m4"]);
    check(Memory::whole(), &all);
    check(Memory::whole().head(1), &all);
    check(Memory::last(6), &all);
    check(Memory::last(99).within(u64::MAX), &all);
    check(Memory::tokens(1_000).head(1), &all);
}

#[test]
fn the_newest_messages_are_kept_with_the_calls_before_each() {
    check(Memory::last(3), &and_newest(&["-3", "call 3", "m3", "m4"]));
    check(Memory::last(2), &and_newest(&["-4", "m4"]));
    check(Memory::last(1), &and_newest(&["-5"]));
}

#[test]
fn the_newest_message_and_the_open_turn_are_kept_whatever_the_bound() {
    check(Memory::last(0), &and_newest(&["-5"]));
    check(Memory::tokens(0), &and_newest(&["-5"]));
    check(Memory::tokens(0).head(0), &and_newest(&["task", "-4"]));
}

#[test]
fn the_head_keeps_the_task_and_what_fits_after_it() {
    check(Memory::last(2).head(1), &and_newest(&["task", "-3", "m4"]));
    // `task` takes 2 tokens with its author, the call 3, and `m1` 2.
    check(Memory::last(1).head(6), &and_newest(&["task", "-4"]));
    check(Memory::last(1).head(7), &and_newest(&["task", "call 1", "m1", "-3"]));
}

#[test]
fn a_head_that_reaches_the_tail_leaves_out_nothing() {
    let all = and_newest(&["task", "call 1", "m1", "m2", "call 3", "m3", "m4"]);
    check(Memory::last(4).head(9), &all);
    check(Memory::last(5).head(1), &all);
}

#[test]
fn tokens_count_messages_and_what_was_done_with_tools() {
    // From the end: 3 for the call and 2 for `m5`, 2 for `m4`, then 3 and 2 for the call and `m3`.
    check(Memory::tokens(6), &and_newest(&["-5"]));
    check(Memory::tokens(7), &and_newest(&["-4", "m4"]));
    check(Memory::tokens(11), &and_newest(&["-4", "m4"]));
    check(Memory::tokens(12), &and_newest(&["-3", "call 3", "m3", "m4"]));
    check(Memory::last(2).within(12), &and_newest(&["-4", "m4"]));
    check(Memory::last(3).within(11), &and_newest(&["-4", "m4"]));
}

#[test]
fn an_empty_conversation_stays_empty() {
    let request = request(&transcript::<String>(&[]), Vec::new(), None);
    for memory in [Memory::last(1), Memory::tokens(1).head(1)] {
        assert_eq!(remembered(memory, &request).hash(), request.hash());
    }
}

#[test]
fn the_hash_tells_what_is_read() {
    let texts: Vec<u32> = (0..9).collect();
    let request = request(&transcript(&texts), Vec::new(), None);
    let memories =
        [Memory::whole(), Memory::last(4), Memory::last(3), Memory::last(3).head(1), Memory::last(3).head(4)];
    let mut hashes = memories.map(|memory| remembered(memory, &request).hash()).to_vec();
    assert_eq!(hashes[0], request.hash());
    // That messages are left out is read, too.
    hashes.push(ModelRequest { transcript: request.transcript.clone().since(6), ..request.clone() }.hash());
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), memories.len() + 1);
}

#[test]
fn the_request_of_an_agent_follows_its_memory() {
    let threads = Threads::default();
    for place in 0..5 {
        threads.push(ThreadId::MAIN, message(Participant::User, format!("m{place}")));
    }
    let request_of = |memory| {
        let definition = AgentDefinition { memory, ..AgentDefinition::new(name("a")) };
        let header = request(&transcript::<String>(&[]), Vec::new(), None);
        let state = AgentState::new(name("a"), 9);
        model_request(&definition, &state, (header.header, header.header_hash), &threads, (OPEN, 4, Step(1)))
    };
    assert_eq!(written(&request_of(Memory::whole())), ["m0", "m1", "m2", "m3"]);
    assert_eq!(written(&request_of(Memory::last(1).head(1))), ["m0", "-2", "m3"]);
    assert_eq!(request_of(Memory::last(1)).hash(), request_of(Memory::last(1)).hash());
}
