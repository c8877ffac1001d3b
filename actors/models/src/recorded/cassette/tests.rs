use std::path::Path;

use playhouse_types::{CaseName, FinishReason, TokenUsage, ToolCallRequest};
use proptest::prelude::*;

use super::{Contents, Entry, RequestId, header_line, read};
use crate::CassetteError;

/// A line as format 1 has it: what is changed here needs another version.
const LINE: &str = r#"{"request":"0707070707070707070707070707070707070707070707070707070707070707","occurrence":2,"case":"ahorn","run":"00000000000000000000000009","agent":"clerk","turn":3,"step":1,"model":"gpt-4o","attempts":1,"reply":{"content":"größe 5","tool_calls":[{"tool":"read","arguments":"{\"file\": 1}"}],"finish":"ToolCalls","usage":{"input_tokens":10,"output_tokens":5,"cached_input_tokens":4,"reasoning_tokens":1},"cost_microusd":85,"response_model":"gpt-4o-2024-08-06"}}"#;

fn contents(bytes: &[u8]) -> Result<Contents, CassetteError> {
    read(Path::new("tape.jsonl"), bytes)
}

fn entries(bytes: &[u8]) -> Vec<Entry> {
    contents(bytes).unwrap().entries.into_iter().map(|(_, entry)| entry).collect()
}

#[track_caller]
fn check_refused(bytes: &[u8], expected: &str) {
    assert_eq!(contents(bytes).unwrap_err().to_string(), expected);
}

#[test]
fn a_stored_line_is_read_and_written_as_it_is() {
    let read = entries(format!("{}{LINE}\n", header_line()).as_bytes());
    let [entry] = &read[..] else { panic!("{read:?}") };
    assert_eq!(entry.request, RequestId([7; 32]));
    assert_eq!((entry.occurrence, entry.case.as_ref().map(CaseName::as_str)), (2, Some("ahorn")));
    let reply = &entry.reply;
    let call = ToolCallRequest { tool: "read".to_owned(), arguments: "{\"file\": 1}".to_owned() };
    assert_eq!((&reply.tool_calls[..], reply.finish), (&[call][..], FinishReason::ToolCalls));
    let usage =
        TokenUsage { input_tokens: 10, cached_input_tokens: 4, output_tokens: 5, reasoning_tokens: 1 };
    assert_eq!((reply.usage, reply.cost_microusd), (usage, Some(85)));
    assert_eq!(serde_json::to_string(entry).unwrap(), LINE);
}

#[test]
fn a_file_that_is_no_cassette_or_a_newer_one_is_refused_by_name() {
    let no_cassette = "`tape.jsonl` is not a cassette: its first line is not `{\"playhouse_cassette\":1}`";
    check_refused(b"my notes", no_cassette);
    check_refused(b"{\"playhouse_cassette\":0}\n", no_cassette);
    check_refused(b"\n", no_cassette);
    check_refused(b"\xff\xfe", no_cassette);
    check_refused(
        b"{\"playhouse_cassette\":7, \"new\": true}\n",
        "cassette `tape.jsonl` has format 7, this build reads formats up to 1: use a newer build",
    );
}

#[test]
fn a_damaged_line_is_named() {
    let bytes = format!("{}{LINE}\n{{\"request\":1}}\n{LINE}\n", header_line());
    check_refused(
        bytes.as_bytes(),
        "line 3 of cassette `tape.jsonl` is not a recorded reply: mend or delete it",
    );
}

#[test]
fn a_last_line_without_a_line_end_is_whole_if_it_can_be_read() {
    let bytes = format!("{}{LINE}\n\n{LINE}", header_line());
    let contents = contents(bytes.as_bytes()).unwrap();
    assert_eq!((contents.entries.len(), contents.cut_line, contents.n_whole_bytes), (2, None, bytes.len()));
}

proptest! {
    #[test]
    fn a_cassette_that_is_cut_anywhere_keeps_its_whole_lines(n_lines in 0usize..4, cut in any::<prop::sample::Index>()) {
        let bytes = format!("{}{}", header_line(), format!("{LINE}\n").repeat(n_lines)).into_bytes();
        let end = cut.index(bytes.len() + 1);
        let contents = contents(&bytes[..end]).unwrap();
        let n_ends = bytes[..end].iter().filter(|byte| **byte == b'\n').count();
        let n_whole = contents.entries.len();
        // A line that lacks nothing but its end is whole.
        prop_assert!(n_whole == n_ends.saturating_sub(1) || n_whole == n_ends && contents.cut_line.is_none());
        prop_assert_eq!(contents.cut_line.is_some(), contents.n_whole_bytes < end);
    }
}
