//! An OpenAI-compatible endpoint in this process, which answers as a test says.

mod asked;
mod reply;

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

pub use self::asked::AskedModel;
pub use self::reply::Reply;

/// How an endpoint answers a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// With a reply: streamed if that was asked for, else whole.
    Reply(Reply),
    /// With a status, headers and a body.
    Http {
        /// The status.
        status: u16,
        /// The headers.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: String,
    },
    /// With the first half of a streamed reply, and then by hanging up.
    Cut(Reply),
    /// With the first half of a streamed reply, and then not at all.
    Stalled(Reply),
    /// With a reply whose bytes are changed on their way, and what follows them.
    Altered(Reply, fn(&[u8]) -> Vec<u8>, Then),
    /// Not at all.
    Silent,
}

impl Answer {
    /// Says something and stops.
    pub fn say(content: impl Into<String>) -> Self {
        Self::Reply(Reply::say(content))
    }

    /// Answers with a web page.
    #[must_use]
    pub fn web_page() -> Self {
        let headers = vec![("content-type", "text/html; charset=utf-8".to_owned())];
        Self::Http {
            status: 200,
            headers,
            body: "<!DOCTYPE html><html><body>Welcome</body></html>".to_owned(),
        }
    }

    /// Refuses the request as one too many, to be repeated at once.
    #[must_use]
    pub fn too_many() -> Self {
        let headers = vec![("retry-after", "0".to_owned()), ("content-type", "application/json".to_owned())];
        Self::Http { status: 429, headers, body: r#"{"error": {"message": "slow down"}}"#.to_owned() }
    }
}

/// What tells an answer from a request.
type Script = dyn Fn(&AskedModel) -> Answer + Send + Sync;

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

/// A running endpoint; it goes with this value.
#[derive(Debug)]
pub struct Endpoint {
    base_url: String,
    counts: Arc<Counts>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counts").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Starts an endpoint whose answers `script` makes from what it is asked.
    ///
    /// # Panics
    /// If this machine has no free port.
    #[must_use]
    pub fn start(script: impl Fn(&AskedModel) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let counts = Arc::new(Counts::default());
        let (stop, stopped) = oneshot::channel();
        let shared = Shared { script: Arc::new(script), counts: Arc::clone(&counts) };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = shared.serve(listener) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { base_url, counts, stop: Some(stop), thread: Some(thread) }
    }

    /// Returns an address at which nobody listens.
    ///
    /// # Panics
    /// If this machine has no free port.
    #[must_use]
    pub fn nobody() -> String {
        // Bound and closed again: the system does not hand the port to the next one who asks.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        format!("http://{address}/v1")
    }

    /// Returns what `OPENAI_BASE_URL` is to be.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns how many connections were made so far.
    #[must_use]
    pub fn n_connections(&self) -> usize {
        self.counts.connections.load(Ordering::Relaxed)
    }

    /// Returns how many requests were made so far.
    #[must_use]
    pub fn n_requests(&self) -> usize {
        self.counts.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // An error means that its thread has ended already; a panic there was shown there.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[derive(Clone)]
struct Shared {
    script: Arc<Script>,
    counts: Arc<Counts>,
}

impl Shared {
    async fn serve(self, listener: TcpListener) {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            self.counts.connections.fetch_add(1, Ordering::Relaxed);
            let shared = self.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| shared.clone().answer(request));
                // A client that was killed, or an answer that was cut on purpose.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else { return std::future::pending().await };
        let asked = AskedModel::read(&head.headers, &body.to_bytes());
        Ok(match (self.script)(&asked) {
            Answer::Reply(reply) if asked.is_streamed() => events(reply.events(asked.model()), Then::End),
            Answer::Reply(reply) => json(reply.whole(asked.model())),
            Answer::Http { status, headers, body } => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                response.body(full(body)).unwrap()
            }
            Answer::Cut(reply) => events(half(reply.events(asked.model())), Then::HangUp),
            Answer::Stalled(reply) => events(half(reply.events(asked.model())), Then::Nothing),
            Answer::Altered(reply, alter, then) => {
                let is_streamed = asked.is_streamed();
                let bytes = if is_streamed {
                    reply.events(asked.model()).concat()
                } else {
                    reply.whole(asked.model())
                };
                let pieces = alter(bytes.as_bytes()).chunks(PIECE_BYTES).map(<[u8]>::to_vec).collect();
                pieces_of(if is_streamed { EVENTS } else { JSON }, pieces, then)
            }
            Answer::Silent => std::future::pending().await,
        })
    }
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";

/// How many bytes are sent at once: few enough to split events and characters.
const PIECE_BYTES: usize = 1_021;

/// How long a dripping endpoint takes for a byte.
const DRIP: Duration = Duration::from_millis(20);

/// What follows the pieces of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// Its end.
    End,
    /// The end of the connection.
    HangUp,
    /// Nothing, for ever.
    Nothing,
    /// A line end now and then, for ever.
    Drip,
}

fn full(body: String) -> Body {
    Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync()
}

fn json(body: String) -> Response<Body> {
    Response::builder().header("content-type", JSON).body(full(body)).unwrap()
}

fn half(mut events: Vec<String>) -> Vec<String> {
    events.truncate((events.len() / 2).max(1));
    events
}

fn events(events: Vec<String>, then: Then) -> Response<Body> {
    pieces_of(EVENTS, events.into_iter().map(String::into_bytes).collect(), then)
}

fn pieces_of(content_type: &str, pieces: Vec<Vec<u8>>, then: Then) -> Response<Body> {
    let frames = stream::iter(pieces).map(|piece| Ok(Frame::data(Bytes::from(piece))));
    let body = match then {
        Then::End => StreamBody::new(frames).boxed_unsync(),
        Then::HangUp => {
            let cut = stream::once(async { Err(io::Error::other("hung up on purpose")) });
            StreamBody::new(frames.chain(cut)).boxed_unsync()
        }
        Then::Nothing => StreamBody::new(frames.chain(stream::pending())).boxed_unsync(),
        Then::Drip => {
            let drip = stream::unfold(tokio::time::interval(DRIP), async |mut interval| {
                interval.tick().await;
                Some((Ok(Frame::data(Bytes::from_static(b"\n"))), interval))
            });
            StreamBody::new(frames.chain(drip)).boxed_unsync()
        }
    };
    Response::builder().header("content-type", content_type).body(body).unwrap()
}
