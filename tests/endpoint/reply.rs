//! What an endpoint answers, whole or as server-sent events.

use serde_json::{Value, json};

/// How many characters an event adds to a text.
const PIECE_CHARS: usize = 16;

/// One tool call of a reply.
#[derive(Clone, Debug)]
struct Call {
    id: String,
    tool: String,
    arguments: String,
}

/// A reply of a model.
#[derive(Clone, Debug)]
pub struct Reply {
    content: String,
    calls: Vec<Call>,
    finish: Option<&'static str>,
    refusal: Option<String>,
    has_choices: bool,
    edit: Option<fn(&mut Value)>,
}

impl Reply {
    /// Says something.
    pub fn say(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            calls: Vec::new(),
            finish: None,
            refusal: None,
            has_choices: true,
            edit: None,
        }
    }

    /// Calls a tool.
    #[must_use]
    pub fn call(tool: &str, arguments: &Value) -> Self {
        Self::say("").and_call("call_1", tool, &arguments.to_string())
    }

    /// Adds a call with this id; `arguments` are sent as they are.
    #[must_use]
    pub fn and_call(mut self, id: &str, tool: &str, arguments: &str) -> Self {
        self.calls.push(Call { id: id.to_owned(), tool: tool.to_owned(), arguments: arguments.to_owned() });
        self
    }

    /// Ends for this reason instead of `stop` or `tool_calls`.
    #[must_use]
    pub const fn finishing(mut self, reason: &'static str) -> Self {
        self.finish = Some(reason);
        self
    }

    /// Declines instead of answering.
    pub fn refusing(text: impl Into<String>) -> Self {
        Self { refusal: Some(text.into()), ..Self::say("") }
    }

    /// Has no choices at all.
    #[must_use]
    pub fn empty() -> Self {
        Self { has_choices: false, ..Self::say("") }
    }

    /// Changes its JSON before it is sent: each chunk of a stream, or all of it.
    #[must_use]
    pub const fn edited(mut self, edit: fn(&mut Value)) -> Self {
        self.edit = Some(edit);
        self
    }

    fn text(&self, mut json: Value) -> String {
        if let Some(edit) = self.edit {
            edit(&mut json);
        }
        json.to_string()
    }

    fn finish(&self) -> &'static str {
        self.finish.unwrap_or(if self.calls.is_empty() { "stop" } else { "tool_calls" })
    }

    fn usage(&self) -> Value {
        let n_tokens = self.content.len() / 4 + 1;
        json!({ "prompt_tokens": 10, "completion_tokens": n_tokens, "total_tokens": n_tokens + 10 })
    }

    /// Returns the body of an answer in one piece.
    pub(super) fn whole(&self, model: &str) -> String {
        let calls: Vec<Value> = self.calls.iter().map(whole_call).collect();
        let message = json!({
            "role": "assistant", "content": self.content, "refusal": self.refusal, "tool_calls": calls,
        });
        let choice = json!({ "index": 0, "message": message, "finish_reason": self.finish() });
        let choices = if self.has_choices { vec![choice] } else { Vec::new() };
        self.text(json!({
            "id": "chatcmpl-1", "object": "chat.completion", "model": model, "choices": choices, "usage": self.usage(),
        }))
    }

    /// Returns the events of a streamed answer.
    pub(super) fn events(&self, model: &str) -> Vec<String> {
        let chunk = |choices: Value, usage: Value| {
            let chunk = json!({
                "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": model, "choices": choices, "usage": usage,
            });
            format!("data: {}\n\n", self.text(chunk))
        };
        let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
        deltas.extend(pieces(&self.content).map(|piece| json!({ "content": piece })));
        deltas.extend(self.refusal.as_deref().map(|text| json!({ "refusal": text })));
        for (index, call) in self.calls.iter().enumerate() {
            let function = json!({ "name": call.tool, "arguments": "" });
            let begun = json!({ "index": index, "id": call.id, "type": "function", "function": function });
            deltas.push(json!({ "tool_calls": [begun] }));
            deltas.extend(pieces(&call.arguments).map(
                |piece| json!({ "tool_calls": [{ "index": index, "function": { "arguments": piece } }] }),
            ));
        }
        let choice = |delta: Value, finish: Option<&str>| json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
        let mut events = Vec::new();
        if self.has_choices {
            events.extend(deltas.into_iter().map(|delta| chunk(choice(delta, None), Value::Null)));
            events.push(chunk(choice(json!({}), Some(self.finish())), Value::Null));
        }
        events.push(chunk(json!([]), self.usage()));
        events.push("data: [DONE]\n\n".to_owned());
        events
    }
}

fn whole_call(call: &Call) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": call.tool, "arguments": call.arguments } })
}

/// Cuts a text into pieces of a few characters; a long one into a thousand pieces.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    let chars: Vec<char> = text.chars().collect();
    let piece_chars = PIECE_CHARS.max(chars.len() / 1_000);
    let pieces: Vec<String> = chars.chunks(piece_chars).map(|piece| piece.iter().collect()).collect();
    pieces.into_iter()
}
