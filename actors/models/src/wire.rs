//! What endpoints answer, as they answer it: chat completion objects and chunks, read leniently.
//!
//! Our own types, because async-openai's are closed: a provider that omits a tool call's `type`, sends `null` for a list or
//! a service tier of its own would fail. Only what is used is read; everything is optional.
//! Source: OpenAI API reference, "Chat Completions", and what compatible servers were seen to send.

use std::borrow::Cow;

use async_openai::error::{ApiError, WrappedError};
use playhouse_types::TokenUsage;
use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};

/// A completion, or one chunk of a streamed one.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Completion {
    #[serde(default)]
    pub(crate) model: Option<String>,
    #[serde(default)]
    pub(crate) choices: Option<Vec<Choice>>,
    #[serde(default, deserialize_with = "or_none")]
    pub(crate) usage: Option<WireUsage>,
    #[serde(default)]
    pub(crate) error: Option<Box<serde_json::value::RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Choice {
    #[serde(default, deserialize_with = "or_none")]
    pub(crate) index: Option<i64>,
    /// What a chunk adds to the message.
    #[serde(default)]
    pub(crate) delta: Option<Delta>,
    /// The whole message.
    #[serde(default)]
    pub(crate) message: Option<Delta>,
    #[serde(default)]
    pub(crate) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Delta {
    #[serde(default)]
    pub(crate) content: Option<Content>,
    #[serde(default)]
    pub(crate) refusal: Option<String>,
    #[serde(default)]
    pub(crate) tool_calls: Option<Vec<CallDelta>>,
}

/// Text, or the parts that some endpoints send instead.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ContentPart {
    #[serde(default)]
    pub(crate) text: Option<String>,
}

impl Content {
    /// Returns the text of it.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}

/// A tool call, or what a chunk adds to it. The id is not read: calls are named by their position.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct CallDelta {
    #[serde(default, deserialize_with = "or_none")]
    pub(crate) index: Option<u64>,
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) function: Option<FunctionDelta>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct FunctionDelta {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) arguments: Option<Arguments>,
}

/// The text of a JSON object, or the object itself, which some endpoints send instead.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Arguments {
    Text(String),
    Object(serde_json::Value),
}

impl Arguments {
    /// Returns them as text.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Object(value) => value.to_string(),
        }
    }
}

/// Token counts. Numbers of any kind are read; a negative one counts as 0.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct WireUsage {
    #[serde(default)]
    prompt_tokens: Option<f64>,
    #[serde(default)]
    completion_tokens: Option<f64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Default, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<f64>,
}

impl From<WireUsage> for TokenUsage {
    fn from(usage: WireUsage) -> Self {
        // A cast from a float saturates: negative and NaN become 0.
        let count = |number: Option<f64>| number.unwrap_or_default() as u64;
        let (input_tokens, output_tokens) = (count(usage.prompt_tokens), count(usage.completion_tokens));
        let cached = usage.prompt_tokens_details.and_then(|details| details.cached_tokens);
        let reasoning = usage.completion_tokens_details.and_then(|details| details.reasoning_tokens);
        Self {
            input_tokens,
            output_tokens,
            cached_input_tokens: count(cached).min(input_tokens),
            reasoning_tokens: count(reasoning).min(output_tokens),
        }
    }
}

/// Reads a value that nothing depends on: of a wrong shape it counts as absent.
fn or_none<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    // Absent is what a wrong shape means here.
    Ok(serde_json::from_value(value).ok())
}

/// Reads an error object, bare or under `error`; `None` if the text is not one.
pub(crate) fn api_error(text: &[u8]) -> Option<ApiError> {
    if let Ok(wrapped) = serde_json::from_slice::<WrappedError>(text) {
        return Some(wrapped.error);
    }
    // Codes may be numbers, errors mere texts, and some servers wrap nothing.
    let value: serde_json::Value = serde_json::from_slice(text).ok()?;
    let error = value.get("error").or_else(|| value.get("detail")).unwrap_or(&value);
    let text_of = |name: &str| match error.get(name) {
        Some(serde_json::Value::String(text)) => Some(text.clone()),
        Some(serde_json::Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let message = error.as_str().map(str::to_owned).or_else(|| text_of("message"))?;
    Some(ApiError {
        message,
        r#type: text_of("type"),
        param: text_of("param"),
        code: text_of("code"),
        misalignment: None,
    })
}

/// A reply with tool calls as a message of the request, with ids of ours.
#[derive(Serialize)]
pub(crate) struct AssistantMessage<'a> {
    pub(crate) role: &'static str,
    pub(crate) content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tool_calls: Vec<CallMessage<'a>>,
}

#[derive(Serialize)]
pub(crate) struct CallMessage<'a> {
    pub(crate) id: String,
    pub(crate) r#type: &'static str,
    pub(crate) function: FunctionMessage<'a>,
}

#[derive(Serialize)]
pub(crate) struct FunctionMessage<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) arguments: Cow<'a, str>,
}

/// What the runtime tells a model beside the conversation, as a message of the request.
#[derive(Serialize)]
pub(crate) struct UserMessage<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> UserMessage<'a> {
    pub(crate) const fn new(content: &'a str) -> Self {
        Self { role: "user", content }
    }
}

/// The answer to a tool call as a message of the request.
#[derive(Serialize)]
pub(crate) struct ToolMessage<'a> {
    pub(crate) role: &'static str,
    pub(crate) tool_call_id: String,
    pub(crate) content: &'a str,
}
