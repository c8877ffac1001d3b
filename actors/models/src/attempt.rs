//! One asking of an endpoint: send, read, and tell what went wrong.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use playhouse_http::{HttpClient, HttpRequest, HttpResponse};
use playhouse_messages::{Clock, FrameSink};
use playhouse_types::ModelName;

use crate::failure::AttemptFailure;
use crate::reply::{Reply, ReplyBuilder};
use crate::retry_after::retry_after;
use crate::settings::{Delivery, OpenAiSettings};
use crate::sse::SseDecoder;
use crate::wire::Completion;

/// How much of an error's body is read.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// How long an endpoint that has said everything may take to say how many tokens that was.
const USAGE_WAIT: Duration = Duration::from_secs(2);
/// How long the end of a stream may take after `[DONE]`: without it the connection cannot be used again.
const END_WAIT: Duration = Duration::from_millis(20);

/// One asking of an endpoint.
pub(crate) struct Attempt<'a> {
    pub(crate) http: &'a HttpClient,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) settings: &'a OpenAiSettings,
    pub(crate) model: &'a ModelName,
    pub(crate) frames: &'a FrameSink,
    pub(crate) number: u32,
}

impl Attempt<'_> {
    /// Sends `request` and reads the reply.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the endpoint may still charge for the call.
    pub(crate) async fn run(&self, request: HttpRequest) -> Result<Reply, AttemptFailure> {
        let timeouts = &self.settings.timeouts;
        let first_byte = match self.settings.delivery {
            Delivery::Streamed => timeouts.first_byte,
            Delivery::Whole => timeouts.total,
        };
        let slot = self.http.slot().await;
        let response = within(self.clock, first_byte, slot.post(request)).await;
        let response = response
            .ok_or_else(|| {
                AttemptFailure::transient(format!("it did not begin to answer within {first_byte:?}"))
            })?
            .map_err(|error| AttemptFailure::from_http(&error))?;
        if !(200..300).contains(&response.status()) {
            return Err(self.error_answer(response).await);
        }
        self.read(response).await
    }

    async fn error_answer(&self, mut response: HttpResponse) -> AttemptFailure {
        let mut body = Vec::new();
        while body.len() < MAX_ERROR_BYTES {
            // The status says enough if the body does not come.
            match within(self.clock, self.settings.timeouts.between_pieces, response.chunk()).await {
                Some(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
                _ => break,
            }
        }
        let milliseconds = response.header("retry-after-ms").and_then(|value| value.trim().parse().ok());
        let wait = milliseconds.map(Duration::from_millis).or_else(|| {
            response.header("retry-after").and_then(|value| retry_after(value, self.clock.now()))
        });
        AttemptFailure::from_status(response.status(), &body, wait, self.model)
    }

    /// Reads an answer of whatever kind it turns out to be.
    async fn read(&self, mut response: HttpResponse) -> Result<Reply, AttemptFailure> {
        let content_type = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if content_type.starts_with("text/html") {
            return Err(AttemptFailure::html());
        }
        let Some(first) = self.next_piece(&mut response, self.settings.timeouts.first_byte).await? else {
            return Err(match self.settings.delivery {
                Delivery::Streamed => AttemptFailure::transient("its answer ended before it began"),
                Delivery::Whole => AttemptFailure::malformed("its answer is empty"),
            });
        };
        // Endpoints that cannot stream ignore that they were asked to, and few set a correct type.
        match first.trim_ascii_start().first() {
            Some(b'<') => Err(AttemptFailure::html()),
            Some(b'{' | b'[') => self.read_whole(response, first).await,
            _ if content_type.starts_with("application/json") => self.read_whole(response, first).await,
            _ => self.read_stream(response, first).await,
        }
    }

    /// Returns the next bytes; the end of the body is `None`.
    async fn next_piece(
        &self,
        response: &mut HttpResponse,
        limit: Duration,
    ) -> Result<Option<Bytes>, AttemptFailure> {
        let limit = match self.settings.delivery {
            Delivery::Streamed => limit,
            Delivery::Whole => self.settings.timeouts.total,
        };
        match within(self.clock, limit, response.chunk()).await {
            Some(piece) => piece.map_err(|error| AttemptFailure::from_http(&error)),
            None => Err(AttemptFailure::transient(format!("its answer stopped for {limit:?}"))),
        }
    }

    async fn read_whole(&self, mut response: HttpResponse, first: Bytes) -> Result<Reply, AttemptFailure> {
        // Twice the text, as JSON escapes grow it, and room for tool calls.
        let limit = self.settings.caps.text_bytes.saturating_mul(2).saturating_add(16 << 20);
        let mut body = Vec::from(first);
        while let Some(piece) = self.next_piece(&mut response, self.settings.timeouts.between_pieces).await? {
            body.extend_from_slice(&piece);
            if body.len() > limit {
                return Err(AttemptFailure::malformed(format!("its answer is longer than {limit} bytes")));
            }
        }
        let mut reply = ReplyBuilder::new(self.settings.caps);
        reply.add(parse(&body)?)?;
        self.frames.token(self.number, 0, reply.content());
        reply.finish()
    }

    async fn read_stream(&self, mut response: HttpResponse, first: Bytes) -> Result<Reply, AttemptFailure> {
        let mut stream = Stream {
            reply: ReplyBuilder::new(self.settings.caps),
            is_done: false,
            frames: self.frames,
            attempt: self.number,
        };
        let mut decoder = SseDecoder::default();
        let limit = self.settings.caps.text_bytes.saturating_mul(2).saturating_add(16 << 20);
        let mut piece = first;
        loop {
            decoder.push(&piece, |data| stream.take(data))?;
            if decoder.pending_bytes() > limit {
                return Err(AttemptFailure::malformed(format!("one event is longer than {limit} bytes")));
            }
            if stream.is_done {
                within(self.clock, END_WAIT, read_to_end(&mut response)).await;
                break;
            }
            let next = if stream.reply.is_finished() {
                // The reply is complete: only its usage is missing, and no failure may cost it.
                let limit = USAGE_WAIT.min(self.settings.timeouts.between_pieces);
                within(self.clock, limit, response.chunk()).await.and_then(Result::ok).flatten()
            } else {
                self.next_piece(&mut response, self.settings.timeouts.between_pieces).await?
            };
            match next {
                Some(next) => piece = next,
                None => {
                    stream.end(decoder)?;
                    break;
                }
            }
        }
        if stream.reply.is_finished() || (stream.is_done && !stream.reply.has_choice()) {
            return stream.reply.finish();
        }
        Err(AttemptFailure::transient("its stream ended in the middle of the reply"))
    }
}

/// A streamed reply on its way to watchers.
struct Stream<'a> {
    reply: ReplyBuilder,
    is_done: bool,
    frames: &'a FrameSink,
    attempt: u32,
}

impl Stream<'_> {
    /// Takes the data of one event.
    fn take(&mut self, data: &[u8]) -> Result<(), AttemptFailure> {
        let data = data.trim_ascii();
        if self.is_done || data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        let before = self.reply.add(parse(data)?)?;
        let added = self.reply.content().get(before..).unwrap_or_default();
        self.frames.token(self.attempt, before, added);
        Ok(())
    }

    /// Takes the end of the stream; an event that it cut is no error of its own, the stream is truncated.
    fn end(&mut self, decoder: SseDecoder) -> Result<(), AttemptFailure> {
        match decoder.finish(|data| self.take(data)) {
            Err(failure) if failure.kind != playhouse_types::ModelFailureKind::Malformed => Err(failure),
            _ => Ok(()),
        }
    }
}

async fn read_to_end(response: &mut HttpResponse) {
    while let Ok(Some(_)) = response.chunk().await {}
}

fn parse(json: &[u8]) -> Result<Completion, AttemptFailure> {
    let error = match serde_json::from_slice(json) {
        Ok(completion) => return Ok(completion),
        Err(error) => error,
    };
    // Bytes that are no UTF-8 cost a character, not the reply.
    if std::str::from_utf8(json).is_err()
        && let Ok(completion) = serde_json::from_str(&String::from_utf8_lossy(json))
    {
        return Ok(completion);
    }
    // The place and the kind only: serde's own words may quote the text.
    let (kind, line, column) = (error.classify(), error.line(), error.column());
    Err(AttemptFailure::malformed(format!(
        "its answer is not a chat completion ({kind:?} error at line {line}, column {column})"
    )))
}

/// Waits for `future`, at most `limit`; `None` if that was not enough.
///
/// A future that is ready at once costs no timer, as most pieces of a stream are.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    if let Poll::Ready(output) = futures::poll!(&mut future) {
        return Some(output);
    }
    tokio::select! {
        biased;
        output = &mut future => Some(output),
        () = clock.sleep(limit) => None,
    }
}

#[cfg(test)]
mod tests;
