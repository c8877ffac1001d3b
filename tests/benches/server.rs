//! An endpoint that answers at once, as a process of its own: its time is not ours.
//!
//! The first request of a run is answered with a tool call, the second with a text. `GET /connections` tells how many
//! connections that asked for a completion were open at once, at most.

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

const CALL: &str = r#"{"id":"c","object":"chat.completion","model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"echo","arguments":"{\"text\":\"hello\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":50,"completion_tokens":10}}"#;
const TEXT: &str = r#"{"id":"c","object":"chat.completion","model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"It said hello. DONE"},"finish_reason":"stop"}],"usage":{"prompt_tokens":70,"completion_tokens":6}}"#;
const CALL_EVENTS: &str = r#"data: {"id":"c","model":"bench","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"echo","arguments":""}}]}}]}

data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"text\":"}}]}}]}

data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"hello\"}"}}]}}]}

data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"id":"c","choices":[],"usage":{"prompt_tokens":50,"completion_tokens":10}}

data: [DONE]

"#;
const TEXT_EVENTS: &str = r#"data: {"id":"c","model":"bench","choices":[{"index":0,"delta":{"role":"assistant","content":"It"}}]}

data: {"id":"c","choices":[{"index":0,"delta":{"content":" said"}}]}

data: {"id":"c","choices":[{"index":0,"delta":{"content":" hello."}}]}

data: {"id":"c","choices":[{"index":0,"delta":{"content":" DONE"}}]}

data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: {"id":"c","choices":[],"usage":{"prompt_tokens":70,"completion_tokens":6}}

data: [DONE]

"#;

/// A running server process, which ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let own = std::env::current_exe().unwrap();
        let mut child = Command::new(own).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It does nothing else but wait for its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until the process is killed.
pub(crate) fn serve() {
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    executor.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let connections = Arc::new(Connections::default());
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let connections = Arc::clone(&connections);
            tokio::spawn(async move {
                let has_asked = AtomicBool::new(false);
                let service = service_fn(|request: Request<Incoming>| {
                    if request.method() == hyper::Method::POST && !has_asked.swap(true, Ordering::Relaxed) {
                        connections.add();
                    }
                    answer(request, connections.most.load(Ordering::Relaxed))
                });
                // A client that hangs up ends its connection.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                if has_asked.load(Ordering::Relaxed) {
                    connections.open.fetch_sub(1, Ordering::Relaxed);
                }
            });
        }
    });
}

/// How many connections are open, and were at most.
#[derive(Default)]
struct Connections {
    open: AtomicUsize,
    most: AtomicUsize,
}

impl Connections {
    fn add(&self) {
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(open, Ordering::Relaxed);
    }
}

async fn answer(
    request: Request<Incoming>,
    n_connections: usize,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() == hyper::Method::GET {
        return Ok(Response::new(Full::new(Bytes::from(n_connections.to_string()))));
    }
    // A client that hangs up is not answered.
    let body = request.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
    let has = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
    let (kind, text) = match (has("\"stream\":true"), has("\"role\":\"tool\"")) {
        (false, false) => ("application/json", CALL),
        (false, true) => ("application/json", TEXT),
        (true, false) => ("text/event-stream", CALL_EVENTS),
        (true, true) => ("text/event-stream", TEXT_EVENTS),
    };
    let response = Response::builder().header("content-type", kind);
    Ok(response.body(Full::new(Bytes::from_static(text.as_bytes()))).unwrap())
}
