//! An endpoint that answers as told, byte by byte, and remembers what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What follows an answer on its connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Listen,
    Close,
    Stall,
}

/// The pieces of one answer.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) pieces: Vec<Vec<u8>>,
    pub(crate) then: Then,
}

impl Answer {
    /// A whole answer with a body.
    pub(crate) fn status(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Self { pieces: vec![format!("{head}\r\n{body}").into_bytes()], then: Then::Listen }
    }

    pub(crate) fn json(body: &str) -> Self {
        Self::status(200, &[("content-type", "application/json")], body)
    }

    /// The head of a stream and its bytes, each piece as one chunk; the last chunk is there.
    pub(crate) fn stream<T: AsRef<[u8]>>(pieces: &[T]) -> Self {
        let mut answer = Self::cut_stream(pieces);
        answer.pieces.push(b"0\r\n\r\n".to_vec());
        answer.then = Then::Listen;
        answer
    }

    /// A stream that ends by hanging up in the middle.
    pub(crate) fn cut_stream<T: AsRef<[u8]>>(pieces: &[T]) -> Self {
        let head =
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                .to_vec();
        let chunk = |piece: &T| {
            let piece = piece.as_ref();
            [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
        };
        Self { pieces: std::iter::once(head).chain(pieces.iter().map(chunk)).collect(), then: Then::Close }
    }

    pub(crate) fn raw(bytes: &str, then: Then) -> Self {
        Self { pieces: vec![bytes.as_bytes().to_vec()], then }
    }

    pub(crate) fn then(mut self, then: Then) -> Self {
        self.then = then;
        self
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

struct Script {
    answers: VecDeque<Answer>,
    seen: Vec<Seen>,
}

/// A running endpoint.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) base_url: String,
    script: Arc<Mutex<Script>>,
}

impl Server {
    /// Starts an endpoint that gives `answers` in order, the last one for ever.
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script { answers: answers.into(), seen: Vec::new() }));
        let shared = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&shared)));
            }
        });
        Self { base_url, script }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }
}

async fn converse(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    stream.set_nodelay(true).unwrap();
    while let Some(seen) = read_request(&mut stream).await {
        let answer = {
            let mut script = script.lock().unwrap();
            script.seen.push(seen);
            if script.answers.len() > 1 {
                script.answers.pop_front()
            } else {
                script.answers.front().cloned()
            }
        };
        let Some(answer) = answer else { return };
        for piece in &answer.pieces {
            if stream.write_all(piece).await.is_err() {
                return;
            }
            // Lets the other side see the pieces apart, most of the time.
            tokio::task::yield_now().await;
        }
        match answer.then {
            Then::Listen => {}
            Then::Close => return,
            Then::Stall => std::future::pending().await,
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_len = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_len].to_vec()).unwrap();
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let body_len: usize = headers.get("content-length")?.parse().unwrap();
    while bytes.len() < head_len + body_len {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head_len..].to_vec()).unwrap();
    Some(Seen { path, headers, body })
}
