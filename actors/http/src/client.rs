//! The client and its slots.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, ClientBuilder, Url, redirect, retry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{HttpError, HttpLimits, HttpResponse};

/// A request with a body; the body is shared, never copied.
#[derive(Clone)]
pub struct HttpRequest {
    /// Where it goes; `http` or `https`.
    pub url: Url,
    /// The headers.
    pub headers: HeaderMap,
    /// The body of a `POST`.
    pub body: Bytes,
}

impl std::fmt::Debug for HttpRequest {
    /// Shows the host and the sizes: query, headers and body may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let origin = self.url.origin().ascii_serialization();
        f.debug_struct("HttpRequest")
            .field("origin", &origin)
            .field("n_headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// A bounded HTTP/1.1 client. Cheap to clone; clones share connections and bounds.
#[derive(Clone)]
pub struct HttpClient(Arc<Pool>);

struct Pool {
    limits: HttpLimits,
    slots: Arc<Semaphore>,
    /// Made at the first request to such an endpoint: loading root certificates takes tens of milliseconds and fails
    /// where none are installed, which must not concern a local endpoint.
    https: OnceLock<Client>,
    http: OnceLock<Client>,
}

impl HttpClient {
    /// Makes a client; nothing is connected, looked up or loaded yet.
    #[must_use]
    pub fn new(limits: HttpLimits) -> Self {
        let slots = Arc::new(Semaphore::new(limits.max_connections.max(1)));
        Self(Arc::new(Pool { limits, slots, https: OnceLock::new(), http: OnceLock::new() }))
    }

    /// Waits for a free connection. Those who wait are served in order.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue.
    pub async fn slot(&self) -> HttpSlot {
        // The semaphore is never closed; were it, sending without a permit would be the smaller harm.
        let permit = Arc::clone(&self.0.slots).acquire_owned().await.ok();
        HttpSlot { client: self.clone(), permit }
    }

    fn client_for(&self, url: &Url) -> Result<&Client, HttpError> {
        let (cell, is_https) = match url.scheme() {
            "https" => (&self.0.https, true),
            _ => (&self.0.http, false),
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let builder = builder(&self.0.limits);
        // Plain HTTP is for endpoints of this machine or network: no proxy, and no certificates to load.
        let builder = if is_https { builder } else { builder.no_proxy().tls_certs_only([]) };
        let client = builder.build().map_err(HttpError::Setup)?;
        Ok(cell.get_or_init(|| client))
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let free = self.0.slots.available_permits();
        f.debug_struct("HttpClient").field("limits", &self.0.limits).field("free", &free).finish()
    }
}

fn builder(limits: &HttpLimits) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("playhouse/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(limits.connect_timeout)
        .pool_max_idle_per_host(limits.max_connections.max(1))
        .pool_idle_timeout(limits.idle_timeout)
        .tcp_nodelay(true)
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
}

/// The right to use one connection once.
#[derive(Debug)]
pub struct HttpSlot {
    client: HttpClient,
    permit: Option<OwnedSemaphorePermit>,
}

impl HttpSlot {
    /// Sends a `POST` and returns once the head of the answer is there. Any status but a redirect is an answer.
    ///
    /// # Errors
    /// [`HttpError`]; whether the other side acted is said there.
    /// # Cancel safety
    /// Dropping the future closes the connection; the other side may have acted.
    pub async fn post(self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let HttpRequest { url, headers, body } = request;
        let client = self.client.client_for(&url)?;
        let response =
            client.post(url).headers(headers).body(body).send().await.map_err(HttpError::from_send)?;
        let status = response.status();
        if status.is_redirection() {
            let base = response.url();
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let location = location.and_then(|text| base.join(text).ok());
            let location = location.map(|url| url.origin().ascii_serialization());
            return Err(HttpError::Redirect { status: status.as_u16(), location });
        }
        Ok(HttpResponse::new(response, self.permit))
    }
}
