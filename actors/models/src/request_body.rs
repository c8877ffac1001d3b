//! The body of a request: a concatenation of fragments that were serialized before.
//!
//! Turn 2,000 of a conversation must not serialize 2,000 messages: each message has its JSON ready in the transcript, and
//! the head (model, parameters, tools, instructions) is serialized once per header. What remains is copying bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_openai::types::chat::{
    ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage,
    ChatCompletionRequestSystemMessageContent, ChatCompletionStreamOptions, ChatCompletionTool,
    ChatCompletionTools, FunctionObject,
};
use playhouse_messages::{Exchange, HistoryItem, ModelRequest, RequestHeader};
use playhouse_types::Participant;
use serde::Serialize;

use crate::settings::Delivery;
use crate::wire::{AssistantMessage, CallMessage, FunctionMessage, ToolMessage, UserMessage};

/// Builds bodies and keeps the heads.
pub(crate) struct RequestBodies {
    delivery: Delivery,
    is_vendor: bool,
    heads: RwLock<BTreeMap<[u8; 32], Arc<Head>>>,
}

/// How many heads are kept. More than a large crew has agents; a head is a few kilobytes.
const MAX_HEADS: usize = 2_048;

/// What all bodies of one header begin with, up to and including the instructions.
struct Head {
    json: Vec<u8>,
    /// The size of the last body, so that the next one is allocated once.
    last_size: AtomicUsize,
}

/// The head's fields in the order in which they are sent.
#[derive(Serialize)]
struct HeadFields<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<ChatCompletionStreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ChatCompletionTools>,
    /// The last field: its closing bracket is cut off, and the history follows.
    messages: Vec<ChatCompletionRequestMessage>,
}

impl RequestBodies {
    pub(crate) fn new(delivery: Delivery, is_vendor: bool) -> Self {
        Self { delivery, is_vendor, heads: RwLock::default() }
    }

    /// Returns the body of a request.
    ///
    /// # Errors
    /// The text of what is wrong with the header: a tool whose schema is not JSON.
    pub(crate) fn build(&self, request: &ModelRequest) -> Result<Vec<u8>, String> {
        let head = self.head(request)?;
        let mut body = Vec::with_capacity(head.last_size.load(Ordering::Relaxed) + 1_024);
        body.extend_from_slice(&head.json);
        let mut is_first = request.header.system.is_empty();
        for item in request.history() {
            if !std::mem::take(&mut is_first) {
                body.push(b',');
            }
            match item {
                HistoryItem::Message(entry) => {
                    let is_own =
                        matches!(&entry.message.from, Participant::Agent(name) if *name == request.agent);
                    let json = if is_own { entry.for_author() } else { entry.for_others() };
                    body.extend_from_slice(json.as_bytes());
                }
                HistoryItem::Exchange(exchange) => write_exchange(&mut body, exchange),
                HistoryItem::LeftOut(count) => {
                    let text = format!("[Earlier messages that are left out here: {count}]");
                    write_json(&mut body, &UserMessage::new(&text));
                }
                HistoryItem::Instruction(text) => write_json(&mut body, &UserMessage::new(text)),
            }
        }
        body.extend_from_slice(b"]}");
        head.last_size.store(body.len(), Ordering::Relaxed);
        Ok(body)
    }

    fn head(&self, request: &ModelRequest) -> Result<Arc<Head>, String> {
        // A poisoned lock only means that a panic happened elsewhere: the map is whole.
        if let Some(head) =
            self.heads.read().unwrap_or_else(PoisonError::into_inner).get(&request.header_hash)
        {
            return Ok(Arc::clone(head));
        }
        let json = self.head_json(&request.header)?;
        let head = Arc::new(Head { last_size: AtomicUsize::new(json.len()), json });
        let mut heads = self.heads.write().unwrap_or_else(PoisonError::into_inner);
        if heads.len() >= MAX_HEADS {
            // Rare, and what is still needed comes back with its next request.
            heads.clear();
        }
        heads.insert(request.header_hash, Arc::clone(&head));
        Ok(head)
    }

    fn head_json(&self, header: &RequestHeader) -> Result<Vec<u8>, String> {
        let is_streamed = self.delivery == Delivery::Streamed;
        let options = ChatCompletionStreamOptions { include_usage: Some(true), include_obfuscation: None };
        let limit = header.max_output_tokens;
        let mut tools = Vec::with_capacity(header.tools.len());
        for tool in &header.tools {
            let parameters = serde_json::from_str(&tool.schema)
                .map_err(|error| format!("the schema of tool `{}` is not JSON: {error}", tool.name))?;
            let function = FunctionObject {
                name: tool.name.to_string(),
                description: Some(tool.description.clone()),
                parameters: Some(parameters),
                strict: None,
            };
            tools.push(ChatCompletionTools::Function(ChatCompletionTool { function }));
        }
        let system = ChatCompletionRequestSystemMessage {
            content: ChatCompletionRequestSystemMessageContent::Text(header.system.clone()),
            name: None,
        };
        let system = (!header.system.is_empty()).then_some(ChatCompletionRequestMessage::System(system));
        let fields = HeadFields {
            model: header.model.as_str(),
            stream: is_streamed.then_some(true),
            stream_options: is_streamed.then_some(options),
            // The vendor's newer models refuse the old name, most other servers know only that.
            max_completion_tokens: limit.filter(|_| self.is_vendor),
            max_tokens: limit.filter(|_| !self.is_vendor),
            temperature: header.temperature,
            tools,
            messages: system.into_iter().collect(),
        };
        let mut json = serde_json::to_vec(&fields).map_err(|error| error.to_string())?;
        json.truncate(json.len().saturating_sub("]}".len()));
        Ok(json)
    }
}

impl std::fmt::Debug for RequestBodies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestBodies").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}

/// Writes the calls as one message of the assistant and each answer as one of the tool.
fn write_exchange(body: &mut Vec<u8>, exchange: &Exchange) {
    let calls = exchange.calls.iter().map(|call| CallMessage {
        id: call.call.to_string(),
        r#type: "function",
        function: FunctionMessage { name: function_name(&call.tool), arguments: arguments(&call.arguments) },
    });
    let content = (!exchange.content.is_empty()).then_some(exchange.content.as_str());
    write_json(body, &AssistantMessage { role: "assistant", content, tool_calls: calls.collect() });
    if let Some(feedback) = &exchange.feedback {
        body.push(b',');
        write_json(body, &UserMessage::new(feedback));
    }
    for call in &exchange.calls {
        body.push(b',');
        let tool_call_id = call.call.to_string();
        write_json(body, &ToolMessage { role: "tool", tool_call_id, content: &call.answer });
    }
}

#[expect(clippy::expect_used, reason = "texts into memory: neither the serializer nor the writer can fail")]
fn write_json(body: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(body, value).expect("strings serialize into a vector");
}

/// Returns a name that endpoints accept: they refuse the whole request over one that a model made up.
fn function_name(name: &str) -> Cow<'_, str> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=64).contains(&name.len()) && name.chars().all(is_allowed) {
        return Cow::Borrowed(name);
    }
    let name: String = name.chars().take(64).map(|c| if is_allowed(c) { c } else { '_' }).collect();
    Cow::Owned(if name.is_empty() { "unnamed".to_owned() } else { name })
}

/// Returns arguments that endpoints accept: some parse those of earlier calls and fail if they are not an object.
///
/// Broken ones are wrapped, so that the model still sees what it wrote.
fn arguments(text: &str) -> Cow<'_, str> {
    if text.trim().is_empty() {
        return Cow::Borrowed("{}");
    }
    if text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(serde_json::json!({ "invalid_arguments": text }).to_string())
}
