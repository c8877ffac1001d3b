//! What an endpoint is asked.

use hyper::HeaderMap;
use serde_json::Value;

/// A chat completion request.
#[derive(Clone, Debug)]
pub struct AskedModel {
    body: Value,
    authorization: Option<String>,
}

impl AskedModel {
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        Self { body: serde_json::from_slice(body).unwrap(), authorization }
    }

    /// Returns the model that is asked.
    #[must_use]
    pub fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or_default()
    }

    /// Tells whether the reply is to be streamed.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        self.body["stream"].as_bool().unwrap_or(false)
    }

    /// Returns the `authorization` header.
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// Returns the messages, oldest first.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn messages(&self) -> &[Value] {
        self.body["messages"].as_array().unwrap()
    }

    /// Returns the instructions.
    #[must_use]
    pub fn instructions(&self) -> &str {
        self.messages()
            .first()
            .filter(|first| first["role"] == "system")
            .map_or("", |first| first["content"].as_str().unwrap_or_default())
    }

    /// Tells whether a tool may be called.
    #[must_use]
    pub fn has_tool(&self, name: &str) -> bool {
        let tools = self.body["tools"].as_array();
        tools.is_some_and(|tools| tools.iter().any(|tool| tool["function"]["name"] == name))
    }

    /// Returns the calls of a tool in the whole conversation with their answers, oldest first.
    #[must_use]
    pub fn answers_of(&self, tool: &str) -> Vec<(Value, String)> {
        let mut answers = Vec::new();
        for call in self.messages().iter().filter_map(|message| message["tool_calls"].as_array()).flatten() {
            if call["function"]["name"] == tool {
                let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
                // Arguments that were broken on purpose stay the text they are.
                let arguments = serde_json::from_str(arguments).unwrap_or_else(|_| Value::from(arguments));
                answers.push((arguments, self.answer_to(&call["id"])));
            }
        }
        answers
    }

    fn answer_to(&self, id: &Value) -> String {
        let answer = self.messages().iter().find(|message| message["tool_call_id"] == *id);
        answer.and_then(|answer| answer["content"].as_str()).unwrap_or_default().to_owned()
    }
}
