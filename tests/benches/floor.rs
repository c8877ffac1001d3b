//! What the same work costs with nothing around it: no actors, no journal, no supervision.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::measure::{cpu, millis_each};

/// Whether replies come in pieces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Whole,
    Streamed,
}

/// Four tasks that hand a growing conversation around: milliseconds per turn.
pub(crate) async fn turns(n_runs: usize, n_turns: usize) -> f64 {
    let mut total = Duration::ZERO;
    for _ in 0..n_runs {
        let before = cpu();
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| mpsc::channel::<Vec<String>>(4)).unzip();
        let (done, mut end) = mpsc::channel(1);
        for (place, mut receiver) in receivers.into_iter().enumerate() {
            // Weak, so that the tasks end with the run.
            let (next, done) = (senders[(place + 1) % 4].downgrade(), done.clone());
            tokio::spawn(async move {
                while let Some(mut said) = receiver.recv().await {
                    said.push(format!("This is turn {}.", said.len()));
                    // Whoever closed a channel has what it wanted.
                    let _ = match next.upgrade().filter(|_| said.len() < n_turns) {
                        Some(next) => next.send(said).await.is_ok(),
                        None => done.send(said).await.is_ok(),
                    };
                }
            });
        }
        senders[0].send(Vec::new()).await.unwrap();
        assert_eq!(end.recv().await.unwrap().len(), n_turns);
        total += cpu() - before;
    }
    millis_each(total, n_runs * n_turns)
}

/// One connection to the server.
#[derive(Debug)]
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Client {
    pub(crate) async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, host: address.to_owned() }
    }

    async fn send(&mut self, method: &str, path: &str, body: Bytes) -> Bytes {
        self.sender.ready().await.unwrap();
        let request = Request::builder().method(method).uri(path).header("host", &self.host);
        let request = request.header("content-type", "application/json").body(Full::new(body)).unwrap();
        self.sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes()
    }

    /// Asks, calls the tool that the reply names, and asks again.
    pub(crate) async fn run(&mut self, form: Form) {
        let mut messages = vec![
            json!({ "role": "system", "content": "You are asker. Your goal: Find out what the echo says" }),
            json!({ "role": "user", "content": "Begin." }),
        ];
        let reply = self.ask(&messages, form).await;
        let call = reply["tool_calls"][0].clone();
        let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
        messages.push(reply);
        messages.push(json!({ "role": "tool", "tool_call_id": call["id"], "content": arguments["text"] }));
        let reply = self.ask(&messages, form).await;
        assert_eq!(reply["content"], "It said hello. DONE");
    }

    async fn ask(&mut self, messages: &[Value], form: Form) -> Value {
        let parameters = json!({
            "type": "object", "properties": { "text": { "type": "string", "description": "What to say again." } },
            "required": ["text"],
        });
        let function =
            json!({ "name": "echo", "description": "Says a text again.", "parameters": parameters });
        let tools = json!([{ "type": "function", "function": function }]);
        let mut body = json!({ "model": "bench", "messages": messages, "tools": tools });
        if form == Form::Streamed {
            body["stream"] = Value::Bool(true);
        }
        let body = Bytes::from(serde_json::to_vec(&body).unwrap());
        let answer = self.send("POST", "/v1/chat/completions", body).await;
        match form {
            Form::Whole => serde_json::from_slice::<Value>(&answer).unwrap()["choices"][0]["message"].take(),
            Form::Streamed => collect(&answer),
        }
    }
}

/// Puts the pieces of a streamed reply together.
fn collect(answer: &[u8]) -> Value {
    let (mut content, mut arguments, mut id) = (String::new(), String::new(), Value::Null);
    for event in
        std::str::from_utf8(answer).unwrap().split("\n\n").filter_map(|event| event.strip_prefix("data: "))
    {
        // The last event is a word, not JSON.
        let Ok(chunk) = serde_json::from_str::<Value>(event) else { continue };
        let delta = &chunk["choices"][0]["delta"];
        content.push_str(delta["content"].as_str().unwrap_or_default());
        let call = &delta["tool_calls"][0];
        arguments.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
        if call["id"].is_string() {
            id = call["id"].clone();
        }
    }
    let function = json!({ "name": "echo", "arguments": arguments });
    let calls = if id.is_null() {
        json!([])
    } else {
        json!([{ "id": id, "type": "function", "function": function }])
    };
    json!({ "role": "assistant", "content": content, "tool_calls": calls })
}

/// Returns how many connections for completions the server had open at once, at most.
pub(crate) async fn connections(address: &str) -> usize {
    let answer = Client::connect(address).await.send("GET", "/connections", Bytes::new()).await;
    std::str::from_utf8(&answer).unwrap().parse().unwrap()
}
